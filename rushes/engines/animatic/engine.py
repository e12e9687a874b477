"""The animatic engine: hands each kind of call to the file that makes it, on the CPU and without weights.

`film` makes moving pictures with their sound, `stills` pictures, `view` a camera's frames, `speech` spoken text,
`voice` a voice from a sample. Between calls it keeps only the pictures that a camera looks at. Encoding is left to
whoever takes the results.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import overload

from rushes import __version__
from rushes.calls import AnimaticCall, Call, CloneCall, ForgetCall, SpeechCall, StillsCall, ViewCall
from rushes.engines.animatic.film import CHUNK, film
from rushes.engines.animatic.speech import speech
from rushes.engines.animatic.stills import stills
from rushes.engines.animatic.view import Scenes, view
from rushes.engines.animatic.voice import voice
from rushes.engines.engine import Cancelled, Frames, Maker, Output, Pictures, Progress, SoundTrack, Value, Voice

__all__ = ["CHUNK", "AnimaticEngine"]

Say = Callable[[Progress], None]
Stop = Callable[[], bool]


class AnimaticEngine:
    """A moving storyboard on the CPU; see `rushes.engines.engine.Engine`."""

    def __init__(self) -> None:
        self._scenes = Scenes()

    def load(self) -> Maker:
        """Return the maker; there are no weights to load."""
        # A stand-in for whatever model an endpoint promises, drawn by rule.
        return Maker(engine="animatic", model="animatic", version=__version__, stand_in=True, trained=False)

    @overload
    def generate(self, call: AnimaticCall, progress: Say, cancelled: Stop) -> Frames: ...
    @overload
    def generate(self, call: StillsCall, progress: Say, cancelled: Stop) -> Pictures: ...
    @overload
    def generate(self, call: ViewCall, progress: Say, cancelled: Stop) -> Pictures: ...
    @overload
    def generate(self, call: SpeechCall, progress: Say, cancelled: Stop) -> SoundTrack: ...
    @overload
    def generate(self, call: CloneCall, progress: Say, cancelled: Stop) -> Voice: ...
    @overload
    def generate(self, call: ForgetCall, progress: Say, cancelled: Stop) -> Value: ...
    @overload
    def generate(self, call: Call, progress: Say, cancelled: Stop) -> Output: ...
    def generate(self, call: Call, progress: Say, cancelled: Stop) -> Output:
        """Set up at once, and make each part when it is asked for."""
        match call:
            case AnimaticCall():
                return film(call, progress, cancelled)
            case StillsCall():
                return stills(call, progress, cancelled)
            case ViewCall():
                return view(call, self._scenes, progress, cancelled)
            case SpeechCall():
                return speech(call, progress, cancelled)
            case CloneCall():
                return voice(call, progress, cancelled)
            case ForgetCall():
                return _forgotten(cancelled)
        raise TypeError(f"the animatic engine makes no {type(call).__name__}; check the route")

    def unload(self) -> None:
        """Give up the pictures that a camera looked at."""
        self._scenes.clear()


def _forgotten(cancelled: Stop) -> Value:
    """Answer a call that only deletes: the voice goes when the job has ended well, which is not the engine's to do."""
    if cancelled():
        raise Cancelled
    return Value({})
