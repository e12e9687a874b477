"""Local runners: started, replaced when they die, stopped, and gone with their server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir, mkdtemp

from pydantic import SecretStr

from rushes.jobs.job import MAX_ATTEMPTS
from rushes.runners.local import LOCAL_PREFIX, LocalRunners, Recipe
from rushes.settings import Settings
from tests.runners.live import Live, wait_for


@contextmanager
def runners(live: Live, count: int = 1, deployments: tuple[str, ...] = ("echo",)) -> Iterator[LocalRunners]:
    recipe = Recipe(live.url, live.services.keys.runner_key, deployments, live.services.settings)

    async def make() -> LocalRunners:
        made = LocalRunners(recipe, count, live.services.jobs.release)
        await made.start()
        return made

    made = live.call(make())
    try:
        yield made
    finally:
        live.call(made.stop())


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except FileNotFoundError:
        return False


def test_they_serve_and_are_gone_after_stop(live: Live) -> None:
    with runners(live, count=2) as local:
        assert live.result(live.submit(payload=1)).failure is None
        pids = list(local.pids.values())
        assert len(pids) == 2
        assert all(name.startswith(f"{LOCAL_PREFIX}{local.start_id}-") for name in local.pids)
    assert not any(map(alive, pids))


def test_a_killed_one_is_replaced_and_its_job_done_by_the_next_at_once(live: Live) -> None:
    with runners(live, count=2) as local:
        job_id = live.submit(payload="kept", sleep_s=0.5, steps=10)
        live.running(job_id, lines=1)
        dead = set(local.pids.values())
        for pid in dead:
            os.kill(pid, signal.SIGKILL)
        assert json.loads(live.result(job_id, within_s=8).output) == {"payload": "kept"}
        wait_for(lambda: len(local.pids) == 2)
        assert not dead & set(local.pids.values())


def test_a_job_that_kills_its_runner_is_given_up_after_some_tries(live: Live) -> None:
    with runners(live):
        job_id = live.submit(exit_code=3)
        failure = live.result(job_id).failure
        assert failure is not None
        assert (failure.type, failure.status) == ("runner_disconnected", 503)
        claims = [line for line in live.lines(job_id) if line.startswith("Served by")]
        assert len(claims) <= MAX_ATTEMPTS["runner_disconnected"]
        assert live.result(live.submit(payload="after")).failure is None


def test_jobs_that_kill_their_runners_slow_down_no_others(live: Live) -> None:
    with runners(live) as local:
        for _ in range(3):
            live.submit(exit_code=3)
        began = time.monotonic()
        assert live.result(live.submit(payload="after"), within_s=60).failure is None
        # Nine starts. Had each pause doubled the one before, they alone would have taken 25 seconds.
        assert time.monotonic() - began < 25
        assert [name.rsplit("-", 1)[1] for name in local.pids] == ["9"]


def test_a_place_is_filled_again_after_its_runners_end_could_not_be_stored(live: Live) -> None:
    recipe = Recipe(live.url, live.services.keys.runner_key, ("echo",), live.services.settings)

    async def release(_name: str, *, fault: bool = True) -> int:
        raise OSError(f"no space left, fault {fault}")

    async def make() -> LocalRunners:
        made = LocalRunners(recipe, 1, release)
        await made.start()
        return made

    local = live.call(make())
    wait_for(lambda: bool(local.pids))
    for pid in local.pids.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: any(name.endswith("-1") for name in local.pids))
    live.call(local.stop())


def test_stop_hands_back_what_they_were_doing(live: Live) -> None:
    with runners(live):
        job_id = live.submit(sleep_s=30, steps=600)
        live.running(job_id)
    assert live.state(job_id).position == 0


def test_one_that_cannot_start_is_tried_ever_more_slowly_and_stop_does_not_wait_for_it(live: Live) -> None:
    with runners(live, deployments=("no such",)) as local:
        wait_for(lambda: any(int(name.rpartition("-")[2]) >= 1 for name in local.pids))
        began = time.monotonic()
    assert time.monotonic() - began < 10  # a pause between two tries grows to a minute


def test_they_leave_no_temporary_files(live: Live) -> None:
    with runners(live) as local:
        pattern = f"rushes-{LOCAL_PREFIX}{local.start_id}-*"
        live.result(live.submit())
        assert len(list(Path(gettempdir()).glob(pattern))) == 1
        for pid in local.pids.values():
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: any(name.endswith("-1") for name in local.pids))
    assert not list(Path(gettempdir()).glob(pattern))


def test_what_a_killed_server_left_is_removed_at_its_next_start_and_nothing_of_others(live: Live) -> None:
    ours, theirs = (Path(mkdtemp(prefix=f"rushes-{LOCAL_PREFIX}{owner}-")) for owner in ("testowner", "otherowner"))
    (ours / "rushes-job-1").mkdir()
    (ours / "rushes-job-1" / "frames.mp4").write_bytes(b"half a film")
    recipe = Recipe(live.url, live.services.keys.runner_key, ("echo",), live.services.settings)
    local = LocalRunners(recipe, 0, live.services.jobs.release, owner="testowner")
    live.call(local.start())
    assert not ours.exists()
    assert theirs.exists()
    theirs.rmdir()


def test_they_die_with_their_server_even_in_the_middle_of_a_job(live: Live) -> None:
    program = (
        "import asyncio, sys\n"
        "from rushes.runners.local import LocalRunners, Recipe\n"
        "from rushes.settings import Settings\n"
        "async def release(name, fault=True): return 0\n"
        "async def main():\n"
        "    recipe = Recipe(sys.argv[1], sys.argv[2], ('echo',), Settings(test_endpoints=True))\n"
        "    local = LocalRunners(recipe, 1, release)\n"
        "    await local.start()\n"
        "    while not local.pids: await asyncio.sleep(0.01)\n"
        "    print(*local.pids.values(), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    command = [sys.executable, "-c", program, live.url, live.services.keys.runner_key]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    live.running(live.submit(sleep_s=30, steps=1))
    server.kill()
    server.wait()
    server.stdout.close()
    wait_for(lambda: not alive(pid), within_s=2)


def test_secrets_of_the_server_stay_with_it_and_its_settings_arrive(live: Live, tmp_path: Path) -> None:
    from rushes.runners.local import _environment

    settings = Settings(key="a:b", allow_addresses="10.0.0.0/8", test_endpoints=True, input_max_bytes=77)
    told = _environment(Recipe("http://x", "runner-secret", ("echo",), settings), tmp_path)
    assert {"RUSHES_KEY", "RUSHES_PROMPT_KEY"} & set(told) == set()
    assert told["RUSHES_RUNNER_KEY"] == "runner-secret"
    names = {name: told[f"RUSHES_{name.upper()}"] for name in ("allow_addresses", "test_endpoints", "input_max_bytes")}
    assert names == {"allow_addresses": "10.0.0.0/8", "test_endpoints": "true", "input_max_bytes": "77"}


def test_the_key_of_the_service_that_expands_prompts_reaches_the_runner_whole(tmp_path: Path) -> None:
    from rushes.runners.local import _environment

    told = _environment(Recipe("http://x", "k", ("echo",), Settings(prompt_key=SecretStr("sk-1"))), tmp_path)
    assert told["RUSHES_PROMPT_KEY"] == "sk-1"


def test_a_process_for_sessions_starts_when_it_is_wanted_and_once(live: Live) -> None:
    with runners(live, deployments=("animatic",)) as local:
        wait_for(lambda: len(local.pids) == 1)
        for _ in range(3):
            live.loop.call_soon_threadsafe(local.wake_sessions)
        wait_for(lambda: len(local.pids) == 2)
        (name,) = [name for name in local.pids if "-sessions-" in name]
        pid = local.pids[name]
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: any("-sessions-1" in name for name in local.pids))
    assert not alive(pid)


def test_a_machine_without_runners_has_none_for_sessions_either(live: Live) -> None:
    with runners(live, count=0) as local:
        live.loop.call_soon_threadsafe(local.wake_sessions)
        time.sleep(0.1)
        assert not local.pids
