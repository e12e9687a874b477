"""Q: submit, status, result and cancel, and what happens to a request in between (protocol 4.4 to 4.10).

The status stream's rules (Q-10 to Q-13) stand with the other event streams in `streaming`.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from typing import Any

from rushes.conformance.auth import drop_key, new_key
from rushes.conformance.probe import Answer
from rushes.conformance.routing import refused, unknown_request
from rushes.conformance.rules import NotApplicable, must, rule
from rushes.conformance.target import IN_PROGRESS, LONG_S, Job, Target

STATUSES = ("IN_QUEUE", "IN_PROGRESS", "COMPLETED")
# Those that the JavaScript client's types name.
LEVELS = ("STDERR", "STDOUT", "ERROR", "INFO", "WARN", "DEBUG")
ALWAYS = ("status", "request_id", "response_url", "status_url", "cancel_url")
CHEAP_S = 0.25  # the Python client polls every 0.1 s and the JavaScript one every 0.5 s, each for every request
LARGE = 12_000  # the hosted service keeps results of 10 KB and more for minutes only; here they stay too


def is_status_object(answer: Answer, told: Mapping[str, Any]) -> None:
    """Require the members that a status object has in its state (the table of 4.5)."""
    status = told.get("status")
    answer.must(status in STATUSES, f"a status among {', '.join(STATUSES)}")
    # The Python client raises KeyError without an address, and without a place in the queue or logs where they belong.
    answer.must(all(isinstance(told.get(name), str) for name in ALWAYS), f"the strings {', '.join(ALWAYS)}")
    if status == "IN_QUEUE":
        position = told.get("queue_position")
        answer.must(
            isinstance(position, int) and not isinstance(position, bool) and position >= 0, "queue_position >= 0"
        )
    else:
        answer.must("queue_position" not in told, "no queue_position after the queue")
        answer.must("logs" in told, "the key logs")
        answer.must(isinstance(told.get("metrics"), dict), "metrics as an object")


@rule("Q-01", "Wrong input is taken at submit and told by the result; broken JSON may be refused")
def q_01(t: Target) -> None:
    endpoint, given, missing = t.strict
    job = t.submit({name: value for name, value in given.items() if name != missing}, endpoint)
    status = t.done(job).object()
    job.answer.must(isinstance(status.get("error"), str), "status COMPLETED with a string error")
    t.result(job).is_status(422).object()
    broken = t.probe.post("queue", f"/{endpoint}", content=b'{"prompt": ', headers={"content-type": "application/json"})
    if broken.status == 200:
        t.result(t.accepted(broken, endpoint)).is_status(400, 422)
    else:
        broken.is_status(400, 422).object()


@rule("Q-02", "fal_max_queue_length refuses with 429 once so many wait", when="busy")
def q_02(t: Target) -> None:
    t.require_busy()
    job = t.submit(t.slow(0.1))
    answer = t.probe.post("queue", f"/{t.endpoint}?fal_max_queue_length=1", json=t.slow(0.1)).is_status(429)
    answer.must(isinstance(answer.object().get("detail"), str), "a string detail")
    t.submit(t.slow(0.1), query="?fal_max_queue_length=1000000")  # a limit that is not reached refuses nobody
    t.cancel(job)


@rule("Q-03", "A submit that is sent twice is accepted twice; with an Idempotency-Key it may be one request")
def q_03(t: Target) -> None:
    first, second = t.submit(), t.submit()
    second.answer.must(first.id != second.id, "two requests for two submits without a key")
    key = uuid.uuid4().hex
    one = t.submit(headers={"idempotency-key": key})
    again = t.submit(headers={"idempotency-key": key})
    t.done(again)
    if one.id != again.id:
        return  # the header is not honoured, which is allowed
    other = t.probe.post("queue", f"/{t.endpoint}", json={"another": "body"}, headers={"idempotency-key": key})
    other.must(other.status not in {200, 408, 409, 429}, "a refusal that clients do not retry, for another body").json()


@rule("Q-04", "Submit answers at once, however long the work takes")
def q_04(t: Target) -> None:
    began = time.monotonic()
    job = t.submit(t.slow(60.0) if t.echo else None)
    took = time.monotonic() - began
    # Python's client reads for 120 s and then submits once more, so that a late answer makes two requests.
    must(took < 5.0, "an answer within 5 s", f"{took:.1f} s", job.answer.sent)
    job.answer.must(job.told.get("status") == "IN_QUEUE", "status IN_QUEUE")
    is_status_object(job.answer, job.told)
    job.answer.header("x-fal-request-id", job.id)
    t.cancel(job)


@rule("Q-05", "Failed and cancelled requests are COMPLETED, with error; status is 202 before the end and 200 after")
def q_05(t: Target) -> None:
    endpoint, given, missing = t.strict
    bad = t.submit({name: value for name, value in given.items() if name != missing}, endpoint)
    failed = t.done(bad)
    told = failed.is_status(200).object()
    is_status_object(failed, told)
    failed.must(isinstance(told.get("error"), str) and isinstance(told.get("error_type"), str), "error and error_type")
    good = t.status(t.finished())
    good.is_status(200).must("error" not in good.object(), "no error for a request that went well")
    if not t.echo:
        return
    job = t.submit(t.slow(60.0))
    running = t.until(job, "IN_PROGRESS").is_status(202)
    is_status_object(running, running.object())
    t.cancel(job).is_status(202)
    ended = t.done(job).is_status(200)
    ended.must(ended.object().get("error_type") == "client_cancelled", "error_type client_cancelled")


@rule("Q-06", "Log entries have message, level, source and timestamp; each poll with logs tells all so far")
def q_06(t: Target) -> None:
    job = t.submit(t.slow(1.0) if t.echo else None)
    seen: list[Any] = []
    end = time.monotonic() + LONG_S * t.probe.patience
    while True:
        answer = t.status(job, "?logs=1").is_status(200, 202)
        answer.must(time.monotonic() < end, f"COMPLETED within {LONG_S:g} s")
        told = answer.object()
        if told["status"] != "IN_QUEUE":
            answer.must(isinstance(told["logs"], list), "logs as an array with logs=1")
            answer.must(told["logs"][: len(seen)] == seen, "all logs so far, in the same order")
            seen = told["logs"]
        if told["status"] == "COMPLETED":
            break
        time.sleep(0.1)
    for entry in seen:
        fine = isinstance(entry.get("message"), str) and entry.get("level") in LEVELS
        answer.must(fine and isinstance(entry.get("source"), str), f"message, source and a level among {LEVELS}")
        stamp = entry.get("timestamp", "")
        answer.must(
            re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", stamp), "an ISO timestamp in UTC"
        )
    answer.must(seen or not t.echo, "log lines of a request that worked in steps")
    # logs=1 is JavaScript's word and logs=true Python's.
    true = t.status(job, "?logs=true").object()
    answer.must(true["logs"] == seen, "the same logs with logs=true")
    for query in ("", "?logs=0", "?logs=false"):
        plain = t.status(job, query)
        plain.must(plain.object().get("logs", "absent") in (None, []), "logs null or [] when not asked for")


@rule("Q-07", "An unknown request is 404 with status NOT_FOUND, for status, result and cancel")
def q_07(t: Target) -> None:
    for unknown in (str(uuid.uuid4()), "no-uuid-at-all"):
        path = f"/{t.endpoint}/requests/{unknown}"
        for answer in (t.probe.get("queue", f"{path}/status"), t.probe.get("queue", path)):
            unknown_request(answer)
            answer.must(isinstance(answer.object().get("detail"), str), "a string detail")
        unknown_request(t.probe.send("PUT", "queue", f"{path}/cancel"))


@rule("Q-08", "A status answer is cheap", when="alone")
def q_08(t: Target) -> None:
    job = t.finished()
    took = []
    for _ in range(40):
        began = time.monotonic()
        t.status(job).is_status(200)
        took.append(time.monotonic() - began)
    median = sorted(took)[len(took) // 2]
    must(median < CHEAP_S, f"a median below {CHEAP_S:g} s", f"{median:.3f} s", f"40 polls of {job.path}/status")


@rule("Q-09", "COMPLETED is seen only once the result call gives the final result")
def q_09(t: Target) -> None:
    for _ in range(5 if t.echo else 1):
        job = t.submit()
        end = time.monotonic() + LONG_S * t.probe.patience
        while (state := t.status(job)).object()["status"] != "COMPLETED":
            state.must(time.monotonic() < end, f"COMPLETED within {LONG_S:g} s")
            time.sleep(0.002)  # to ask for the result in the very moment after
        answer = t.result(job)
        answer.must(IN_PROGRESS.encode() not in answer.body, "the final result right after COMPLETED").is_status(200)


@rule("Q-14", f"The result of a request that has not ended is 400 with detail '{IN_PROGRESS}'")
def q_14(t: Target) -> None:
    job = t.submit(t.slow(60.0) if t.echo else None)
    try:
        # The AI SDK asks for nothing but results, and goes on asking only as long as it reads exactly this text.
        for _ in range(3 if t.echo else 1):
            answer = t.result(job)
            if answer.status == 200 and not t.echo:
                raise NotApplicable("the request ended before it could be asked for")
            told = answer.is_status(400).object()
            answer.must(told.get("detail") == IN_PROGRESS, f"exactly the detail {IN_PROGRESS!r}")
            if t.echo:
                t.until(job, "IN_PROGRESS")
    finally:
        t.cancel(job)


@rule("Q-15", "A result can be read again, is the bare output, and stays")
def q_15(t: Target) -> None:
    output = {"payload": "x" * LARGE} if t.echo else None
    job = t.finished(output)
    first = t.result(job).is_status(200)
    told = first.object()
    first.must(not {"response", "logs", "status"} <= told.keys(), "the bare output, no envelope")
    if output:
        first.must(told == output, "the output of the request")
    for _ in range(3):
        first.must(t.result(job).body == first.body, "the same bytes again")
    time.sleep(2.0)
    first.must(t.result(job).body == first.body, "the same bytes later")


@rule("Q-16", "Neither 408, 409 nor 429 says that a request is still in progress")
def q_16(t: Target) -> None:
    job = t.submit(t.slow(60.0) if t.echo else None)
    try:
        for path in (job.path, f"{job.path}/response"):
            answer = t.probe.get("queue", path)
            # A 202 would be read as the output, and the Python client tries the others again by itself.
            answer.must(answer.status not in {202, 408, 409, 429}, "no status that clients retry or take for a result")
            answer.must(answer.status == 400 or not t.echo, "400 while in progress")
    finally:
        t.cancel(job)


@rule("Q-17", "Cancel: queued ends at once, running is told to stop, finished is 400", when="busy")
def q_17(t: Target) -> None:
    finished = _cancelled(t) if t.busy else t.finished()
    answer = t.cancel(finished).is_status(400)
    answer.must(answer.object().get("status") == "ALREADY_COMPLETED", "status ALREADY_COMPLETED")
    unknown_request(t.probe.send("PUT", "queue", f"/{t.endpoint}/requests/{uuid.uuid4()}/cancel"))
    t.require_busy()  # last: what could be tried without is told when it is broken


def _cancelled(t: Target) -> Job:
    job = t.submit(t.slow(60.0))
    waiting = t.status(job).is_status(202)
    is_status_object(waiting, waiting.object())
    waiting.must(waiting.object()["status"] == "IN_QUEUE", "IN_QUEUE while all workers are occupied")
    answer = t.cancel(job).is_status(200, 202)
    answer.must(
        answer.object().get("status") in {"CANCELLATION_REQUESTED", "OK"}, "status CANCELLATION_REQUESTED or OK"
    )
    ended = t.status(job).is_status(200)
    ended.must(ended.object()["status"] == "COMPLETED", "COMPLETED at once for a queued request")
    result = t.result(job).is_status(499)
    result.must(result.object().get("error_type") == "client_cancelled", "error_type client_cancelled")
    return job


@rule("Q-18", "A worker's 503 or 504 is tried again unless X-Fal-No-Retry; a model's own error is not")
def q_18(t: Target) -> None:
    def attempts(error_type: str, **headers: str) -> int:
        job = t.submit({"fail": error_type, "steps": 1}, headers=headers)
        t.done(job)
        logs = t.status(job, "?logs=1").object()["logs"]
        return len([line for line in logs if "1 of 1" in line["message"]])  # its engine tells each step it took

    t.require_echo()
    once = attempts("internal_server_error")
    must(once == 1, "one attempt after a model's own 500", f"{once} attempts")
    for value in ("1", "true", "yes"):
        unretried = attempts("runner_connection_error", **{"x-fal-no-retry": value})
        must(unretried == 1, f"one attempt with X-Fal-No-Retry: {value}", f"{unretried} attempts")
    tried = attempts("runner_connection_error")
    # "Up to ten attempts" may or may not count the first one.
    must(1 < tried <= 11, "2 to 11 attempts after a connection error", f"{tried} attempts")


@rule("Q-19", "A missed start deadline completes the request with 504 and the caller's mark", when="busy")
def q_19(t: Target) -> None:
    t.require_busy()
    # The newer header wins: by the older one this request would wait for ten minutes.
    both = {"X-Fal-Request-Timeout": "600", "X-Fal-Request-Start-Timeout": "2"}
    jobs = [t.submit(t.slow(0.1), headers=headers) for headers in ({"X-Fal-Request-Timeout": "2"}, both)]
    for job in jobs:
        status = t.done(job, 12.0)
        status.must(isinstance(status.object().get("error"), str), "a string error in the status")
        status.must(status.object().get("error_type") == "request_timeout", "error_type request_timeout")
        answer = t.result(job).is_status(504)
        answer.header("x-fal-request-timeout-type", "user")
        told = answer.object()
        answer.must(told.get("error_type") == "request_timeout", "error_type request_timeout")
        answer.must(told.get("detail") == "Request timed out", "the detail 'Request timed out'")


@rule("Q-20", "Over a key's limit queued requests wait, and a direct run gets 429 concurrent_requests_limit")
def q_20(t: Target) -> None:
    t.require_echo()
    made = new_key(t, max_concurrent=1)
    try:
        listed = t.probe.get("platform", "/v1/keys").is_status(200).object()["keys"]
        mine: Mapping[str, Any] = next((key for key in listed if key["key_id"] == made["key_id"]), {})
        if mine.get("max_concurrent") != 1:
            raise NotApplicable("this server's keys have no limit that could be set through POST /v1/keys")
        limited = {"auth": f"Key {made['key']}"}
        first = t.submit(t.slow(30.0), **limited)
        _until_running(t, first, limited)
        second = t.submit(t.slow(0.1), **limited)
        time.sleep(0.5)  # in which a server without limits would have started it
        waiting = t.probe.get("queue", f"{second.path}/status", **limited)
        waiting.must(waiting.object()["status"] == "IN_QUEUE", "the second request waits")
        answer = t.probe.post("run", f"/{t.endpoint}", json=t.slow(0.1), **limited).is_status(429)
        answer.must(
            answer.object().get("error_type") == "concurrent_requests_limit", "error_type concurrent_requests_limit"
        )
        answer.header("x-fal-needs-retry", "1")
        for job in (second, first):  # the one that waits before the one whose end would start it
            t.probe.send("PUT", "queue", f"{job.path}/cancel", **limited).is_status(200, 202)
    finally:
        drop_key(t, made)


def _until_running(t: Target, job: Job, limited: Mapping[str, str]) -> None:
    end = time.monotonic() + 40.0 * t.probe.patience
    while (answer := t.probe.get("queue", f"{job.path}/status", **dict(limited))).object()["status"] == "IN_QUEUE":
        answer.must(time.monotonic() < end, "the first request to start within 40 s")
        time.sleep(0.05)


@rule("Q-21", "First come, first served within a priority; low waits behind every normal", when="alone")
def q_21(t: Target) -> None:
    t.require_echo()
    jobs: dict[str, Job] = {}
    with t.all_workers_busy():
        for name in ("low", "normal 1", "unknown", "normal 2"):
            headers = {"x-fal-queue-priority": {"low": "low", "unknown": "no such thing"}.get(name, "normal")}
            jobs[name] = t.submit(t.slow(0.05), headers=headers)
        places = {name: t.status(job).object().get("queue_position") for name, job in jobs.items()}
        order = sorted(places, key=lambda name: (places[name] is None, places[name]))
        expected = ["normal 1", "unknown", "normal 2", "low"]
        must(
            order == expected and None not in places.values(),
            f"the order {expected}",
            places,
            "4 submits, then statuses",
        )
    for job in jobs.values():
        t.done(job)


@rule("Q-22", "No permanent refusal has a status that clients retry (408, 409, 429)")
def q_22(t: Target) -> None:
    for answer in refused(t):
        answer.must(answer.status not in {408, 409, 429}, "a status that no client retries")
        answer.must(400 <= answer.status < 500, "a 4xx")
