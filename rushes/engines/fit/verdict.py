"""Whether weights fit a device, film by film: the first way of holding them that leaves room, or why none does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Protocol, cast

from rushes.engines.diffusers.plan import Device
from rushes.engines.fit.estimate import Pace, Way, peak_bytes, seconds
from rushes.engines.fit.table import Film, Published
from rushes.routing import DeploymentBase, DiffusersDeployment, NetworkDeployment

SHARED = (0.41, 0.86)  # of so many times one device's rate, measured with 8 H100 by two engines: 3.3 and 6.9 times


class _Fitting(Protocol):
    """What the module `fitting` of an engine's folder has."""

    def ways(
        self, device: Device, parameters: Mapping[str, int], layout: str, setting: Any, steps: int
    ) -> Iterator[Way]:
        """Yield how the engine would hold the weights, from its first choice to what it falls back to."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A device with what of it can be had, the machine's own memory (None: unknown), and its pace (None: unknown)."""

    device: Device
    room: float
    ordinary: float | None
    pace: Pace | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One film of one set of weights: the way that fits, or else the leanest; what it takes; `why` it does not fit.

    `fallen` counts the ways before that don't leave room for the film: the engine would try them first.
    """

    film: Film
    way: Way
    peak: float
    time: tuple[float, float] | None
    fallen: int
    why: str = ""

    @property
    def fits(self) -> bool:
        """Whether it does."""
        return not self.why


def judge(weights: Published, setting: DeploymentBase, place: Place) -> tuple[Verdict, ...]:
    """Return a verdict for each film that the weights are asked for by default."""
    limit = getattr(setting, "memory_gb", None)
    kept = place if limit is None else replace(place, room=min(place.room, limit * 1e9))
    count, pace = len(getattr(setting, "devices", ())), place.pace
    if count > 1 and pace is not None:  # which make each film together, and hold all weights each
        kept = replace(kept, pace=Pace(pace.slow * count * SHARED[0], pace.fast * count * SHARED[1], pace.bus))
    return tuple(_verdict(weights, film, setting, kept) for film in weights.films)


def usual_setting(weights: Published) -> DeploymentBase:
    """Return a deployment of these weights in which nothing is set but what they need."""
    if weights.engine == "network":
        raw = {"engine": "network", "network": weights.network, "model": weights.id, **weights.settings}
        return NetworkDeployment.model_validate(raw)
    return DiffusersDeployment.model_validate({"engine": "diffusers", "model": weights.id, **weights.settings})


def _verdict(weights: Published, film: Film, setting: DeploymentBase, place: Place) -> Verdict:
    fitting = cast(_Fitting, import_module(f"rushes.engines.{weights.package}.fitting"))
    ways = fitting.ways(place.device, weights.parameters, weights.layout, setting, film.steps)
    for fallen, way in enumerate(ways):
        peak, why = peak_bytes(weights, film, way), ""
        if peak > place.room:
            why = "too little memory on the device"
        elif place.ordinary is not None and way.moved + way.waiting > place.ordinary:
            why = f"{(way.moved + way.waiting) / 1e9:.0f} GB would wait in the machine's own memory, which has fewer"
        time = seconds(weights, film, way, place.pace) if place.pace else None
        last = Verdict(film, way, peak, time, fallen, why)
        if last.fits:
            break
    return last
