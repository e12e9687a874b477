"""kill -9 of the process that waits for vendors, or of the whole server, at random moments of many tasks.

No task is ever paid twice, and every job ends: with its output, or with the error that says that it may have been paid.
RUSHES_KILL_POINTS sets how many kills there are, RUSHES_KILL_SEED which; 100 take some minutes.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.engines.vendor.vendors import names
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(3_600)]

POINTS = int(os.environ.get("RUSHES_KILL_POINTS", "8"))
SEED = int(os.environ.get("RUSHES_KILL_SEED", "7"))  # read here: each test begins without the shell's RUSHES_*
JOBS_AT_A_POINT = 2
MOST_OPEN = 6  # jobs; else those of early points are killed again and again
ENDPOINTS = {
    "fal": ("fal-ai/minimax/image-01", {}),
    "kling": ("fal-ai/kling-video/v1/standard/text-to-video", {"duration": "5"}),
    "pixverse": ("fal-ai/pixverse/v4.5/text-to-video", {"duration": "5", "resolution": "360p"}),
}
WORDS = ("", "", "", "fake:looks=1", "fake:looks=4 fake:poll_server_error", "fake:rate", "fake:hang_up")
MAY_BE_PAID, BUSY = "may have been paid", "takes no more requests"
HEADERS = {"authorization": f"Key {KEY}"}


@dataclass
class Books:
    """What was asked, by request id: the word that its prompt holds, and its endpoint."""

    jobs: dict[str, tuple[str, str]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)


@contextmanager
def vendors(wanted: list[str]) -> Iterator[dict[str, Any]]:
    """Run the pretended vendors as a process of their own."""
    options = [part for name in wanted for part in ("--vendor", name)]
    command = [sys.executable, "-m", "rushes.cli", "fakes", "--port", "0", "--json", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said: dict[str, Any] = json.loads(process.stdout.readline())
            yield said
        finally:
            process.kill()


def settings(told: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """A deployment of each vendor, and nothing to fall back on."""
    deployments = {
        name: {
            "engine": "vendor",
            "vendor": name,
            "key": told["keys"][name],
            "url": f"{told['url']}/{name}",
            "patience_s": 3,
            "poll_s": 0.4,
        }
        for name in wanted
    }
    routes = {ENDPOINTS[name][0]: [name] for name in wanted}
    return {"deployments": json.dumps(deployments), "routes": json.dumps(routes)}


def submit(client: httpx2.Client, name: str, books: Books, dice: random.Random) -> None:
    """Ask for something whose prompt says which job it is."""
    endpoint, more = ENDPOINTS[name]
    mark = f"job-{len(books.jobs)}"
    body = {"prompt": f"a boat {mark}-x {dice.choice(WORDS)}", **more}
    answer = client.post(f"/queue/{endpoint}", json=body)
    assert answer.status_code == 200, answer.text
    books.jobs[answer.json()["request_id"]] = (mark, endpoint)


def look(client: httpx2.Client, books: Books) -> int:
    """See which jobs have ended, and how; return how many have not."""
    for job_id, (_, endpoint) in books.jobs.items():
        base = "/".join(endpoint.split("/")[:2])
        if job_id in books.ended:
            continue
        if client.get(f"/queue/{base}/requests/{job_id}/status").json()["status"] == "COMPLETED":
            answer = client.get(f"/queue/{base}/requests/{job_id}")
            books.ended[job_id] = "done" if answer.status_code == 200 else f"{answer.status_code} {answer.text}"
    return len(books.jobs) - len(books.ended)


def wait_until_open(client: httpx2.Client, books: Books, most: int, within_s: float = 180.0) -> None:
    """Wait until at most so many jobs are open."""
    give_up_at = time.monotonic() + within_s
    while (left := look(client, books)) > most:
        assert time.monotonic() < give_up_at, f"{left} jobs do not end"
        time.sleep(0.1)


def crowd_pids(server: Server) -> list[int]:
    return [pid for pid in server.runner_pids() if b"crowd" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def rounds(
    data: Path, told: dict[str, Any], wanted: list[str], books: Books, dice: random.Random
) -> Iterator[tuple[str, float]]:
    """Kill at so many points; each is (what, when after its submits)."""
    points = 0
    while points < POINTS:
        with start_server(data, **settings(told, wanted)) as server:
            with httpx2.Client(base_url=server.url, headers=HEADERS, timeout=20, trust_env=False) as client:
                while points < POINTS:
                    wait_until_open(client, books, MOST_OPEN)
                    for _ in range(JOBS_AT_A_POINT):
                        submit(client, dice.choice(wanted), books, dice)
                    after_s = dice.uniform(0, 1.5)
                    time.sleep(after_s)
                    points += 1
                    if dice.random() < 0.5:
                        yield "server", after_s
                        break
                    for pid in crowd_pids(server):
                        os.kill(pid, 9)
                    yield "crowd", after_s
            server.kill()


def kind_of(end: str) -> str:
    """How a job ended, in a word; an error that is neither is shown whole."""
    return next((kind for kind in (MAY_BE_PAID, BUSY) if kind in end), end)


def test_no_task_is_paid_twice_and_every_job_ends_whatever_is_killed(tmp_path: Path) -> None:
    known = names()
    wanted: list[str] = [name for name in ENDPOINTS if name in known]
    books, dice = Books(), random.Random(SEED)
    with vendors(wanted) as told:
        kills = Counter(what for what, _ in rounds(tmp_path / "data", told, wanted, books, dice))
        with (
            start_server(tmp_path / "data", **settings(told, wanted)) as server,
            httpx2.Client(base_url=server.url, headers=HEADERS, timeout=20, trust_env=False) as client,
        ):
            wait_until_open(client, books, 0)
        tasks = [task for name in wanted for task in httpx2.get(f"{told['url']}/{name}/_fake/tasks").json()]
    paid = Counter(
        mark for mark, _ in books.jobs.values() for task in tasks if f"{mark}-x" in json.dumps(task["asked"])
    )
    kinds = Counter(kind_of(end) for end in books.ended.values())
    print(
        f"\n{sum(kills.values())} kills {dict(kills)}, {len(books.jobs)} jobs, {len(tasks)} tasks, ends {dict(kinds)}"
    )
    assert max(paid.values()) == 1, "a task was paid twice"
    assert set(kinds) <= {"done", MAY_BE_PAID, BUSY}, kinds
    assert sum(paid.values()) == len(tasks)
    for job_id, (mark, _) in books.jobs.items():
        least, most = {"done": (1, 1), BUSY: (0, 0)}.get(kind_of(books.ended[job_id]), (0, 1))
        assert least <= paid[mark] <= most, (mark, books.ended[job_id])
    assert kinds["done"] > len(books.jobs) / 2
