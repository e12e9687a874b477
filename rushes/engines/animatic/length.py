"""How long vectors are, to the same bit wherever their numbers lie in memory.

OpenCV's own `magnitude` runs in Intel's library, which rounds the numbers at the ends of an array otherwise depending
on its address, so that the same call gave now one film and now another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]


def lengths(across: npt.NDArray[Any], down: npt.NDArray[Any]) -> Numbers:
    """Return the length of each vector, of any shape: products, a sum and a root, each of which IEEE 754 rounds."""
    squared = np.multiply(across, across, dtype=np.float32)
    squared += np.multiply(down, down, dtype=np.float32)
    return np.asarray(np.sqrt(squared, out=squared), dtype=np.float32)
