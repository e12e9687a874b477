"""What can be wrong with weights on this machine, through no fault of the request. Each as the contract's `Unable`.

The caller learns the kind of trouble and nothing of folders; the operator's log names the file and the remedy. Loads
nothing heavy; which errors of the libraries mean what stands in `torch_faults`.
"""

from __future__ import annotations

from rushes.engines.engine import Unable
from rushes.errors import ModelError

REMEDY = "verify the weights' checksums, and use bfloat16 or float32, never float16"
"""What helps where numbers break down."""


def weights_problem(remedy: str) -> Unable:
    """The weights are missing, incomplete, of another kind, or can't be loaded."""
    return unfit("The model's weights on this server are missing or can't be used", remedy)


def out_of_memory(
    what: str,
    device: str,
    remedy: str = "the next film finds all in order; set offload or tiling, or ask for less",
) -> Unable:
    """There is too little memory for what was tried."""
    message = f"There is too little memory on this server's device for {what}"
    return unfit(message, f"{device} ran out of memory for {what}; {remedy}")


def broken_numbers(where: str, remedy: str = REMEDY) -> Unable:
    """NaN or infinity came out; `where` is as in "after step 3"."""
    message = "The model's numbers broke down (NaN or infinity), so no film was made"
    return unfit(message, f"NaN or infinity {where}; {remedy}")


def unfit(message: str, remedy: str) -> Unable:
    """These weights can't do what was asked."""
    return Unable("here", ModelError("internal_server_error", message), remedy)


class DeviceLost(Unable):
    """The device failed in a way after which no process that has used it can use it again."""
