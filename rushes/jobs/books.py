"""The books of the queue: what a key may still start, what an ended job came to, and whom its end is told.

Functions of a connection, run inside the writes of `writes`. The ledger outlives the jobs: it is what bills are made of
(`accounts.usage` reads it).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from rushes.jobs.job import NewJob, OverBudget, OverLimit, Paid
from rushes.jobs.places import SQL

Prices = Callable[[str], float]
"""USD for one unit of an endpoint, 0 where no price is set."""

_DUST_USD = 1e-9
"""What sums of floats may be off by: 0.1 + 0.1 + 0.1 is within a budget of 0.3."""


def check_limits(connection: sqlite3.Connection, new: NewJob) -> None:
    """Refuse a job that its key may not start, and set its estimated cost aside."""
    limits, rows = new.limits, connection.execute(SQL["balance"], {"key_id": new.key_id}).fetchall()
    # Callers of an open server and of public endpoints have no key, and so no row.
    if not rows:
        return
    running, spent, reserved = rows[0]
    if limits.direct and limits.max_concurrent is not None:
        ((waiting,),) = connection.execute(SQL["waiting_in_lane"], {"lane": new.lane}).fetchall()
        # Those that wait in the key's lane are counted too: they go before a job that comes now.
        if running + waiting >= limits.max_concurrent:
            raise OverLimit(limits.max_concurrent)
    if limits.budget_usd is not None:
        taken = spent + reserved
        spent_up, too_much = limits.budget_usd - _DUST_USD, limits.budget_usd + _DUST_USD
        # The first half is for jobs that are estimated at nothing: a budget that is spent refuses them as well.
        if taken >= spent_up or taken + limits.estimate_usd > too_much:
            raise OverBudget(limits.budget_usd, spent, reserved, limits.estimate_usd)
        connection.execute(SQL["reserve"], {"key_id": new.key_id, "amount": limits.estimate_usd})


def set_aside(job: NewJob) -> float | None:
    """Return what of its key's budget a new job reserves, in USD; None where it has no budget or never runs."""
    return job.limits.estimate_usd if job.limits.budget_usd is not None and job.failure is None else None


def close_books(connection: sqlite3.Connection, n: int, now: float, prices: Prices) -> None:
    """Write down what a job that has just ended came to, settle its key's budget, and let its webhook be sent."""
    ((job_id, endpoint, key_id, reserved, units),) = connection.execute(SQL["ended"], {"n": n}).fetchall()
    price = prices(endpoint)
    connection.execute(SQL["enter_in_ledger"], {"n": n, "price": price})
    if reserved is not None:
        connection.execute(SQL["spend"], {"key_id": key_id, "cost": units * price, "reserved": reserved})
    connection.execute(SQL["webhook_due"], {"id": job_id, "now": now})


def note_cost(connection: sqlite3.Connection, n: int, paid: Paid) -> None:
    """Write beside what a job is billed what it cost."""
    usage = json.dumps(dict(paid.usage)) if paid.usage else None
    row = {"n": n, "deployment": paid.deployment, "cost_usd": paid.cost_usd, "usage": usage}
    connection.execute(SQL["note_of_cost"], row)


def forget_ledger(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """Delete pages of the books of jobs that ended before then; return how many."""
    return connection.execute(SQL["old_ledger"], {"before": before, "limit": limit}).rowcount
