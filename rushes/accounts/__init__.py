"""Station 9: who asks and what it cost."""
