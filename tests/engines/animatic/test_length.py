"""Lengths of vectors: right, and the same to the bit at every address."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.length import lengths

Numbers = npt.NDArray[np.float32]


def at_address(numbers: Numbers, past: int) -> Numbers:
    """Return the same numbers `past` bytes after a multiple of 64."""
    room = np.zeros(numbers.nbytes + 128, np.uint8)
    start = -room.ctypes.data % 64 + past
    moved = room[start : start + numbers.nbytes].view(np.float32).reshape(numbers.shape)
    moved[...] = numbers
    return moved


def test_a_length_is_the_root_of_the_squares() -> None:
    assert np.array_equal(lengths(np.array([[3.0, -5.0, 0.0]]), np.array([[4.0, 12.0, 0.0]])), [[5.0, 13.0, 0.0]])
    assert lengths(np.ones((2, 3)), np.ones((2, 3))).dtype == np.float32


def test_the_same_vectors_have_the_same_lengths_wherever_they_lie_in_memory() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 163, 287)).astype(np.float32)
    made = {lengths(at_address(x, past), at_address(y, past // 2)).tobytes() for past in range(0, 64, 4)}
    assert len(made) == 1
