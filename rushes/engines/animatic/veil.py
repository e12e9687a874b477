"""What lies between camera and picture as a thin layer: fog and smoke that drift, firelight, neon and lightning.

Computed on the coarse grid in the picture's own coordinates and put on each frame as `frame * transmission + light`.
At zero seconds there is nothing of it, unless the film has to come back to its beginning.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.depth import FAR, Picture, Plane
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.elements import Element
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.regions import Regions
from rushes.engines.animatic.render import Stage

_SIDE = 256  # of the tile of cloud; it repeats seamlessly
_FLASHES = ((0.0, 1.0), (0.09, 0.35), (0.16, 0.8))  # seconds after a stroke, and brightness
_FADE_S = 0.16


class Veil:
    """The layers that some elements put over one stage."""

    def __init__(
        self, elements: tuple[Element, ...], stage: Stage, regions: Regions, *, seed: int, period: float | None
    ) -> None:
        self._stage, self._period = stage, period
        self._strength = {element.kind: element.strength for element in elements}
        self._dice = np.random.default_rng([seed % 2**63, 5])
        self._cloud = _cloud(self._dice)
        self._phase = self._dice.uniform(0.0, math.tau, 8)
        self._glow, self._sky = regions.glow, regions.sky
        mean = cv2.resize(stage.picture, (16, 16), interpolation=cv2.INTER_AREA).reshape(-1, 3).mean(axis=0)
        grey = 0.299 * mean[0] + 0.587 * mean[1] + 0.114 * mean[2]
        # Fog shines as brightly as the scene it hangs in: white fog at night would be a fault.
        # Between the picture's mean colour and its grey, a good deal lighter.
        self._pale = np.clip(0.35 * mean + 0.65 * grey + 62.0, 0.0, 236.0).astype(np.float32)
        self._strokes = self._struck()

    @property
    def clear(self) -> bool:
        """Whether there is no layer at all."""
        return not self._strength.keys() & {"fog", "smoke", "fire", "neon", "lightning"}

    def draw(self, pose: Pose, seconds: float, presence: float, frame: Picture) -> None:
        """Lay the veil over a frame, in place."""
        x, y, near = self._stage.nodes(pose)
        through, light = np.ones_like(x), np.zeros((*x.shape, 3), np.float32)
        tall, wide = self._stage.picture.shape[:2]
        for kind, thickness in (("fog", self._fog), ("smoke", self._smoke)):
            if kind in self._strength:
                amount = thickness(x / wide, y / tall, near, seconds) * np.float32(presence)
                through *= 1.0 - amount
                light = light * (1.0 - amount)[..., None] + amount[..., None] * self._pale
        light += self._lights(x, y, seconds) * np.float32(presence)
        self._compose(through, light, frame)

    def _compose(self, through: Plane, light: Plane, frame: Picture) -> None:
        if float(through.min()) < 0.998:
            grey = self._stage.full((through * 255.0 + 0.5).astype(np.uint8), frame)
            cv2.multiply(frame, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dst=frame, scale=1 / 255.0)
        if float(light.max()) >= 0.5:
            added = self._stage.full(np.clip(light + 0.5, 0.0, 255.0).astype(np.uint8), frame)
            cv2.add(frame, added, dst=frame)

    def _drifting(self, seconds: float, layer: Callable[[float], Plane]) -> Plane:
        """Return a layer at its time; with a period two of them take turns, each starting over while it is not seen.

        A tile that came round to its place within a short loop would race.
        """
        if self._period is None:
            return layer(seconds)
        part = seconds / self._period % 1.0
        share = np.float32(smoothstep(1.0 - abs(2.0 * part - 1.0)))
        return share * layer(part * self._period) + (1 - share) * layer((part + 0.5) % 1.0 * self._period)

    def _tile(self, x: Plane, y: Plane) -> Plane:
        columns = ((x % 1.0) * _SIDE).astype(np.float32)
        rows = ((y % 1.0) * _SIDE).astype(np.float32)
        return np.asarray(cv2.remap(self._cloud, columns, rows, cv2.INTER_LINEAR), dtype=np.float32)

    def _fog(self, x: Plane, y: Plane, near: Plane, seconds: float) -> Plane:
        # Tiles to a picture, and tiles a second.
        one = self._drifting(seconds, lambda s: self._tile(0.45 * x + 0.035 * s, 0.7 * y))
        other = self._drifting(seconds, lambda s: self._tile(0.9 * x - 0.05 * s + 0.37, 1.3 * y + 0.21))
        far = 1.0 - (near - FAR) / (1.0 - FAR)
        thick = (0.16 + 0.5 * far) * (0.45 + 1.1 * (0.6 * one + 0.4 * other))
        return np.asarray(np.clip(thick * self._strength["fog"], 0.0, 0.85), dtype=np.float32)

    def _smoke(self, x: Plane, y: Plane, near: Plane, seconds: float) -> Plane:
        bend = 0.05 * np.sin(7.0 * y + self._phase[0]).astype(np.float32)
        one = self._drifting(seconds, lambda s: self._tile(0.8 * x + bend, 0.8 * y + 0.09 * s))
        other = self._drifting(seconds, lambda s: self._tile(1.5 * x - bend + 0.4, 1.4 * y + 0.16 * s + 0.3))
        wisps = np.clip(1.9 * (0.55 * one + 0.45 * other) - 0.62, 0.0, 1.0)
        column = np.exp(-0.5 * ((x - 0.5) / 0.26) ** 2) * np.clip(y * 1.8, 0.15, 1.0)
        return np.asarray(np.clip(0.75 * wisps * column * self._strength["smoke"], 0.0, 0.8), dtype=np.float32)

    def _lights(self, x: Plane, y: Plane, seconds: float) -> Plane:
        """Return the added light, (rows, columns, 3) in levels."""
        light = np.zeros((*x.shape, 3), np.float32)
        if "fire" in self._strength:
            flicker = 0.5 + 0.22 * self._sine(0, 2.3, seconds) + 0.16 * self._sine(1, 5.1, seconds)
            flicker += 0.12 * self._sine(2, 8.7, seconds)
            glow = self._sampled(self._glow, x, y) * np.float32(46.0 * self._strength["fire"] * max(flicker, 0.0))
            light += glow[..., None] * np.array([1.0, 0.56, 0.2], np.float32)
        if "neon" in self._strength:
            on = 1.0 if self._sine(3, 1.3, seconds) + 0.6 * self._sine(4, 3.7, seconds) > -0.5 else 0.1
            glow = self._sampled(self._glow, x, y) * np.float32(54.0 * self._strength["neon"] * on)
            light += glow[..., None] * np.array([1.0, 0.45, 0.9], np.float32)
        if "lightning" in self._strength:
            flash = self._flash(seconds)
            if flash > 0.004:
                bright = (0.3 + 0.7 * self._sampled(self._sky, x, y)) * np.float32(140.0 * flash)
                light += bright[..., None] * np.array([0.86, 0.92, 1.0], np.float32)
        return light

    def _sampled(self, plane: Plane, x: Plane, y: Plane) -> Plane:
        (tall, wide), (high, across) = plane.shape, self._stage.picture.shape[:2]
        columns, rows = (x + 0.5) * np.float32(wide / across) - 0.5, (y + 0.5) * np.float32(tall / high) - 0.5
        seen = cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(seen, dtype=np.float32)

    def _sine(self, row: int, hertz: float, seconds: float) -> float:
        if self._period is not None:
            hertz = max(1, round(hertz * self._period)) / self._period
        return math.sin(math.tau * hertz * seconds + float(self._phase[row]))

    def _struck(self) -> npt.NDArray[np.float64]:
        """Return when lightning strikes: every few seconds, never at once and not where a loop closes."""
        gaps = self._dice.uniform(1.6, 4.2, 64)
        return np.asarray(np.cumsum(gaps) - 0.8)

    def _flash(self, seconds: float) -> float:
        total = 0.0
        for stroke in self._strokes[np.abs(self._strokes - seconds) < 1.5]:
            if self._period is not None and stroke > self._period - 0.7:
                continue
            for later, bright in _FLASHES:
                since = seconds - float(stroke) - later
                if since >= 0.0:
                    total = max(total, bright * math.exp(-since / _FADE_S))
        return total


def _cloud(dice: np.random.Generator) -> Plane:
    """Return a seamless tile of cloud, 0..1: noise whose waves grow weaker with their number (1/f)."""
    # What is made from a spectrum closes on itself, so that the tile has no seam.
    noise = np.fft.rfft2(dice.normal(0.0, 1.0, (_SIDE, _SIDE)))
    across, down = np.fft.rfftfreq(_SIDE)[None, :] * _SIDE, np.fft.fftfreq(_SIDE)[:, None] * _SIDE
    waves = np.hypot(across, down)
    tile = np.fft.irfft2(np.where(waves > 0, noise / np.maximum(waves, 1.0) ** 1.75, 0.0), (_SIDE, _SIDE))
    tile = np.clip(0.5 + tile / tile.std() * 0.23, 0.0, 1.0).astype(np.float32)
    return np.asarray(np.pad(tile, ((0, 1), (0, 1)), mode="wrap"), dtype=np.float32)
