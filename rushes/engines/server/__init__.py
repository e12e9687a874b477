"""Inference servers that the operator already runs, by a table of dialects."""
