"""The process that waits for vendors, against a real gateway: what it claims, how many at once, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rushes.fakes import serving
from rushes.fakes.fake import Fake
from rushes.fakes.vendors import VENDORS
from rushes.jobs.job import Status
from rushes.runners.crowd import crowd_of
from rushes.runners.process import Given
from rushes.settings import Settings
from tests.runners.live import Live, running, wait_for

VIDEO = "fal-ai/kling-video/v1/standard/text-to-video"
STILL = "fal-ai/kling-video/v1/standard/image-to-video"
SPEECH = "fal-ai/minimax/speech-02-hd"
SECRET = VENDORS["kling"].key.partition(":")[2]
NEVER = 10_000  # looks


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway, a pretended vendor, and the settings that lead to it."""

    live: Live
    fake: Fake
    settings: dict[str, Any]

    def submit(self, prompt: str = "a boat", endpoint: str = VIDEO) -> str:
        return self.live.submit(endpoint, prompt=prompt)

    def under_way(self) -> int:
        return sum(not task.over for task in self.fake.tasks.values())


def settings_for(url: str, **more: Any) -> dict[str, Any]:
    mine = {"engine": "vendor", "vendor": "kling", "url": url, "poll_s": 0.05, "key_env": "MY_KLING_KEY", **more}
    routes = {VIDEO: ("mine",), STILL: ("animatic", "mine"), SPEECH: ("animatic",)}
    return {"deployments": {"mine": mine}, "routes": routes}


@contextmanager
def stage(folder: Path, lease_s: float = 15.0, **more: Any) -> Iterator[Stage]:
    fake = Fake(key=VENDORS["kling"].key)
    with serving.running(VENDORS["kling"].app(fake)) as url:
        settings = settings_for(url, **more)
        with running(folder, lease_s=lease_s, **settings) as live:
            yield Stage(live, fake, settings)


@contextmanager
def crowd(on: Stage, name: str = "crowd") -> Iterator[subprocess.Popen[bytes]]:
    """Run the process until the block ends."""
    told = {f"RUSHES_{option.upper()}": json.dumps(value) for option, value in on.settings.items()}
    told |= {"RUSHES_TEST_ENDPOINTS": "1", "RUSHES_RUNNER_KEY": on.live.services.keys.runner_key}
    told |= {"MY_KLING_KEY": VENDORS["kling"].key}
    command = [sys.executable, "-m", "rushes.runners.crowd", "--url", on.live.url, "--name", name]
    process = subprocess.Popen([*command, "--deployments", "mine"], env={**os.environ, **told})
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_it_claims_what_its_deployment_leads_and_nothing_else(tmp_path: Path) -> None:
    with stage(tmp_path) as on, crowd(on):
        others = [on.live.submit(payload=1), on.live.submit(SPEECH, text="hello")]
        others.append(on.live.submit(STILL, prompt="a boat", image_url="data:image/png;base64,iVBORw0KGgo="))
        assert on.live.result(on.submit()).failure is None
        assert [on.live.state(one).status for one in others] == [Status.IN_QUEUE] * 3


def test_so_many_are_under_way_at_once_as_it_has_places_and_the_next_waits_in_the_queue(tmp_path: Path) -> None:
    with stage(tmp_path, concurrency=3) as on, crowd(on):
        on.fake.plan.ends_after = NEVER
        jobs = [on.submit() for _ in range(5)]
        wait_for(lambda: on.under_way() == 3)
        time.sleep(0.5)
        assert on.under_way() == len(on.fake.tasks) == 3
        assert sorted(on.live.state(one).status for one in jobs) == [Status.IN_QUEUE] * 2 + [Status.IN_PROGRESS] * 3
        on.fake.plan.ends_after = 1
        for task in on.fake.tasks.values():
            task.ends_after = 1
        assert all(on.live.result(one).failure is None for one in jobs)
        assert len(on.fake.tasks) == 5


@pytest.mark.parametrize(("keys", "concurrency"), [(1, 1), (2, 3), (3, 2)])
def test_a_deployment_has_its_keys_times_its_concurrency_places(keys: int, concurrency: int) -> None:
    given = Given(url="http://127.0.0.1:9", deployments="mine", name="crowd", parent=None)
    settings = Settings(
        **settings_for("http://127.0.0.1:9", key_env=None, keys=list("abc"[:keys]), concurrency=concurrency)
    )
    made = crowd_of(given, "k", settings)
    assert [one.name for one in made.workers] == [f"crowd/mine-{number}" for number in range(keys * concurrency)]
    assert {tuple(one.routes) for one in made.workers} == {(VIDEO,)}


def test_sigterm_hands_the_jobs_back_and_the_next_process_goes_on_with_their_tasks(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        on.fake.plan.ends_after = NEVER
        with crowd(on, "first") as process:
            jobs = [on.submit(), on.submit()]
            wait_for(lambda: all(task.looks > 1 for task in on.fake.tasks.values()) and len(on.fake.tasks) == 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            wait_for(lambda: [on.live.state(one).status for one in jobs] == [Status.IN_QUEUE] * 2)
        for task in on.fake.tasks.values():
            task.ends_after = 1
        with crowd(on, "second"):
            assert all(on.live.result(one).failure is None for one in jobs)
        assert len(on.fake.tasks) == 2, "each was paid once"
        assert all(any("Going on with the task" in line for line in on.live.lines(one)) for one in jobs)


def test_after_kill_9_the_next_process_goes_on_with_the_task_when_the_lease_is_over(tmp_path: Path) -> None:
    with stage(tmp_path, lease_s=0.6) as on:
        on.fake.plan.ends_after = NEVER
        with crowd(on, "first") as process:
            job = on.submit()
            wait_for(lambda: any(task.looks > 1 for task in on.fake.tasks.values()))
            process.kill()
            process.wait()
        wait_for(lambda: on.live.call(on.live.services.jobs.sweep()).lost == 1)
        for task in on.fake.tasks.values():
            task.ends_after = 1
        with crowd(on, "second"):
            assert on.live.result(job).failure is None
        assert len(on.fake.tasks) == 1


def test_a_gateway_that_restarts_finds_its_jobs_done_and_paid_once(tmp_path: Path) -> None:
    fake = Fake(key=VENDORS["kling"].key)
    with serving.running(VENDORS["kling"].app(fake)) as url:
        settings = settings_for(url)
        with running(tmp_path, **settings) as live:
            on = Stage(live, fake, settings)
            process = crowd(on)
            running_process = process.__enter__()
            fake.plan.ends_after = NEVER
            job = on.submit()
            wait_for(lambda: any(task.looks > 1 for task in fake.tasks.values()))
            port, keys = live.port, live.services.keys
        try:
            fake.plan.ends_after = 1
            for task in fake.tasks.values():
                task.ends_after = task.looks + 2
            time.sleep(0.5)
            with running(tmp_path, port, keys, **settings) as again:
                assert again.result(job, within_s=20).failure is None
                assert Stage(again, fake, settings).live.result(again.submit(VIDEO, prompt="more")).failure is None
                assert running_process.poll() is None
                running_process.kill()
        finally:
            process.__exit__(None, None, None)
    assert len(fake.tasks) == 2


def test_nothing_that_it_starts_inherits_a_key(tmp_path: Path) -> None:
    with stage(tmp_path) as on, crowd(on) as process:
        assert on.live.result(on.submit()).failure is None
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children, "the decoder's process at least"
        for child in children:
            environment = Path(f"/proc/{child}/environ").read_bytes()
            assert environment
            assert SECRET.encode() not in environment
            assert on.live.services.keys.runner_key.encode() not in environment
        assert SECRET.encode() not in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_a_job_that_is_cancelled_while_it_waits_for_a_new_process_ends_at_once_and_its_task_runs_on(
    tmp_path: Path,
) -> None:
    with stage(tmp_path) as on:
        on.fake.plan.ends_after = NEVER
        with crowd(on) as process:
            job = on.submit()
            wait_for(lambda: any(task.looks > 1 for task in on.fake.tasks.values()))
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
        wait_for(lambda: on.live.state(job).status == Status.IN_QUEUE)
        on.live.client.put(f"/queue/fal-ai/kling-video/requests/{job}/cancel")
        failure = on.live.result(job, within_s=2).failure
        assert failure is not None
        assert failure.type == "client_cancelled"
        assert [task.cancelled for task in on.fake.tasks.values()] == [False]
