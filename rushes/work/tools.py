"""What the steps of a job are given to work with: records and small contracts, no behaviour.

The runner fills these in (`runners.worker`); tests fill them in by hand.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rushes.endpoint import Endpoint
from rushes.engines.engine import Engine, Errand, Maker
from rushes.jobs.job import Level
from rushes.jobs.protocol import SignerAnswer, StoredFile
from rushes.settings import Settings
from rushes.work.breaker import Breakers


class Report(Protocol):
    """How the step loop shows that it is alive, says what happens, and learns of a cancel."""

    def say(self, message: str, level: Level = "INFO", labels: Mapping[str, str] | None = None) -> None:
        """Add a line to the job's log; a sign of life too."""
        ...

    def tick(self) -> None:
        """Give a sign of life. Raises rushes.engines.engine.Cancelled when the job is no longer wanted."""
        ...

    def cancelled(self) -> bool:
        """Say whether the job is no longer wanted; a sign of life too."""
        ...

    def wants_preview(self) -> bool:
        """Say whether somebody watches and has been shown all there was so far; asked for every chunk, so cheap."""
        ...

    def show(self, jpeg: bytes) -> None:
        """Give those who watch a small picture of how far the work is."""
        ...


@dataclass(frozen=True, slots=True)
class Deployment:
    """An engine that is loaded: its name, its kind (a key of Endpoint.engines), itself, and what it says it is."""

    name: str
    kind: str
    engine: Engine
    maker: Maker


@dataclass(frozen=True, slots=True)
class Files:
    """The runner's way to our storage, and a folder of the job's own, made when first asked for and removed after it.

    `get(file_id, to, tick)` writes an own file to `to` and returns its content type; `put(path, name, content_type,
    tick)` stores a produced one for the job. Both call `tick` as bytes move.
    """

    get: Callable[[str, Path, Callable[[], None]], str]
    put: Callable[[Path, str, str, Callable[[], None]], StoredFile]
    folder: Callable[[], Path]


class Signing(Protocol):
    """The way to have a result signed by whoever holds the key, which is never this process."""

    def signer(self) -> SignerAnswer | None:
        """Return who signs, and what is to be told; None where results are not signed."""
        ...

    def sign(self, claim: bytes) -> bytes:
        """Return the signature of a manifest's claim. Raises rushes.media.provenance.NotSigned, Cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything `perform` needs besides the job: what can be served, by whom, where files are, whom to tell.

    `routes` are each endpoint's deployments in order, by its id; `clock` counts seconds from anywhere and never goes
    back. `errand` is for engines that work elsewhere; `turn` is taken for those that work here, where others share
    them.
    """

    endpoints: Mapping[str, Endpoint]
    routes: Mapping[str, tuple[Deployment, ...]]
    files: Files
    settings: Settings
    report: Report
    clock: Callable[[], float]
    signing: Signing | None = None
    breakers: Breakers = field(default_factory=lambda: Breakers(time.monotonic))
    errand: Errand | None = None
    turn: threading.Lock | None = None
