"""The networks of weights that have variants: the pipeline has one of them at a time, and shares all its other parts.

All that fit beside the work stay on the device. One that doesn't waits in the machine's memory, from where it is back
in seconds; where there is too little of that too, and on a CPU, it is let go and read anew. Where parts wait outside
anyway (offload), all networks do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from rushes.engines.alive import kept_alive
from rushes.engines.diffusers.device import waiting_room
from rushes.engines.diffusers.loading import Adapters, Pipe, place_network, prepare_network, read_network
from rushes.engines.diffusers.plan import Plan
from rushes.engines.diffusers.reading import nothing_missing
from rushes.engines.diffusers.tuning import fuse, part_fused
from rushes.engines.diffusers.variants import network_parts
from rushes.engines.diffusers.weights import Weights


@dataclass(frozen=True, slots=True)
class Room:
    """What is known of memory: bytes that a network takes and that work takes, and what is free on the device now.

    `give_back` frees what was let go.
    """

    network: int
    work: int
    free: Callable[[], int | None]
    give_back: Callable[[], None]


@dataclass(slots=True)
class _Held:
    parts: Mapping[str, Any]
    adapters: Adapters
    waits: bool = False

    @property
    def modules(self) -> list[Any]:
        return [one for one in self.parts.values() if isinstance(one, torch.nn.Module)]


class Networks:
    """Those of one pipeline, by their variants' names, the one used longest ago first. `plan` may become leaner."""

    def __init__(self, pipe: Pipe, weights: Weights, plan: Plan, variant: str) -> None:
        self.plan = plan
        self._pipe, self._weights = pipe, weights
        names = network_parts(weights)
        parts = {name: getattr(pipe, name) for name in (*names, "scheduler")}
        self._held = {variant: _Held(parts, Adapters(pipe))}
        self._current: str | None = variant

    @property
    def adapters(self) -> Adapters:
        """The LoRAs of the network that is in use."""
        assert self._current is not None
        return self._held[self._current].adapters

    @property
    def unused(self) -> Mapping[str, list[torch.nn.Module]]:
        """Those on the device that the pipeline doesn't have, by their variants; where all wait outside, none."""
        if self.plan.offload != "none":
            return {}
        return {name: one.modules for name, one in self._held.items() if name != self._current and not one.waits}

    def modules(self) -> Iterator[torch.nn.Module]:
        """Yield all that are held, wherever they are."""
        for held in self._held.values():
            yield from held.modules

    def use(self, variant: str, room: Room, between: Callable[[], None]) -> None:
        """Have the pipeline make its films with this network.

        Raises WeightsProblem, Unable, torch.OutOfMemoryError and what `between` raises; then the pipeline has none.
        """
        if variant == self._current:
            return
        self._take_out()
        held = self._held.get(variant)
        if held is None or held.waits:
            self._make_room(variant, room)
        if held is None:
            kept_alive(lambda: self._read(variant), between)
        elif held.waits:
            self._bring_back(held)
        self._put_in(variant)

    def put_aside(self, variant: str, room: Room) -> None:
        """Free the device of a network that isn't in use."""
        if self._can_wait(room):
            held = self._held[variant]
            for module in held.modules:
                if self.plan.fused:
                    part_fused(module)
                module.to("cpu")
            held.waits = True
        else:
            del self._held[variant]
        room.give_back()

    def _take_out(self) -> None:
        if self._current is None:
            return
        if self.plan.offload == "model":  # hooks tell all parts of a pipeline when the next one's turn is
            self._pipe.remove_all_hooks()
            for module in self._held[self._current].modules:
                module.to("cpu")
        # Out of the pipeline first, which would keep its memory from being given back.
        self._pipe.register_modules(**dict.fromkeys(network_parts(self._weights)))
        self._current = None

    def _put_in(self, variant: str) -> None:
        self._held[variant] = held = self._held.pop(variant)  # the last is the one used last
        self._pipe.register_modules(**held.parts)
        if self.plan.offload == "model":
            self._pipe.enable_model_cpu_offload(device=self.plan.device)
        self._current = variant

    def _read(self, variant: str) -> None:
        with nothing_missing():
            parts = read_network(self._weights, self.plan, variant)
        for one in parts.values():
            if isinstance(one, torch.nn.Module):
                prepare_network(one, self.plan)
                place_network(one, self.plan)
        self._held[variant] = _Held(parts, Adapters(self._pipe))  # kept for the next film if this one was cancelled

    def _make_room(self, variant: str, room: Room) -> None:
        """Put others aside, the one used longest ago first, until there is room for one more."""
        for name in [known for known in self._held if known != variant]:
            if self.plan.offload == "none":
                free, needed = room.free(), room.network + room.work
            else:  # all wait outside, where the next one will too
                free, needed = waiting_room(), room.network
            if free is None or free >= needed:
                return
            if not self._held[name].waits:
                self.put_aside(name, room)

    def _can_wait(self, room: Room) -> bool:
        """Say whether there is another memory than the device's for a network, with room in it."""
        on_gpu = self.plan.device.startswith("cuda") and self.plan.offload == "none"
        movable = self.plan.quantisation in ("none", "fp8")
        free = waiting_room() if on_gpu and movable else 0
        return free is None or free >= 2 * room.network  # half of it stays for everything else

    def _bring_back(self, held: _Held) -> None:
        for module in held.modules:
            module.to(self.plan.device)
            if self.plan.fused:
                fuse(module)
        held.adapters.placed()
        held.waits = False
