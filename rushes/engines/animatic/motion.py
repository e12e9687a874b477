"""How much moves in a video from frame to frame, for the sounds that follow it. Where things move to is `carry`'s."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.recording import Recording

Series = npt.NDArray[np.float32]

_SIDE = 64  # a frame's longer side as it is looked at: what matters is how much moves, not what
_STILL, _LIVELY = 0.6, 9.0  # mean levels between neighbours: compression's noise, and a whole frame in motion
_SMOOTH_S = 0.12
_SLOWEST, _QUICKEST = 1.2, 4.0  # beats a second that can be steps
_EVEN_SWING = 0.02


def motion_of(path: str, frames: int) -> Series:
    """Return how lively each of the first `frames` frames is, 0..1, smoothed as ears expect it."""
    energies: list[float] = []
    with Recording(path) as recording:
        fps, before = recording.fps, None
        for picture in recording.small(_SIDE):
            light = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            energies.append(0.0 if before is None else float(cv2.norm(light, before, cv2.NORM_L1)) / light.size)
            before = light
            if len(energies) >= frames:
                break
    # The first frame has none before it; a silent start would be heard.
    if len(energies) > 1:
        energies[0] = energies[1]
    moved = np.clip((np.array(energies, np.float32) - _STILL) / (_LIVELY - _STILL), 0.0, 1.0) ** 0.6
    return _smooth(moved, fps)


def pace_of(series: Series, fps: float) -> float | None:
    """Return how many times a second the motion comes and goes, if it does so evenly at the pace of steps."""
    swing = series - float(series.mean())
    low, high = max(2, int(fps / _QUICKEST)), int(fps / _SLOWEST) + 1
    # Two and a half of the slowest beats: fewer are no rhythm.
    if len(series) < 2.5 * high or float(swing.std()) < _EVEN_SWING:
        return None
    likeness = [_likeness(swing[:-lag], swing[lag:]) for lag in range(low, high + 1)]
    best = int(np.argmax(likeness))
    if likeness[best] < 0.5 or best in (0, len(likeness) - 1):
        return None
    before, peak, after = likeness[best - 1 : best + 2]
    # Between frames, at the top of the parabola through the three highest likenesses.
    return fps / (low + best + 0.5 * (before - after) / min(before - 2.0 * peak + after, -1e-6))


def _likeness(one: Series, other: Series) -> float:
    """Return how alike two stretches come and go, -1 to 1; 0 where one of them does not."""
    if min(float(one.std()), float(other.std())) < _EVEN_SWING / 10:
        return 0.0  # of what stands still the correlation is not a number
    return float(np.corrcoef(one, other)[0, 1])


def spread_over(series: Series, fps: float, first: int, count: int, rate: int) -> Series:
    """Return (count,) values from sample `first` on, gliding from frame to frame."""
    at = np.arange(first, first + count) * (fps / rate)
    return np.asarray(np.interp(at, np.arange(len(series)) + 0.5, series), dtype=np.float32)


def _smooth(moved: Series, fps: float) -> Series:
    reach = max(1, round(_SMOOTH_S * fps))
    kernel = np.hanning(2 * reach + 3)[1:-1]
    padded = np.pad(moved, len(kernel) // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)
