"""The sandbox: each way a task can end, and nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rushes.media.sandbox import (
    Crashed,
    OutOfMemory,
    OutOfTime,
    Sandbox,
    SandboxLimits,
    TaskFailed,
    Unavailable,
)

TASKS = "tests.media.hostile_tasks"
LIMITS = SandboxLimits(memory_bytes=2**30, cpu_s=10, wall_s=20.0, file_bytes=10_000)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = Sandbox((TASKS,))
    yield running
    running.close()


def run(sandbox: Sandbox, name: str, limits: SandboxLimits = LIMITS, **arguments: Any) -> Any:
    return sandbox.run(f"{TASKS}:{name}", arguments, limits)


def children_of(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def fds_of(pids: tuple[int, ...]) -> list[int]:
    return [len(os.listdir(f"/proc/{pid}/fd")) for pid in pids]


def wait_until_gone(pid: int) -> None:
    for _ in range(200):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} is still there")


def test_a_result_comes_back(sandbox: Sandbox) -> None:
    assert run(sandbox, "add", a=2, b=3) == 5


def test_an_exception_comes_back_with_its_type(sandbox: Sandbox) -> None:
    with pytest.raises(TaskFailed, match="odd") as caught:
        run(sandbox, "fail", text="odd")
    assert caught.value.type == "KeyError"


@pytest.mark.parametrize(
    ("name", "arguments", "says"), [("segfault", {}, "SIGSEGV"), ("exit_with", {"code": 7}, "code 7")]
)
def test_a_crash_is_told_apart(name: str, arguments: dict[str, Any], says: str, sandbox: Sandbox) -> None:
    with pytest.raises(Crashed, match=says):
        run(sandbox, name, **arguments)
    assert run(sandbox, "add", a=1, b=1) == 2


def test_an_exit_without_an_answer_is_a_crash(sandbox: Sandbox) -> None:
    with pytest.raises(Crashed):
        run(sandbox, "exit_with", code=0)


@pytest.mark.parametrize(
    ("text", "times"), [("no JSON", 1), ("[]", 1), ("{}", 1_000), ('{"result": 1}', 1_000), ('{"end": "ok"}', 1)]
)
def test_a_task_that_was_taken_over_and_talks_nonsense_is_a_crash(text: str, times: int, sandbox: Sandbox) -> None:
    with pytest.raises(Crashed):
        run(sandbox, "babble", text=text, times=times)
    assert run(sandbox, "add", a=1, b=1) == 2


def test_an_end_by_a_signal_without_a_name_is_a_crash_and_leaves_the_helper_alone(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=1, b=1)
    before = sandbox.pid
    with pytest.raises(Crashed, match="40"):
        run(sandbox, "end_by", number=40)
    assert sandbox.pid == before


def test_a_request_that_is_too_large_is_said_and_leaves_the_helper_alone(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=1, b=1)
    before = sandbox.pid
    for size in (70_000, 3_000_000):
        with pytest.raises(TaskFailed, match="at most"):
            run(sandbox, "fail", text="x" * size)
    assert sandbox.pid == before


def test_memory_is_limited(sandbox: Sandbox) -> None:
    assert run(sandbox, "allocate", size=2**28) == 2**28
    with pytest.raises(OutOfMemory):
        run(sandbox, "allocate", size=2**31)


def test_cpu_time_is_limited(sandbox: Sandbox) -> None:
    with pytest.raises(OutOfTime, match="CPU"):
        run(sandbox, "spin", SandboxLimits(2**30, 1, 20.0, 0))


def test_wall_time_is_limited(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(OutOfTime, match="longer"):
        run(sandbox, "sleep", SandboxLimits(2**30, 1, 0.2, 100), seconds=30, mark=str(tmp_path / "pid"))
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_file_size_is_limited(sandbox: Sandbox, tmp_path: Path) -> None:
    run(sandbox, "write", path=str(tmp_path / "small"), size=10_000)
    with pytest.raises(TaskFailed) as caught:
        run(sandbox, "write", path=str(tmp_path / "large"), size=10_001)
    assert caught.value.type == "OSError"


def test_answers_are_small(sandbox: Sandbox) -> None:
    assert len(run(sandbox, "talk", size=50_000)) == 50_000
    with pytest.raises(TaskFailed, match="at most"):
        run(sandbox, "talk", size=70_000)


@pytest.mark.parametrize("function", [f"{TASKS}:hidden", f"{TASKS}:os.system", "os:system", "nonsense"])
def test_only_the_named_functions_run(function: str, sandbox: Sandbox) -> None:
    with pytest.raises(TaskFailed) as caught:
        sandbox.run(function, {}, LIMITS)
    assert caught.value.type == "PermissionError"


def test_a_task_sees_nothing_of_its_parents(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.close()
    monkeypatch.setenv("RUSHES_KEY", "id:secret")
    seen = run(sandbox, "limits")
    assert seen["fds"] <= 2  # the reply socket, and /proc while it is listed
    assert (seen["core"], seen["no_new_privs"], seen["sockets"]) == (0, True, 0)
    assert "RUSHES_KEY" not in seen["environment"]


def test_tasks_are_off_the_network_where_the_system_lets_them_be(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=1, b=1)
    with socket.create_server(("127.0.0.1", 0)) as there:
        reached = run(sandbox, "reach", port=there.getsockname()[1])
    may_leave = subprocess.run(["unshare", "--net", "true"], check=False, capture_output=True).returncode == 0
    assert not reached or not may_leave


def test_questions_are_answered_and_nothing_is_inherited_in_a_process_with_thousands_of_open_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_000:
        pytest.skip("the system allows fewer")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_000), hard))
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1_100)]
    crowded = Sandbox((TASKS,))
    try:
        assert crowded.run(f"{TASKS}:question", {}, LIMITS, answer=lambda asked: asked + b" three") == "how many? three"
        assert run(crowded, "limits")["fds"] <= 2
    finally:
        crowded.close()
        for fd in held:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_killed_helper_is_replaced_unnoticed(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=1, b=1)
    first = sandbox.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert run(sandbox, "add", a=1, b=1) == 2
    assert sandbox.pid != first
    assert not Path(f"/proc/{first}").exists()


def test_a_task_that_kills_its_helper_is_tried_twice_and_then_given_up(sandbox: Sandbox) -> None:
    with pytest.raises(Unavailable):
        run(sandbox, "kill_helper")
    assert run(sandbox, "add", a=1, b=1) == 2


def test_a_helper_that_cannot_start_is_said_so() -> None:
    nowhere = Sandbox(("no.such.module",))
    with pytest.raises(Unavailable):
        nowhere.run("no.such.module:x", {}, LIMITS)
    nowhere.close()


class Stop(Exception):
    pass


def test_ticks_come_and_may_end_the_task(sandbox: Sandbox, tmp_path: Path) -> None:
    mark = tmp_path / "pid"

    def tick() -> None:
        if mark.exists() and mark.read_text():
            raise Stop

    with pytest.raises(Stop):
        sandbox.run(f"{TASKS}:sleep", {"seconds": 30, "mark": str(mark)}, LIMITS, tick)
    wait_until_gone(int(mark.read_text()))


def test_tasks_run_at_the_same_time_and_leave_nothing(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=0, b=0)
    assert sandbox.pid is not None
    pids = (os.getpid(), sandbox.pid)
    before = fds_of(pids)
    with ThreadPoolExecutor(8) as pool:
        sums = list(pool.map(lambda n: run(sandbox, "add", a=n, b=n), range(100)))
    assert sums == [2 * n for n in range(100)]
    assert children_of(sandbox.pid) == []
    deadline = time.monotonic() + 30
    while more_fds(pids, before) and time.monotonic() < deadline:  # the helper closes its end after the last answer
        time.sleep(0.01)
    assert not more_fds(pids, before)


def more_fds(pids: tuple[int, ...], before: list[int]) -> bool:
    return any(now > then for now, then in zip(fds_of(pids), before, strict=True))


def test_helper_and_tasks_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    program = f"""
import os, threading, time
from pathlib import Path
from rushes.media.sandbox import Sandbox, SandboxLimits
box = Sandbox(({TASKS!r},))
limits = SandboxLimits(2**30, 10, 60.0, 100)
arguments = {{"seconds": 60, "mark": {str(tmp_path / "pid")!r}}}
threading.Thread(target=lambda: box.run({TASKS + ":sleep"!r}, arguments, limits), daemon=True).start()
while not Path({str(tmp_path / "pid")!r}).exists():
    time.sleep(0.01)
Path({str(tmp_path / "helper")!r}).write_text(str(box.pid))
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", program], check=False, timeout=30)
    wait_until_gone(int((tmp_path / "helper").read_text()))
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_a_warm_task_costs_milliseconds(sandbox: Sandbox) -> None:
    run(sandbox, "add", a=0, b=0)
    times = []
    for _ in range(10):
        started = time.perf_counter()
        run(sandbox, "add", a=1, b=2)
        times.append(time.perf_counter() - started)
    assert min(times) < 0.02
