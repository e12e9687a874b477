"""A rehearsal of an inference server: our engine with a clock of its own against the pretended server on loopback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rushes.calls import Call
from rushes.endpoint import Media
from rushes.engines.engine import FilmFile
from rushes.engines.server.dialects import dialect
from rushes.engines.server.engine import ServerEngine
from rushes.engines.vendor.asking import Time
from rushes.fakes.fake import Fake
from rushes.fakes.servers import MODEL, Server
from rushes.fakes.serving import running
from rushes.fakes.vendors import SERVERS
from rushes.families import ENDPOINTS
from rushes.routing import ServerDeployment
from tests.engines.vendor.rehearsal import Clock, Trip, picture

I2V = "WanImageToVideoPipeline"
DIALECTS = tuple(SERVERS)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A pretended server and our engine before it."""

    engine: ServerEngine
    fake: Fake
    server: Server
    clock: Clock
    url: str

    def posted(self) -> list[Any]:
        """The bodies of all requests for films that were taken."""
        return [task.asked for task in self.fake.tasks.values()]


def setting_for(name: str, url: str, **setting: Any) -> ServerDeployment:
    """A deployment of that dialect."""
    given = {"engine": "server", "dialect": name, "url": url, "model": MODEL, "weights": I2V, **setting}
    return ServerDeployment.model_validate(given)


@contextmanager
def rehearsing(name: str, app: Any = None, at: str | None = None, **setting: Any) -> Iterator[Rehearsal]:
    """Start the pretended server of this dialect, and set our engine up for it, or for what is `at` that address."""
    fake, clock = Fake(key="rehearsal-key"), Clock()
    made = (app or SERVERS[name].app)(fake)
    with running(made) as url:
        deployment = setting_for(name, at or url, **setting)
        times = Time(now=lambda: 1_800_000_000.0, count=clock.now, sleep=clock.sleep, dice=Random(1))
        keys = deployment.secrets({})
        engine = ServerEngine("rehearsed", dialect(name), deployment, keys, times=times)
        yield Rehearsal(engine, fake, made.state.server, clock, url)


def call_for(endpoint_id: str, kind: str, body: Mapping[str, Any], folder: Path, size: tuple[int, int]) -> Call:
    """Ask the endpoint's family how this kind of engine is asked, with a picture of that size where it takes one."""
    endpoint = ENDPOINTS[endpoint_id]
    request = endpoint.input.model_validate(body)
    media: Mapping[str, Media] = {"image_url": picture(folder, *size)} if "image_url" in body else {}
    plan = endpoint.clip(request, media) if endpoint.clip else None
    return endpoint.engines[kind](request, media, plan)


def run(rehearsal: Rehearsal, call: Call, trip: Trip) -> FilmFile:
    """Have it made, and return the film."""
    output = rehearsal.engine.run_errand(call, trip).output
    assert isinstance(output, FilmFile)
    return output
