"""Station 3: the durable queue."""
