"""Engines that ask a vendor's API: a file for each vendor, of tables and pure functions, and one loop for all."""
