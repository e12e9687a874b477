"""GET /metrics: how the server does, in Prometheus' text format (version 0.0.4).

For operators: an admin key, or any caller in open mode. No figure is by account, key or request, and labels are
endpoints' ids, so one account's doings can't be read from them by another. A look costs as much as there are endpoints
in use, jobs running and requests ended since the last look; the ended ones are counted by `jobs.tally`.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate

from rushes import __version__
from rushes.endpoint import SESSION
from rushes.errors import Rejection
from rushes.gateway.auth import admit
from rushes.gateway.replies import Reply, not_allowed
from rushes.gateway.visit import Answer, Services, Visit
from rushes.jobs.job import Priority
from rushes.jobs.store import ENDS
from rushes.jobs.tally import BUCKETS_S, Durations
from rushes.webhooks.schedule import State

TYPE = (b"content-type", b"text/plain; version=0.0.4; charset=utf-8")
SESSIONS = f"/{SESSION}"  # ends the endpoint of a job that is a session
STARTED_AT = time.time()  # of this import, moments after the process began
_PAGE_BYTES = resource.getpagesize()

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]


async def handle(visit: Visit) -> Answer:
    """Answer a scrape. Raises Rejection: 401 without a key, 403 with one that is not the operator's."""
    if visit.method not in {"GET", "HEAD"}:
        return not_allowed("GET", "HEAD")
    if not visit.services.settings.open and not admit(visit).is_operator:
        raise Rejection(
            403, "/metrics shows what all accounts do together, and is for admin keys of the server's own account"
        )
    # Counted at a scrape, so that the end of a request costs nothing more.
    await visit.services.jobs.tally.catch_up()
    return Reply(200, "".join(page(visit.services)).encode(), content_type=TYPE)


def page(services: Services) -> Iterator[str]:
    """Yield the page, family by family."""
    tally, now = services.jobs.tally, services.jobs.tally.standing()
    yield from gauge("rushes_build_info", "Version of the server.", [({"version": __version__, **_python()}, 1)])
    yield from gauge(
        "rushes_queue_length",
        "Requests that wait.",
        [({"endpoint": e, "priority": Priority(p).name.lower()}, n) for (e, p), n in sorted(now.waiting.items())],
    )
    running = [({"endpoint": e}, n) for e, n in sorted(now.running.items()) if not e.endswith(SESSIONS)]
    yield from gauge("rushes_requests_running", "Requests that a runner works on.", running)
    sessions = sum(n for e, n in now.running.items() if e.endswith(SESSIONS))
    yield from gauge("rushes_realtime_sessions", "Open realtime sessions.", [({}, sessions)])
    runners = [({"state": "busy"}, now.busy_runners), ({"state": "idle"}, len(services.events.idle_runners))]
    yield from gauge("rushes_runners", "Runner processes that work or ask for work.", runners)
    # Less the one that looks out for webhooks to send.
    watchers = services.events.job_watchers(but=ENDS)
    yield from gauge("rushes_watchers", "Open status streams, runs and streams.", [({}, watchers)])
    yield from counter("rushes_requests_ended", "Requests that ended since the start.", _by_class(tally.ended))
    yield from histogram("rushes_queue_seconds", "Time from submit to the start of the last try.", tally.waited)
    yield from histogram("rushes_inference_seconds", "Time that making a result took.", tally.ran)
    # A count of rows at every scrape, which therefore ends somewhere.
    yield from gauge("rushes_webhooks_due", "Webhooks to be sent, up to 10,000.", [({}, now.due_webhooks)])
    settled = [({"outcome": one.name.lower()}, tally.webhooks[one]) for one in (State.DELIVERED, State.GIVEN_UP)]
    yield from counter("rushes_webhooks_settled", "Webhooks delivered or given up since the start.", settled)
    yield from _machine(services)


def _by_class(ended: Mapping[tuple[str, int], int]) -> list[tuple[Labels, float]]:
    sums: dict[tuple[str, str], int] = {}
    for (endpoint, status), n in ended.items():
        group = endpoint, f"{status // 100}xx"
        sums[group] = sums.get(group, 0) + n
    return [({"endpoint": endpoint, "status": status}, n) for (endpoint, status), n in sorted(sums.items())]


def _machine(services: Services) -> Iterator[str]:
    """The process' and the disk's figures, under the names that dashboards know."""
    used = os.times()
    yield from counter("process_cpu_seconds", "CPU time of the server's process.", [({}, used.user + used.system)])
    if (resident := _resident_bytes()) is not None:
        yield from gauge("process_resident_memory_bytes", "Memory of the server's process.", [({}, resident)])
    yield from gauge("process_start_time_seconds", "When the server started, in Unix seconds.", [({}, STARTED_AT)])
    free = shutil.disk_usage(services.settings.data).free
    yield from gauge("rushes_disk_free_bytes", "Free space where the data folder lies.", [({}, free)])


def _resident_bytes() -> int | None:
    """Linux tells the present size; elsewhere only the peak is known, which would be another figure."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except OSError:
        return None


def _python() -> Labels:
    return {"python": ".".join(map(str, sys.version_info[:3]))}


# The text format


def gauge(name: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    """A family of values that go up and down."""
    return _family(name, "gauge", about, [(name, labels, value) for labels, value in samples])


def counter(name: str, about: str, samples: Iterable[tuple[Labels, float]]) -> Iterator[str]:
    """A family of values that only go up until the process ends; named …_total, as is the custom."""
    name += "_total"
    return _family(name, "counter", about, [(name, labels, value) for labels, value in samples])


def histogram(name: str, about: str, by_endpoint: Mapping[str, Durations]) -> Iterator[str]:
    """A family of durations by endpoint."""
    samples: list[Sample] = []
    for endpoint, durations in sorted(by_endpoint.items()):
        sums = list(accumulate(durations.counts))
        for bound, n in zip([*map(_number, BUCKETS_S), "+Inf"], sums, strict=True):
            samples.append((f"{name}_bucket", {"endpoint": endpoint, "le": bound}, n))
        samples.append((f"{name}_sum", {"endpoint": endpoint}, durations.sum_s))
        samples.append((f"{name}_count", {"endpoint": endpoint}, sums[-1]))
    return _family(name, "histogram", about, samples)


def _family(name: str, kind: str, about: str, samples: list[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {about}\n# TYPE {name} {kind}\n"
    for sample, labels, value in samples:
        inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{sample}{{{inside}}} {_number(value)}\n" if inside else f"{sample} {_number(value)}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
