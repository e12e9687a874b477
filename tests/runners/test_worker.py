"""Runner processes against a real gateway: every end a job can have, cancel, kill, restart; and a failing engine."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rushes.calls import Call
from rushes.engines.engine import FinishedFile, Maker, Output, Progress
from rushes.families import ENDPOINTS
from rushes.jobs.job import Status
from rushes.jobs.protocol import ClaimRequest
from rushes.runners.client import RunnerClient
from rushes.runners.worker import JobFolder, Worker
from rushes.settings import Settings
from rushes.work.tools import Deployment
from tests.runners.live import Live, running, wait_for, worker


def test_a_job_is_done_and_says_by_whom(live: Live) -> None:
    with worker(live, "one"):
        job_id = live.submit(payload={"a": [1, None]}, sleep_s=0.02, steps=2)
        result = live.result(job_id)
    assert json.loads(result.output) == {"payload": {"a": [1, None]}}
    assert result.served_by == "echo/0.1.0; model=echo; deployment=echo"
    assert result.units == 1.0
    assert live.lines(job_id) == ["Served by the echo engine (echo, version 0.1.0)", "1 of 2 steps", "2 of 2 steps"]


@pytest.mark.parametrize(
    ("name", "status"), [("content_policy_violation", 422), ("internal_server_error", 500), ("request_timeout", 504)]
)
def test_a_failure_arrives_as_the_engine_meant_it(live: Live, name: str, status: int) -> None:
    with worker(live, "one"):
        failure = live.result(live.submit(fail=name)).failure
    assert failure is not None
    assert (failure.type, failure.status) == (name, status)


def test_a_cancel_is_heard_soon_and_the_same_process_does_the_next_job(live: Live) -> None:
    with worker(live, "one") as process:
        job_id = live.submit(sleep_s=30, steps=600)
        live.running(job_id, lines=2)
        began = time.monotonic()
        live.client.put(f"/queue/rushes/echo/requests/{job_id}/cancel")
        failure = live.result(job_id).failure
        assert time.monotonic() - began < 10  # 0.3 on an idle machine, where the job itself takes 30
        assert failure is not None
        assert failure.type == "client_cancelled"
        assert live.result(live.submit(payload=2)).failure is None
        assert process.poll() is None


def test_what_a_step_logged_is_visible_while_it_runs_and_nothing_is_lost(live: Live) -> None:
    with worker(live, "one"):
        job_id = live.submit(sleep_s=1, steps=50)
        live.running(job_id, lines=5)
        live.result(job_id)
    assert live.lines(job_id)[1:] == [f"{step + 1} of 50 steps" for step in range(50)]


def test_a_live_step_loop_keeps_its_lease_for_as_long_as_it_takes(tmp_path: Path) -> None:
    with running(tmp_path, lease_s=0.4) as live, worker(live, "one"):
        job_id = live.submit(sleep_s=1.2, steps=24)
        while live.state(job_id).status != Status.COMPLETED:
            assert live.call(live.services.jobs.sweep()).lost == 0
            time.sleep(0.05)
        assert live.result(job_id).failure is None


def test_a_hung_step_loop_loses_its_lease_although_its_process_lives(tmp_path: Path) -> None:
    with running(tmp_path, lease_s=0.4) as live, worker(live, "one"):
        job_id = live.submit(sleep_s=30, steps=1)
        live.running(job_id)
        wait_for(lambda: live.call(live.services.jobs.sweep()).lost == 1)
        assert live.state(job_id).status == Status.IN_QUEUE


def test_work_that_takes_longer_than_allowed_ends_as_a_timeout_and_the_next_job_is_done(tmp_path: Path) -> None:
    with running(tmp_path, generation_timeout_s=0.3) as live, worker(live, "one", generation_timeout_s="0.3"):
        failure = live.result(live.submit(sleep_s=30, steps=600)).failure
        assert failure is not None
        assert (failure.type, failure.status, failure.shape) == ("generation_timeout", 504, "model")
        assert "longer than the 0.3 s" in failure.message
        assert json.loads(live.result(live.submit(payload=1)).output) == {"payload": 1}


def test_the_next_runner_does_the_job_of_one_that_was_killed(tmp_path: Path) -> None:
    with running(tmp_path, lease_s=0.5) as live, worker(live, "one") as first:
        job_id = live.submit(payload="x", sleep_s=1, steps=20)
        live.running(job_id)
        first.kill()
        with worker(live, "two"):
            wait_for(lambda: live.call(live.services.jobs.sweep()).lost == 1)
            assert json.loads(live.result(job_id).output) == {"payload": "x"}


def test_a_runner_whose_job_was_taken_away_drops_it_and_goes_on(live: Live) -> None:
    with worker(live, "one") as process:
        job_id = live.submit(sleep_s=30, steps=600)
        live.running(job_id, lines=1)
        live.call(live.services.jobs.release("one"))
        live.call(live.services.jobs.cancel(job_id, None))
        assert live.result(live.submit(payload="next")).failure is None
        assert process.poll() is None


def test_a_job_survives_a_restart_of_the_gateway_under_its_runner(tmp_path: Path) -> None:
    with running(tmp_path) as live:
        port, keys = live.port, live.services.keys
        runner = worker(live, "one")
        process = runner.__enter__()
        job_id = live.submit(payload="kept", sleep_s=1.0, steps=20)
        live.running(job_id)
    try:
        time.sleep(0.3)
        with running(tmp_path, port, keys) as again:
            result = again.result(job_id)
            assert json.loads(result.output) == {"payload": "kept"}
            assert again.lines(job_id)[-1] == "20 of 20 steps"
            assert again.result(again.submit(payload="more")).failure is None
            assert process.poll() is None
            process.kill()
    finally:
        runner.__exit__(None, None, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_hands_the_job_back_and_ends_the_process(live: Live, number: signal.Signals) -> None:
    with worker(live, "one") as process:
        job_id = live.submit(sleep_s=30, steps=1)
        live.running(job_id)
        process.send_signal(number)
        assert process.wait(30) == 0  # where it takes long, the alarm's number
        assert live.state(job_id).status == Status.IN_QUEUE


def test_sigterm_ends_an_idle_runner(live: Live) -> None:
    with worker(live, "one") as process:
        live.result(live.submit())
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0  # where it takes long, the alarm's number


def test_a_wrong_key_ends_the_runner_with_the_reason(live: Live) -> None:
    with worker(live, "one", runner_key="wrong") as process:
        assert process.wait(10) == 2
        assert process.stderr is not None
        assert "answered 401" in process.stderr.read()


def test_an_unknown_deployment_ends_the_runner_with_the_known_ones(live: Live) -> None:
    with worker(live, "one", deployments="ehco") as process:
        assert process.wait(10) == 2
        assert process.stderr is not None
        assert process.stderr.read() == "no deployment is called 'ehco'; there are: animatic, echo\n"


def test_without_a_key_it_says_what_to_set() -> None:
    command = [sys.executable, "-m", "rushes.runners.worker", "--url", "http://127.0.0.1:9", "--deployments", "echo"]
    done = subprocess.run([*command, "--name", "x"], env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "RUSHES_RUNNER_KEY is not set" in done.stderr


@dataclass
class Faulty:
    """An engine that prints, then ends with the exception it was given."""

    error: BaseException

    def load(self) -> Maker:
        return Maker("echo", "faulty", "1", stand_in=False)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        print("about to fail")
        raise self.error

    def unload(self) -> None: ...


def do_one(live: Live, engine: Faulty) -> None:
    client = RunnerClient(live.url, live.services.keys.runner_key)
    routes = {"rushes/echo": (Deployment("faulty", "echo", engine, engine.load()),)}
    job = client.claim(ClaimRequest(runner="here", endpoints=("rushes/echo",), wait_s=5))
    assert job is not None
    Worker("here", client, ENDPOINTS, routes, Settings()).work(job)
    client.close()


@pytest.mark.parametrize("error", [ZeroDivisionError("a secret path"), MemoryError()])
def test_an_unexpected_exception_is_a_500_whose_traceback_stays_here(
    live: Live, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = live.submit()
    do_one(live, Faulty(error))
    failure = live.result(job_id).failure
    assert failure is not None
    assert (failure.type, failure.status) == ("internal_server_error", 500)
    assert b"secret" not in failure.body
    assert not any("Traceback" in line or "secret" in line for line in live.lines(job_id))
    assert type(error).__name__ in caplog.text


def test_what_an_engine_prints_is_in_the_jobs_log(live: Live) -> None:
    job_id = live.submit()
    do_one(live, Faulty(ValueError()))
    assert "about to fail" in live.lines(job_id)


@dataclass
class Lavish(Faulty):
    """An engine whose film is larger than what storage takes."""

    path: Path
    size_bytes: int

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        with self.path.open("wb") as file:
            file.truncate(self.size_bytes)
        return FinishedFile(str(self.path), "video/mp4")


@pytest.mark.parametrize("times", [2, 20])
def test_a_result_that_storage_does_not_take_is_not_made_again(tmp_path: Path, times: int) -> None:
    most = 1_000_000
    with running(tmp_path, max_upload_bytes=most) as live:
        job_id = live.submit()
        do_one(live, Lavish(ValueError(), tmp_path / "large.mp4", times * most))
        failure = live.result(job_id).failure
        assert failure is not None
        assert (failure.type, failure.status) == ("file_too_large", 422)


def test_a_jobs_folder_is_made_when_needed_and_removed_with_its_files() -> None:
    folder = JobFolder()
    folder.remove()
    path = folder.path()
    (path / "input").write_bytes(b"x")
    assert folder.path() == path
    folder.remove()
    assert not path.exists()
