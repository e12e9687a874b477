"""The server's own runners: subprocesses that are started with it, replaced when they die, and stopped with it.

As soon as a process has ended, its job is released to the next runner; nobody waits for a lease to run out. A process
that keeps dying right after its start is started again ever more slowly. What a runner does stands in `worker`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from rushes.runners.deployments import KEYS_VARIABLE, key_variables
from rushes.runners.parent import KEY_VARIABLE
from rushes.settings import Settings

JOBS, SESSIONS, CROWD = "rushes.runners.worker", "rushes.runners.sessions", "rushes.runners.crowd"
LOCAL_PREFIX = "local-"  # of the names of all local runners, in this life of the server and in earlier ones
STOP_S = 3.0  # for a runner to end after SIGTERM, which takes it two at most
ARRIVAL_S = 10.0  # for one whose tasks are on their way to vendors
STEADY_S = 5.0  # a process that lived so long did not die of its start
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
_STDERR = 2  # where a runner's stdout goes: the server's own may be read by a program
_FOLDERS = "rushes-"  # begins the names of our temporary folders
SECRETS = {"key", "runner_key", "proxy_key", "prompt_key"}

LOG = logging.getLogger(__name__)


class Release(Protocol):
    """JobStore.release."""

    async def __call__(self, runner: str, *, fault: bool = True) -> int:
        """Take back what a runner held."""
        ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a local runner is started with. `url` leads to this server over loopback; `key` is the runner key.

    `deployments` are those that lead where the work is done here, `remote` those whose work is done elsewhere; `keys`
    are the vendors'.
    """

    url: str
    key: str
    deployments: tuple[str, ...]
    settings: Settings
    remote: tuple[str, ...] = ()
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)


@dataclass(slots=True)
class LocalRunners:
    """So many runner processes, and one for sessions once they are wanted.

    They are named `local-<owner><this start>-<place>-<generation>`.
    `owner` is the same in each life of a server and no other's, so that what a killed life left behind can be told.
    `release(name, fault=…)` gives the job of one that is gone to the next; we are at fault where we stopped it. To be
    used from the event loop's thread, which must live as long as the runners: on Linux they end with it.
    """

    recipe: Recipe
    count: int
    release: Release
    owner: str = ""
    start_id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)
    _places: list[asyncio.Task[None]] = field(default_factory=list)
    _hosts_sessions: bool = False
    _stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Start them; returns at once, they claim as soon as they are ready."""
        if self.owner:
            await asyncio.to_thread(_remove_leftovers, _FOLDERS + LOCAL_PREFIX + self.owner)
        self._places = [asyncio.create_task(self._keep(str(place), JOBS)) for place in range(self.count)]
        if self.recipe.remote and self.count:
            self._places.append(asyncio.create_task(self._keep("crowd", CROWD)))

    def wake_sessions(self) -> None:
        """Have one more process, for sessions, from the first time that this is called; it returns at once.

        Where this machine is to have no runners at all, or no sessions, it does nothing.
        """
        if self._hosts_sessions or not self.count or not self.recipe.settings.sessions or self._stop.is_set():
            return
        self._hosts_sessions = True
        self._places.append(asyncio.create_task(self._keep("sessions", SESSIONS)))

    async def stop(self) -> None:
        """Stop them, kindly and then not, and release what they held. They are gone when this returns."""
        self._stop.set()
        for process in self._processes.values():
            _signal(process.terminate)
        if self._places:
            _, late = await asyncio.wait(self._places, timeout=ARRIVAL_S if self.recipe.remote else STOP_S)
            for process in self._processes.values():
                _signal(process.kill)
            await asyncio.gather(*late)
        self._places.clear()

    @property
    def pids(self) -> Mapping[str, int]:
        """Process ids by runner name, of those that live."""
        return {name: process.pid for name, process in self._processes.items()}

    async def _keep(self, place: str, module: str) -> None:
        """Have a living process in this place until `stop`."""
        loop = asyncio.get_running_loop()
        pause_s, generation = FIRST_PAUSE_S / 2, 0
        while not self._stop.is_set():
            started, held = loop.time(), 0
            try:
                held = await self._live(f"{LOCAL_PREFIX}{self.owner}{self.start_id}-{place}-{generation}", module)
            except Exception:
                # No space for its folder or for its job's release, no more processes: all of that may pass.
                LOG.exception("a runner could not be kept, next try soon")
            generation += 1
            # A process that died at work did not die of its start, and must not keep the jobs behind it waiting.
            steady = held > 0 or loop.time() - started > STEADY_S
            pause_s = FIRST_PAUSE_S if steady else min(pause_s * 2, LONGEST_PAUSE_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), pause_s)

    async def _live(self, name: str, module: str) -> int:
        """Start a process, wait for its end, and clear up after it; return how many jobs it held."""
        folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDERS}{name}-"))
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(self.recipe, name, module),
                env=_environment(self.recipe, folder),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=_STDERR,
                start_new_session=True,  # Ctrl-C in the terminal is for the server, which then stops its runners
            )
            self._processes[name] = process
            if self._stop.is_set():
                _signal(process.terminate)
            # No timeout: a runner that hangs ends itself (`worker._end_hung`), and `stop` kills.
            code = await process.wait()
            del self._processes[name]
            if not self._stop.is_set():
                LOG.warning("the runner %s ended with %s and is replaced", name, _exit(code))
            return await self.release(name, fault=not self._stop.is_set())
        finally:
            # In a thread: what a killed runner leaves may be gigabytes, and callers are served meanwhile.
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _remove_leftovers(prefix: str) -> None:
    """Remove the temporary folders of runners whose server was killed before it could."""
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _command(recipe: Recipe, name: str, module: str) -> list[str]:
    options = {
        "--url": recipe.url,
        "--deployments": ",".join(recipe.remote if module == CROWD else recipe.deployments),
        "--name": name,
        "--parent": str(os.getpid()),
    }
    return [sys.executable, "-m", module, *(part for pair in options.items() for part in pair)]


def _environment(recipe: Recipe, folder: Path) -> dict[str, str]:
    """The server's settings, also those that came by its command line; its secrets stay with it.

    Temporary files go to a folder that is removed after the process, so that one killed with -9 leaves nothing behind.
    """
    hidden = key_variables(recipe.settings)
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("RUSHES_") and name not in hidden
    }
    values = recipe.settings.model_dump(mode="json", exclude=SECRETS, exclude_none=True)
    told = {f"RUSHES_{name.upper()}": v if isinstance(v, str) else json.dumps(v) for name, v in values.items()}
    prompt_key = recipe.settings.prompt_key
    if prompt_key is not None:  # the one secret that a runner acts with itself
        told["RUSHES_PROMPT_KEY"] = prompt_key.get_secret_value()
    if recipe.keys:
        told[KEYS_VARIABLE] = json.dumps(recipe.keys)
    return inherited | told | {KEY_VARIABLE: recipe.key, "TMPDIR": str(folder)}


def _exit(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _signal(send: Callable[[], None]) -> None:
    with suppress(ProcessLookupError):  # it was quicker
        send()
