"""What errors of torch and its libraries mean: memory that ran out, a device that is lost, or anything else."""

from __future__ import annotations

import torch

from rushes.engines.engine import Unable
from rushes.engines.trouble import DeviceLost
from rushes.errors import ModelError

NO_MEMORY = (
    "out of memory",  # CUDA, MPS
    "can't allocate memory",  # the CPU's allocator
    "not enough memory",
    "Unable to allocate",  # NumPy
    "_STATUS_ALLOC_FAILED",  # cuBLAS, cuDNN
    "bad_alloc",
)
"""Words of libraries that have no exception of their own for it."""


def ran_out(error: BaseException) -> bool:
    """Say whether an error means that memory ran out."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in NO_MEMORY)


def failed(error: Exception) -> Unable:
    """The libraries or the weights failed in a way that has no name of its own."""
    told = f"{type(error).__name__}: {str(error).strip() or 'without a word'}"
    message = "The model failed on this server, so no film was made"
    kind = DeviceLost if isinstance(error, torch.AcceleratorError) else Unable
    return kind("here", ModelError("internal_server_error", message), told)
