"""Engine `diffusers` on several devices: each film is made by a group of processes, each with a part of its tokens.

The same contract as of one device. The weights are whole on each; what is saved is time. A process that dies or fails
ends the film with a typed error, and the group is started anew for the next.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version

from rushes.calls import Call, DiffusersCall
from rushes.engines.deployed import with_name
from rushes.engines.diffusers.decoding import Pixels
from rushes.engines.diffusers.device import free_bytes, probe
from rushes.engines.diffusers.fewsteps import FewSteps, few_steps
from rushes.engines.diffusers.finish import finished
from rushes.engines.diffusers.group import Group, GroupLost, Refused
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.plan import Device, Plan, needed_bytes, plan_of, sizes, work_bytes
from rushes.engines.diffusers.variants import weights_of
from rushes.engines.diffusers.weights import Weights, WeightsProblem
from rushes.engines.engine import Cancelled, Frames, Maker, Progress, Unable
from rushes.engines.residence import Residence
from rushes.engines.trouble import out_of_memory, unfit, weights_problem
from rushes.routing import DiffusersDeployment

MEMORY_REMEDY = "each device holds all weights: set quantisation or tiling, or route smaller films here"

LOG = logging.getLogger(__name__)


class SharedEngine:
    """One deployment on several devices; see the module docstring. `residence` is shared by all of the process."""

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
        self._group: Group | None = None
        self._tiling = setting.tiling

    @property
    def process_ids(self) -> tuple[int, ...]:
        """Those that are at work, the one that speaks for all first."""
        return tuple(one.pid or 0 for one in self._group.processes) if self._group is not None else ()

    def load(self) -> Maker:
        """Start the group. What goes wrong is logged, and told again to each job."""
        try:
            self._ready(_nothing)
        except Unable as unable:
            LOG.error("the deployment %s can't work: %s", self._name, unable.remedy)
        return self._maker()

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Frames:
        """Make a film. Raises Unable, Cancelled."""
        if not isinstance(call, DiffusersCall):
            raise TypeError(f"the diffusers engine takes a DiffusersCall, not {type(call).__name__}")

        def between() -> None:
            if cancelled():
                raise Cancelled

        between()
        few = self._few()
        if few is not None:
            progress(Progress(0, len(few.timesteps), "steps", note=few.note(call)))
            call = few.applied(call)
        chunks = self._film(call, between, progress)
        first = next(chunks)  # all steps are made before there is one
        whole = _after(first, chunks)
        return Frames(whole if call.finish is None else finished(whole, call.fps, call.finish))

    def unload(self) -> None:
        """End the group."""
        for name in self._residents:
            self._residence.leave(name)
        self._end()

    def _film(
        self, call: DiffusersCall, between: Callable[[], None], progress: Callable[[Progress], None]
    ) -> Iterator[Pixels]:
        """Yield the film's chunks; with tiles where memory ran out before the first."""
        given = False
        while True:
            try:
                for chunk in self._made(call, between, progress):
                    given = True
                    yield chunk
                return
            except GroupLost as lost:
                LOG.error("the processes of %s are gone: %s", self._name, lost)
                self._end()
                if not lost.memory:
                    raise unfit("The processes that made the film ended, so no film was made", str(lost)) from None
                if given or self._tiling is not None:  # tiles are all that is left to try
                    what = f"{call.made} frames of {call.width}x{call.height}"
                    raise out_of_memory(what, ", ".join(self._setting.devices), MEMORY_REMEDY) from None
            self._tiling = True

    def _made(
        self, call: DiffusersCall, between: Callable[[], None], progress: Callable[[Progress], None]
    ) -> Iterator[Pixels]:
        group, done = self._ready(between), False
        try:
            group.tell("film", call)
            while not done:
                said = group.hear(between)
                if said[0] == "step":
                    _, step, steps, picture = said
                    progress(Progress(step, steps, "steps", look=lambda shown=picture: shown))  # type: ignore[misc]
                elif said[0] == "chunk":
                    yield said[1]
                done = said[0] == "done"
        except Refused as refused:
            self._end()
            raise Unable(*refused.said[1:]) from None
        except GroupLost:
            done = True
            raise
        finally:
            if not done and self._group is group:
                self._stop(group)

    def _stop(self, group: Group) -> None:
        """End the film and keep the weights; a group that can't be stopped is ended."""
        try:
            group.cancel(_nothing)
        except (GroupLost, Refused) as lost:
            LOG.warning("the processes of %s are gone: %s", self._name, lost)
            self._end()

    def _ready(self, between: Callable[[], None]) -> Group:
        names = self._residents
        # A list, so that each of them is touched even where one is out.
        if self._group is not None and self._group.alive and all([self._residence.touch(name) for name in names]):
            return self._group
        self._end()
        weights = self._known()
        devices = [probe(one) for one in self._setting.devices]
        plans = [self._planned(weights, name, device) for name, device in zip(names, devices, strict=True)]
        try:
            self._group = Group.start(plans, weights, self._setting, between)
        except GroupLost as lost:
            if lost.memory:
                raise out_of_memory("the model's weights", devices[0].label, f"{lost}; {MEMORY_REMEDY}") from None
            raise weights_problem(f"the processes that share films can't start: {lost}") from None
        except Refused as refused:
            raise Unable(*refused.said[1:]) from None
        for name, device, held in zip(names, devices, self._group.held_bytes, strict=True):
            self._residence.enter(name, device.name, held, self._end)
        return self._group

    def _planned(self, weights: Weights, name: str, device: Device) -> Plan:
        """Decide how the weights are held on one device, and make room for them there."""
        setting, layout = self._setting, LAYOUTS[weights.layout]
        held = setting.model_copy(update={"offload": "none", "tiling": self._tiling})
        plan = plan_of(device, weights.parameters, layout.exact, held, masked=layout.masked, fuses=layout.fuses)
        parts = sizes(weights.parameters, layout.exact, plan.dtype, plan.quantisation)
        needed, work = needed_bytes(plan, parts), work_bytes(parts) if device.kind == "cuda" else 0

        def free() -> int | None:
            return free_bytes(device, self._residence.used(device.name), setting.memory_gb)

        self._residence.make_room(name, device.name, needed + work, free)
        left = free()
        if left is not None and left < needed:
            told = f"{weights.name} needs {needed / 1e9:.2f} GB, of which {left / 1e9:.2f} GB are free; {MEMORY_REMEDY}"
            raise out_of_memory("the model's weights", device.label, told)
        return plan

    def _end(self) -> None:
        group, self._group = self._group, None
        if group is not None:
            group.end()

    @property
    def _residents(self) -> list[str]:
        return [f"{self._name}, part {number}" for number in range(len(self._setting.devices))]

    def _known(self) -> Weights:
        if self._weights is None:
            try:
                self._weights = weights_of(self._setting, self._environment)
            except WeightsProblem as problem:
                raise weights_problem(with_name(str(problem), self._name)) from None
        return self._weights

    def _few(self) -> FewSteps | None:
        return few_steps(self._setting.distilled, self._known().layout) if self._setting.distilled is not None else None

    def _maker(self) -> Maker:
        weights, few = self._weights, self._few() if self._weights is not None else None
        model = weights.name if weights is not None else self._setting.model
        marks: list[str] = [self._setting.quantisation] if self._setting.quantisation != "none" else []
        marks += [source.rpartition("/")[2] for source in self._setting.loras]
        marks += [few.label] if few is not None else []
        layout = weights.layout if weights is not None else ""
        return Maker("diffusers", "+".join([model, *marks]), version("diffusers"), stand_in=False, layout=layout)


def _after(first: Pixels, rest: Iterator[Pixels]) -> Iterator[Pixels]:
    yield first
    yield from rest


def _nothing(*_: object) -> None: ...
