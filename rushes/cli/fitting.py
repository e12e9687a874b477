"""`rushes doctor --fit`: what is said of weights and devices, as lines of at most 79 characters and as JSON.

Which weights fit, `engines.fit` reckons; here it is found out what to ask about, and written down.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.cli.problem import CommandError
from rushes.engines.checkpoints import WeightsProblem, cache, find, find_file, is_hub_id
from rushes.engines.diffusers.layouts import NETWORKS
from rushes.engines.diffusers.plan import Device
from rushes.engines.diffusers.variants import weights_of
from rushes.engines.diffusers.weights import Weights
from rushes.engines.fit.estimate import Pace
from rushes.engines.fit.table import GIB, Gpu, Published, gpu_named, gpus, published, published_as
from rushes.engines.fit.verdict import Place, Verdict, judge, usual_setting
from rushes.engines.weights.cache import free_bytes
from rushes.engines.weights.tally import size
from rushes.routing import SINGLE, DeploymentBase, DiffusersDeployment
from rushes.runners.hardware import Cards, Torch, memory
from rushes.settings import Settings

FREE = 0.985  # of a card's memory is left by the driver
MEASURED_SHARE = (0.55, 0.78)  # of the measured rate of products: 0.4 to 0.55 of some 710 TFLOP/s on an H100
PLAIN_BUS = 12e9  # bytes a second, where the device is in no table
ID, ENDPOINTS_MOST = 45, 75


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: a deployment, or published weights as they would be deployed."""

    name: str
    weights: Published
    setting: DeploymentBase


def devices_asked(gpu: str | None, memory_gb: float | None, torch: Torch, seen: Cards) -> list[Place]:
    """Return the devices that are asked about: one by name or memory, or this machine's. Raises CommandError."""
    if gpu is not None:
        found = gpu_named(gpu)
        if found is None:
            raise CommandError(f"no GPU {gpu!r} is known; there are: {', '.join(one.name for one in gpus())}", 2)
        return [_tabled(found if memory_gb is None else found.model_copy(update={"gb": memory_gb}))]
    if memory_gb is not None:
        free = int(memory_gb * GIB * FREE)
        return [Place(Device("cuda:0", "cuda", f"a GPU of {memory_gb:g} GB", free, (8, 0)), free, None, None)]
    if torch.told.get("devices"):
        return [
            _here(number, one["name"], (one["total"], one["free"]), one["capability"], one.get("rate"))
            for number, one in enumerate(torch.told["devices"])
        ]
    if seen.cards:
        return [
            _here(number, one.name, (one.total, one.free), one.capability, None)
            for number, one in enumerate(seen.cards)
        ]
    rate, ordinary = torch.told.get("cpu_rate"), memory()[1]
    pace = Pace(rate * MEASURED_SHARE[0], rate * MEASURED_SHARE[1], PLAIN_BUS) if rate else None
    return [Place(Device("cpu", "cpu", "the processor, no GPU"), ordinary, None, pace)]


def _tabled(gpu: Gpu) -> Place:
    device = Device("cuda:0", "cuda", gpu.name, gpu.free_bytes, gpu.capability)
    return Place(device, gpu.free_bytes, None, Pace(*gpu.rates, gpu.bus * 1e9))


def _here(number: int, name: str, sizes: tuple[int, int], capability: Sequence[int], rate: float | None) -> Place:
    """One of this machine's: its pace is the published one, else reckoned from what was measured."""
    known, (total, free) = gpu_named(name), sizes
    bus = known.bus * 1e9 if known else PLAIN_BUS
    pace = Pace(*known.rates, bus) if known else None
    if rate and not (known and known.rate):
        pace = Pace(rate * MEASURED_SHARE[0], rate * MEASURED_SHARE[1], bus)
    device = Device(f"cuda:{number}", "cuda", f"{name}, {size(total)}", free, (capability[0], capability[1]))
    return Place(device, free, memory()[1] or None, pace)


def questions(settings: Settings) -> tuple[list[Asked], list[str]]:
    """Return the deployments of open weights that can be asked about, and those of which too little is known."""
    mine = {name: one for name, one in settings.deployments.items() if one.engine in ("diffusers", "network")}
    found = {name: _own(name, one) for name, one in mine.items()}
    return [one for one in found.values() if one is not None], [name for name, one in found.items() if one is None]


def all_published() -> list[Asked]:
    """Return all published weights, as they would be deployed."""
    return [Asked(one.id, one, usual_setting(one)) for one in published()]


def _own(name: str, setting: DeploymentBase) -> Asked | None:
    """Find a deployment's weights in the table; those on the disk count with their own sizes."""
    model = str(getattr(setting, "model", ""))
    known = published_as(model) if is_hub_id(model) else None
    if isinstance(setting, DiffusersDeployment):
        return _of_diffusers(name, setting, known or published_as(setting.base or ""))
    known = known or next((one for one in published() if one.package == setting.package), None)
    return Asked(name, known, setting) if known else None


def _of_diffusers(name: str, setting: DiffusersDeployment, known: Published | None) -> Asked | None:
    try:
        found = weights_of(setting, os.environ)
    except WeightsProblem:
        if known is None:
            return None
        share = sum(known.parameters.get(part, 0) for part in NETWORKS) / sum(known.parameters.values())
        disk = known.disk_gb * (1 + share * len(setting.variants))  # of variants only the network is fetched
        return Asked(name, known.model_copy(update={"id": setting.model, "disk_gb": disk}), setting)
    alike = known if known is not None and found.single is None else _alike(found)
    own = {"id": found.name, "parameters": found.parameters}
    return Asked(name, alike.model_copy(update=own), setting) if alike else None


def report(asked: Sequence[Asked], places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the answers as JSON has them; bytes and seconds. What names no device is asked about on the first."""

    def place(setting: DeploymentBase) -> Place:
        named = getattr(setting, "device", None) or next(iter(getattr(setting, "devices", ())), None)
        return next((one for one in places if one.device.name == named), places[0])

    return [
        {
            "name": one.name,
            "model": one.weights.id,
            "licence": one.weights.licence,
            "disk_bytes": int(one.weights.disk_gb * 1e9),
            "here": _is_here(one.setting),
            "needs_set": dict(one.weights.settings),
            "films": [_film(verdict) for verdict in judge(one.weights, one.setting, place(one.setting))],
        }
        for one in asked
    ]


def _alike(found: Weights) -> Published | None:
    """Return the published weights of the same kind that are nearest in size."""
    kin = [one for one in published() if one.layout == found.layout]
    size_of = found.parameters.get("transformer", 0)
    return min(kin, key=lambda one: abs(one.parameters["transformer"] - size_of), default=None)


def _is_here(setting: DeploymentBase) -> bool:
    """Say whether the weights are on this machine, whole or not."""
    sources = [(getattr(setting, "model", ""), getattr(setting, "revision", None))]
    if isinstance(setting, DiffusersDeployment):
        sources += [(setting.base, setting.base_revision)] if setting.base is not None else []
        sources += [(one.model, one.revision) for one in setting.variants.values()]
    try:
        for model, revision in sources:
            (find_file if model.endswith(SINGLE) else find)(model, revision, os.environ)
    except WeightsProblem:
        return False
    return True


def _film(verdict: Verdict) -> dict[str, Any]:
    return {
        "film": verdict.film.name,
        "endpoints": list(verdict.film.endpoints),
        "fits": verdict.fits,
        "why_not": verdict.why or None,
        "held": verdict.way.words,
        "peak_bytes": int(verdict.peak),
        "seconds": [round(one, 1) for one in verdict.time] if verdict.time else None,
        "ordinary_bytes": int(verdict.way.moved + verdict.way.waiting),
        "set": verdict.way.settings if verdict.fits and verdict.fallen else None,
    }


def lines(title: str, answers: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Write the answers down."""
    yield title
    for one in answers:
        yield ""
        named = one["name"] if one["name"] == one["model"] else f"{one['name']} ({one['model']})"
        disk = "is here" if one["here"] else f"~{one['disk_bytes'] / 1e9:.0f} GB"
        yield f"  {named:<{ID}} {one['licence']:<13} {disk}"
        yield f"    {folded([name for film in one['films'] for name in film['endpoints']])}"
        for name, value in one["needs_set"].items():
            yield f"    with {name} = {json.dumps(value)}"
        for film in one["films"]:
            yield from _film_lines(film)


def _film_lines(film: Mapping[str, Any]) -> Iterator[str]:
    mark = "fits" if film["fits"] else "no"
    needs, time = f"{film['peak_bytes'] / 1e9:.0f} GB", span(film["seconds"])
    yield f"    {mark:<4}  {film['film']:<20} {needs:>6} {time:>12}  {film['held']}".rstrip()
    if film["why_not"]:
        yield f"          {film['why_not']}"
    if film["set"]:
        yield f"          from the start with: {film['set']}"


def folded(endpoints: Sequence[str]) -> str:
    """Write endpoints in one line: many below the same two words are PREFIX/*."""
    unique = list(dict.fromkeys(endpoints))
    prefixes = {re.sub(r"^([^/]+/[^/]+)/.*$", r"\1", one) for one in unique}
    whole = ", ".join(unique)
    return f"{prefixes.pop()}/*" if len(whole) > ENDPOINTS_MOST and len(prefixes) == 1 else whole


def span(seconds: Sequence[float] | None) -> str:
    """Write a range of time: 8-11 min; "" where none is known."""
    if not seconds:
        return ""
    low, high = seconds
    for unit, name, most in ((1, "s", 90), (60, "min", 5400), (3600, "h", 172_800), (86_400, "days", float("inf"))):
        if high < most:
            first, last = max(1, round(low / unit)), max(1, round(high / unit))
            return f"{first} {name}" if first == last else f"{first}-{last} {name}"
    return ""


def disk_line() -> str:
    """Say how much room there is for weights."""
    folder = cache(os.environ)
    return f"{size(free_bytes(folder))} are free for weights in {folder}"
