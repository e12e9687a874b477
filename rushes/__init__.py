"""Rushes: a self-hosted studio for generative video that speaks fal's model API."""

__version__ = "0.1.0"
