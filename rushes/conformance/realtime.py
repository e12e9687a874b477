"""T-05 to T-10: sockets on which one input gives one output (protocol 5.3)."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import msgpack  # type: ignore[import-untyped]  # it ships no types
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection

from rushes.conformance.rules import Failed, NotApplicable, must, rule, short
from rushes.conformance.target import Target

ANSWER_S = 30.0
MANY = 40  # inputs at once: more than are answered before the last one is there


def unpacked(frame: str | bytes) -> Any:
    """Read a frame: MessagePack if binary, JSON if text."""
    try:
        return msgpack.unpackb(frame) if isinstance(frame, bytes) else json.loads(frame)
    except ValueError as error:
        raise Failed("MessagePack in binary frames, JSON in text frames", f"{frame[:80]!r}: {error}") from None


def token_for(t: Target, endpoint: str) -> str:
    """Fetch a token as clients do, with the alias alone: neither owner nor path."""
    body = {"allowed_apps": [endpoint.split("/")[1]], "token_expiration": 120}
    answer = t.probe.post("rest", "/tokens/", json=body).is_status(200, 201)
    token = answer.json()
    answer.must(isinstance(token, str), "a bare JSON string")
    return quote(str(token), safe="")


@contextmanager
def session(t: Target, more: str = "") -> Iterator[ClientConnection]:
    """Open a realtime socket with a token, as the clients do."""
    endpoint, _ = t.realtime
    path = f"/{endpoint}/realtime?fal_jwt_token={token_for(t, endpoint)}{more}"
    try:
        with t.probe.socket(path) as connection:
            yield connection
    except ConnectionClosed as closed:
        raise Failed("an open connection", f"closed: {closed}", f"socket on /{endpoint}/realtime") from None
    except (WebSocketException, TimeoutError) as error:
        raise Failed(
            "a socket that answers", f"{type(error).__name__}: {error}", f"socket on /{endpoint}/realtime"
        ) from None


def output(connection: ClientConnection, seconds: float = ANSWER_S) -> tuple[str | bytes, Any]:
    """Wait for the next output, timings aside; returns its frame and what it means. TimeoutError if none comes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        frame = connection.recv(timeout=left)
        said = unpacked(frame)
        if not (isinstance(said, dict) and said.get("type") == "x-fal-message"):
            return frame, said
    raise TimeoutError(f"no output within {seconds:g} s, only other messages")


def first_words(t: Target, path: str) -> Any:
    """What a socket says by itself; None if it says nothing."""
    with t.probe.socket(path) as connection:
        try:
            return unpacked(connection.recv(timeout=10 * t.probe.patience))
        except TimeoutError:
            return None
        except ConnectionClosed as closed:
            return f"closed with {closed.rcvd.code if closed.rcvd else 1006}"


def is_unauthorized(said: Any) -> bool:
    """Whether a message is the one for a token that is not valid."""
    return isinstance(said, dict) and said.get("status") == "error" and said.get("error") == "Unauthorized"


def must_be_output(said: Any) -> dict[str, Any]:
    """Require an output map."""
    must(isinstance(said, dict) and said.get("type") != "x-fal-error", "an output map", said)
    return dict(said)


@rule("T-05", "Binary MessagePack is taken and answered in kind, bytes as bytes; JSON in text frames too")
def t_05(t: Target) -> None:
    _, given = t.realtime
    with session(t) as connection:
        connection.send(msgpack.packb(given))
        frame, said = output(connection)
        must(isinstance(frame, bytes), "a binary frame for a binary input", frame)
        must_be_output(said)
        connection.send(json.dumps(given))
        must_be_output(output(connection)[1])


@rule("T-06", "One input gives one output with the same request_id, or with a new one")
def t_06(t: Target) -> None:
    _, given = t.realtime
    with session(t) as connection:
        for name in (uuid.uuid4().hex, "mine"):
            connection.send(msgpack.packb({**given, "request_id": name}))
            said = must_be_output(output(connection)[1])
            must(said.get("request_id") == name, f"request_id {name}", said.get("request_id"))
        connection.send(msgpack.packb(given))
        said = must_be_output(output(connection)[1])
        must(
            isinstance(said.get("request_id"), str) and said["request_id"], "a request_id of the server's", said.keys()
        )
        try:
            _, more = output(connection, 1.0)
        except TimeoutError:
            return
        must(False, "one output for one input", more)


@rule("T-07", "max_buffering keeps so many inputs; when full, the oldest is dropped")
def t_07(t: Target) -> None:
    _, given = t.realtime
    with session(t, "&max_buffering=1") as connection:
        connection.send(msgpack.packb({**given, "request_id": "first"}))
        output(connection)  # so that what a session begins with doesn't hold up the first of the many
        for number in range(MANY):
            connection.send(msgpack.packb({**given, "request_id": str(number)}))
        answered: list[int] = []
        while not answered or answered[-1] != MANY - 1:
            try:
                said = output(connection)[1]
            except TimeoutError:
                must(False, "the newest input to be answered", f"answers to {answered}", f"{MANY} inputs at once")
            name = must_be_output(said).get("request_id")
            must(str(name).isdecimal(), "the request_id of an input", name)
            answered.append(int(str(name)))
    # Which ones are dropped is the server's speed; that none comes twice, late or out of order is the rule.
    must(answered == sorted(set(answered)), "answers in the order of the inputs, each once", answered)
    if len(answered) == MANY:
        raise NotApplicable(f"the endpoint answered {MANY} inputs at once too fast to need a buffer")
    with session(t) as connection:
        connection.send(msgpack.packb({**given, "request_id": "after"}))
        must_be_output(output(connection)[1])
    for wrong in ("&max_buffering=0", "&max_buffering=many"):
        said = wrongly_opened(t, wrong)
        must(said is not None, "an answer or an error, not silence", said)


def wrongly_opened(t: Target, more: str) -> Any:
    """What comes of a socket whose query is wrong: an output, an error message, or the refusal."""
    endpoint, given = t.realtime
    path = f"/{endpoint}/realtime?fal_jwt_token={token_for(t, endpoint)}{more}"
    try:
        with t.probe.socket(path) as connection:
            connection.send(msgpack.packb(given))
            return unpacked(connection.recv(timeout=ANSWER_S))
    except TimeoutError:
        return None
    except WebSocketException as error:
        return str(error)


def closing(connection: ClientConnection, seconds: float = ANSWER_S) -> tuple[list[Any], int]:
    """Read until the server closes; returns what it said and its close code."""
    said: list[Any] = []
    end = time.monotonic() + seconds
    try:
        while (left := end - time.monotonic()) > 0:
            said.append(unpacked(connection.recv(timeout=left)))
    except TimeoutError:
        pass
    except ConnectionClosed as closed:
        return said, closed.rcvd.code if closed.rcvd else 1006  # what clients see where no close frame came
    raise Failed(f"the server to close within {seconds:g} s", short(f"still open after {said}"))


@rule("T-08", "A wrong input is told as x-fal-error with an upper-case code, then a normal close")
def t_08(t: Target) -> None:
    endpoint, given = t.realtime
    required = (t.input_schema(endpoint) or {}).get("required", [])
    # 0xc1 is the one byte that MessagePack never uses.
    wrong: list[Any] = [b"\xc1 no messagepack", msgpack.packb("a string"), msgpack.packb([1, 2])]
    if required:
        wrong.append(msgpack.packb({name: value for name, value in given.items() if name != required[0]}))
    for frame in wrong:
        with session(t) as connection:
            connection.send(frame)
            said, code = closing(connection, ANSWER_S * t.probe.patience)
        errors = [one for one in said if isinstance(one, dict) and one.get("type") == "x-fal-error"]
        must(errors, "an x-fal-error message", said, f"the frame {frame[:40]!r}")
        error = errors[-1]
        must(
            str(error.get("error", "")).isupper() and isinstance(error.get("reason"), str), "a CODE and a reason", error
        )
        must(code == 1000, "close code 1000", code)


@rule("T-09", "An idle session is told TIMEOUT and closed with 1000", when="any")
def t_09(t: Target) -> None:
    if not t.own:
        t.realtime  # noqa: B018  # names the better reason where there is no such endpoint
        raise NotApplicable("how long a session may be idle is the endpoint's choice, and may be minutes")
    _, given = t.realtime
    with session(t) as connection:
        connection.send(msgpack.packb(given))
        output(connection)
        said, code = closing(connection, 25.0 * t.probe.patience)  # a server of ours is started with four seconds
    told = [one for one in said if isinstance(one, dict) and one.get("type") == "x-fal-error"]
    must(told and told[-1].get("error") == "TIMEOUT" and told[-1].get("reason"), "x-fal-error TIMEOUT", said)
    must(code == 1000, "close code 1000", code)


@rule("T-10", "An invalid token is told Unauthorized on the open socket, which closes with 1000")
def t_10(t: Target) -> None:
    if t.probe.key is None:
        raise NotApplicable("no key was given, so the server is taken to be in open mode")
    endpoint, _ = t.realtime
    for query in ("?fal_jwt_token=nonsense", ""):
        path = f"/{endpoint}/realtime{query}"
        try:
            with t.probe.socket(path) as connection:
                said, code = closing(connection, ANSWER_S * t.probe.patience)
        except WebSocketException as error:
            # To a refused handshake the client says "Unknown error"; the message has it fetch another token.
            must(not query, "an accepted handshake, then the message Unauthorized", error, f"socket on {path}")
            continue
        must(
            said and is_unauthorized(said[-1]),
            '{"status": "error", "error": "Unauthorized"}',
            said,
            f"socket on {path}",
        )
        must(code == 1000, "close code 1000", code, f"socket on {path}")
    with t.probe.socket(f"/{endpoint}/realtime", headers={"authorization": f"Key {t.probe.key}"}) as connection:
        connection.send(msgpack.packb(t.realtime[1]))
        must_be_output(output(connection)[1])
