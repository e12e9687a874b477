"""Where a narrower frame should look in a video: what matters in each frame, and a calm way through the whole of it.

A first look at the video, small: movement that is not the camera's, skin, colours that stand out, and sharp detail, all
weighed towards the middle. Then the best way is sought over the whole shot (dynamic programming): staying costs
nothing, going does, so that the frame rests, goes when there is reason to, and never trembles. Cuts start anew.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.recording import Recording

Line = npt.NDArray[np.float32]

_SIDE = 128  # of the pictures that are looked at
_LOOKS_PER_S = 8.0
_PLACES = 64  # that the frame can take along its way
# What crossing the whole room costs, and setting out at all, beside a gain of at most 1 for each look.
_GOING, _SETTING_OUT = 1.2, 0.03
_SETTLE_S = 1.1  # a move takes so long, softly begun and ended
_CUT = 0.42  # share of a brightness histogram that is another one's


@dataclass(slots=True)
class _Notes:
    """What a first look found: (looks, _SIDE) of interest across, (looks, _SIDE) down; frames looked at; cuts."""

    across: list[Line] = field(default_factory=list)
    down: list[Line] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    frames: int = 0


def way_through(path: str, share: tuple[float, float]) -> tuple[Line, tuple[int, ...]]:
    """Return where a window of `share` (of the width, of the height; one of them 1) begins in each frame, 0..1 of the
    room it has, and the numbers of the frames that begin a shot.
    """
    notes = _looked(path)
    lines = notes.across if share[0] < share[1] else notes.down
    part = min(share)
    if part > 0.995 or not lines:
        return np.full(max(notes.frames, 1), 0.5, np.float32), tuple(notes.cuts)
    seconds = _SETTLE_S * _LOOKS_PER_S
    places = np.empty(notes.frames, np.float32)
    edges = [0, *notes.cuts, notes.frames]
    for first, last in itertools.pairwise(edges):
        looks = [index for index, number in enumerate(notes.numbers) if first <= number < last]
        calm = _calm_way(np.array([_gains(lines[index], part) for index in looks]), seconds)
        numbers = [notes.numbers[index] for index in looks]
        places[first:last] = np.interp(np.arange(first, last), numbers, calm)
    return places, tuple(notes.cuts)


def _looked(path: str) -> _Notes:
    notes = _Notes()
    with Recording(path) as recording:
        # Every frame is decoded anyway, and looked at for cuts; only some are looked at closely.
        every = max(1, round(recording.fps / _LOOKS_PER_S))
        before: Plane | None = None
        tone: Line | None = None
        for number, small in enumerate(recording.small(_SIDE)):
            grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
            now = np.asarray(cv2.calcHist([grey], [0], None, [32], [0, 256]), np.float32).ravel() / np.float32(
                grey.size
            )
            cut = tone is not None and 0.5 * float(np.abs(now - tone).sum()) > _CUT
            tone = now
            if cut:
                notes.cuts.append(number)
                before = None
            if cut or number % every == 0:
                interest, before = _interest(small, np.asarray(grey, np.float32), before)
                notes.across.append(_resampled(interest.mean(axis=0)))
                notes.down.append(_resampled(interest.mean(axis=1)))
                notes.numbers.append(number)
            # Counted, and not believed: a header may say more than there is.
            notes.frames = number + 1
    return notes


def _interest(small: Picture, grey: Plane, before: Plane | None) -> tuple[Plane, Plane]:
    """Return how much each place matters, (h, w) with a sum of its size, and what the next look compares itself to."""
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.float32)
    apart = np.sqrt(sum((cv2.GaussianBlur(lab[..., c], (0, 0), 2) - float(lab[..., c].mean())) ** 2 for c in (1, 2)))
    sharp = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.5)), (0, 0), 3)
    skin = cv2.GaussianBlur(_skin(small), (0, 0), 3)
    total = 0.8 * _even(apart, 8.0) + 0.7 * _even(sharp, 4.0) + 1.6 * skin
    if before is not None:
        total = total + 1.8 * _moved(before, grey)
    tall, wide = grey.shape
    y, x = np.linspace(-1, 1, tall)[:, None], np.linspace(-1, 1, wide)[None, :]
    # A little everywhere, so that an empty frame is held in the middle rather than anywhere.
    total = (total + 0.02) * np.exp(-0.5 * ((x / 0.9) ** 2 + ((y + 0.15) / 0.9) ** 2))
    return np.asarray(total / max(float(total.mean()), 1e-6), np.float32), grey


def _moved(before: Plane, now: Plane) -> Plane:
    """Return 0..1 where something moved against the rest: what a shift of the whole picture does not explain."""
    window = np.asarray(cv2.createHanningWindow((now.shape[1], now.shape[0]), cv2.CV_32F), np.float32)
    (right, down), sure = cv2.phaseCorrelate(before.copy(), now.copy(), window)  # it may write into what it is given
    if sure > 0.1:
        shift = np.array([[1, 0, right], [0, 1, down]], np.float32)
        before = np.asarray(
            cv2.warpAffine(before, shift, (now.shape[1], now.shape[0]), borderMode=cv2.BORDER_REPLICATE), np.float32
        )
    change = cv2.GaussianBlur(np.maximum(np.abs(now - before) - 6.0, 0.0), (0, 0), 3)
    return np.asarray(np.clip(change / max(14.0, float(change.max()) * 0.6), 0.0, 1.0), np.float32)


def _skin(small: Picture) -> Plane:
    """Return 1 where a colour is one of skin (Chai and Ngan 1999: Cr 133..173, Cb 77..127)."""
    ycc = cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)
    inside = cv2.inRange(ycc, np.array([50, 136, 80], np.uint8), np.array([245, 173, 125], np.uint8))
    share = float((inside > 0).mean())
    return np.asarray(inside, np.float32) / 255.0 * float(np.clip(1.6 - 4.0 * share, 0.1, 1.0))  # a desert is no face


def _even(plane: Plane, least: float) -> Plane:
    """Spread to 0..1; what differs by less than `least` levels is the encoder's noise and stays small."""
    low, high = np.percentile(plane, (40, 99))
    return np.asarray(np.clip((plane - low) / max(float(high - low), least), 0.0, 1.0), np.float32)


def _resampled(line: npt.NDArray[np.floating]) -> Line:
    places = (np.arange(_SIDE) + 0.5) / _SIDE * len(line) - 0.5
    return np.asarray(np.interp(places, np.arange(len(line)), line), np.float32)


def _gains(line: Line, part: float) -> Line:
    """Return how much of what matters a window sees at each of its places, its middle counting most: (_PLACES,)."""
    excess = np.maximum(line - float(np.percentile(line, 30)), 0.0) + 0.02
    centres = (part / 2 + np.linspace(0, 1, _PLACES) * (1 - part))[:, None]
    at = ((np.arange(len(line)) + 0.5) / len(line))[None, :]
    # A parabola: what stands at a window's rim counts little, or heads would be cut in half.
    inside = np.clip(1.15 - (np.abs(at - centres) / (part / 2)) ** 2, 0.0, 1.0)
    seen = (inside * excess[None, :]).sum(axis=1)
    return np.asarray(seen / float(excess.sum()), np.float32)


def _calm_way(gains: npt.NDArray[np.float32], settle: float) -> Line:
    """Return a place, 0..1, for each look: the most seen for the least going, then softened over `settle` looks."""
    count = len(gains)
    at = np.linspace(0, 1, _PLACES, dtype=np.float32)
    going = _GOING * np.abs(at[:, None] - at[None, :]) + _SETTING_OUT * (at[:, None] != at[None, :])
    best, came = gains[0].copy(), np.zeros((count, _PLACES), np.intp)
    for look in range(1, count):
        total = best[:, None] - going
        came[look] = total.argmax(axis=0)
        best = total.max(axis=0) + gains[look]
    way = np.empty(count, np.intp)
    way[-1] = int(best.argmax())
    for look in range(count - 1, 0, -1):
        way[look - 1] = came[look, way[look]]
    # Odd, so that the way is not shifted in time.
    kernel = np.hanning(max(3, int(settle) | 1) + 2)[1:-1]
    padded = np.pad(at[way], len(kernel) // 2, mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), mode="valid").astype(np.float32)
