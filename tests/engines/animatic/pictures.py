"""Pictures to film in tests: textured so that motion can be measured, and the measuring itself."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall
from rushes.engines.animatic.depth import FAR, Picture, Plane
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.engine import Frames


def textured(width: int, height: int, seed: int = 1) -> Picture:
    """Smooth blobs of every colour: every place can be told from every other."""
    noise = np.random.default_rng(seed).uniform(0, 255, (height, width, 3)).astype(np.float32)
    blurred = cv2.GaussianBlur(noise, (0, 0), 3.0)
    spread = (blurred - blurred.mean()) / blurred.std() * 45 + 128
    return np.asarray(np.clip(spread, 0, 255), dtype=np.uint8)


def landscape(width: int, height: int) -> Picture:
    """An even sky over a textured ground."""
    picture = textured(width, height)
    picture[: height * 2 // 5] = (120, 170, 220)
    return picture


def near_below(width: int, height: int) -> Plane:
    """Disparity of a far upper half and a near lower half, with a slope between."""
    rows = np.clip(np.linspace(-1.0, 2.0, height, dtype=np.float32), 0.0, 1.0)[:, None]
    return np.ascontiguousarray(np.broadcast_to(FAR + (1.0 - FAR) * rows, (height, width)), dtype=np.float32)


def saved(picture: Picture, folder: Path) -> str:
    """Write a picture the way decoded inputs arrive."""
    path = folder / f"{picture.shape[1]}x{picture.shape[0]}.npy"
    np.save(path, picture)
    return str(path)


def film(call: AnimaticCall) -> Picture:
    """Return all frames of a call, (frames, height, width, 3)."""
    made = AnimaticEngine().generate(call, lambda progress: None, lambda: False)
    assert isinstance(made, Frames)
    return np.concatenate(list(made.chunks))


def motion(first: Picture, last: Picture) -> npt.NDArray[np.float32]:
    """Return how far each pixel's content went from one frame to another: (height, width, 2), x then y, in pixels."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, last)]
    start = np.zeros((*grey[0].shape, 2), np.float32)
    flow = cv2.calcOpticalFlowFarneback(grey[0], grey[1], start, 0.5, 5, 25, 4, 7, 1.5, 0)
    return np.asarray(flow, dtype=np.float32)
