"""Weights of the Hugging Face Hub: what it has, what of that is needed, fetching it, and where it lies then."""
