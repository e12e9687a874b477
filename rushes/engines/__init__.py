"""Station 6: who makes frames."""
