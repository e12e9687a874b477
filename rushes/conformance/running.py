"""H and S: the headers of requests and answers, and synchronous runs (protocol 4.1 to 4.3)."""

from __future__ import annotations

import json
import time
import uuid
from urllib.parse import quote

from rushes.conformance.probe import Answer
from rushes.conformance.rules import NotApplicable, must, rule
from rushes.conformance.target import Target

RUN_S = 3.0  # longer than a server needs that answers before the work is done


def bad_request(answer: Answer) -> None:
    """Require the request error that a malformed header is answered with."""
    told = answer.is_status(400).object()
    answer.must(
        told.get("error_type") == "bad_request" and isinstance(told.get("detail"), str), "error_type bad_request"
    )


@rule("H-01", "A timeout header that is none gives 400 bad_request")
def h_01(t: Target) -> None:
    for name in ("X-Fal-Request-Timeout", "X-Fal-Request-Start-Timeout"):
        for value in ("soon", "", "-1", "nan", "0"):  # "nan" is a number to many a parser
            bad_request(t.probe.post("queue", f"/{t.endpoint}", json=t.input, headers={name: value}))
        bad_request(t.probe.post("run", f"/{t.endpoint}", json=t.input, headers={name: "soon"}))
    for value in ("30.0", "20", "1.5"):  # as Python's client writes it, as JavaScript's does, and in between
        t.submit(headers={"X-Fal-Request-Timeout": value, "x-fal-something-unknown": "x"})


@rule("H-02", "One x-fal-request-id for submit, status and result; a fresh one for each run")
def h_02(t: Target) -> None:
    job = t.finished()
    for answer in (job.answer, t.status(job), t.result(job)):
        answer.header("x-fal-request-id", job.id)
    runs = [t.probe.post("run", f"/{t.endpoint}", json=t.input) for _ in range(2)]
    ids = {answer.header("x-fal-request-id") for answer in runs}
    must(len(ids | {job.id}) == 3, "a fresh id for each run", ids)


@rule("S-01", "A run keeps the connection until it has the raw output; never 202")
def s_01(t: Target) -> None:
    if not t.echo:
        t.probe.post("run", f"/{t.endpoint}", json=t.input, timeout=300).is_status(200).json()
        return
    mark = uuid.uuid4().hex
    began = time.monotonic()
    answer = t.probe.post("run", f"/{t.endpoint}", json=t.slow(RUN_S, payload=mark)).is_status(200)
    answer.must(answer.object() == {"payload": mark}, "the bare output")
    must(time.monotonic() - began >= RUN_S, f"an answer after the {RUN_S:g} s that the run takes", "an early one")


@rule("S-02", "A run whose caller goes away is cancelled")
def s_02(t: Target) -> None:
    mark = uuid.uuid4().hex
    # Nothing but the account's list can tell of it: who left hears no answer.
    t.probe.abandon("run", f"/{t.endpoint}", json.dumps(t.slow(300.0, payload=mark)).encode(), 1.5)
    path = f"/v1/models/requests/by-endpoint?endpoint_id={quote(t.endpoint, safe='')}&expand=payloads&limit=100"
    end = time.monotonic() + 15.0
    while time.monotonic() < end:
        answer = t.probe.get("platform", path)
        if answer.status in {401, 403, 404, 501}:
            raise NotApplicable(
                "the end of a run can only be seen in /v1/models/requests/by-endpoint, which is not there"
            )
        items = answer.is_status(200).object()["items"]
        mine = [item for item in items if (item.get("json_input") or {}).get("payload") == mark]
        if mine and mine[0].get("ended_at"):
            answer.must(mine[0]["status_code"] == 499, "status_code 499 for the run whose caller left")
            return
        time.sleep(0.2)
    must(False, "the run to end within 15 s after its caller left", "it is not among the ended requests")


@rule("S-03", "A run that misses its start deadline gives 504 with the caller's mark, and is not retried", when="busy")
def s_03(t: Target) -> None:
    t.require_busy()
    began = time.monotonic()
    answer = t.probe.post("run", f"/{t.endpoint}", json=t.slow(0.1), headers={"X-Fal-Request-Timeout": "2"})
    took = time.monotonic() - began
    told = answer.is_status(504).object()
    answer.header("x-fal-request-timeout-type", "user")  # by which both clients know that trying again is no use
    answer.must(told.get("error_type") in {"request_timeout", "startup_timeout"}, "error_type request_timeout")
    answer.must(isinstance(told.get("detail"), str), "a string detail")
    # Workers are occupied for minutes, so that an answer in time can only be the deadline's.
    must(1.9 <= took < 12.0, "the answer after the deadline of 2 s", f"after {took:.1f} s", answer.sent)
