"""Station 7: bytes to pixels and back."""
