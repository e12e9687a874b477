"""Engine `upstream`: a model's own repository, run once for each film in its own environment, behind our contract.

Nothing stays loaded between films. A film's files lie in a temporary folder that goes with it; the program is ended,
with all that it started, when the job is cancelled, when it takes too much, and when this process ends in any way.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rushes.calls import Call, UpstreamCall
from rushes.engines.deployed import with_name
from rushes.engines.engine import Cancelled, FilmFile, Maker, Progress
from rushes.engines.residence import Residence
from rushes.engines.upstream import gpus, trouble
from rushes.engines.upstream.film import film_file
from rushes.engines.upstream.folders import FilmFolder, make_folder, remove_leftovers
from rushes.engines.upstream.inputs import values_of, write_inputs, write_json
from rushes.engines.upstream.program import Program, TookTooMuch, run
from rushes.engines.upstream.reading import Gauge, without_paths
from rushes.engines.upstream.recipe import check_divisible
from rushes.engines.upstream.setup import Setup
from rushes.engines.upstream.template import text, words

NAME = "upstream"
STEPS = "steps"
# What a program may need to find libraries and to write its messages; all else may hold a secret.
_KEPT = ("LANG", "LC_ALL", "TZ", "USER", "LOGNAME", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH")
_TURN = "turn.lock"  # in the deployment's folder: films of several runners would fight for the same memory

LOG = logging.getLogger(__name__)


class UpstreamEngine:
    """One deployment; see the module docstring. `environment` are the variables of this process."""

    def __init__(
        self, name: str, setup: Setup, residence: Residence, environment: Mapping[str, str] | None = None
    ) -> None:
        self._name, self._setup, self._residence = name, setup, residence
        self._environment = os.environ if environment is None else environment
        self._folder: FilmFolder | None = None

    def load(self) -> Maker:
        """Say who makes the films. What is missing is logged, and told again to each job."""
        remove_leftovers()
        setup = self._setup
        if problem := setup.missing(self._environment) or self._gpu_problem():
            LOG.error("the deployment %s can't work: %s", self._name, with_name(problem, self._name))
        return Maker(NAME, setup.variant.model, setup.version, stand_in=False, layout=setup.recipe.layout)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> FilmFile:
        """Have a film made. Raises Unable, Cancelled."""
        if not isinstance(call, UpstreamCall):
            raise TypeError(f"the upstream engine takes an UpstreamCall, not {type(call).__name__}")
        self._check(call)
        self.unload()  # of a film before that nobody read to its end
        try:
            self._folder = make_folder()
            path = self._made(call, self._folder.path, progress, cancelled)
        except OSError as error:  # a folder that can't be written, a disk that has filled up
            self.unload()
            raise trouble.here("The model's program on this server failed", f"{self._setup.called}: {error}") from None
        except BaseException:
            self.unload()
            raise
        remedy = f"{self._setup.called} made another film than it was asked for; see its lines in the runner's log"
        return film_file(path, call, self._setup.recipe.run.short_by, remedy, self.unload)

    def unload(self) -> None:
        """Remove the last film's files, if they are still there."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def _check(self, call: UpstreamCall) -> None:
        """Raise Unable where it can't work, before anything is written."""
        run_as = self._setup.recipe.run
        if problem := self._setup.missing(self._environment):
            raise trouble.not_prepared(with_name(problem, self._name))
        if call.task not in run_as.tasks:
            raise trouble.unfit(f"{self._setup.called} has no task {call.task!r}; it has: {', '.join(run_as.tasks)}")
        if problem := self._gpu_problem():
            raise trouble.small_gpu(f"{self._setup.called}: {problem}")
        where, needed = tempfile.gettempdir(), self._disk_bytes()
        free = shutil.disk_usage(where).free
        if free < needed:
            raise trouble.no_room(
                f"{self._setup.called} may need {needed / 1e9:.1f} GB in {where}, where {free / 1e9:.1f} GB are free; "
                "make room, set TMPDIR to a folder on another disk, or lower disk_gb"
            )

    def _made(
        self, call: UpstreamCall, job: Path, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Path:
        setup = self._setup

        def between() -> None:
            if cancelled():
                raise Cancelled

        between()
        values = values_of(call, setup, job, write_inputs(call, setup.recipe, job))
        if broken := check_divisible(setup.recipe, values):
            raise trouble.unfit(f"{setup.called}: {broken}")
        write_json(setup.recipe, values, job)
        between()
        there = gpus.present(self._environment)
        program = self._program(values, job, gpus.turns(self._gpus(), there, Path(tempfile.gettempdir())))
        for device in gpus.names_here(self._gpus(), self._environment, there):
            self._residence.evict_others(self._name, device)
        try:
            ended = run(program, self._listener(progress), between)
        except TookTooMuch as error:
            raise trouble.took_too_much(error, setup.called) from None
        if ended.code != 0:
            raise trouble.failed(ended, setup.called)
        return self._left(values, ended.last)

    def _gpus(self) -> tuple[str, ...]:
        return gpus.chosen(self._setup.setting.devices, self._setup.gpus, self._environment)

    def _program(self, values: Mapping[str, Any], job: Path, turns: tuple[Path, ...]) -> Program:
        memory = self._setup.setting.memory_gb
        return Program(
            words(self._setup.recipe.run.command, values),
            job,
            self._variables(values, job),
            self._setup.setting.timeout_s,
            self._disk_bytes(),
            None if memory is None else int(memory * 1e9),
            # Its own first: only runners of this deployment wait for that, while they hold none of the others.
            (self._setup.folder / _TURN, *turns),
        )

    def _variables(self, values: Mapping[str, Any], job: Path) -> dict[str, str]:
        """Return the program's variables: little of ours, then the recipe's, then the operator's."""
        setup = self._setup
        home, temporary = setup.folder / "home", job / "tmp"
        home.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        kept = {name: self._environment[name] for name in _KEPT if name in self._environment}
        ours = {
            "PATH": os.pathsep.join((str(setup.python.parent), self._environment.get("PATH", os.defpath))),
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "PYTHONUNBUFFERED": "1",
            "PYTHONNOUSERSITE": "1",  # packages of the user's own would come before the environment's
            "HF_HUB_OFFLINE": "1",  # all of it was fetched by `prepare`; what isn't there is to be told, not waited for
            "TRANSFORMERS_OFFLINE": "1",
            gpus.VISIBLE: ",".join(self._gpus()),
        }
        recipe = {name: text(one, values) for name, one in setup.recipe.run.environment.items()}
        told = {name: one for name, one in recipe.items() if one is not None}
        return {**kept, **ours, **told, **setup.setting.environment}  # the operator has the last word

    def _listener(self, progress: Callable[[Progress], None]) -> Callable[[str], None]:
        """Return what takes the program's lines: to the job's log, or how far it is."""
        gauge = Gauge.of(self._setup.recipe.run.progress, self._setup.recipe.run.part)

        def heard(line: str) -> None:
            if not gauge.reads(line):
                LOG.info("%s", without_paths(line))
            elif further := gauge.further():
                progress(Progress(*further, STEPS))

        return heard

    def _left(self, values: Mapping[str, Any], last: tuple[str, ...]) -> Path:
        """Return the film that the program left. Raises Unable."""
        names = [name for one in self._setup.recipe.run.output if (name := text(one, values)) is not None]
        found = next((path for path in map(Path, names) if path.is_file() and path.stat().st_size), None)
        # A link out of the folder would have a stranger's file read as the film.
        if found is None or not found.resolve().is_relative_to(Path(str(values["job"]))):
            said = last[-1] if last else "nothing"
            raise trouble.bad_film(f"{self._setup.called} ended well but left none of {names}; it said last: {said}")
        return found

    def _gpu_problem(self) -> str:
        least = self._setup.variant.gpu_gb
        there = gpus.present(self._environment) if least else None
        return gpus.complaint(self._gpus(), self._setup.gpus, least, there)

    def _disk_bytes(self) -> int:
        return int((self._setup.setting.disk_gb or self._setup.recipe.run.disk_gb) * 1e9)
