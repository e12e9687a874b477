"""Pretended vendors on loopback that speak each vendor's wire format, to rehearse and to test without paying."""
