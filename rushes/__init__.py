"""Rushes: a self-hosted studio for generative video that speaks fal's model API."""

from rushes.connect import connect

__all__ = ["__version__", "connect"]

__version__ = "0.1.0"
