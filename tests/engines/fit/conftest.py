"""The tiny weights of the engine whose plans are compared."""

from tests.engines.diffusers.conftest import folders

__all__ = ["folders"]
