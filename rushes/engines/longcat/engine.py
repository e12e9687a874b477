"""Engine `longcat`: one set of weights on one device, behind the contract of all engines.

`load` reads the weights once; films follow one after the other. Cancel is looked at before every block of the network,
which is many times within a step, and leaves the weights loaded. A device that runs out of memory gives back what the
film took, and the next film finds everything as it was.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from rushes import __version__
from rushes.calls import Call, LongCatCall
from rushes.engines.engine import Cancelled, FrameChunk, Frames, Maker, Picture, Progress
from rushes.engines.longcat.components import Components, Placement, chosen_placement, load_components
from rushes.engines.longcat.film import film, steps_of
from rushes.engines.longcat.pipeline import Pipeline
from rushes.engines.longcat.preview import Preview
from rushes.engines.longcat.problems import out_of_memory
from rushes.engines.longcat.sampling import Watch

NAME = "longcat"
_NO_MEMORY = ("can't allocate memory", "not enough memory")  # as the CPU's allocator says it, by platform
MODEL = "LongCat-Video"

Show = Callable[[Picture], None]


class LongCatEngine:
    """See the module docstring, and `rushes.engines.engine.Engine`."""

    def __init__(self, folder: Path, placement: Placement | None = None, *, show: Show | None = None) -> None:
        """`show` gets a small picture of the film after each step; None: none is made."""
        self._folder, self._placement, self._show = folder, placement, show
        self._loaded: _Loaded | None = None

    def load(self) -> Maker:
        """Read the weights. Raises Unable for what is missing or wrong, naming it, and where they don't fit."""
        placement = self._placement or chosen_placement()
        try:
            components = load_components(self._folder, placement)
        except (RuntimeError, MemoryError) as error:
            raise _told(error, "the weights", placement.device) from None
        self._loaded = _Loaded(Pipeline(components), Preview(components.autoencoder), components)
        return Maker(NAME, MODEL, __version__, stand_in=False)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Frames:
        """Make the film while its frames are taken. Raises Cancelled and Unable from within them."""
        if not isinstance(call, LongCatCall):
            raise TypeError(f"the {NAME} engine makes no {type(call).__name__}; check the route")
        if self._loaded is None:
            raise RuntimeError(f"the {NAME} engine is not loaded")
        return Frames(_guarded(self._loaded, call, self._watch(self._loaded, call, progress, cancelled)))

    def unload(self) -> None:
        """Give the memory back."""
        self._loaded = None
        _tidy()

    def _watch(
        self,
        loaded: _Loaded,
        call: LongCatCall,
        progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
    ) -> Watch:
        done, total = 0, steps_of(call)

        def between() -> None:
            if cancelled():
                raise Cancelled

        def stepped(latents: Tensor) -> None:
            nonlocal done
            done += 1
            progress(Progress(done, total, "steps"))
            if self._show is not None:
                self._show(loaded.preview.picture(latents))

        return Watch(between, stepped)


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What there is between `load` and `unload`."""

    pipeline: Pipeline
    preview: Preview
    components: Components


def _guarded(loaded: _Loaded, call: LongCatCall, watch: Watch) -> Iterator[FrameChunk]:
    """Yield the film; running out of memory becomes an error that says so, and what was taken is given back."""
    try:
        yield from film(loaded.pipeline, call, watch)
    except (RuntimeError, MemoryError) as error:
        size = call.refine or call
        told = _told(error, f"{call.frames} frames of {size.width}x{size.height}", loaded.components.device)
        raise told from None
    finally:
        _tidy()


def _told(error: RuntimeError | MemoryError, needed: str, device: torch.device) -> Exception:
    """Return the error to be raised: of many RuntimeErrors only those about memory have a type of their own."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or any(words in str(error) for words in _NO_MEMORY):
        return out_of_memory(needed, str(device))
    return error


def _tidy() -> None:
    """Give unused memory back to the device, so that other programs and other models find it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
