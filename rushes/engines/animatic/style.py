"""How a picture looks in each named style: colour and line only, with the picture underneath left where it was.

Plain treatments that a storyboard artist would call "in the manner of". They are put on a still picture once, before
the camera, and on a video frame by frame; each is stable, so that a line stays where the outline is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane
from rushes.errors import ModelError

Colour = tuple[int, int, int]
Treat = Callable[[Picture], Picture]


# Neon by night, from the darkest to the lightest: what is cold in the picture and what is warm, as skin is.
_COLD: tuple[Colour, ...] = ((6, 6, 30), (30, 18, 96), (52, 66, 180), (72, 170, 236), (216, 244, 250))
_WARM: tuple[Colour, ...] = ((12, 4, 30), (84, 14, 92), (204, 58, 146), (252, 150, 160), (255, 230, 222))
_LEAST_LINE = 0.022  # of the longer side: shorter ink is a speck


def styled(picture: Picture, style: str | None) -> Picture:
    """Return the picture in a style; None leaves it alone. Raises ModelError for a style that is not known."""
    return picture if style is None else np.ascontiguousarray(treatment(style)(picture))


def treatment(style: str | None) -> Treat:
    """Return what a style does to each frame of a video, None nothing. Raises ModelError for one that is not known."""
    return (lambda picture: picture) if style is None else _named(style)


def _named(style: str) -> Treat:
    if style not in STYLES:
        raise ModelError("one_of", f"the animatic engine knows no style {style!r}; it knows {', '.join(STYLES)}")
    return STYLES[style]


def _halved(picture: Picture) -> Picture:
    """Return a picture at half size, where flat paint has nothing to lose and all is four times as cheap."""
    tall, wide = picture.shape[:2]
    size = (max(wide // 2, 1), max(tall // 2, 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _whole(small: Picture, like: Picture) -> Picture:
    """Return a picture that was made at half size at the size of another one."""
    tall, wide = like.shape[:2]
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _smooth(small: Picture, rounds: int) -> Picture:
    """Flatten surfaces and keep outlines; five pixels wide, since OpenCV takes five times as long for seven."""
    for _ in range(rounds):
        small = np.asarray(cv2.bilateralFilter(small, 5, 34, 5), dtype=np.uint8)
    return small


def _toned(picture: Picture, colour: float, contrast: float = 1.0, lift: float = 0.0) -> Picture:
    """Change saturation, contrast around the middle, and brightness (levels)."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed = cv2.addWeighted(picture, colour * contrast, grey, (1.0 - colour) * contrast, 128 * (1.0 - contrast) + lift)
    return np.asarray(mixed, dtype=np.uint8)


def _lines(small: Picture, width: float, strength: float) -> Picture:
    """Return (H, W), 0 where ink would lie: a difference of two blurs, which draws outlines and not texture.

    `width` is in pixels of a picture of 1280, of which `small` is the half.
    """
    light = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    # Half a pixel's blur is what a picture at half size has lost already.
    sigma = math.sqrt(max(0.16, (max(0.8, width * max(light.shape) / 640) / 2) ** 2 - 0.04))
    wider = math.sqrt(max(0.5, (1.8 * max(0.8, width * max(light.shape) / 640) / 2) ** 2 - 0.04))
    edge = cv2.subtract(cv2.GaussianBlur(light, (0, 0), sigma), cv2.GaussianBlur(light, (0, 0), wider))
    # 255 at -1.5 levels and below it darker by `strength` tenths a level
    ink = cv2.bitwise_not(cv2.convertScaleAbs(np.minimum(edge + np.float32(1.5), 0.0), alpha=25.5 * strength))
    return _drawn_out(np.asarray(ink, dtype=np.uint8))


def _drawn_out(ink: Picture) -> Picture:
    """Return ink without its specks, such as grain leaves in clouds; short lines are paler."""
    dark = np.asarray(cv2.compare(ink, 217, cv2.CMP_LT), dtype=np.uint8)  # type: ignore[call-overload]
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    reach = np.hypot(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT]) / max(ink.shape)
    kept = (255.0 * np.clip(reach / _LEAST_LINE - 0.5, 0.0, 1.0)).astype(np.uint8)
    kept[0] = 0
    lines = cv2.dilate(kept[labels], np.ones((3, 3), np.uint8))
    return np.asarray(cv2.bitwise_not(cv2.multiply(cv2.bitwise_not(ink), lines, scale=1 / 255)), dtype=np.uint8)


def _inked(picture: Picture, ink: Picture) -> Picture:
    return np.asarray(cv2.multiply(picture, cv2.cvtColor(ink, cv2.COLOR_GRAY2RGB), scale=1 / 255), dtype=np.uint8)


def _stepped(picture: Picture, steps: int) -> Picture:
    """Reduce brightness to a few soft steps, keeping the colour."""
    levels = np.arange(256) / 255.0 * steps
    within = levels - np.floor(levels)
    soft = (np.floor(levels) + np.clip((within - 0.5) * 2.6 + 0.5, 0.0, 1.0)) / steps * 255.0
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    # Steps follow large surfaces: on fur or skin those of each hair and pore would be blotches.
    flat = _smooth_plane(np.ascontiguousarray(lab[..., 0]))
    stepped = cv2.LUT(flat, np.clip(soft, 0, 255).astype(np.uint8))
    lab[..., 0] = cv2.add(stepped, cv2.subtract(lab[..., 0], flat, dtype=cv2.CV_16S), dtype=cv2.CV_8U)
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def _smooth_plane(plane: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Flatten one channel over a wide reach, keeping strong outlines; at half of its size again."""
    tall, wide = plane.shape
    small = cv2.resize(plane, (max(wide // 2, 1), max(tall // 2, 1)), interpolation=cv2.INTER_AREA)
    for _ in range(4):
        small = cv2.bilateralFilter(small, 5, 36, 6)
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _tinted(picture: Picture, dark: Colour, light: Colour, share: float) -> Picture:
    """Mix in two colours, one for shadows and one for lights."""
    return _mapped(picture, (dark, light), share)


def _mapped(picture: Picture, colours: tuple[Colour, ...], share: float) -> Picture:
    """Mix in a row of colours by brightness, from the darkest to the lightest."""
    tones = _tones(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), colours)
    return np.asarray(cv2.addWeighted(picture, 1.0 - share, tones, share, 0.0), dtype=np.uint8)


def _tones(grey: npt.NDArray[Any], colours: tuple[Colour, ...]) -> Picture:
    """Return a row of colours by brightness, (H, W, 3)."""
    stops = np.linspace(0, 255, len(colours))
    tables = [np.interp(np.arange(256), stops, channel).astype(np.uint8) for channel in zip(*colours, strict=True)]
    return np.asarray(cv2.merge([cv2.LUT(grey, table) for table in tables]), dtype=np.uint8)


def _glowing(picture: Picture, share: float) -> Picture:
    """Let bright parts shine over their surroundings."""
    tall, wide = picture.shape[:2]
    small = cv2.resize(picture, (max(wide // 4, 1), max(tall // 4, 1)), interpolation=cv2.INTER_AREA)
    bright = cv2.GaussianBlur(cv2.subtract(small, np.full_like(small, 96)), (0, 0), max(1.0, small.shape[1] / 60))
    return np.asarray(cv2.add(picture, cv2.resize(cv2.convertScaleAbs(bright, alpha=share), (wide, tall))), np.uint8)


def _anime(picture: Picture) -> Picture:
    calm = _smooth(_halved(picture), 2)
    return _whole(_inked(_toned(_stepped(calm, 7), 1.45, 1.05, 10), _lines(calm, 1.1, 1.2)), picture)


def _three_d(picture: Picture) -> Picture:
    return _whole(_glowing(_toned(_smooth(_halved(picture), 4), 1.3, 1.12, 4), 0.3), picture)


def _clay(picture: Picture) -> Picture:
    soft = _smooth(np.asarray(cv2.medianBlur(_halved(picture), 5), np.uint8), 3)
    light = cv2.GaussianBlur(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), (0, 0), max(1.0, soft.shape[1] / 300))
    relief = cv2.filter2D(light, cv2.CV_32F, np.array([[1.1, 1.1, 0], [1.1, 0, -1.1], [0, -1.1, -1.1]], np.float32))
    raised = np.asarray(np.clip(relief, -40.0, 30.0) + _dents(*soft.shape[:2]), np.float32)
    lit = cv2.add(soft, cv2.cvtColor(raised, cv2.COLOR_GRAY2RGB), dtype=cv2.CV_8U)
    toned = _toned(np.asarray(lit, np.uint8), 1.6, 0.92)
    return _whole(_tinted(toned, (66, 40, 30), (255, 236, 214), 0.16), picture)


@lru_cache(maxsize=2)
def _dents(tall: int, wide: int) -> Plane:
    """Return the shallow dents that fingers leave in a surface, in levels, around a little light."""
    size = (max(2, round(26 * wide / max(tall, wide))), max(2, round(26 * tall / max(tall, wide))))
    dents = np.random.default_rng(3).uniform(-3.0, 3.0, (size[1], size[0])).astype(np.float32)
    return np.asarray(cv2.resize(dents, (wide, tall), interpolation=cv2.INTER_CUBIC) + np.float32(4.0))


def _comic(picture: Picture) -> Picture:
    calm = _smooth(_halved(picture), 2)
    dark = (255.0 * np.clip((0.75 - np.arange(256) / 255.0) * 1.3, 0.0, 1.0) + 0.5).astype(np.uint8)
    shadows = cv2.LUT(cv2.cvtColor(calm, cv2.COLOR_RGB2GRAY), dark)
    flat = _inked(_toned(_stepped(calm, 5), 1.7, 1.15, 8), _lines(calm, 1.5, 2.2))
    # The screen is as fine as the picture; all else is flat.
    tall, wide = picture.shape[:2]
    dots = cv2.multiply(cv2.resize(shadows, (wide, tall)), _screen(tall, wide), scale=0.28 / 255)
    return _inked(_whole(flat, picture), np.asarray(cv2.bitwise_not(dots), np.uint8))


@lru_cache(maxsize=2)
def _screen(tall: int, wide: int) -> Picture:
    """Return a printer's screen, 0 to 255: dots on a grid at 45 degrees."""
    pitch = max(4.0, max(tall, wide) / 190)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    waves = np.cos((x + y) * (np.pi / pitch)) * np.cos((x - y) * (np.pi / pitch))
    return np.asarray(255.0 * np.clip(waves * 2.0 + 0.5, 0.0, 1.0) + 0.5, dtype=np.uint8)


def _cyberpunk(picture: Picture) -> Picture:
    darker = (255.0 * (np.arange(256) / 255.0) ** 1.5).astype(np.uint8)
    night = cv2.LUT(picture, darker)
    grey = cv2.cvtColor(night, cv2.COLOR_RGB2GRAY)
    tall, wide = grey.shape
    # Skin and lamps stay warm, in pinks; all else turns to the blue of the signs.
    small = cv2.cvtColor(_halved(picture), cv2.COLOR_RGB2LAB)
    warm = cv2.transform(small, np.array([[0.0, 0.5, 1.0, -197.0]]) * 255.0 / 16.0)
    warm = cv2.resize(cv2.GaussianBlur(warm, (0, 0), max(0.5, max(picture.shape) / 1000)), (wide, tall))
    through = cv2.cvtColor(warm, cv2.COLOR_GRAY2RGB)
    tones = cv2.multiply(_tones(grey, _WARM), through, scale=1 / 255)
    cv2.add(tones, cv2.multiply(_tones(grey, _COLD), cv2.bitwise_not(through), scale=1 / 255), dst=tones)
    lit = cv2.addWeighted(night, 0.5, tones, 0.5, 0.0)
    return _glowing(_toned(np.asarray(lit, np.uint8), 1.0, 1.12, -4), 0.6)


def _day(picture: Picture) -> Picture:
    return _tinted(_toned(picture, 1.45, 1.08, 20), (30, 44, 80), (255, 247, 214), 0.12)


STYLES: dict[str, Treat] = {
    "anime": _anime,
    "3d_animation": _three_d,
    "clay": _clay,
    "comic": _comic,
    "cyberpunk": _cyberpunk,
    "day": _day,
}
