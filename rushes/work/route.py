"""Which deployment does a job, and which does it instead where one can't.

The one table of what falls through is here: what is no fault of the request goes on to the route's next deployment,
what is stays where it is, and so does a task that may have been paid. A caller may name the deployment, or forbid
others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from rushes.endpoint import Endpoint
from rushes.engines.engine import Blame, Unable
from rushes.engines.vendor.task import holder_of
from rushes.errors import CallerError, ModelError
from rushes.jobs.protocol import ClaimAnswer
from rushes.work.breaker import Breakers
from rushes.work.tools import Deployment, Report

LOG = logging.getLogger(__name__)  # the operator's: what it says of keys and accounts is not for a job's log

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Row:
    """Whether the next deployment is tried, and whether it counts against this one."""

    falls_through: bool
    counts: bool


FALLS: Mapping[Blame, Row] = {
    "key": Row(falls_through=True, counts=True),
    "balance": Row(falls_through=True, counts=True),
    "access": Row(falls_through=True, counts=True),
    "busy": Row(falls_through=True, counts=False),  # it works, for others
    "server": Row(falls_through=True, counts=True),
    "gone": Row(falls_through=False, counts=True),  # it was paid
    "retired": Row(falls_through=True, counts=True),
    "lost": Row(falls_through=False, counts=True),  # it may have been paid
    "slow": Row(falls_through=False, counts=True),  # it has had its time, and was paid
    "unknown": Row(falls_through=True, counts=True),
    "here": Row(falls_through=True, counts=False),
}

FAULTS = frozenset({"internal_server_error", "downstream_service_unavailable", "downstream_service_error"})
"""Errors of an engine of ours that are no fault of the request."""


def order(
    job: ClaimAnswer, route: tuple[Deployment, ...], breakers: Breakers, report: Report
) -> Iterator[tuple[Deployment, bool]]:
    """Yield the deployments to be asked in turn, each with whether it is the last.

    One that rests is passed by, unless it is the last there is. A job whose task is under way goes on where that is.
    """
    # A caller's own choice comes first, then where its task is; what may follow them, last.
    wanted = tuple(one for one in route if job.deployment in (None, one.name))
    holder = holder_of(job.note)
    if holder is not None:
        names = [one.name for one in wanted]
        if holder not in names:
            msg = "The deployment that holds this request's task is set up no longer; the task may have been paid"
            raise ModelError("downstream_service_unavailable", msg)
        wanted = wanted[names.index(holder) :]
    if not job.fallback:
        wanted = wanted[:1]
    for number, deployment in enumerate(wanted):
        is_last = number == len(wanted) - 1
        if is_last or deployment.name == holder or breakers.asked(deployment.name):
            yield deployment, is_last
        else:
            report.say(f"{deployment.name} rests after failures; going on with the next deployment", "WARN")


def by_route(  # noqa: PLR0917
    job: ClaimAnswer,
    endpoint: Endpoint,
    route: tuple[Deployment, ...],
    breakers: Breakers,
    report: Report,
    make: Callable[[Deployment], Made],
) -> Made:
    """Have it made by the first deployment of the route that can. Raises CallerError, Cancelled."""
    for deployment, is_last in order(job, route, breakers, report):
        try:
            made = make(deployment)
        except Unable as unable:
            LOG.warning("%s by the deployment %s: %s", endpoint.id, deployment.name, unable.remedy)
            row, error = FALLS[unable.blame], unable.error
            if unable.taken:  # and may have been paid, whatever became of it
                row = replace(row, falls_through=False)
        except CallerError as fault:
            row, error = _row_of(fault), fault
        else:
            breakers.worked(deployment.name)
            return made
        (breakers.failed if row.counts else breakers.worked)(deployment.name)
        if is_last or not row.falls_through:
            raise error
        report.say(f"{deployment.name} could not do it ({error}); going on with the next deployment", "WARN")
    raise ModelError("downstream_service_unavailable", "None of this endpoint's deployments can be used at the moment")


def _row_of(fault: CallerError) -> Row:
    """A fault of the engine's own may be another's to mend; any other is the request's."""
    is_ours = isinstance(fault, ModelError) and fault.problems[0].type in FAULTS
    return Row(falls_through=is_ours, counts=is_ours)
