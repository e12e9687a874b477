"""What can be wrong here through no fault of the request: weights, memory, numbers. Each as the contract's `Unable`.

The caller learns the kind of trouble and nothing of folders; the operator's log names the file and the remedy.
"""

from __future__ import annotations

import torch

from rushes.engines.engine import Unable
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


REMEDY = "verify the weights' checksums, and use bfloat16 or float32"
"""What helps where numbers break down."""


def _here(message: str, remedy: str) -> Unable:
    return Unable("here", ModelError("internal_server_error", message), remedy)


def weights_problem(remedy: str) -> Unable:
    """The weights are missing, incomplete, of another kind, or can't be loaded."""
    return _here("The model's weights on this server are missing or can't be used", remedy)


def out_of_memory(what: str, device: str, remedy: str) -> Unable:
    """The device has too little memory for what was asked."""
    message = f"There is too little memory on this server's device for {what}"
    return _here(message, f"{device} ran out of memory for {what}; {remedy}")


def broken_numbers(step: str, remedy: str) -> Unable:
    """NaN or infinity came out."""
    message = "The model's numbers broke down (NaN or infinity), so no film was made"
    return _here(message, f"NaN or infinity after {step}; {remedy}")


def unfit(message: str, remedy: str) -> Unable:
    """These weights can't do what was asked."""
    return _here(message, remedy)


class DeviceLost(Unable):
    """The device failed in a way after which no process that has used it can use it again."""


def failed(error: Exception) -> Unable:
    """The libraries or the weights failed in a way that is none of those above."""
    told = f"{type(error).__name__}: {str(error).strip() or 'without a word'}"
    message = "The model failed on this server, so no film was made"
    kind = DeviceLost if isinstance(error, torch.AcceleratorError) else Unable
    return kind("here", ModelError("internal_server_error", message), told)
