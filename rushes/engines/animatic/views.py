"""Which pictures a film is made of: the one place that decides between scene, photograph, board and video.

A view draws frame after frame in order; treatments on top of the finished frame (`effect`, `lips`) are `film`'s, styles
and the mouth of a still picture are put in here, before the camera, where they cost nothing per frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall
from rushes.engines.animatic.articulation import AT_REST, Lips
from rushes.engines.animatic.board import Box, blended, cards, ground, joined, shade, shadows, split
from rushes.engines.animatic.camera import Move
from rushes.engines.animatic.continued import Continued
from rushes.engines.animatic.cutout import cutout
from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.dissolve import dissolve, share_at
from rushes.engines.animatic.easing import there_and_back, visiting
from rushes.engines.animatic.flow import match
from rushes.engines.animatic.framing import cover
from rushes.engines.animatic.heads import headed
from rushes.engines.animatic.lips import Mouth
from rushes.engines.animatic.masks import Masked
from rushes.engines.animatic.morph import Morph
from rushes.engines.animatic.pair import is_for_two, pair_of
from rushes.engines.animatic.path import plan
from rushes.engines.animatic.remade import Remade
from rushes.engines.animatic.scene import draw_scene
from rushes.engines.animatic.shot import Shot, cropped, moves_of
from rushes.engines.animatic.speaker import introduced, speaks, warn_faceless
from rushes.engines.animatic.staged import Staged
from rushes.engines.animatic.style import styled

_SPARE = 1.2  # a drawn view can be as wide as the move likes


class View(Protocol):
    """What is in front of the camera, and the camera."""

    def draw(self, index: int, frame: Picture) -> None:
        """Write frame `index`; called once for each, in order."""
        ...

    def close(self) -> None:
        """Give back what is held open."""
        ...


def view_of(call: AnimaticCall, lips: Iterator[Lips] | None) -> View:
    """Choose and set up the view; `lips` is how they stand at each frame, where they shall move."""
    # A given video first: with one, a picture only says what the film begins on.
    if call.video is not None and call.keep is None:
        return Remade(call, lips, loaded(call.image) if call.image is not None else None)
    if call.video is not None:
        return Continued(call, _goes_on)
    # Lips need one picture to be drawn in, a given end one that gives way to it; in all else figures may act.
    drawn = call.image is None and call.end_image is None and lips is None
    if drawn and (not call.pictures or (call.effect is None and call.prompt.strip())):
        return Staged(call, [cutout(loaded(path)) for path in call.pictures])
    if is_for_two(call) and (pair := pair_of(call, [loaded(path) for path in call.pictures])) is not None:
        return pair
    if call.pictures and not (call.image is None and len(call.pictures) == 1):
        return Board(call, lips)
    return Single(call, first_picture(call), lips)


def loaded(path: str) -> Picture:
    """Read a decoded picture."""
    photograph: npt.NDArray[Any] = np.load(path, allow_pickle=False)
    return np.asarray(photograph, dtype=np.uint8)


def first_picture(call: AnimaticCall) -> tuple[Picture, Plane | None]:
    """Return what the film begins on, and its depth where it is known."""
    path = call.image or (call.pictures[0] if call.pictures else None)
    if path is not None:
        picture = loaded(path)
        if call.effect is not None and not call.masks:
            picture = headed(picture, call.width, call.height)
        return cover(picture, call.width, call.height), None
    prompt = introduced(call.prompt) if speaks(call) else call.prompt
    return draw_scene(prompt, call.seed, round(call.width * _SPARE), round(call.height * _SPARE))


def _goes_on(call: AnimaticCall, last: Picture, first: int) -> Single:
    return Single(call, (last, None), first=first)


class Single:
    """One picture, which may give way to another one at the end, or come round to where it began, or both in turn."""

    def __init__(
        self,
        call: AnimaticCall,
        picture: tuple[Picture, Plane | None],
        lips: Iterator[Lips] | None = None,
        *,
        first: int = 0,
    ) -> None:
        """`first` frames of the call are somebody else's; the camera starts after them."""
        self._first, self._frames = first, max(call.frames - first, 1)
        size, moves = (call.width, call.height), moves_of(call)
        seconds = max(self._frames - 1, 0) / call.fps
        pixels, depth = picture
        # A loop goes the whole way twice in its time.
        step = (2.0 if call.loop else 1.0) / max(self._frames - 1, 1)
        self._shot = Shot(
            styled(pixels, call.style), size, moves, seconds=seconds, seed=call.seed, depth=depth, step=step
        )
        self._mouth = None
        # No second search where the shot has looked in vain.
        if lips is not None and not (self._shot.looked and self._shot.face is None):
            self._mouth = Mouth(self._shot.stage.picture, self._shot.face, seed=call.seed, fps=call.fps)
        if lips is not None and (self._mouth is None or not self._mouth.found):
            warn_faceless("picture")
        self._lips = lips
        self._end: Shot | None = None
        self._loop = call.loop
        # A loop's last frame is followed by its first one, so that all its frames count.
        length = self._frames / call.fps if self._loop else seconds
        leaves = call.end_image is not None
        self._shot.enliven(call.prompt, seconds=length, seed=call.seed, loop=self._loop and not first, leaves=leaves)
        self._masked = Masked(call, self._shot.stage) if call.masks else None
        self._morph: Morph | None = None
        if call.end_image is not None:
            given = cover(loaded(call.end_image), *size)
            end = styled(given, call.style)
            # A morph shows its two pictures and nothing that moves in them; so lips and masks get a dissolve.
            found = None if lips is not None or call.masks else match(cropped(pixels, *size), cropped(given, *size))
            if found is not None:
                journey = plan(moves, seconds, call.seed)
                self._morph = Morph(self._shot.stage.resting(), cropped(end, *size), found, journey)
            else:
                self._end = Shot(end, size, moves, seconds=seconds, seed=call.seed, arriving=True)

    def draw(self, index: int, frame: Picture) -> None:
        """Write the frame at its time: 0 at the first, 1 at the last."""
        if self._morph is not None:
            self._morph.draw(self._time(index - self._first), frame)
            return
        if self._mouth is not None and self._lips is not None:
            self._mouth.open(next(self._lips, AT_REST))
        number = index - self._first
        t = self._time(number)
        share = 0.0 if self._end is None else share_at(t)
        if share < 1.0:
            self._film(t, number / self._frames if self._loop and not self._first else t, frame)
        if self._end is not None and share > 0.0:
            dissolve(frame, self._end, t, share)

    def close(self) -> None:
        """Nothing is held open."""

    def _film(self, t: float, moment: float, frame: Picture) -> None:
        if self._masked is not None:
            self._masked.move(t)
        self._shot.draw(t, frame, moment)
        if self._masked is not None:
            self._masked.keep(frame)

    def _time(self, number: int) -> float:
        if self._first:
            return (number + 1) / self._frames  # the moment 0 is the last frame that was kept
        if self._loop:  # to a picture to end on, and home from there
            both = self._end is not None or self._morph is not None
            return (visiting if both else there_and_back)(number / self._frames)
        # One frame is the last one as well, and that is the picture to end on.
        if self._frames == 1 and (self._end is not None or self._morph is not None):
            return 1.0
        return number / max(self._frames - 1, 1)


class Board:
    """Several pictures at once, each filmed by the same camera; with an `image` they are cards on top of it."""

    def __init__(self, call: AnimaticCall, lips: Iterator[Lips] | None = None) -> None:
        count, size = len(call.pictures), (call.width, call.height)
        self._back = Single(call, first_picture(call), lips) if call.image is not None else None
        # An effect plays on all of them together, so they share one picture instead of lying side by side.
        self._joined = self._back is None and call.effect is not None
        layout = cards if self._back is not None else joined if self._joined else split
        self._boxes = layout(count, *size)
        self._board = ground(*size)
        self._light = shadows(self._boxes, *size)
        self._frames, self._loop = call.frames, call.loop
        moves = moves_of(call)
        self._shots = [
            self._panel(call, path, box, moves) for path, box in zip(call.pictures, self._boxes, strict=True)
        ]
        self._end = None
        if self._back is None and call.end_image is not None:
            end = styled(cover(loaded(call.end_image), *size), call.style)
            seconds = max(call.frames - 1, 0) / call.fps
            self._end = Shot(end, size, moves, seconds=seconds, seed=call.seed, arriving=True)

    def draw(self, index: int, frame: Picture) -> None:
        """Write the board: the background, then each part."""
        t = there_and_back(index / self._frames) if self._loop else index / max(self._frames - 1, 1)
        if self._back is None:
            frame[...] = self._board
        else:
            self._back.draw(index, frame)
            shade(frame, self._boxes, self._light)
        for shot, box in zip(self._shots, self._boxes, strict=True):
            part = np.empty((box.height, box.width, 3), np.uint8)
            shot.draw(t, part)
            if self._joined:
                blended(frame, box, part)
            else:
                box.of(frame)[...] = part
        if self._end is not None and (share := share_at(t)) > 0.0:
            dissolve(frame, self._end, t, share)

    def close(self) -> None:
        """Nothing is held open."""

    def _panel(self, call: AnimaticCall, path: str, box: Box, moves: tuple[Move, ...]) -> Shot:
        size = (box.width, box.height)
        seconds = max(call.frames - 1, 0) / call.fps
        return Shot(
            styled(cover(headed(loaded(path), *size), *size), call.style), size, moves, seconds=seconds, seed=call.seed
        )
