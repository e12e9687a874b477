"""Whether pictures show nudity: NudeNet's small detector on small copies of them, on one thread.

Optional (`pip install "rushes[safety]"`): the weights come in the package `nudenet`, ONNX Runtime runs them. Which
pictures are looked at, and what a hit means, is decided by `work.check`.

The model (320 x 320, RGB from 0 to 1, padded right and below) gives 2,100 boxes of 4 + 18 numbers: centre, size, and
a score from 0 to 1 for each of NudeNet's classes, in its order.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 320
BOX = 4  # numbers before the scores
EXPOSED = {3: "breasts", 4: "genitals", 6: "an anus", 14: "genitals"}  # by NudeNet's class; chests of men, feet: no
HOW_TO = 'pip install "rushes[safety]"'

Picture = npt.NDArray[np.uint8]


def available() -> bool:
    """Whether the detector is installed; loads nothing."""
    return all(importlib.util.find_spec(name) is not None for name in ("nudenet", "onnxruntime"))


def shrink(picture: Picture) -> Picture:
    """Return a copy of a picture (H, W, 3) that the detector takes: (320, 320, 3), black right and below."""
    height, width = picture.shape[:2]
    stride = max(1, min(height, width) // (2 * SIDE))  # area averaging of a huge picture would take longer than looking
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = np.zeros((SIDE, SIDE, 3), np.uint8)
    thinned = np.ascontiguousarray(picture[::stride, ::stride])
    small[: size[1], : size[0]] = cv2.resize(thinned, size, interpolation=cv2.INTER_AREA)
    return small


def nudity(small: Picture, threshold: float) -> str | None:
    """Return what is bare in a picture that `shrink` made, None where nothing is, to a detector at least so sure."""
    blob = (small.astype(np.float32) / 255.0).transpose(2, 0, 1)[None]
    session = _session()
    found = session.run(None, {session.get_inputs()[0].name: blob})[0][0]
    scores = found[BOX:].max(axis=1)
    bare = max(EXPOSED, key=lambda number: float(scores[number]))
    return EXPOSED[bare] if float(scores[bare]) >= threshold else None


@lru_cache(maxsize=1)
def _session() -> Any:
    """Load the detector, once in a process: 0.1 s."""
    # An optional extra, and 60 MB of memory that only checked jobs shall cost.
    import onnxruntime  # noqa: PLC0415

    package = importlib.util.find_spec("nudenet")
    if package is None or package.origin is None:
        raise ModuleNotFoundError(f"nudenet; ask `available` first, or {HOW_TO}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the encoder needs the others
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    weights = Path(package.origin).parent / "320n.onnx"
    return onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
