"""Engine `longcat`: one deployment of the official weights, behind the contract of all engines.

Weights stay loaded between films, and move out when another deployment of this process needs the room. Cancel is looked
at before every block of the network, many times within a step. A film that is too large for the memory is begun once
more in a way that takes less, as far as the operator has not fixed that. Nothing else ends the process: what can't be
loaded or made is `Unable`, and the next film finds things in order; only a device that is lost for the process ends it,
so that a fresh one takes the job.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from rushes import __version__
from rushes.calls import Call, LongCatCall
from rushes.engines.checkpoints import WeightsProblem, find_file, is_hub_id
from rushes.engines.deployed import with_name
from rushes.engines.diffusers.device import free_bytes, give_back, hold_to, probe, taken_bytes, waiting_room
from rushes.engines.diffusers.plan import Device, compiles
from rushes.engines.engine import Cancelled, FrameChunk, Frames, Maker, Progress, Unable
from rushes.engines.longcat.components import Components, load_components, retuned
from rushes.engines.longcat.film import film, steps_of
from rushes.engines.longcat.official import DISTILLED, LAYOUT, REFINING, Official, inspect, lora_trouble
from rushes.engines.longcat.pipeline import Pipeline
from rushes.engines.longcat.placement import (
    GB,
    Offload,
    Placement,
    first_placement,
    leaner,
    needed_bytes,
    sizes,
    waiting_bytes,
    wanted_bytes,
)
from rushes.engines.longcat.preview import Preview
from rushes.engines.longcat.sampling import Watch
from rushes.engines.residence import Residence
from rushes.engines.torch_faults import failed, ran_out
from rushes.engines.trouble import DeviceLost, out_of_memory, weights_problem
from rushes.routing import NetworkDeployment

NAME = "longcat"
LOST_EXIT = 70  # sysexits.h: a fault inside
# Guided, so that both prompts are asked for at once, as in most films.
WARM = LongCatCall("", width=64, height=64, frames=1, seed=0, steps=1, guidance=2.0)

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Loaded:
    pipeline: Pipeline
    preview: Preview


class LongCatEngine:
    """One deployment; see the module docstring. `residence` is shared by all of the process."""

    def __init__(
        self,
        name: str,
        setting: NetworkDeployment,
        residence: Residence,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._setting, self._residence = name, setting, residence
        self._environment = os.environ if environment is None else environment
        self._official: Official | None = None
        self._device: Device | None = None
        self._placement: Placement | None = None
        self._loaded: _Loaded | None = None

    @property
    def placement(self) -> Placement | None:
        """How the weights are held, None before they were loaded."""
        return self._placement

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._loaded is not None

    def load(self) -> Maker:
        """Load the weights and make a tiny film. What goes wrong is logged, and told again to each job."""
        try:
            self._ready(_nothing)
            if self._setting.warm_up:
                list(self._film(WARM, _nothing, lambda _: None))
        except Unable as unable:
            LOG.error("the deployment %s can't work: %s", self._name, unable.remedy)
        except Exception:
            # Each job tries again, since what was in the way may leave; ending here would restart the runner in a loop.
            LOG.exception("the deployment %s can't be made ready", self._name)
            self.unload()
        return self._maker()

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Frames:
        """Make the film while its frames are taken. Raises Cancelled and Unable, also from within them."""
        if not isinstance(call, LongCatCall):
            raise TypeError(f"the {NAME} engine makes no {type(call).__name__}; check the route")

        def between() -> None:
            if cancelled():
                raise Cancelled

        between()
        self._check_loras(call)
        self._ready(between)
        return Frames(self._film(call, between, progress))

    def unload(self) -> None:
        """Give the memory back."""
        self._residence.leave(self._name)
        self._clear()

    def _check_loras(self, call: LongCatCall) -> None:
        """Raise Unable for one that the film needs and that isn't there: the second pass may be half an hour away."""
        for name, is_needed in ((DISTILLED, call.distilled), (REFINING, call.refine is not None)):
            if is_needed and (told := lora_trouble(self._known().folder, name)):
                raise weights_problem(with_name(told, self._name))

    def _film(
        self, call: LongCatCall, between: Callable[[], None], progress: Callable[[Progress], None]
    ) -> Iterator[FrameChunk]:
        """Yield the film; while memory runs out before its first frame it is begun again in a leaner way."""
        size = call.refine or call
        asked, usual, begun = f"{call.frames} frames of {size.width}x{size.height}", self._placement, False
        while True:
            try:
                for chunk in film(self._ready(between).pipeline, call, self._watch(call, between, progress)):
                    begun = True
                    yield chunk
                return
            except (Unable, Cancelled):
                raise
            except Exception as error:
                if not ran_out(error):
                    raise _told(error, self._name) from error
                LOG.warning("%s ran out of memory for %s: %s", self._name, asked, _first_line(error))
            finally:  # after the handler, whose error keeps the film's tensors alive
                self._clear()
            is_leaner = self._lean()
            if not is_leaner:
                self._placed_as(usual)
            # Frames that were given can't be taken back, and another way of sampling would not match them to the bit;
            # but the next film of that size would run out at the same place.
            if begun or not is_leaner:
                raise out_of_memory(asked, self._label())

    def _watch(self, call: LongCatCall, between: Callable[[], None], progress: Callable[[Progress], None]) -> Watch:
        done, total, loaded = 0, steps_of(call), self._loaded
        assert loaded is not None

        def stepped(latents: Tensor) -> None:
            nonlocal done
            done += 1
            progress(Progress(done, total, "steps", look=lambda: loaded.preview.picture(latents)))

        return Watch(between, stepped)

    def _ready(self, between: Callable[[], None]) -> _Loaded:
        """Return what is loaded, loading it if it is out. Raises Unable, and what `between` raises."""
        # The allocator's limit is the process's, and may be what another deployment's film was held to.
        if self._device is not None:
            hold_to(self._device, self._setting.memory_gb)
        if self._loaded is not None and self._residence.touch(self._name):
            return self._loaded
        official = self._known()
        self._clear()  # what an earlier try had read before it was cancelled would count as taken
        device = self._device = probe(self._setting.device)
        hold_to(device, self._setting.memory_gb)
        placement = self._placement = self._placement or self._chosen(device, official)
        parts = sizes(official.parameters, placement.dtype, placement.quantisation)
        self._make_room(device, placement.offload, parts, official.name)
        try:
            components = self._components(official, placement, between)
        except (RuntimeError, MemoryError) as error:
            if not ran_out(error):
                raise _told(error, self._name) from error
            raise out_of_memory("the model's weights", device.label) from None
        loaded = self._loaded = _Loaded(Pipeline(components), Preview(components.autoencoder))
        parts_held = (components.network, components.prompts.encoder, components.autoencoder.vae)
        self._residence.enter(self._name, device.name, taken_bytes(parts_held, device.kind), self._leave)
        return loaded

    def _components(self, official: Official, placement: Placement, between: Callable[[], None]) -> Components:
        try:
            own = {find_file(one, None, self._environment): strength for one, strength in self._setting.loras.items()}
        except WeightsProblem as problem:
            raise weights_problem(f"loras: {problem}") from None
        return load_components(official.folder, placement, own, between)

    def _chosen(self, device: Device, official: Official) -> Placement:
        """Return how these weights are held: as the operator set it, else as the device has room for."""
        setting = self._setting
        limit = None if setting.memory_gb is None else int(setting.memory_gb * GB)
        # What others hold here would move out.
        free = None if device.free_bytes is None else device.free_bytes + self._residence.used(device.name)
        known = [one for one in (free, limit) if one is not None]
        on_gpu = device.kind == "cuda"
        placement = first_placement(setting, device.name, official.parameters, min(known) if known and on_gpu else None)
        compiled = on_gpu and compiles(on_gpu=True) if setting.compile is None else setting.compile
        return replace(placement, compile=compiled and placement.offload != "group")

    def _make_room(self, device: Device, offload: Offload, parts: Mapping[str, int], name: str) -> None:
        """Let others move out as far as needed. Raises Unable where the weights don't fit even then."""
        needed, is_gpu = needed_bytes(offload, parts), device.kind == "cuda"

        def free() -> int | None:
            within = free_bytes(device, self._residence.used(device.name), self._setting.memory_gb)
            known = [one for one in (within, None if is_gpu else waiting_room()) if one is not None]
            return min(known) if known else None

        # Others move out until a film has room too; refused is only what can't even be loaded.
        self._residence.make_room(self._name, device.name, wanted_bytes(offload, parts) if is_gpu else needed, free)
        told = "{} needs {:.2f} GB of {}, of which {:.2f} GB are free; set offload or memory_gb, or free some"
        for wanted, left, what in (
            (needed, free(), device.label),
            # Too much of it, and the system would end the process.
            (waiting_bytes(offload, parts), waiting_room(), "ordinary memory for what waits there"),
        ):
            if left is not None and left < wanted:
                remedy = told.format(name, wanted / GB, what, left / GB)
                raise out_of_memory("the model's weights", device.label, remedy)

    def _leave(self) -> None:
        self._loaded = None
        self._clear()

    def _clear(self) -> None:
        if self._device is not None:
            give_back(self._device)

    def _lean(self) -> bool:
        """Make room for one more try: others move out first, then more of our own; say whether that may help."""
        assert self._device is not None
        assert self._placement is not None
        if self._residence.evict_others(self._name, self._device.name):
            return True
        setting = self._setting
        less = leaner(
            self._placement, fixed_offload=setting.offload is not None, fixed_tiling=setting.tiling is not None
        )
        if less is None:
            return False
        LOG.warning("%s goes on with %s", self._name, less)
        self._placed_as(less)
        return True

    def _placed_as(self, placement: Placement | None) -> None:
        """Hold the weights in another way from now on; they are read anew only where they have to move."""
        before, self._placement = self._placement, placement
        if self._loaded is None or placement is None or before is None:
            return
        if placement.offload != before.offload:
            self._residence.leave(self._name)
            return
        components = retuned(self._loaded.pipeline.components, placement)
        self._loaded = _Loaded(Pipeline(components), self._loaded.preview)

    def _known(self) -> Official:
        if self._official is None:
            try:
                self._official = inspect(self._setting.model, self._setting.revision, self._environment)
            except WeightsProblem as problem:
                raise weights_problem(with_name(str(problem), self._name)) from None
        return self._official

    def _label(self) -> str:
        return self._device.label if self._device is not None else "the device"

    def _maker(self) -> Maker:
        known = self._official
        marks = [self._setting.quantisation] if self._setting.quantisation != "none" else []
        own = [Path(source).stem for source in self._setting.loras]
        told = self._setting.model
        name = known.name if known is not None else told if is_hub_id(told) else Path(told).name  # folders are ours
        named = "+".join([name, *marks, *own])
        return Maker(NAME, named, __version__, stand_in=False, layout=LAYOUT if known is not None else "")


def _nothing() -> None:
    """Nobody can cancel what is done before the first job."""


def _told(error: Exception, name: str) -> Unable:
    """Return what is told of a failure that is of no known kind; where the device is lost, end the process."""
    told = failed(error)
    if isinstance(told, DeviceLost):
        LOG.critical("this runner ends, since the device of %s failed: %s", name, told.remedy)
        os._exit(LOST_EXIT)
    return told


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
