"""How a picture looks in each named style: colour and line only, with the picture underneath left where it was.

Plain treatments that a storyboard artist would call "in the manner of". They are put on a still picture once, before
the camera, and on a video frame by frame; each is stable, so that a line stays where the outline is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.errors import ModelError

Colour = tuple[int, int, int]
Treat = Callable[[Picture], Picture]


_NEON: tuple[Colour, ...] = ((8, 4, 34), (64, 16, 112), (168, 44, 168), (84, 178, 246), (226, 255, 255))


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
    return np.asarray(np.clip(1.0 + strength * np.minimum(edge + 1.5, 0.0) / 10.0, 0.0, 1.0), dtype=np.float32)


def _inked(picture: Picture, ink: Plane) -> Picture:
    return np.asarray(picture * ink[..., None], dtype=np.uint8)


def _stepped(picture: Picture, steps: int) -> Picture:
    """Reduce brightness to a few soft steps, keeping the colour."""
    levels = np.arange(256) / 255.0 * steps
    within = levels - np.floor(levels)
    soft = (np.floor(levels) + np.clip((within - 0.5) * 4.0 + 0.5, 0.0, 1.0)) / steps * 255.0
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.LUT(lab[..., 0], np.clip(soft, 0, 255).astype(np.uint8))
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


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
    flat = _stepped(_smooth(picture, 3), 7)
    return _inked(_toned(flat, 1.45, 1.05, 14), _lines(picture, 1.1, 1.0))


def _three_d(picture: Picture) -> Picture:
    return _glowing(_toned(_smooth(picture, 4), 1.3, 1.12, 4), 0.3)


def _clay(picture: Picture) -> Picture:
    soft = _smooth(cv2.medianBlur(picture, 9), 3)  # type: ignore[arg-type]
    light = cv2.GaussianBlur(cv2.cvtColor(soft, cv2.COLOR_RGB2GRAY), (0, 0), max(1.0, picture.shape[1] / 300))
    relief = cv2.filter2D(light, cv2.CV_32F, np.array([[1, 1, 0], [1, 0, -1], [0, -1, -1]], np.float32))
    lit = np.clip(soft + np.clip(1.6 * relief, -30.0, 22.0)[..., None] + 6.0, 0.0, 255.0).astype(np.uint8)
    return _tinted(_toned(lit, 0.95, 0.92), (66, 40, 30), (255, 232, 206), 0.28)


def _comic(picture: Picture) -> Picture:
    tall, wide = picture.shape[:2]
    pitch = max(4.0, max(tall, wide) / 190)
    y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
    screen = np.cos((x + y) * (np.pi / pitch)) * np.cos((x - y) * (np.pi / pitch))  # dots on a grid at 45 degrees
    grey = np.asarray(cv2.cvtColor(_smooth(picture, 2), cv2.COLOR_RGB2GRAY), dtype=np.float32) / 255.0
    dots = 1.0 - 0.28 * np.clip((0.75 - grey) * 1.3, 0.0, 1.0) * np.clip(screen * 2.0 + 0.5, 0.0, 1.0)
    flat = _toned(_stepped(_smooth(picture, 3), 5), 1.7, 1.15, 8)
    return _inked(flat, (dots * _lines(picture, 1.5, 2.2)).astype(np.float32))


def _cyberpunk(picture: Picture) -> Picture:
    return _glowing(_toned(_mapped(picture, _NEON, 0.55), 1.15, 1.2, -18), 0.9)


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
