"""How a picture looks in each named style: colour and line only, with the picture underneath left where it was.

Plain treatments that a storyboard artist would call "in the manner of". They are put on a still picture once, before
the camera, and on a video frame by frame; each is stable, so that a line stays where the outline is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

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
    return picture if style is None else np.ascontiguousarray(_named(style)(picture))


def treatment(style: str | None, prompt: str, strength: float) -> Treat:
    """Return what is done to each frame of a remade video.

    A `style` counts in full; otherwise one named in the prompt, or else the light that its words suggest, mixed in by
    `strength` (0 to 1).
    """
    if style is not None:
        return _named(style)
    share = 0.85 * min(max(strength, 0.0), 1.0)
    if share == 0.0:
        return lambda picture: picture
    words = prompt.lower()
    chosen = next((treat for name, treat in STYLES.items() if name.replace("_", " ") in words), None) or _lit(words)

    def treat(picture: Picture) -> Picture:
        return np.asarray(cv2.addWeighted(picture, 1.0 - share, chosen(picture), share, 0.0), dtype=np.uint8)

    return treat


def _named(style: str) -> Treat:
    if style not in STYLES:
        raise ModelError("one_of", f"the animatic engine knows no style {style!r}; it knows {', '.join(STYLES)}")
    return STYLES[style]


def _smooth(picture: Picture, rounds: int) -> Picture:
    """Flatten surfaces and keep outlines; done at half size, where it is four times as cheap."""
    tall, wide = picture.shape[:2]
    small = cv2.resize(picture, (max(wide // 2, 1), max(tall // 2, 1)), interpolation=cv2.INTER_AREA)
    for _ in range(rounds):
        small = cv2.bilateralFilter(small, 7, 28, 5)
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _toned(picture: Picture, colour: float, contrast: float = 1.0, lift: float = 0.0) -> Picture:
    """Change saturation, contrast around the middle, and brightness (levels)."""
    grey = cv2.cvtColor(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    mixed = cv2.addWeighted(picture, colour * contrast, grey, (1.0 - colour) * contrast, 128 * (1.0 - contrast) + lift)
    return np.asarray(mixed, dtype=np.uint8)


def _lines(picture: Picture, width: float, strength: float) -> Plane:
    """Return 0..1, 0 where ink would lie: a difference of two blurs, which draws outlines and not texture."""
    light = np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    sigma = max(0.8, width * max(light.shape) / 1280)
    edge = cv2.GaussianBlur(light, (0, 0), sigma) - cv2.GaussianBlur(light, (0, 0), sigma * 1.8)
    ink = np.clip(1.0 + strength * np.minimum(edge + 1.5, 0.0) / 10.0, 0.0, 1.0)
    return np.asarray(1.0 - (1.0 - ink) * _drawn_out(ink.astype(np.float32)), dtype=np.float32)


def _drawn_out(ink: Plane) -> Plane:
    """Return 1 along lines, and 0 at specks, such as grain leaves in clouds; softly in between."""
    tall, wide = ink.shape
    half = (max(wide // 2, 1), max(tall // 2, 1))
    dark = np.asarray(cv2.resize(ink, half, interpolation=cv2.INTER_AREA) < 0.85, dtype=np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    reach = np.hypot(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT]) / max(half)
    kept = np.clip(reach / _LEAST_LINE - 0.5, 0.0, 1.0).astype(np.float32)
    kept[0] = 0.0
    lines = cv2.dilate(kept[labels], np.ones((3, 3), np.uint8))
    return np.asarray(cv2.resize(lines, (wide, tall), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _inked(picture: Picture, ink: Plane) -> Picture:
    return np.asarray(picture * ink[..., None], dtype=np.uint8)


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
    """Flatten one channel over a wide reach, keeping strong outlines; at a quarter of the size."""
    tall, wide = plane.shape
    small = cv2.resize(plane, (max(wide // 4, 1), max(tall // 4, 1)), interpolation=cv2.INTER_AREA)
    for _ in range(2):
        small = cv2.bilateralFilter(small, 9, 36, 6)
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _tinted(picture: Picture, dark: Colour, light: Colour, share: float) -> Picture:
    """Mix in two colours, one for shadows and one for lights."""
    return _mapped(picture, (dark, light), share)


def _mapped(picture: Picture, colours: tuple[Colour, ...], share: float) -> Picture:
    """Mix in a row of colours by brightness, from the darkest to the lightest."""
    stops, grey = np.linspace(0, 255, len(colours)), cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    tables = [np.interp(np.arange(256), stops, channel).astype(np.uint8) for channel in zip(*colours, strict=True)]
    tones = cv2.merge([cv2.LUT(grey, table) for table in tables])
    return np.asarray(cv2.addWeighted(picture, 1.0 - share, tones, share, 0.0), dtype=np.uint8)


def _glowing(picture: Picture, share: float) -> Picture:
    """Let bright parts shine over their surroundings."""
    tall, wide = picture.shape[:2]
    small = cv2.resize(picture, (max(wide // 4, 1), max(tall // 4, 1)), interpolation=cv2.INTER_AREA)
    bright = cv2.GaussianBlur(cv2.subtract(small, np.full_like(small, 96)), (0, 0), max(1.0, small.shape[1] / 60))
    return np.asarray(cv2.add(picture, cv2.convertScaleAbs(cv2.resize(bright, (wide, tall)), alpha=share)), np.uint8)


def _anime(picture: Picture) -> Picture:
    calm = _smooth(picture, 2)
    return _inked(_toned(_stepped(calm, 7), 1.45, 1.05, 10), _lines(calm, 1.1, 1.2))


def _three_d(picture: Picture) -> Picture:
    return _glowing(_toned(_smooth(picture, 4), 1.3, 1.12, 4), 0.3)


def _clay(picture: Picture) -> Picture:
    soft = _smooth(cv2.medianBlur(picture, 9), 3)  # type: ignore[arg-type]
    light = cv2.GaussianBlur(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), (0, 0), max(1.0, picture.shape[1] / 300))
    relief = cv2.filter2D(light, cv2.CV_32F, np.array([[1, 1, 0], [1, 0, -1], [0, -1, -1]], np.float32))
    lit = np.clip(soft + np.clip(2.2 * relief, -40.0, 30.0)[..., None] + 4.0, 0.0, 255.0).astype(np.uint8)
    return _tinted(_toned(_kneaded(lit), 1.6, 0.92), (66, 40, 30), (255, 236, 214), 0.16)


def _kneaded(picture: Picture) -> Picture:
    """Give a surface the shallow dents of fingers."""
    tall, wide = picture.shape[:2]
    size = (max(2, round(26 * wide / max(tall, wide))), max(2, round(26 * tall / max(tall, wide))))
    dents = np.random.default_rng(3).uniform(-3.0, 3.0, (size[1], size[0])).astype(np.float32)
    return np.asarray(
        np.clip(picture + cv2.resize(dents, (wide, tall), interpolation=cv2.INTER_CUBIC)[..., None], 0, 255), np.uint8
    )


def _comic(picture: Picture) -> Picture:
    calm = _smooth(picture, 2)
    grey = np.asarray(cv2.cvtColor(calm, cv2.COLOR_RGB2GRAY), dtype=np.float32) / np.float32(255.0)
    dots = 1.0 - 0.28 * np.clip((0.75 - grey) * 1.3, 0.0, 1.0) * _screen(*picture.shape[:2])
    flat = _toned(_stepped(calm, 5), 1.7, 1.15, 8)
    return _inked(flat, np.asarray(dots * _lines(calm, 1.5, 2.2), dtype=np.float32))


@lru_cache(maxsize=2)
def _screen(tall: int, wide: int) -> Plane:
    """Return a printer's screen, 0..1: dots on a grid at 45 degrees."""
    pitch = max(4.0, max(tall, wide) / 190)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    waves = np.cos((x + y) * (np.pi / pitch)) * np.cos((x - y) * (np.pi / pitch))
    return np.asarray(np.clip(waves * 2.0 + 0.5, 0.0, 1.0), dtype=np.float32)


def _cyberpunk(picture: Picture) -> Picture:
    darker = (255.0 * (np.arange(256) / 255.0) ** 1.5).astype(np.uint8)
    night = np.asarray(cv2.LUT(picture, darker), dtype=np.uint8)
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB).astype(np.float32)
    # Skin and lamps stay warm, in pinks; all else turns to the blue of the signs.
    warm = np.clip((lab[..., 2] + 0.5 * lab[..., 1] - 197.0) / 16.0, 0.0, 1.0).astype(np.float32)
    soft = np.asarray(cv2.GaussianBlur(warm, (0, 0), max(1.0, max(picture.shape) / 500)), dtype=np.float32)
    lit = cv2.blendLinear(_mapped(night, _WARM, 0.5), _mapped(night, _COLD, 0.5), soft, np.float32(1.0) - soft)
    return _glowing(_toned(np.asarray(lit, np.uint8), 1.2, 1.12, -6), 0.6)


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

# Words in a prompt → the colours of shadows and of lights.
_LIGHTS: tuple[tuple[str, Colour, Colour], ...] = (
    (r"night|moon|midnight|dark|noir", (4, 8, 26), (142, 168, 214)),
    (r"sunset|golden|dusk|autumn|fire|warm|desert", (60, 26, 34), (255, 214, 150)),
    (r"snow|ice|winter|frozen|cold|fog", (70, 86, 108), (246, 250, 255)),
    (r"forest|jungle|green|garden|spring", (16, 36, 22), (228, 244, 196)),
    (r"sea|ocean|underwater|water|blue|rain", (6, 30, 56), (198, 232, 244)),
    (r"black and white|monochrome|silver", (8, 8, 8), (248, 248, 248)),
)


def _lit(words: str) -> Treat:
    """Return the treatment for a light that the words speak of; a warm print when they speak of none."""
    for pattern, dark, light in _LIGHTS:
        if re.search(rf"\b(?:{pattern})\w*", words):
            return lambda picture: _toned(_tinted(picture, dark, light, 0.7), 1.1, 1.05)
    return lambda picture: _toned(_tinted(picture, (38, 26, 40), (255, 240, 214), 0.45), 1.15, 1.08)
