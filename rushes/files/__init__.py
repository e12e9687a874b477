"""Station 8: stored bytes and their URLs."""
