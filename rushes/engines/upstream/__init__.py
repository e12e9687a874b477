"""A model's own repository in its own environment, run as a program: its inputs are files, and so is its film."""
