"""Runner hints with two real runners: the same hint goes to the same runner, as long as it is free."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from tests.server import KEY, start_server

pytestmark = pytest.mark.acceptance

ECHO = "/run/rushes/echo"


def served_from(client: httpx2.Client, hint: str | None = None, sleep_s: float = 0.0) -> str:
    headers = {} if hint is None else {"x-fal-runner-hint": hint}
    answer = client.post(ECHO, json={"sleep_s": sleep_s}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["x-fal-served-from"]


def both(client: httpx2.Client, pool: ThreadPoolExecutor) -> set[str]:
    return {one.result() for one in [pool.submit(served_from, client, None, 0.4) for _ in range(2)]}


def until_both_wait(client: httpx2.Client) -> None:
    """A runner that has just ended a job asks for the next in a moment."""
    while 'rushes_runners{state="idle"} 2' not in client.get("/metrics").text:
        time.sleep(0.01)


def test_the_same_hint_goes_to_the_same_runner_and_to_another_when_it_is_busy(tmp_path: Path) -> None:
    with (
        start_server(tmp_path / "data", runners=2) as server,
        httpx2.Client(
            base_url=server.url, headers={"authorization": f"Key {KEY}"}, timeout=20, trust_env=False
        ) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        for _ in range(20):  # until both runners have come up
            if len(both(client, pool)) == 2:
                break
        home = served_from(client, "my-session")
        for _ in range(8):
            # In between the others' turn comes, so that the one that waits longest is not always the hinted one.
            served_from(client)
            until_both_wait(client)
            assert served_from(client, "my-session") == home
        until_both_wait(client)
        busy = pool.submit(served_from, client, "my-session", 1.0)
        while client.get("/metrics").text.find('rushes_runners{state="busy"} 1') < 0:
            pass
        assert served_from(client, "my-session") != home, "a hint is a wish: nobody waits for a busy runner"
        assert busy.result() == home
