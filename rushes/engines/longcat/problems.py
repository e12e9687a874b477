"""What can be wrong here through no fault of the request: weights, numbers, memory. Each as the contract's `Unable`.

The caller learns which kind of trouble it is and nothing of folders; the operator's log names the file and the remedy.
"""

from __future__ import annotations

from rushes.engines.engine import Unable
from rushes.errors import ModelError


def weights_problem(remedy: str) -> Unable:
    """The weights are missing, incomplete, or not this model's."""
    told = ModelError("internal_server_error", "The model's weights on this server are missing or can't be used")
    return Unable("here", told, remedy)


def broken_numbers(where: str) -> Unable:
    """The network gave NaN or infinity."""
    told = ModelError("internal_server_error", "The model's numbers broke down (NaN or infinity); no film was made")
    return Unable(
        "here",
        told,
        f"NaN or infinity {where}; verify the weights' checksums, and use bfloat16 or float32, never float16",
    )


def out_of_memory(needed: str, device: str, remedy: str = "") -> Unable:
    """The device has too little memory for what was asked."""
    told = ModelError("internal_server_error", f"There is too little memory on this server's device for {needed}")
    return Unable(
        "here",
        told,
        remedy
        or f"{device} ran out of memory for {needed}; the next film finds all in order. Set offload or tiling, or ask "
        "for less",
    )
