"""Pictures drawn in code for the gallery: a night, a balloon with its masks, three things on a plain ground.

They stand for what callers bring along. Everything is drawn at twice its size and shrunk, so that edges are soft;
pictures are (H, W, 3) uint8 BGR, as OpenCV writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

Drawing = npt.NDArray[np.uint8]
Colour = tuple[int, int, int]

PHOTOGRAPH = Path(__file__).parents[2] / "examples" / "mountain-path.jpg"
_TWICE = 2
WIDE, SQUARE = (1280, 720), (1024, 1024)
BALLOON = (400, 280)  # where its middle lies


def night() -> Drawing:
    """The photograph at night: darker and bluer, stars in its clear sky."""
    day = np.asarray(cv2.imread(str(PHOTOGRAPH)), np.float32) / 255
    grey = day.mean(2, keepdims=True)
    dark = (0.35 * day + 0.65 * grey) ** 1.2 * np.array([0.62, 0.42, 0.31], np.float32)
    height, width = dark.shape[:2]
    smooth = cv2.GaussianBlur(day, (0, 0), 6)
    clear = (smooth[..., 0] - smooth[..., 2] > 0.22) & (np.arange(height)[:, None] < height // 3)
    dice = np.random.default_rng(4)
    for x, y, size in zip(dice.integers(0, width, 300), dice.integers(0, height, 300), dice.random(300), strict=True):
        if clear[y, x]:
            light = 0.4 + 0.6 * float(size)
            cv2.circle(dark, (int(x), int(y)), 1 + int(size > 0.8), (light, light, 0.9 * light), -1, cv2.LINE_AA)
    return _bytes(dark)


def balloon() -> Drawing:
    """A striped balloon over hills, in the morning."""
    picture = _canvas(WIDE, (236, 190, 132), (196, 222, 250))
    for base, high, colour, phase in (
        (500, 60, (176, 168, 120), 0.5),
        (560, 46, (124, 150, 92), 2.1),
        (636, 40, (78, 118, 66), 4.0),
    ):
        xs = np.arange(0, WIDE[0] + 1, 8)
        ys = base - high * np.sin(xs / 210 + phase) - high * 0.3 * np.sin(xs / 67 + phase)
        rim: list[tuple[float, float]] = list(zip(xs.tolist(), ys.tolist(), strict=True))
        _polygon(picture, [*rim, (WIDE[0], WIDE[1]), (0, WIDE[1])], colour)
    x, y = BALLOON
    for side in (-1, 1):
        _line(picture, (x + side * 62, y + 96), (x + side * 20, y + 172), (70, 84, 110), 3)
    _envelope(picture, (60, 70, 206))
    for share, colour in ((0.66, (236, 240, 246)), (0.36, (60, 70, 206)), (0.1, (236, 240, 246))):
        _ellipse(picture, (x, y - 6), (int(130 * share), 134), colour)
    _ellipse(picture, (x, y + 178), (26, 8), (50, 70, 104))
    _polygon(picture, [(x - 26, y + 178), (x + 26, y + 178), (x + 20, y + 216), (x - 20, y + 216)], (58, 84, 126))
    return _shrunk(picture)


def balloon_mask() -> Drawing:
    """White where the balloon is."""
    mask = _canvas(WIDE, (0, 0, 0), (0, 0, 0))
    _envelope(mask, (255, 255, 255), 4)
    x, y = BALLOON
    _polygon(mask, [(x - 76, y + 90), (x + 76, y + 90), (x + 32, y + 222), (x - 32, y + 222)], (255, 255, 255))
    return _shrunk(mask)


def ground_mask() -> Drawing:
    """White where the hills are, which stay."""
    mask = np.zeros((WIDE[1], WIDE[0], 3), np.uint8)
    mask[560:] = 255
    return mask


def bear() -> Drawing:
    """A teddy bear on a plain ground."""
    picture = _plain((232, 226, 218))
    fur, dark, light = (66, 116, 176), (48, 86, 138), (150, 192, 226)
    for side in (-1, 1):
        _ellipse(picture, (512 + side * 138, 236), (72, 72), fur)
        _ellipse(picture, (512 + side * 138, 240), (40, 40), light)
        _ellipse(picture, (512 + side * 178, 560), (58, 130), dark, side * -24)
        _ellipse(picture, (512 + side * 112, 806), (84, 104), dark, side * 12)
        _ellipse(picture, (512 + side * 124, 850), (52, 44), light)
    _ellipse(picture, (512, 640), (186, 218), fur)
    _ellipse(picture, (512, 664), (118, 148), light)
    _ellipse(picture, (512, 356), (186, 168), fur)
    _ellipse(picture, (512, 416), (86, 66), light)
    _ellipse(picture, (512, 386), (30, 22), (34, 40, 52))
    _line(picture, (512, 404), (512, 434), (34, 40, 52), 6)
    for side in (-1, 1):
        _ellipse(picture, (512 + side * 74, 330), (19, 22), (30, 34, 44))
        _ellipse(picture, (507 + side * 74, 322), (6, 6), (250, 250, 250))
        _ellipse(picture, (512 + side * 24, 436), (26, 14), (34, 40, 52), arc=(0, 180), thick=6)
        _polygon(picture, [(512, 528), (512 + side * 78, 494), (512 + side * 78, 566)], (60, 54, 190))
    _ellipse(picture, (512, 530), (20, 20), (44, 40, 150))
    return _shrunk(picture)


def robot() -> Drawing:
    """A tin robot on a plain ground."""
    picture = _plain((224, 228, 232))
    tin, dark, trim = (190, 172, 120), (132, 116, 78), (70, 160, 240)
    _line(picture, (512, 150), (512, 210), dark, 12)
    _ellipse(picture, (512, 142), (24, 24), trim)
    for side in (-1, 1):
        _box(picture, (512 + side * 196, 460, 64, 210), dark, 30)
        _ellipse(picture, (512 + side * 196, 690), (44, 40), trim)
        _box(picture, (512 + side * 84, 760, 92, 150), dark, 20)
        _box(picture, (512 + side * 92, 888, 136, 56), trim, 24)
        _box(picture, (512 + side * 174, 290, 36, 90), dark, 14)
    _box(picture, (512, 210, 310, 220), tin, 40)
    _box(picture, (512, 446, 320, 330), tin, 36)
    _box(picture, (512, 490, 216, 150), (82, 66, 44), 20)
    for side in (-1, 1):
        _ellipse(picture, (512 + side * 76, 306), (42, 42), (250, 250, 246))
        _ellipse(picture, (512 + side * 76, 308), (20, 20), (52, 40, 30))
        _ellipse(picture, (512 + side * 60, 700), (20, 20), trim if side > 0 else (84, 84, 220))
    _box(picture, (512, 376, 150, 20), (82, 66, 44), 9)
    for bar, high in enumerate((40, 84, 58, 100, 70)):
        _box(picture, (432 + 40 * bar, 620 - high, 22, high), (120, 214, 140), 4)
    return _shrunk(picture)


def teapot() -> Drawing:
    """A red teapot on a plain ground, as a shop shows it."""
    picture = _plain((238, 236, 232))
    red, deep, shine = (52, 52, 190), (36, 34, 138), (150, 150, 236)
    _ellipse(picture, (512, 800), (300, 30), (206, 204, 202))
    _ellipse(picture, (792, 560), (118, 128), deep, thick=44)
    _polygon(picture, [(300, 640), (120, 440), (176, 408), (330, 520)], deep)
    _ellipse(picture, (512, 588), (276, 216), red)
    _ellipse(picture, (512, 790), (150, 24), deep)
    _ellipse(picture, (512, 392), (150, 34), deep)
    _ellipse(picture, (512, 378), (144, 44), red)
    _ellipse(picture, (512, 322), (34, 32), deep)
    _ellipse(picture, (420, 512), (38, 84), shine, 24)
    return _shrunk(picture)


DRAWINGS: Mapping[str, Callable[[], Drawing]] = {
    "night.jpg": night,
    "balloon.png": balloon,
    "balloon-mask.png": balloon_mask,
    "ground-mask.png": ground_mask,
    "bear.png": bear,
    "robot.png": robot,
    "teapot.png": teapot,
}


def _envelope(picture: Drawing, colour: Colour, more: int = 0) -> None:
    x, y = BALLOON
    _ellipse(picture, (x, y - 6), (130 + more, 134 + more), colour)
    _polygon(
        picture, [(x - 112 - more, y + 62), (x + 112 + more, y + 62), (x + 24, y + 140), (x - 24, y + 140)], colour
    )


def _canvas(size: tuple[int, int], top: Colour, bottom: Colour) -> Drawing:
    """Return a canvas that fades from one colour into another, at twice its size."""
    rows = np.linspace(0, 1, size[1] * _TWICE)[:, None, None]
    faded = (1 - rows) * np.array(top) + rows * np.array(bottom)
    return np.ascontiguousarray(np.broadcast_to(faded, (size[1] * _TWICE, size[0] * _TWICE, 3)).astype(np.uint8))


def _plain(colour: Colour) -> Drawing:
    return _canvas(SQUARE, colour, colour)


def _shrunk(picture: Drawing) -> Drawing:
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // _TWICE, height // _TWICE), interpolation=cv2.INTER_AREA)
    return small.astype(np.uint8, copy=False)


def _bytes(picture: npt.NDArray[np.floating]) -> Drawing:
    return np.asarray(np.rint(np.clip(picture, 0, 1) * 255), dtype=np.uint8)


def _ellipse(
    picture: Drawing,
    at: tuple[int, int],
    axes: tuple[int, int],
    colour: Colour,
    turned: float = 0.0,
    *,
    arc: tuple[int, int] = (0, 360),
    thick: int = 0,
) -> None:
    where, size = (at[0] * _TWICE, at[1] * _TWICE), (axes[0] * _TWICE, axes[1] * _TWICE)
    cv2.ellipse(picture, where, size, turned, *arc, colour, thick * _TWICE or -1, cv2.LINE_AA)


def _polygon(picture: Drawing, corners: list[tuple[float, float]], colour: Colour) -> None:
    cv2.fillPoly(picture, [np.rint(np.array(corners) * _TWICE).astype(np.int32)], colour, cv2.LINE_AA)


def _line(picture: Drawing, start: tuple[int, int], end: tuple[int, int], colour: Colour, thick: int) -> None:
    ends = [(x * _TWICE, y * _TWICE) for x, y in (start, end)]
    cv2.line(picture, ends[0], ends[1], colour, thick * _TWICE, cv2.LINE_AA)


def _box(picture: Drawing, where: tuple[int, int, int, int], colour: Colour, round_by: int) -> None:
    """Draw a box with round corners, given by its middle across, its top, width and height."""
    middle, top, width, height = where
    left, right, bottom = middle - width // 2, middle + width // 2, top + height
    inner = [(left + round_by, top), (right - round_by, top), (right - round_by, bottom), (left + round_by, bottom)]
    outer = [(left, top + round_by), (right, top + round_by), (right, bottom - round_by), (left, bottom - round_by)]
    _polygon(picture, [*inner], colour)
    _polygon(picture, [*outer], colour)
    for x in (left + round_by, right - round_by):
        for y in (top + round_by, bottom - round_by):
            _ellipse(picture, (x, y), (round_by, round_by), colour)
