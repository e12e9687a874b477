"""Station 4: processes that hold models."""
