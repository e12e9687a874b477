"""What requests cost, beside what they were billed: sums by deployment and endpoint, and margins that are known."""

import asyncio
import sqlite3
from pathlib import Path

from rushes.accounts.usage import Usage
from rushes.db.sqlite import Database

ROWS = [
    # id, account, endpoint, ended_at, units, price, deployment, cost, usage
    ("1", "me", "a/b", 10.0, 2.0, 0.5, "kling", 0.3, '{"seconds": 5.0}'),
    ("2", "me", "a/b", 11.0, 2.0, 0.5, "kling", 0.3, '{"seconds": 5.0, "tokens": 7}'),
    ("3", "me", "a/b", 12.0, 4.0, 0.5, None, None, None),
    ("4", "me", "a/c", 13.0, 1.0, 0.0, "kling", None, '{"videos": 1}'),
    ("5", "me", "a/c", 14.0, 0.0, 0.5, "kling", 9.0, None),  # failed, so not billed
    ("6", "you", "a/b", 12.0, 1.0, 0.5, "kling", 0.1, None),
    ("7", "me", "a/b", 99.0, 1.0, 0.5, "kling", 0.1, None),
]


def test_costs_are_summed_by_deployment_and_endpoint_within_the_time(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "db")

    def add(connection: sqlite3.Connection) -> None:
        connection.executemany(
            "INSERT INTO ledger (job_id, account, key_id, endpoint, created_at, ended_at, status_code, units,"
            " unit_price_usd, deployment, cost_usd, usage) VALUES (?, ?, 'k', ?, 1, ?, 200, ?, ?, ?, ?, ?)",
            ROWS,
        )

    async def read() -> list[tuple[object, ...]]:
        await database.write(add)
        found = await Usage(database).paid("me", (0.0, 50.0))
        return [
            (c.deployment, c.endpoint, c.requests, c.priced, c.billed_usd, dict(c.usage), c.margin_usd) for c in found
        ]

    found = asyncio.run(read())
    database.close()
    assert found == [
        ("", "a/b", 1, 0, 2.0, {}, 2.0),
        ("kling", "a/b", 2, 2, 2.0, {"seconds": 10.0, "tokens": 7}, 1.4),
        ("kling", "a/c", 1, 0, 0.0, {"videos": 1}, None),
    ]
