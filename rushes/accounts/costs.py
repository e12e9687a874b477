"""Reading the books for what requests cost: beside what was billed, what the deployments say that they used.

One account's rows of a stretch of time, by deployment and endpoint. What was made here has no deployment in the books
and costs nothing there; a vendor's has a cost where the operator's list has a price for what it used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rushes.db.queries import read_queries
from rushes.db.sqlite import Database

SQL = read_queries(Path(__file__).with_name("costs.sql"))


@dataclass(frozen=True, slots=True)
class Costs:
    """What one endpoint's billed requests came to at one deployment, "" for what was made here.

    `units` are ours and `billed_usd` what they were priced at; `usage` is what the vendor counts, by its unit.
    `cost_usd` adds up those `priced` requests whose usage has a price in the operator's list; of the others the cost is
    not known.
    """

    deployment: str
    endpoint: str
    requests: int
    priced: int
    units: float
    billed_usd: float
    cost_usd: float
    usage: Mapping[str, float]

    @property
    def margin_usd(self) -> float | None:
        """What is left of what was billed; None where a part of the cost is not known."""
        # Our own machines' work has no cost in the books, which is known: nothing.
        known = self.priced == self.requests or not self.deployment
        return self.billed_usd - self.cost_usd if known else None


async def costs(database: Database, account: str, within: tuple[float, float]) -> list[Costs]:
    """Return an account's costs of requests that ended within the time, by deployment, then endpoint."""
    start, end = within
    rows = await database.look(SQL["costs"], {"account": account, "start": start, "end": end})
    # By itself: joined to the units, each request would count once for each of them.
    used = await database.look(SQL["used"], {"account": account, "start": start, "end": end})
    by_unit = {(deployment, endpoint): json.loads(usage) for deployment, endpoint, usage in used}
    return [_costs(by_unit, *row) for row in rows]


def _costs(  # noqa: PLR0917
    by_unit: Mapping[tuple[str, str], Mapping[str, float]],
    deployment: str,
    endpoint: str,
    requests: int,
    priced: int,
    units: float,
    billed_usd: float,
    cost_usd: float,
) -> Costs:
    usage = by_unit.get((deployment, endpoint), {})
    return Costs(deployment, endpoint, requests, priced, units, billed_usd, cost_usd, usage)
