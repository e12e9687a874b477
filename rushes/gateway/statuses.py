"""The status object (protocol 4.5): what a poll is answered with and what each event of the status stream holds."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from rushes.gateway.ids import app_of
from rushes.gateway.links import Links
from rushes.gateway.replies import Reply, json_reply, request_id_header, served_by_header
from rushes.gateway.visit import Visit
from rushes.jobs.job import JobState, LogLine, Status


def status_reply(visit: Visit, state: JobState, *, with_logs: bool) -> Reply:
    """Answer a poll: 202 until the job is COMPLETED, then 200; all log lines so far, or null where not asked for."""
    if state.status is not Status.COMPLETED and not with_logs:
        body = open_job(visit.links, app_of(state.endpoint), state.id, state.status.name, state.position)
        return Reply(202, body, (request_id_header(state.id),))
    logs = visit.services.jobs.logs(state.id) if with_logs else None
    headers = [request_id_header(state.id)]
    if state.served_by is not None:
        headers.append(served_by_header(state.served_by))
    # Old clients know the end by the 200 alone (4.5).
    http_status = 200 if state.status is Status.COMPLETED else 202
    return json_reply(http_status, status_object(state, visit.links, logs), headers)


def open_job(links: Links, app: str, request_id: str, status: str, position: int | None) -> bytes:
    """Write the status object of a job that hasn't ended, without logs: what nearly all polls and submits answer.

    Put together from text, not from a dict: that is a tenth of a poll's time. All parts but the links are our words.
    """
    url = _request_base(links.queue, app)
    place = "" if position is None else f',"queue_position":{position}'
    return (
        f'{{"status":"{status}","request_id":"{request_id}","response_url":"{url}{request_id}",'
        f'"status_url":"{url}{request_id}/status","cancel_url":"{url}{request_id}/cancel",'
        f'"logs":null,"metrics":{{}}{place}}}'
    ).encode()


@lru_cache(maxsize=256)
def _request_base(queue: str, app: str) -> str:
    """The start of a request's URLs, as it stands between quotes in JSON."""
    return json.dumps(f"{queue}/{app}/requests/")[1:-1]


def status_object(state: JobState, links: Links, logs: Iterable[LogLine] | None) -> dict[str, Any]:
    """Build the object; `queue_position` only while it waits, `error` only when it failed."""
    response, status, cancel = links.request(app_of(state.endpoint), state.id)
    value: dict[str, Any] = {
        "status": state.status.name,
        "request_id": state.id,
        "response_url": response,
        "status_url": status,
        "cancel_url": cancel,
        # Always there: Python's client reads it unasked (4.5).
        "logs": None if logs is None else [log_entry(line) for line in logs],
        "metrics": {} if state.inference_s is None else {"inference_time": state.inference_s},
    }
    if state.status is Status.IN_QUEUE:
        value["queue_position"] = state.position or 0  # Python's client fails without it (4.5)
    if state.error_type is not None:
        value["error"] = state.error or state.error_type  # by which litellm knows a failed video (4.11)
        value["error_type"] = state.error_type
    if state.served_by is not None:
        value["served_by"] = state.served_by
    return value


def log_entry(line: LogLine) -> Mapping[str, Any]:
    """One log line as clients expect it (Q-06)."""
    at = datetime.fromtimestamp(line.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    entry: dict[str, Any] = {"message": line.message, "level": line.level, "source": "USER", "timestamp": at}
    if line.labels:
        entry["labels"] = dict(line.labels)
    return entry
