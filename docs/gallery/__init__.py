"""The gallery: one result of every endpoint, made by `make gallery`; what the page shows is written here in code."""
