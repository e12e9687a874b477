"""What becomes of a video that is made over: a grade, planes of paint, lines and weather, as far as the strength goes.

Up to a third of the strength only light and colour change; to two thirds the picture is painted over with its outlines
kept; beyond, brush and line get coarser and the sky is another one. Words choose: time of day, weather, medium. All of
it is a function of the frame and a calm memory of the one before, so that nothing boils. A picture to begin on gives
its palette: the linear transfer that takes the video's colours to its own (Pitié and Kokaram 2007, Monge-Kantorovich).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import Picture, Plane

Matrix = npt.NDArray[np.float64]  # (3, 4): RGB levels to RGB levels
Colour = tuple[float, float, float]

_CALM = 14.0  # levels: what changes by less between frames is noise, and is smoothed away


@dataclass(frozen=True, slots=True)
class Light:
    """A time of day or weather: the colours of shadows and lights, how colourful, how contrasty; the sky's two ends."""

    dark: Colour
    bright: Colour
    colour: float = 1.0
    contrast: float = 1.0
    sky: tuple[Colour, Colour] | None = None
    fall: str | None = None


@dataclass(frozen=True, slots=True)
class Medium:
    """A way of making pictures: steps of brightness (0: smooth), ink (0..1), sketch (0..1), colour, grain of paint."""

    steps: int = 0
    ink: float = 0.0
    sketch: float = 0.0
    colour: float = 1.0
    brush: int = 0
    mosaic: int = 0


_LIGHTS: tuple[tuple[str, Light], ...] = (
    (r"night|moonl|midnight|noir", Light((4, 8, 30), (150, 178, 226), 0.55, 1.05, ((6, 10, 34), (44, 58, 104)))),
    (
        r"sunset|golden hour|dusk|twilight|evening",
        Light((54, 22, 42), (255, 212, 150), 1.15, 1.05, ((72, 60, 120), (255, 168, 96))),
    ),
    (r"sunrise|dawn|morning", Light((44, 36, 66), (255, 230, 196), 1.05, 0.98, ((120, 150, 206), (255, 214, 178)))),
    (
        r"snow|winter|blizzard|frozen|icy?\b",
        Light((72, 88, 112), (248, 251, 255), 0.55, 0.92, ((196, 206, 220), (232, 238, 246)), "snow"),
    ),
    (
        r"rain|drizzle|storm|thunder",
        Light((20, 30, 44), (200, 214, 224), 0.6, 0.98, ((70, 80, 92), (134, 146, 156)), "rain"),
    ),
    (r"fog|mist|haz[ey]", Light((112, 120, 128), (236, 238, 240), 0.5, 0.66, ((196, 200, 206), (226, 228, 230)))),
    (r"autumn|fall colou?rs", Light((48, 24, 14), (255, 226, 172), 1.2, 1.04, None)),
    (r"spring|meadow|forest|jungle", Light((14, 34, 20), (238, 250, 212), 1.2, 1.02, None)),
    (r"desert|dune|mars", Light((70, 34, 20), (255, 224, 178), 1.0, 1.06, ((214, 150, 96), (250, 214, 164)))),
    (
        r"underwater|ocean|sea\b|deep blue",
        Light((2, 34, 62), (176, 236, 240), 0.8, 0.95, ((10, 70, 110), (70, 170, 190))),
    ),
    (
        r"cyberpunk|neon|synthwave|vaporwave",
        Light((16, 4, 52), (150, 232, 255), 1.5, 1.2, ((20, 6, 56), (190, 40, 150))),
    ),
    (r"black and white|monochrome|b&w|silent film", Light((6, 6, 6), (250, 250, 250), 0.0, 1.12)),
    (r"sepia|vintage|old film|1920s|nineteen", Light((44, 28, 14), (250, 232, 196), 0.15, 1.0)),
    (r"horror|apocalyp|dark", Light((6, 12, 14), (196, 206, 190), 0.5, 1.15, ((28, 34, 38), (92, 92, 84)))),
    (
        r"sunny|bright day|daylight|summer|noon",
        Light((22, 34, 62), (255, 250, 228), 1.2, 1.06, ((66, 140, 226), (186, 220, 248))),
    ),
)
_PRINT = Light((34, 26, 44), (255, 240, 216), 1.12, 1.06, ((96, 140, 196), (248, 216, 190)))

_MEDIA: tuple[tuple[str, Medium], ...] = (
    (r"pencil|sketch|charcoal|line drawing|drawing", Medium(sketch=1.0, colour=0.12)),
    (r"water ?colou?r|aquarelle|gouache", Medium(steps=9, ink=0.25, colour=1.1, brush=7)),
    (r"oil paint|impressionis|van gogh|monet|painting|painted|painterly", Medium(steps=10, colour=1.25, brush=9)),
    (r"anime|ghibli|manga|cel[- ]shad", Medium(steps=6, ink=0.8, colour=1.35, brush=5)),
    (r"comic|graphic novel|pop art|cartoon", Medium(steps=5, ink=1.0, colour=1.5, brush=7)),
    (r"clay|stop[- ]motion|plasticine|felt", Medium(steps=0, colour=1.1, brush=9)),
    (r"pixel|8[- ]?bit|voxel|lego|minecraft", Medium(steps=8, colour=1.3, mosaic=10)),
    (r"3d|pixar|cgi|render", Medium(colour=1.3, brush=5)),
    (r"woodcut|linocut|stencil|poster", Medium(steps=3, ink=1.0, colour=0.9, brush=9)),
)
_PAINT = Medium(steps=8, ink=0.35, colour=1.15, brush=7)  # when the words name none


Named = TypeVar("Named")


class Makeover:
    """Makes over the frames of one video, in order."""

    def __init__(self, prompt: str, strength: float, look: Picture | None = None) -> None:
        """`strength` is 0..1; `look` a picture whose colours count."""
        words = prompt.lower()
        self._strength = min(max(strength, 0.0), 1.0)
        named_light, named_medium = _light_of(words), _named(words, _MEDIA)
        self._light = named_light or (Light((0, 0, 0), (255, 255, 255)) if look is not None else _PRINT)
        self._medium = named_medium or _PAINT
        self._look = look
        # A medium that was asked for by name is worth more than the reserve of "adhere".
        start = 0.12 if named_medium else 0.34
        self._paint = float(np.clip((self._strength - start) / (0.85 - start), 0.0, 1.0))
        self._new_sky = (
            float(np.clip((self._strength - 0.5) / 0.3, 0.0, 1.0)) if named_light and named_light.sky else 0.0
        )
        self._grade = 0.25 + 0.6 * self._strength
        self._matrix: npt.NDArray[np.float32] | None = None
        self._curves: npt.NDArray[np.uint8] | None = None
        self._soft: Plane | None = None
        self._sky: Plane | None = None
        self._heaven: Picture | None = None

    @property
    def fall(self) -> str | None:
        """What falls from the sky, where the words ask for it and the strength allows it."""
        return self._light.fall if self._strength > 0.3 else None

    def __call__(self, frame: Picture) -> Picture:
        """Return the frame made over."""
        if self._strength == 0.0:
            return frame
        painted = self._painted(frame) if self._paint > 0.0 else frame
        graded = self._graded(painted, frame)
        if self._new_sky > 0.0:
            graded = self._under_sky(graded, frame)
        return graded

    def _calmed(self, frame: Picture) -> Picture:
        """Return the frame with its noise held still: small changes are followed slowly, large ones at once."""
        now = frame.astype(np.float32)
        soft = self._soft
        # Levels on the mean: a cut, after which nothing of before may linger.
        if soft is None or float(cv2.absdiff(frame, soft.astype(np.uint8)).mean()) > 40.0:
            self._soft = now
            return frame
        now -= soft  # the change
        share = np.abs(now)
        share *= np.float32(1.0 / _CALM)
        # At least 0.3, or a slow change of light would drag behind.
        now *= np.clip(share, 0.3, 1.0, out=share)
        soft += now
        return soft.astype(np.uint8)

    def _painted(self, frame: Picture) -> Picture:
        medium, tall, wide = self._medium, frame.shape[0], frame.shape[1]
        coarse = 1.0 + 1.0 * self._paint
        half = (max(2, round(wide / 2)), max(2, round(tall / 2)))
        small = self._calmed(np.asarray(cv2.resize(frame, half, interpolation=cv2.INTER_AREA), np.uint8))
        if medium.brush:
            small = _brushed(small, (int(medium.brush * coarse / 2) * max(half) // 640) * 2 + 3)
        if medium.mosaic:
            side = max(3, round(medium.mosaic * coarse * max(half) / 1280))
            tiny = cv2.resize(small, (max(1, half[0] // side), max(1, half[1] // side)), interpolation=cv2.INTER_AREA)
            small = np.asarray(cv2.resize(tiny, half, interpolation=cv2.INTER_NEAREST), np.uint8)
        if medium.steps:
            small = _stepped(
                np.asarray(small, np.uint8), max(3, round(medium.steps / (0.6 + 0.6 * self._paint))), 0.75 * self._paint
            )
        method = cv2.INTER_NEAREST if medium.mosaic else cv2.INTER_CUBIC
        paint = cv2.resize(small, (wide, tall), interpolation=method)
        ink = medium.ink * self._paint
        if ink > 0.0 or medium.sketch > 0.0:
            paint = _drawn(frame, np.asarray(paint, np.uint8), ink, medium.sketch * self._paint)
        share = max(self._paint, 0.35) if medium.mosaic else min(1.0, 1.3 * self._paint)
        return np.asarray(cv2.addWeighted(frame, 1.0 - share, paint, share, 0.0), np.uint8)

    def _graded(self, painted: Picture, frame: Picture) -> Picture:
        if self._matrix is None or self._curves is None:
            self._matrix, self._curves = self._colours(frame)
        toned = cv2.transform(painted, self._matrix)
        return np.asarray(cv2.LUT(toned, self._curves), np.uint8)

    def _colours(self, frame: Picture) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
        """Return the (3, 4) matrix and the (256, 1, 3) curves, settled once on the first frame."""
        light, share = self._light, self._grade
        grey = np.tile(np.array([0.2126, 0.7152, 0.0722]), (3, 1))
        colourful = light.colour * (1.0 + (self._medium.colour - 1.0) * self._paint)
        amount = 1.0 + (colourful - 1.0) * share
        matrix = np.hstack([amount * np.eye(3) + (1.0 - amount) * grey, np.zeros((3, 1))])
        if self._look is not None:
            taken = palette_transfer(frame, self._look)
            part = min(1.0, 0.35 + 0.75 * self._strength)
            plain = np.hstack([np.eye(3), np.zeros((3, 1))])
            matrix = np.vstack([matrix, [0, 0, 0, 1]])[:3] @ np.vstack(
                [part * taken + (1 - part) * plain, [0, 0, 0, 1]]
            )
        levels = np.arange(256, dtype=np.float64)
        # One table for the whole grade: contrast around the middle, then shadows and lights pulled to their colours.
        contrast = 128 + (levels - 128) * (1.0 + (light.contrast - 1.0) * share)
        curves = np.empty((256, 1, 3), np.uint8)
        for channel in range(3):
            toned = light.dark[channel] + (light.bright[channel] - light.dark[channel]) * contrast / 255.0
            curves[:, 0, channel] = np.clip(contrast + (toned - contrast) * share, 0, 255)
        return matrix.astype(np.float32), curves

    def _under_sky(self, graded: Picture, frame: Picture) -> Picture:
        """Put the light's own sky where the video's is: bright, even, reaching the top; into `graded` itself."""
        mask = sky_of(frame)
        # Followed slowly: a mask found anew in each frame would flicker at its rim.
        self._sky = (
            mask if self._sky is None or self._sky.shape != mask.shape else self._sky + 0.15 * (mask - self._sky)
        )
        if float(self._sky.max()) < 0.05:
            return graded
        tall, wide = graded.shape[:2]
        bottom = min(tall, math.ceil((float(np.flatnonzero(self._sky.max(axis=1) > 0.004)[-1]) + 2) * tall / len(mask)))
        light = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        coarse = np.asarray(self._sky * np.float32(self._new_sky), np.float32)
        # The mask is coarse; the frame's own light says where a ridge begins.
        bright = (_bright_from(light, coarse) * 255.0 + 0.5).astype(np.uint8)
        share = cv2.resize((coarse * 255.0 + 0.5).astype(np.uint8), (wide, tall))[:bottom]
        share = cv2.multiply(share, cv2.LUT(light[:bottom], bright), scale=1 / 255)
        seen = graded[:bottom]
        # The clouds' own light and shade stay: the gradient takes the place of the colour, not of the drawing.
        new = cv2.addWeighted(self._gradient(tall, wide)[:bottom], 0.82, seen, 0.18, 0.0)
        through = cv2.cvtColor(cv2.bitwise_not(share), cv2.COLOR_GRAY2RGB)
        cv2.multiply(seen, through, dst=seen, scale=1 / 255)
        cv2.add(seen, cv2.multiply(new, cv2.bitwise_not(through), scale=1 / 255), dst=seen)
        return graded

    def _gradient(self, tall: int, wide: int) -> Picture:
        """Return the light's own sky over a whole frame; made once."""
        if self._heaven is None or self._heaven.shape[:2] != (tall, wide):
            assert self._light.sky is not None
            down = np.linspace(0, 1.6, tall, dtype=np.float32).clip(0, 1)[:, None, None]
            top, low = (np.array(colour, np.float32) for colour in self._light.sky)
            self._heaven = np.repeat((top + (low - top) * down).astype(np.uint8), wide, axis=1)
        return self._heaven


def _brushed(picture: Picture, reach: int) -> Picture:
    """Return the median over squares of `reach` pixels, an odd number; wide ones in a quarter of the pixels.

    OpenCV is fast up to five pixels, and slow by the pixel beyond; patches that wide have no finer detail anyway.
    """
    if reach <= 5:
        return np.asarray(cv2.medianBlur(picture, reach), np.uint8)
    tall, wide = picture.shape[:2]
    small = cv2.resize(picture, (max(2, wide // 2), max(2, tall // 2)), interpolation=cv2.INTER_AREA)
    small = cv2.medianBlur(small, reach // 4 * 2 + 1)
    return np.asarray(cv2.resize(small, (wide, tall), interpolation=cv2.INTER_CUBIC), np.uint8)


def _light_of(words: str) -> Light | None:
    """Return the light that the words name first; a time of day gives the colours where weather is named as well."""
    hours = tuple(row for row in _LIGHTS if row[1].fall is None)
    falling = _named(words, tuple(row for row in _LIGHTS if row[1].fall is not None))
    hour = _named(words, hours)
    if hour is None or falling is None:
        return hour or falling
    return replace(hour, fall=falling.fall)


def _named(words: str, rows: tuple[tuple[str, Named], ...]) -> Named | None:
    hits = [(match.start(), row) for pattern, row in rows if (match := re.search(rf"\b(?:{pattern})", words))]
    return min(hits, key=lambda hit: hit[0])[1] if hits else None


def _stepped(picture: Picture, steps: int, share: float) -> Picture:
    """Draw brightness towards so many levels, with soft edges between them; colour stays."""
    levels = np.arange(256) / 255.0 * steps
    part = levels - np.floor(levels)
    soft = (np.floor(levels) + np.clip((part - 0.5) * 3.0 + 0.5, 0.0, 1.0)) / steps * 255.0
    curve = np.clip(np.arange(256) * (1.0 - share) + soft * share, 0, 255).astype(np.uint8)
    ycc = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    ycc[..., 0] = cv2.LUT(np.ascontiguousarray(ycc[..., 0]), curve)
    return np.asarray(cv2.cvtColor(ycc, cv2.COLOR_YCrCb2RGB), np.uint8)


def _drawn(frame: Picture, paint: Picture, ink: float, sketch: float) -> Picture:
    """Lay lines over the paint: `ink` dark and thin, `sketch` a pencil's on white paper, in place of it."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    sigma = max(0.9, max(grey.shape) / 900)
    blurred = cv2.GaussianBlur(grey, (0, 0), sigma * (2.4 if sketch else 1.6))
    if sketch > 0.0:
        lines = cv2.divide(cv2.GaussianBlur(grey, (0, 0), sigma * 0.6), blurred, scale=250)
        shade = cv2.multiply(lines, cv2.LUT(blurred, _PAPER), scale=1.0 / 255.0)
        paper = cv2.cvtColor(shade, cv2.COLOR_GRAY2RGB)
        paint = np.asarray(cv2.addWeighted(paint, 1.0 - sketch, paper, sketch, 0.0), np.uint8)
    if ink > 0.0:
        fine = cv2.GaussianBlur(grey, (0, 0), sigma * 0.8)
        lines = cv2.convertScaleAbs(cv2.subtract(blurred, fine), alpha=12.0 * ink)
        paint = np.asarray(cv2.subtract(paint, cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB)), np.uint8)
    return paint


def _bright_from(light: npt.NDArray[np.integer | np.floating], share: npt.NDArray[np.integer | np.floating]) -> Plane:
    """Return the table (256) of how surely a level is sky: from halfway between ground and sky up."""
    small = cv2.resize(light, (160, 90), interpolation=cv2.INTER_AREA)
    inside = cv2.resize(share, (160, 90), interpolation=cv2.INTER_AREA) > 0.3
    if inside.all() or not inside.any():
        return np.ones(256, np.float32)
    sky, ground = float(np.median(small[inside])), float(np.median(small[~inside]))
    surely = np.clip((np.arange(256) - 0.5 * (sky + ground) + 14.0) / 28.0, 0.0, 1.0)
    # Over sand or snow light tells nothing: the sun's glow would be the only sky.
    told = min(max((sky - ground - 8.0) / 24.0, 0.0), 1.0)
    return np.asarray(1.0 - told * (1.0 - surely), np.float32)


_PAPER = np.clip(np.arange(256) * 0.5 + 140, 0, 255).astype(np.uint8)


def sky_of(picture: Picture) -> Plane:
    """Return 0..1, small, where the sky is: bright or blue, even, and joined to the upper edge."""
    tall, wide = picture.shape[:2]
    scale = 160 / max(tall, wide)
    size = (max(8, round(wide * scale)), max(8, round(tall * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.float32)
    rough = cv2.GaussianBlur(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 2)), (0, 0), 2)
    blue = small[..., 2].astype(np.float32) - small[..., 0]
    bright = grey - float(np.percentile(grey, 45))
    likely = (rough < 16.0) & ((bright > 4.0) | (blue > 24.0)) & ((blue > -20.0) | (grey > 200.0))
    open_sky = cv2.morphologyEx(likely.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(open_sky)
    mask = np.zeros(grey.shape, np.float32)
    for label in range(1, count):
        part = labels == label
        if part[:2].mean() > 0.12:  # a light wall beside the subject hardly spans the upper edge
            mask[part] = 1.0
    if mask.mean() < 0.06 or mask[-3:].mean() > 0.3:  # too little, or a plain ground that is no sky
        mask[:] = 0.0
    whole = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    sky = cv2.GaussianBlur(cv2.dilate(whole, np.ones((5, 5), np.uint8)), (0, 0), 1.6)
    # A face before the sky is no part of it; where much of the sky itself is warm, it is a sunset's.
    warm = cv2.morphologyEx((blue < -24.0).astype(np.float32), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    if float(warm[whole > 0].sum()) < 0.3 * float((whole > 0).sum()):
        sky = sky * (1.0 - cv2.GaussianBlur(warm, (0, 0), 0.7))
    return np.asarray(sky, np.float32)


def palette_transfer(source: Picture, look: Picture) -> Matrix:
    """Return the (3, 4) matrix that gives `source` the mean and covariance of `look`'s colours, moving them least."""
    mean_a, root_a, inverse_a = _statistics(source)
    mean_b, root_b, _ = _statistics(look)
    cov_b = root_b @ root_b
    values, vectors = np.linalg.eigh(root_a @ cov_b @ root_a)
    middle = vectors @ np.diag(np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    linear = inverse_a @ middle @ inverse_a
    stretch = float(np.linalg.norm(linear, 2))
    if stretch > 2.2:  # a nearly grey video must not become a poster of its own noise
        linear = linear * (2.2 / stretch)
    return np.hstack([linear, (mean_b - linear @ mean_a)[:, None]])


def _statistics(picture: Picture) -> tuple[Matrix, Matrix, Matrix]:
    """Return the mean colour, the root of the covariance, and that root's inverse."""
    small = cv2.resize(picture, (64, 64), interpolation=cv2.INTER_AREA).reshape(-1, 3).astype(np.float64)
    # Some variance for a picture of one colour, whose inverse there would not be.
    values, vectors = np.linalg.eigh(np.cov(small.T) + 12.0 * np.eye(3))
    roots = np.sqrt(np.maximum(values, 1e-6))
    return small.mean(axis=0), vectors @ np.diag(roots) @ vectors.T, vectors @ np.diag(1.0 / roots) @ vectors.T
