"""Q-10 to Q-13, the status stream, and T-01 to T-04, streams of a model's outputs (protocol 4.6 and 5.1)."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rushes.conformance.probe import Answer, Stream
from rushes.conformance.queue import is_status_object
from rushes.conformance.rules import must, rule
from rushes.conformance.target import Job, Target

PING_WITHIN_S = 17.0  # every 15 s, and two for a busy machine


def is_event_stream(answer: Answer) -> None:
    """Require the head of an event stream."""
    kind = answer.is_status(200).header("content-type")
    must(kind.startswith("text/event-stream"), "Content-Type text/event-stream", kind, answer.sent)


@contextmanager
def status_stream(t: Target, job: Job, query: str = "", **more: Any) -> Iterator[Stream]:
    """Open a request's status stream."""
    with t.probe.stream("GET", "queue", f"{job.path}/status/stream{query}", **more) as stream:
        is_event_stream(stream.head)
        yield stream


@rule("Q-10", "The status stream is an event stream whatever Accept says, in UTF-8")
def q_10(t: Target) -> None:
    job = t.finished()
    # The second is what JavaScript's client sends, the first what is left of it behind the server-side proxy.
    for accept in ("application/json", "application/json, text/event-stream", "text/event-stream", "image/png"):
        with status_stream(t, job, headers={"accept": accept}) as stream:
            kind = stream.head.header("content-type").replace(" ", "").lower()
            must(kind == "text/event-stream;charset=utf-8", "text/event-stream; charset=utf-8", kind, stream.head.sent)
            stream.data(10.0)


@rule("Q-11", "The state comes at once and on every change, a comment every 15 s; the stream closes after COMPLETED")
def q_11(t: Target) -> None:
    if not t.echo:
        with status_stream(t, t.finished()) as stream:
            events = stream.data(10.0)
        must([event["status"] for event in events] == ["COMPLETED"], "one COMPLETED event and the close", events)
        return
    # Longer than the 15 s between comments; in steps, for a worker must show signs of life.
    job = t.submit({"sleep_s": 17.0, "steps": 17})
    began = time.monotonic()
    with status_stream(t, job) as stream:
        events = list(stream.events(60.0))
    seen = [event.json()["status"] for event in events if event.data is not None]
    must(events[0].at - began < 2.0, "the first event at once", f"after {events[0].at - began:.1f} s", stream.head.sent)
    must(
        seen[-1] == "COMPLETED" and seen.count("COMPLETED") == 1, "COMPLETED as the last event", seen, stream.head.sent
    )
    must("IN_PROGRESS" in seen, "an event for the change to IN_PROGRESS", seen, stream.head.sent)
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(events)]
    comments = [event for event in events if event.comment is not None]
    must(comments and max(gaps) < PING_WITHIN_S, "a comment line at least every 15 s", f"gaps {gaps}", stream.head.sent)


@rule("Q-12", "With logs, each event carries only the lines that are new since the one before")
def q_12(t: Target) -> None:
    job = t.submit(t.slow(1.0) if t.echo else None)
    with status_stream(t, job, "?logs=1") as stream:
        events = stream.data()
    # JavaScript's client adds the lines of all events up by itself.
    streamed = [line for event in events for line in event.get("logs") or []]
    polled = t.status(job, "?logs=1").object()["logs"]
    must(streamed == polled, f"all {len(polled)} lines exactly once", f"{len(streamed)} lines", stream.head.sent)
    with status_stream(t, job) as stream:
        quiet = stream.data()
    must(all(not event.get("logs") for event in quiet), "no lines without logs=1", quiet, stream.head.sent)


@rule("Q-13", "The last event is the COMPLETED status object")
def q_13(t: Target) -> None:
    endpoint, given, missing = t.strict
    bad = t.submit({name: value for name, value in given.items() if name != missing}, endpoint)
    for job in (t.submit(), bad):
        with status_stream(t, job) as stream:
            events = stream.data()
            for event in events:
                is_status_object(stream.head, event)
            status = t.status(job).object()
            last = {**events[-1], "logs": None}  # null or [], as neither was asked for them
            must(last == {**status, "logs": None}, "the same object as the status call's", last, stream.head.sent)
            must(last["status"] == "COMPLETED", "COMPLETED", last, stream.head.sent)
            must("error" in last or job is not bad, "an error in the last event of a failed request", last)


def streamed(t: Target, given: Any, endpoint: str | None = None, **more: Any) -> tuple[Stream, list[Any]]:
    """Stream a model's outputs to their end."""
    path = f"/{endpoint or t.endpoint}/stream"
    with t.probe.stream("POST", "run", path, json=given, timeout=120, **more) as stream:
        is_event_stream(stream.head)
        return stream, stream.data(120.0)


@rule("T-01", "Every event of a stream is a JSON object, whatever Accept says")
def t_01(t: Target) -> None:
    for accept in ("application/json, text/event-stream", "text/event-stream", "application/json"):
        stream, events = streamed(t, t.input, headers={"accept": accept})
        stream.head.header("x-fal-request-id")
        must(events, "at least one event", "none", stream.head.sent)
        must(all(isinstance(event, dict) and event for event in events), "objects only", events, stream.head.sent)


@rule("T-02", "The last event of a stream is the complete output, as a run gives it")
def t_02(t: Target) -> None:
    mark = uuid.uuid4().hex
    given = t.slow(1.0, payload=mark) if t.echo else t.input
    stream, events = streamed(t, given)
    run = t.probe.post("run", f"/{t.endpoint}", json=given, timeout=300).is_status(200).object()
    last = events[-1]  # with which JavaScript's stream.done() resolves, whatever it is
    same = last == run if t.echo else isinstance(last, dict) and last.keys() == run.keys()
    must(same, f"the output of a run as the last event: {run}", last, stream.head.sent)


@rule("T-03", "An error before the stream's first byte is an ordinary JSON error")
def t_03(t: Target) -> None:
    endpoint, given, missing = t.strict
    wrong = {name: value for name, value in given.items() if name != missing}
    answer = t.probe.post("run", f"/{endpoint}/stream", json=wrong).is_status(422)
    answer.must(isinstance(answer.object().get("detail"), list), "a detail list")
    t.probe.post("run", "/no-such/model/stream", json={}).is_status(404).object()
    # Python's client looks at no status here: only by its type does it know that this is no stream.
    broken = t.probe.post("run", f"/{endpoint}/stream", content=b"{", headers={"content-type": "application/json"})
    broken.is_status(400, 422).object()


@rule("T-04", "An error after a stream began is told by its last event, or, where nothing was sent, as an HTTP error")
def t_04(t: Target) -> None:
    t.require_echo()
    given = {"sleep_s": 1.0, "steps": 20, "fail": "no_media_generated"}
    with t.probe.stream("POST", "run", f"/{t.endpoint}/stream", json=given) as stream:
        if stream.head.status == 422:  # nothing was streamed before the failure
            told = stream.head.object()["detail"]
            stream.head.must(told[0]["type"] == "no_media_generated", "the model's error")
            return
        is_event_stream(stream.head)
        last = stream.data()[-1]
    fine = last.get("type") == "error" and isinstance(last.get("message"), str)
    must(fine, '{"type": "error", "message": …, "error": {"status", "body"}} as the last event', last, stream.head.sent)
    error = last["error"]
    must(
        error["status"] == 422 and error["body"]["detail"][0]["type"] == "no_media_generated", "status and body", error
    )
