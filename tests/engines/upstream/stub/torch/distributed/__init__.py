"""Stands in for the model's own torch, of which only the starter of several processes is used here."""
