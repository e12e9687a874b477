"""What can be wrong here through no fault of the request: weights, memory, numbers. Each as the contract's `Unable`.

The caller learns the kind of trouble and nothing of folders; the operator's log names the file and the remedy.
"""

from __future__ import annotations

from rushes.engines.engine import Unable
from rushes.errors import ModelError


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
