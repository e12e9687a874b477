"""A film's rate raised by optical flow and its size by a lanczos filter, frame by frame as it comes.

Flow is DIS (Kroeger et al. 2016) at a third of the size, both ways; a frame between two is both of them moved to its
time and mixed by nearness. No model is needed, and nothing is sharper than it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from rushes.calls import Finish

Pixels = npt.NDArray[np.uint8]
Flow = npt.NDArray[np.float32]

_FLOW_SIDE = 426  # longer side at which motion is looked for
_LEAST_SIDE = 48  # DIS needs some pixels for its pyramid
_CHUNK = 8
_NEAR = 1e-3  # a time so near to a frame is that frame


def finished(chunks: Iterator[Pixels], fps: float, wanted: Finish) -> Iterator[Pixels]:
    """Yield the film at its new rate and size; the last frame stays where more are wanted than there are."""
    ready: list[Pixels] = []
    for frame in _at_rate(_singly(chunks), fps, wanted):
        ready.append(_sized(frame, wanted.width, wanted.height))
        if len(ready) == _CHUNK:
            yield np.stack(ready)
            ready = []
    if ready:
        yield np.stack(ready)


def _singly(chunks: Iterator[Pixels]) -> Iterator[Pixels]:
    for chunk in chunks:
        yield from chunk


def _at_rate(frames: Iterator[Pixels], fps: float, wanted: Finish) -> Iterator[Pixels]:
    first = next(frames)
    second, at, flows = next(frames, None), 0, None
    for number in range(wanted.frames):
        time = number * fps / wanted.fps
        while second is not None and time >= at + 1 - _NEAR:
            first, second, at, flows = second, next(frames, None), at + 1, None
        share = time - at
        if second is None or share < _NEAR:
            yield first
            continue
        flows = flows or _flows(first, second)
        yield _between(first, second, flows, share)


def _flows(first: Pixels, second: Pixels) -> tuple[Flow, Flow]:
    """Return the motion from each to the other, (H, W, 2) in pixels of the full size."""
    tall, wide = first.shape[:2]
    factor = max(min(1.0, _FLOW_SIDE / max(tall, wide)), _LEAST_SIDE / min(tall, wide))
    size = max(_LEAST_SIDE, round(wide * factor)), max(_LEAST_SIDE, round(tall * factor))
    light = [cv2.cvtColor(cv2.resize(one, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
             for one in (first, second)]  # fmt: skip
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    both = []
    for a, b in (light, light[::-1]):
        small = finder.calc(a, b, None)  # type: ignore[call-overload]
        both.append(cv2.resize(small, (wide, tall)) * np.array((wide / size[0], tall / size[1]), np.float32))
    return both[0].astype(np.float32), both[1].astype(np.float32)


def _between(first: Pixels, second: Pixels, flows: tuple[Flow, Flow], share: float) -> Pixels:
    here, (onwards, back) = _places(*first.shape[:2]), flows
    # The motion at the new frame's pixels, taken as that of the nearer frame's same pixels: short ways, small error.
    from_first = here - np.float32(share) * onwards
    from_second = here - np.float32(1 - share) * back
    moved = [cv2.remap(picture, way, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
             for picture, way in ((first, from_first), (second, from_second))]  # fmt: skip
    return np.asarray(cv2.addWeighted(moved[0], 1 - share, moved[1], share, 0), dtype=np.uint8)


@lru_cache(maxsize=1)
def _places(tall: int, wide: int) -> Flow:
    """Return where each pixel is, (H, W, 2); the same for all frames of a film."""
    across, down = np.meshgrid(np.arange(wide, dtype=np.float32), np.arange(tall, dtype=np.float32))
    return np.stack((across, down), axis=-1)


def _sized(frame: Pixels, width: int, height: int) -> Pixels:
    """Scale to cover the size, and crop at the centre."""
    tall, wide = frame.shape[:2]
    if (wide, tall) == (width, height):
        return frame
    scale = max(width / wide, height / tall)
    size = max(width, round(wide * scale)), max(height, round(tall * scale))
    large = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return np.asarray(large[top : top + height, left : left + width], dtype=np.uint8)
