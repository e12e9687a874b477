"""A rehearsal of a vendor: our engine with a clock of its own against the pretended vendor on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from PIL import Image
from pydantic import BaseModel

from rushes.calls import VendorCall
from rushes.endpoint import Endpoint, Media
from rushes.engines.engine import Cancelled, Receipt
from rushes.engines.vendor.asking import Time
from rushes.engines.vendor.engine import VendorEngine
from rushes.engines.vendor.vendors import vendor
from rushes.fakes.fake import Fake
from rushes.fakes.serving import running
from rushes.fakes.vendors import VENDORS
from rushes.families import ENDPOINTS
from rushes.routing import VendorDeployment


@dataclass(slots=True)
class Clock:
    """Seconds that pass only when somebody sleeps."""

    at: float = 1_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds


@dataclass(slots=True)
class Trip:
    """Implements engines.engine.Errand; `notes` are what was kept, in order. `cancel_when` ends it by a cancel."""

    root: Path
    name: str = "job-1"
    saved: str | None = None
    stale: bool = False
    notes: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    cancel_when: Callable[[], bool] = lambda: False
    share_at: str | None = None

    def keep(self, note: str) -> None:
        self.notes.append(note)

    def folder(self) -> Path:
        self.root.mkdir(exist_ok=True)
        return self.root

    def share(self, path: Path, content_type: str) -> str:
        assert self.share_at is not None, "no address to share files at was given to this trip"
        return f"{self.share_at}/{path.name}"

    def say(self, message: str, level: str = "INFO", labels: Mapping[str, str] | None = None) -> None:
        self.lines.append(message)

    def tick(self) -> None:
        if self.cancel_when():
            raise Cancelled


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A pretended vendor and our engine before it."""

    engine: VendorEngine
    fake: Fake
    clock: Clock
    url: str


@contextmanager
def rehearsing(name: str, now: Callable[[], float] = lambda: 1_800_000_000.0, **setting: Any) -> Iterator[Rehearsal]:
    """Start the pretended vendor of this name, and set our engine up with its key.

    `now` is the time of day in Unix seconds, for vendors whose keys sign it.
    """
    fake, clock = Fake(key=VENDORS[name].key), Clock()
    with running(VENDORS[name].app(fake)) as url:
        deployment = VendorDeployment.model_validate(
            {"engine": "vendor", "vendor": name, "key": VENDORS[name].key, "url": url, **setting}
        )
        times = Time(now=now, count=clock.now, sleep=clock.sleep, dice=Random(1))
        keys = deployment.secrets({})
        yield Rehearsal(VendorEngine("rehearsed", vendor(name), deployment, keys, times=times), fake, clock, url)


def picture(folder: Path, width: int = 640, height: int = 480, name: str = "picture") -> Media:
    """Make a picture input as `work.fetch` does: the file as it came, and its pixels."""
    folder.mkdir(exist_ok=True)
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    pixels = np.broadcast_to(ramp[None, :, None], (height, width, 3)).copy()
    pixels[..., 1] = np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    source, decoded = folder / f"{name}.png", folder / f"{name}.npy"
    Image.fromarray(pixels).save(source)
    np.save(decoded, pixels)
    return Media("image", str(decoded), "image/png", source.stat().st_size, width, height, source=str(source))


def call_for(endpoint_id: str, kind: str, body: Mapping[str, Any], media: Mapping[str, Media]) -> VendorCall:
    """Ask the endpoint's family how this kind of engine is asked."""
    endpoint: Endpoint = ENDPOINTS[endpoint_id]
    request: BaseModel = endpoint.input.model_validate(body)
    plan = endpoint.clip(request, media) if endpoint.clip else None
    call = endpoint.engines[kind](request, media, plan)
    assert isinstance(call, VendorCall)
    return call


def run(rehearsal: Rehearsal, call: VendorCall, trip: Trip) -> Receipt:
    """Have it made."""
    return rehearsal.engine.run_errand(call, trip)
