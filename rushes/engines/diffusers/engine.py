"""Engine `diffusers`: one deployment of open weights in diffusers' layout.

Weights stay loaded between films, and move out when another deployment of this process needs the room. A film that is
too large for the memory is made once more with less of the weights on the device, unless the operator fixed that.
What can't be loaded or made is `Unable`, and the next film finds things in order; only a GPU that failed ends the
process, which can't use it any more: its job goes to the runner that takes its place.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import numpy as np
import torch

from rushes.calls import Call, DiffusersCall, Lora
from rushes.engines.alive import kept_alive
from rushes.engines.deployed import with_name
from rushes.engines.diffusers.decoding import Pixels, chunks_of, slices_of
from rushes.engines.diffusers.device import free_bytes, give_back, hold_to, probe, taken_bytes
from rushes.engines.diffusers.fewsteps import FewSteps, few_steps
from rushes.engines.diffusers.finish import finished
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.loading import OWN, Pipe, load_pipe
from rushes.engines.diffusers.plan import Device, Plan, leaner, needed_bytes, plan_of, sizes, work_bytes
from rushes.engines.diffusers.preview import Look
from rushes.engines.diffusers.reading import nothing_missing
from rushes.engines.diffusers.sampling import Watch, Ways, latents_of
from rushes.engines.diffusers.skipping import Ratios, RatiosProblem, read_ratios
from rushes.engines.diffusers.swapping import Networks, Room
from rushes.engines.diffusers.texts import Texts
from rushes.engines.diffusers.tuning import CompileError, be_exact, stop_compiling
from rushes.engines.diffusers.variants import network_parts, weights_of
from rushes.engines.diffusers.weights import Weights, WeightsProblem
from rushes.engines.engine import Cancelled, Frames, Maker, Progress, Unable
from rushes.engines.residence import Residence
from rushes.engines.torch_faults import failed, ran_out
from rushes.engines.trouble import DeviceLost, out_of_memory, unfit, weights_problem
from rushes.routing import DiffusersDeployment

WARM_SIDE = 64  # pixels: on the grid of every layout
LOST_EXIT = 70  # sysexits.h: a fault inside
MEMORY_REMEDY = "the weights stay usable; set offload, quantisation or tiling, or route smaller films here"

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Loaded:
    pipe: Pipe
    networks: Networks
    ways: Ways
    ratios: Mapping[str, Ratios | None]
    look: Look | None = None


class DiffusersEngine:
    """One deployment; see the module docstring. `residence` is shared by all of the process."""

    def __init__(
        self,
        name: str,
        setting: DiffusersDeployment,
        residence: Residence,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._name, self._setting, self._residence = name, setting, residence
        self._environment = os.environ if environment is None else environment
        self._weights: Weights | None = None
        self._device: Device | None = None
        self._plan: Plan | None = None
        self._loaded: _Loaded | None = None

    @property
    def plan(self) -> Plan | None:
        """How the weights are held, None before they were loaded."""
        return self._plan

    @property
    def loaded(self) -> bool:
        """Whether the weights are in memory."""
        return self._loaded is not None

    def load(self) -> Maker:
        """Load the weights and make a tiny film. What goes wrong is logged, and told again to each job."""
        try:
            self._ready(_nothing, next(iter(self._setting.variants), OWN) if self._setting.warm_up else OWN)
            if self._setting.warm_up:
                for variant in (*self._setting.variants, OWN):  # which is left in its place
                    self._warm_up(variant)
        except Exception as error:  # noqa: BLE001  # ending here would restart the runner in a loop
            # Each job tries again, since who has the memory may leave.
            told = error if isinstance(error, Unable) else failed(error)
            LOG.error("the deployment %s can't work: %s", self._name, told.remedy)
            self._clear()
        return self._maker()

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Frames:
        """Make a film. Raises Unable, Cancelled."""
        if not isinstance(call, DiffusersCall):
            raise TypeError(f"the diffusers engine takes a DiffusersCall, not {type(call).__name__}")

        def between() -> None:
            if cancelled():
                raise Cancelled

        between()
        try:
            few = self._few()
            if few is not None:
                progress(Progress(0, len(few.timesteps), "steps", note=few.note(call)))
                call = few.applied(call)
            film = self._film(call, between, progress)
        except DeviceLost as lost:
            self._end(lost)
        chunks = self._given_away(chunks_of(film, call), call)
        if call.finish is None:
            return Frames(chunks)
        return Frames(_looked(finished(chunks, call.fps, call.finish), between))

    def maker_of(self, call: Call) -> Maker:
        """Say which weights make this call's film."""
        with suppress(Unable):  # which its job will be told
            self._known()
        return self._maker(self._variant(call) if isinstance(call, DiffusersCall) else OWN)

    def unload(self) -> None:
        """Give the memory back."""
        self._residence.leave(self._name)

    def _film(
        self, call: DiffusersCall, between: Callable[[], None], progress: Callable[[Progress], None]
    ) -> Iterator[torch.Tensor]:
        """Make it, with less and less of the weights on the device while memory runs out; it comes in slices."""
        while True:
            try:
                return self._made(call, between, progress)
            except (Unable, Cancelled):
                raise
            except CompileError as error:
                self._give_up_compiling(error)
                continue
            except Exception as error:
                if not ran_out(error):
                    raise failed(error) from error
                LOG.warning("%s ran out of memory making %dx%d", self._name, call.width, call.height)
            # Outside of the handler, whose traceback keeps the film's tensors alive.
            self._clear()
            if not self._lean():
                raise self._too_large(call)

    def _given_away(self, chunks: Iterator[Pixels], call: DiffusersCall) -> Iterator[Pixels]:
        """Pass chunks on. What fails while frames are given away already can't be made once more."""
        try:
            yield from chunks
            return
        except (Unable, Cancelled):
            raise
        except Exception as error:
            if not ran_out(error):
                fault = failed(error)
                if isinstance(fault, DeviceLost):
                    self._end(fault)
                raise fault from error
            LOG.warning("%s ran out of memory decoding %dx%d", self._name, call.width, call.height)
        self._clear()
        raise self._too_large(call)

    def _end(self, lost: DeviceLost) -> NoReturn:
        LOG.critical("this runner ends, since the device of %s failed: %s", self._name, lost.remedy)
        os._exit(LOST_EXIT)

    def _too_large(self, call: DiffusersCall) -> Unable:
        return out_of_memory(f"{call.made} frames of {call.width}x{call.height}", self._label(), MEMORY_REMEDY)

    def _give_up_compiling(self, error: Exception) -> None:
        if self._loaded is None or self._plan is None or not stop_compiling(self._loaded.pipe):
            raise failed(error) from error
        self._plan = self._loaded.networks.plan = replace(self._plan, compile=False)
        why = (str(error).splitlines() or [type(error).__name__])[0]
        LOG.warning("%s can't compile its network's blocks and goes on without: %s", self._name, why)

    def _made(
        self, call: DiffusersCall, between: Callable[[], None], progress: Callable[[Progress], None]
    ) -> Iterator[torch.Tensor]:
        weights, variant = self._known(), self._variant(call)
        loaded = self._ready(between, variant)
        self._swap(loaded, variant, between)
        if self._plan is not None:
            be_exact(self._plan)
        _check_pictures(call, weights)
        always = tuple(Lora(source, scale) for source, scale in self._setting.loras.items())
        loaded.networks.adapters.use(always + call.loras)

        def stepped(step: int, latents: torch.Tensor) -> None:
            progress(Progress(step, call.steps, "steps", look=lambda: self._look(loaded).picture(latents)))

        if self._plan is not None and self._plan.offload != "none":
            self._look(loaded)  # before the network moves in, which the autoencoder would move out
            loaded.pipe.maybe_free_model_hooks()
        watch = Watch(between, stepped)
        try:
            latents, generator = latents_of(loaded.pipe, weights.layout, call, watch, self._ways_of(loaded, variant))
            sliced = self._setting.sliced
            return slices_of(loaded.pipe, latents, call, weights.layout, generator, between, sliced=sliced)
        except BaseException:
            loaded.pipe.maybe_free_model_hooks()  # else after the last slice
            raise

    def _look(self, loaded: _Loaded) -> Look:
        if loaded.look is None:  # else fitted only where somebody watches
            loaded.look = Look(loaded.pipe.vae, loaded.pipe._execution_device)
        return loaded.look

    def _variant(self, call: DiffusersCall) -> str:
        return call.variant if call.variant in self._setting.variants else OWN

    def _swap(self, loaded: _Loaded, variant: str, between: Callable[[], None]) -> None:
        """Have the pipeline use a variant's network. Raises Unable, torch.OutOfMemoryError, what `between` raises."""
        if not self._setting.variants:
            return
        try:
            loaded.networks.use(variant, self._room(loaded), between)
        except WeightsProblem as problem:
            raise weights_problem(with_name(str(problem), self._name)) from None
        finally:  # also after a cancel, by when a network may have been read, or put aside
            self._enter_residence(loaded)

    def _room(self, loaded: _Loaded) -> Room:
        assert self._plan is not None
        assert self._device is not None
        device, weights = self._device, self._known()
        parts = sizes(weights.parameters, LAYOUTS[weights.layout].exact, self._plan.dtype, self._plan.quantisation)
        network = sum(parts[name] for name in network_parts(weights))

        def free() -> int | None:
            self._enter_residence(loaded)  # where what was let go counts no more
            return free_bytes(device, self._residence.used(device.name), self._setting.memory_gb)

        return Room(network, work_bytes(parts) if device.kind == "cuda" else 0, free, self._clear)

    def _ready(self, between: Callable[[], None], variant: str = OWN) -> _Loaded:
        """Return the loaded pipeline, loading it with this network if it is out.

        Raises Unable, and what `between` raises.
        """
        if self._device is not None:
            hold_to(self._device, self._setting.memory_gb)
        if self._loaded is not None and self._residence.touch(self._name):
            return self._loaded
        weights = self._known()
        device = self._device = probe(self._setting.device)
        hold_to(device, self._setting.memory_gb)
        layout = LAYOUTS[weights.layout]
        others = self._residence.used(device.name)  # which would move out
        roomy = device if device.free_bytes is None else replace(device, free_bytes=device.free_bytes + others)
        # A plan that an earlier film made leaner stays: that film would run out of memory again.
        plan = self._plan = self._plan or plan_of(
            roomy, weights.parameters, layout.exact, self._setting, masked=layout.masked, fuses=layout.fuses
        )
        parts = sizes(weights.parameters, layout.exact, plan.dtype, plan.quantisation)
        needed = needed_bytes(plan, parts)
        limit = self._setting.memory_gb
        self._residence.make_room(
            self._name,
            device.name,
            needed + (work_bytes(parts) if device.kind == "cuda" else 0),
            lambda: free_bytes(device, self._residence.used(device.name), limit),
        )
        # A CPU's memory isn't counted unless the operator limited it.
        free = free_bytes(device, 0, limit) if device.kind == "cuda" or limit is not None else None
        if free is not None and free < needed:
            told = f"{weights.name} needs {needed / 1e9:.2f} GB, of which {free / 1e9:.2f} GB are free; {MEMORY_REMEDY}"
            raise out_of_memory("the model's weights", device.label, told)
        return self._enter(weights, plan, device, between, variant)

    def _enter(
        self, weights: Weights, plan: Plan, device: Device, between: Callable[[], None], variant: str
    ) -> _Loaded:
        pipe = self._read(weights, plan, between, variant)
        if pipe is None:
            give_back(device)
            if self._residence.evict_others(self._name, device.name):
                pipe = self._read(weights, plan, between, variant)
        if pipe is None:
            raise out_of_memory("the model's weights", device.label, f"{weights.name} doesn't fit; {MEMORY_REMEDY}")
        networks = Networks(pipe, weights, plan, variant)
        loaded = self._loaded = _Loaded(pipe, networks, self._ways(pipe, weights, plan), self._ratios())
        self._enter_residence(loaded)
        return loaded

    def _enter_residence(self, loaded: _Loaded) -> None:
        assert self._device is not None
        device, unused = self._device, loaded.networks.unused
        for variant in (*self._setting.variants, OWN):
            name = self._resident(variant)
            self._residence.forget(name)
            if variant in unused:  # which others move out without all the rest
                leave = partial(self._put_aside, loaded, variant)
                self._residence.enter(name, device.name, taken_bytes(unused[variant], device.kind), leave)
        # On the CPU all are there, whatever the plan.
        held = taken_bytes((*loaded.pipe.components.values(), *loaded.networks.modules()), device.kind)
        rest = sum(taken_bytes(one, device.kind) for one in unused.values())
        self._residence.enter(self._name, device.name, held - rest, self._leave)

    def _resident(self, variant: str) -> str:
        """Return what a network that isn't in use is called among those in memory."""
        return f"{self._name}'s network {variant or 'of its own'}"

    def _put_aside(self, loaded: _Loaded, variant: str) -> None:
        if self._loaded is loaded:
            loaded.networks.put_aside(variant, self._room(loaded))

    def _read(self, weights: Weights, plan: Plan, between: Callable[[], None], variant: str) -> Pipe | None:
        """Return the pipeline, None where memory ran out."""

        def read() -> Pipe:
            with nothing_missing():
                return load_pipe(weights, plan, variant)

        try:
            return kept_alive(read, between)
        except WeightsProblem as problem:
            raise weights_problem(with_name(str(problem), self._name)) from None
        except (Unable, torch.OutOfMemoryError) as error:
            if not ran_out(error.__cause__ or error):
                raise
        return None

    def _ways(self, pipe: Pipe, weights: Weights, plan: Plan) -> Ways:
        setting = self._setting
        return Ways(
            texts=Texts(pipe, setting.kept_texts, LAYOUTS[weights.layout].text_tokens),
            few=self._few(),
            batched=setting.batched_guidance,
            streamed=plan.offload == "group",
        )

    def _ratios(self) -> Mapping[str, Ratios | None]:
        """Read each network's own list; another's says nothing of it."""
        setting = self._setting
        paths = {OWN: setting.ratios, **{name: one.ratios for name, one in setting.variants.items()}}
        try:
            return {name: None if path is None else read_ratios(path) for name, path in paths.items()}
        except RatiosProblem as problem:
            raise unfit("This server's settings are wrong", str(problem)) from None

    def _ways_of(self, loaded: _Loaded, variant: str) -> Ways:
        told = self._setting.variants[variant] if variant != OWN else self._setting
        return replace(loaded.ways, ratios=loaded.ratios[variant], calibrate=told.calibrate)

    def _few(self) -> FewSteps | None:
        return few_steps(self._setting.distilled, self._known().layout) if self._setting.distilled is not None else None

    def _leave(self) -> None:
        self._loaded = None
        for variant in (*self._setting.variants, OWN):
            self._residence.forget(self._resident(variant))
        self._clear()

    def _clear(self) -> None:
        if self._device is not None:
            give_back(self._device)

    def _lean(self) -> bool:
        """Make room for one more try: say whether that helped.

        Others move out first, networks that aren't in use among them; then more of our own weights.
        """
        assert self._device is not None
        if self._residence.evict_others(self._name, self._device.name):
            return True
        # Two passes made as one work on twice the tokens.
        if self._loaded is not None and self._loaded.ways.batched is None and self._device.kind == "cuda":
            self._loaded.ways = replace(self._loaded.ways, batched=False)
            return True
        less = leaner(self._plan, self._device) if self._plan is not None else None
        fixed = self._setting
        if less is None or (self._plan and less.tiling != self._plan.tiling and fixed.tiling is not None):
            return False
        if self._plan and less.offload != self._plan.offload and fixed.offload is not None:
            return False
        LOG.warning("%s goes on with offload=%s, tiling=%s", self._name, less.offload, less.tiling)
        self._residence.leave(self._name)
        self._plan = less
        return True

    def _known(self) -> Weights:
        if self._weights is None:
            try:
                self._weights = weights_of(self._setting, self._environment)
            except WeightsProblem as problem:
                raise weights_problem(with_name(str(problem), self._name)) from None
        return self._weights

    def _warm_up(self, variant: str) -> None:
        layout = LAYOUTS[self._known().layout]
        with TemporaryDirectory(prefix="rushes-warm-") as folder:
            grey = Path(folder) / "grey.npy"
            np.save(grey, np.full((WARM_SIDE, WARM_SIDE, 3), 128, np.uint8))
            image, last = (str(grey) if wanted else None for wanted in ("image" in layout.takes, layout.paired))
            made = layout.frame_step + 1 if layout.paired else 1
            side = WARM_SIDE
            call = DiffusersCall("", "", side, side, made, made, 16, 1, 1.0, 0, image, last, variant=variant)
            few = self._few()
            deque(self._film(few.applied(call) if few is not None else call, _nothing, _nothing), maxlen=0)

    def _label(self) -> str:
        return self._device.label if self._device is not None else "the device"

    def _maker(self, variant: str = OWN) -> Maker:
        weights = self._weights
        setting = self._setting.variants.get(variant, self._setting)
        model = weights.variants.get(variant, weights).name if weights is not None else setting.model
        marks: list[str] = [self._setting.quantisation] if self._setting.quantisation != "none" else []
        marks += [source.rpartition("/")[2] for source in self._setting.loras]
        if self._setting.distilled is not None and weights is not None:
            marks.append(few_steps(self._setting.distilled, weights.layout).label)
        named = "+".join([model, *marks])
        return Maker("diffusers", named, version("diffusers"), stand_in=False, layout=weights.layout if weights else "")


def _check_pictures(call: DiffusersCall, weights: Weights) -> None:
    layout = LAYOUTS[weights.layout]
    needed = {"image": "image" in layout.takes, "last_image": layout.paired}
    for name, is_needed in needed.items():
        if is_needed and getattr(call, name) is None:
            told = f"{weights.name} ({weights.layout}) needs {name}, which this endpoint does not give; mend the routes"
            raise unfit("The model's weights on this server can't make this kind of film", told)


def _nothing(*_: object) -> None: ...


def _looked(chunks: Iterator[Pixels], between: Callable[[], None]) -> Iterator[Pixels]:
    for chunk in chunks:
        between()
        yield chunk
