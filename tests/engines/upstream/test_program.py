"""A program as a process: what it may take, and that nothing of it outlives whoever wanted it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.engines.engine import Cancelled
from rushes.engines.upstream.program import Ended, Program, TookTooMuch, run
from rushes.engines.upstream.trouble import failed
from tests.engines.upstream.standing import is_alive

FAMILY = """
import os, subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
left = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print("pid", os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
os.wait()
print("pid", left.pid, flush=True)
print("pid", os.getpid(), flush=True)
"""


def program(folder: Path, code: str, **more: object) -> Program:
    limits = {"timeout_s": 60.0, "disk_bytes": 50_000_000, **more}
    folder.mkdir(exist_ok=True)
    variables = {"PATH": os.environ["PATH"]}
    return Program([sys.executable, "-c", code], folder, variables, **limits)  # type: ignore[arg-type]


def nothing() -> None:
    pass


def until(happens: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + 30
    while not happens():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def pids(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("pid ")]


def tell_keeper(number: int) -> None:
    """Send a signal to this process's keeper, if it is still there."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    for pid in children:
        if b"keeper.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), number)


def test_its_lines_and_its_exit_code_are_told(tmp_path: Path) -> None:
    lines: list[str] = []
    code = "import sys; print('out'); sys.stderr.write('err\\rend'); sys.exit(3)"
    ended = run(program(tmp_path / "job", code), lines.append, nothing)
    assert ended.code == 3
    assert sorted(lines) == ["end", "err", "out"]
    assert set(ended.last) == {"out", "err", "end"}


def test_much_output_is_read_to_its_end(tmp_path: Path) -> None:
    lines: list[str] = []
    run(program(tmp_path / "job", "for n in range(50_000): print(n)"), lines.append, nothing)
    assert lines == [str(number) for number in range(50_000)]


def test_what_it_leaves_behind_when_it_ends_is_ended(tmp_path: Path) -> None:
    lines: list[str] = []
    assert run(program(tmp_path / "job", FAMILY), lines.append, nothing).code == 0
    assert len(pids(lines)) == 3
    assert not any(map(is_alive, pids(lines)))


def test_a_keeper_that_is_told_to_end_ends_the_whole_family(tmp_path: Path) -> None:
    lines: list[str] = []

    def terminate() -> None:
        if len(pids(lines)) == 3:
            tell_keeper(signal.SIGTERM)

    job = tmp_path / "job"
    ended = run(program(job, FAMILY + "time.sleep(600)"), lines.append, terminate)
    assert ended.code == 128 + signal.SIGTERM
    assert not any(map(is_alive, pids(lines)))
    assert not job.exists()


def test_a_long_word_reaches_the_program_as_it_is(tmp_path: Path) -> None:
    word = '語\n"' * 20_000  # 100 kB, and two and a half times that as JSON
    code = "import hashlib, os, sys; print(hashlib.sha256(os.fsencode(sys.argv[1])).hexdigest())"
    told = program(tmp_path / "job", code)
    lines: list[str] = []
    assert run(replace(told, command=[*told.command, word]), lines.append, nothing).code == 0
    assert lines == [hashlib.sha256(word.encode()).hexdigest()]


def test_a_signal_is_told_as_shells_do(tmp_path: Path) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    ended = run(program(tmp_path / "job", code), lambda _: None, nothing)
    assert ended.code == 137
    assert "too little memory" in str(failed(ended, "it").error)


def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    gone = Program(["/nowhere/python"], tmp_path / "job", {}, 10, 1_000_000)
    ended = run(gone, lambda _: None, nothing)
    assert ended.code == 127
    assert "could not be started" in failed(ended, "it").remedy


def test_too_much_memory_ends_it(tmp_path: Path) -> None:
    code = "import time; held = bytearray(300_000_000); time.sleep(60)"
    with pytest.raises(TookTooMuch, match="GB of the machine's memory"):
        run(program(tmp_path / "job", code, memory_bytes=100_000_000), lambda _: None, nothing)


def test_many_files_together_are_too_much_for_the_disk(tmp_path: Path) -> None:
    code = "import time\nfor n in range(9): open(str(n), 'wb').write(b'x' * 9_000_000)\ntime.sleep(60)"
    with pytest.raises(TookTooMuch, match="GB are allowed"):
        run(program(tmp_path / "job", code), lambda _: None, nothing)


def test_cancel_ends_those_that_left_the_group(tmp_path: Path) -> None:
    lines: list[str] = []

    def cancel() -> None:
        if len(pids(lines)) == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        run(program(tmp_path / "job", FAMILY + "time.sleep(600)"), lines.append, cancel)
    assert not any(map(is_alive, pids(lines)))


def test_a_killed_keeper_leaves_nothing_behind(tmp_path: Path) -> None:
    lines: list[str] = []

    def kill() -> None:
        if len(pids(lines)) == 3:
            tell_keeper(signal.SIGKILL)

    ended = run(program(tmp_path / "job", FAMILY + "time.sleep(600)"), lines.append, kill)
    assert ended.code == 137
    until(lambda: not any(map(is_alive, pids(lines))))


def test_nothing_outlives_a_runner_that_was_killed(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from rushes.engines.upstream.program import Program, run
job = Path({str(tmp_path / "job")!r})
job.mkdir()
turns = (job.parent / "turn",)
told = Program([sys.executable, "-c", {FAMILY + "time.sleep(600)"!r}], job, {{}}, 60, 10**8, turns=turns)
run(told, lambda line: print(line, flush=True), lambda: None)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        family = pids([runner.stdout.readline() for _ in range(3)])
        assert all(map(is_alive, family))
        runner.kill()
    heard: list[str] = []
    run(program(tmp_path / "next", "print('its turn')", turns=(tmp_path / "turn",)), heard.append, nothing)
    assert heard == ["Waiting for the end of the film before this one", "its turn"]
    assert not any(map(is_alive, family))  # who held the GPU is gone before the next begins
    until(lambda: not (tmp_path / "job").exists())


def test_the_last_words_are_those_that_name_an_error() -> None:
    lines = ("loading", "ValueError: the widget is loose", "[rank0] W0312 warning: destroyed", "done")
    assert failed(Ended(1, lines), "it").remedy.endswith("the widget is loose")
    assert failed(Ended(1, ()), "it").remedy.endswith("nothing")
    several = (
        "[rank1]: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
        "[rank0]:     raise Stopped",
        "E0312 10:00 torch/distributed/elastic/multiprocessing/api.py:869] failed (exitcode: 1) local_rank: 1",
        "torch.distributed.elastic.multiprocessing.errors.ChildFailedError: ",
        "entry.py FAILED",
    )
    told = failed(Ended(1, several), "it")
    assert "too little memory" in str(told.error)
    assert "Tried to allocate 2.00 GiB" in told.remedy
    assert failed(Ended(1, ("[rank0]: KeyError: 'x'", *several[2:])), "it").remedy.endswith("[rank0]: KeyError: 'x'")


def test_waiting_for_ones_turn_can_be_cancelled(tmp_path: Path) -> None:
    looks = 0

    def first() -> None:
        nonlocal looks

        def second() -> None:
            nonlocal looks
            looks += 1
            if looks > 3:
                raise Cancelled

        with pytest.raises(Cancelled):
            run(program(tmp_path / "two", "print(2)", turns=(tmp_path / "turn",)), lambda _: None, second)
        raise Cancelled

    with pytest.raises(Cancelled):
        run(program(tmp_path / "one", "import time; time.sleep(60)", turns=(tmp_path / "turn",)), lambda _: None, first)
    assert looks == 4


def test_films_that_share_one_of_their_turns_come_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    shared, heard = tmp_path / "gpu-1", list[str]()
    with shared.open("a") as busy:
        fcntl.flock(busy, fcntl.LOCK_EX)

        def leave() -> None:
            if heard:
                fcntl.flock(busy, fcntl.LOCK_UN)

        turns = (tmp_path / "own", tmp_path / "gpu-0", shared)
        run(program(tmp_path / "one", "print('its turn')", turns=turns), heard.append, leave)
    assert heard == ["Waiting for the end of the film before this one", "its turn"]
