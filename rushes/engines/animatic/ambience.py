"""All that moves by itself before one camera: read from the prompt, given its regions, drawn with each frame.

`stir` moves the picture's surface, `veil` and `particles` are laid over the frame; here they are put together and told
the time. A picture whose prompt speaks of nothing of the kind has none of it and costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import smoothstep
from rushes.engines.animatic.elements import read_elements
from rushes.engines.animatic.face import Face
from rushes.engines.animatic.particles import SPECIES, Particles, Stars
from rushes.engines.animatic.path import Pose
from rushes.engines.animatic.regions import regions_of
from rushes.engines.animatic.render import Stage
from rushes.engines.animatic.stir import Stir, Stirred
from rushes.engines.animatic.veil import Veil

_OUTSIDE = ("rain", "snow", "lightning", "fog", "stars", "clouds", "leaves", "waves", "flow")
_COMES_S = 0.9  # after which what was not in the picture is fully there


class Ambience:
    """The elements of one stage over a clip of `seconds`."""

    def __init__(
        self,
        stage: Stage,
        prompt: str,
        *,
        seconds: float,
        seed: int,
        loop: bool,
        leaves: bool,
        face: Face | None = None,
        begun: bool = False,
        roofed: bool = False,
    ) -> None:
        """With `loop` the end flows into the beginning; with `leaves` all is gone at the end, as at the beginning.

        `face` is where one was found in the stage's picture; with `begun` it rains from the first frame on; under a
        roof (`roofed`) no weather falls.
        """
        elements = read_elements(prompt)
        if roofed:
            elements = tuple(element for element in elements if element.kind not in _OUTSIDE)
        self._seconds, self._leaves = max(seconds, 1e-6), leaves
        # A loop has no moment at which things could come.
        self._begun = begun or loop
        self._stir: Stir | None = None
        self._over: list[Veil | Particles | Stars] = []
        if not elements:
            return
        period = self._seconds if loop else None
        regions = regions_of(stage.picture, face)
        size = (stage.picture.shape[1], stage.picture.shape[0])
        # Of the frame and not of the picture: how far things sway is seen against the frame.
        unit = math.sqrt(stage.width * stage.height)
        stir = Stir(elements, regions, size, unit=unit, seed=seed, seconds=self._seconds, period=period)
        self._stir = None if stir.still else stir
        veil = Veil(elements, stage, regions, seed=seed, period=period)
        if not veil.clear:
            self._over.append(veil)
        # One wind for all that falls.
        side = 1.0 if seed % 2 else -1.0
        for element in elements:
            if element.kind == "stars":
                self._over.append(Stars(stage, regions.sky, strength=element.strength, seed=seed, period=period))
            elif element.kind in SPECIES:
                strength = element.strength
                self._over.append(
                    Particles(element.kind, stage, strength=strength, seed=seed, period=period, side=side)
                )

    @property
    def still(self) -> bool:
        """Whether there is nothing of the kind."""
        return self._stir is None and not self._over

    @property
    def starts_empty(self) -> bool:
        """Whether the first frame is the picture as it is."""
        return not self._begun

    def draw(
        self, stage: Stage, pose: Pose, t: float, frame: Picture, between: Callable[[], None] | None = None
    ) -> None:
        """Write what the camera sees at `t` (0..1 of the clip's own time) into the frame.

        `between` is called before what lies over everything is drawn, such as rain.
        """
        seconds = t * self._seconds
        stir = self._stir

        def stirred(x: Plane, y: Plane) -> Stirred:
            assert stir is not None
            return stir.at(x, y, seconds)

        stage.draw(pose, frame, None if stir is None else stirred)
        # Figures and smears belong to what is behind the rain.
        if between is not None:
            between()
        presence = self._presence(seconds)
        if presence > 0.0:
            for layer in self._over:
                layer.draw(pose, seconds, presence, frame)

    def _presence(self, seconds: float) -> float:
        comes = 1.0 if self._begun else smoothstep(seconds / min(_COMES_S, 0.4 * self._seconds))
        goes = smoothstep((self._seconds - seconds) / min(_COMES_S, 0.4 * self._seconds)) if self._leaves else 1.0
        return comes * goes
