"""`rushes costs`: what requests cost at vendors beside what they were billed, as a table and as JSON."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.words import rushes
from tests.runners.live import KEY, Live, running

ROWS = [
    # id, endpoint, units, price, deployment, cost, usage
    ("1", "a/film", 2.0, 0.5, "mine", 0.3, '{"seconds": 5.0}'),
    ("2", "a/film", 2.0, 0.5, "mine", None, '{"seconds": 2.5}'),
    ("3", "a/film", 4.0, 0.5, None, None, None),
    ("4", "a/sound", 1.0, 0.1, "mine", 0.04, '{"characters": 70}'),
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("data")
    with running(folder) as gateway:
        account = gateway.client.get("/v1/users/me").json()["username"]
        with sqlite3.connect(folder / "rushes.db") as connection:
            connection.executemany(
                "INSERT INTO ledger (job_id, endpoint, units, unit_price_usd, deployment, cost_usd, usage, account,"
                " key_id, created_at, ended_at, status_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'k', 1, ?, 200)",
                [(*row, account, time.time() - 60) for row in ROWS],
            )
        connection.close()
        yield gateway


def environment(live: Live) -> dict[str, str]:
    return {"RUSHES_URL": live.url, "RUSHES_KEY": KEY}


def test_a_line_for_each_deployment_and_endpoint(live: Live) -> None:
    done = rushes("costs", environment=environment(live))
    assert (done.returncode, done.stderr) == (0, "")
    head, *lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert head == "deployment endpoint requests units billed usage cost margin"
    assert sorted(lines) == [
        "(here) a/film 1 4 2.0000 - 0.0000 2.0000",
        "mine a/film 2 4 2.0000 7.5 seconds 0.3000 (1 unknown) unknown",
        "mine a/sound 1 1 0.1000 70 characters 0.0400 0.0600",
    ]


def test_as_json_it_is_what_the_server_says(live: Live) -> None:
    done = rushes("costs", "--json", environment=environment(live))
    assert json.loads(done.stdout) == live.client.get("/v1/costs").json()["costs"]


def test_a_time_in_which_nothing_was_billed(live: Live) -> None:
    words = ("--since", "2001-01-01", "--until", "2001-02-01")
    done = rushes("costs", *words, environment=environment(live))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing was billed in that time\n")
    assert json.loads(rushes("costs", *words, "--json", environment=environment(live)).stdout) == []


def test_a_time_that_is_none_is_said_so(live: Live) -> None:
    done = rushes("costs", "--since", "yesterday", environment=environment(live))
    assert done.returncode != 0
    assert "start" in done.stderr


def test_without_a_server_it_asks_for_one() -> None:
    done = rushes("costs")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Set RUSHES_URL and RUSHES_KEY, or name a data folder" in done.stderr
