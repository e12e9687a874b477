"""What is known of the server under test: its endpoints, an input each of them takes, and what it can be asked to do.

`rushes/echo`, where a server offers it, sleeps and fails on request. Without it rules about such requests are not
applicable; all others use the endpoint that was given or the first one whose input the server's own schema explains.
"""

from __future__ import annotations

import re
import struct
import threading
import time
import uuid
import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from rushes.conformance.probe import Answer, Probe
from rushes.conformance.receiver import Receiver
from rushes.conformance.rules import Failed, NotApplicable, must

ECHO = "rushes/echo"
IN_PROGRESS = "Request is still in progress"
LONG_S = 120.0  # for an ordinary request, behind those of the other checks
STARTS_S = 1.0  # in which a free worker takes a request; one that still waits then waits for a worker
MOST_WORKERS = 64
_TEXTS = {"prompt": "a lighthouse in the evening", "text": "hello"}
_KEPT_SMALL = ("num_frames", "width", "height")


@dataclass(frozen=True)
class Job:
    """A request that was accepted, and the answer that said so."""

    id: str
    endpoint: str
    answer: Answer
    told: Mapping[str, Any]

    @property
    def app(self) -> str:
        """The endpoint's first two segments, or three in a namespace."""
        return app_of(self.endpoint)

    @property
    def path(self) -> str:
        """Below the queue group."""
        return f"/{self.app}/requests/{self.id}"


def app_of(endpoint: str) -> str:
    """Return the app of an endpoint id (R-01)."""
    segments = endpoint.split("/")
    return "/".join(segments[: 3 if segments[0] in {"workflows", "comfy"} else 2])


@dataclass
class Target:
    """The server under test and everything that was found out about it."""

    probe: Probe
    own: bool = False
    """Started by us, with settings under which every rule can be tried."""
    given_endpoint: str | None = None
    given_input: Mapping[str, Any] | None = None
    receiver: Receiver | None = None
    busy: bool = False
    _made: list[Job] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settle(self) -> None:
        """Find out, once and before any rule, which layout the server speaks and what it offers."""
        path = f"/{self.given_endpoint or ECHO}/requests/{uuid.uuid4()}/status"
        # A server of layout H alone takes the prefix for a part of the id, or redirects, or knows no such route.
        answer = self.probe.get("queue", path)
        if (answer.status == 404 and b"Path" in answer.body) or answer.status in {301, 302, 307, 308, 405}:
            other = self.probe.get("queue", path, layout="H")
            if b"NOT_FOUND" in other.body:
                self.probe.layout = "H"
        _ = self.echo

    @cached_property
    def echo(self) -> bool:
        """Whether the server offers the test endpoint."""
        if self.given_endpoint not in (None, ECHO):
            return False
        mark = uuid.uuid4().hex  # some servers answer any path, with something
        answer = self.probe.post("run", f"/{ECHO}", json={"payload": mark})
        return answer.status == 200 and mark.encode() in answer.body

    @cached_property
    def models(self) -> list[str]:
        """Endpoint ids that the server names: by its model list, else by its llms.txt."""
        listed: list[str] = []
        cursor = ""
        for _ in range(20):  # a list whose cursor never ends is left at a thousand models
            answer = self.probe.get("platform", f"/v1/models?limit=50{f'&cursor={quote(cursor)}' if cursor else ''}")
            if answer.status != 200:
                break
            page = answer.object()
            listed += [str(model.get("endpoint_id")) for model in page.get("models", [])]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                break
        if listed:
            return listed
        index = self.probe.get("site", "/llms.txt")
        found = re.findall(r"/models/([\w./-]+?)/llms\.txt", index.body.decode("utf-8", "replace"))
        return list(dict.fromkeys(found)) if index.status == 200 else []

    @cached_property
    def endpoint(self) -> str:
        """The endpoint that ordinary requests go to."""
        if self.given_endpoint:
            return self.given_endpoint
        if self.echo:
            return ECHO
        for model in self.models:
            if self.example(model) is not None:
                return model
        raise NotApplicable("no endpoint that could be called was found: name one with --endpoint and --input")

    @cached_property
    def input(self) -> dict[str, Any]:
        """An input that `endpoint` takes."""
        if self.given_input is not None:
            return dict(self.given_input)
        if self.endpoint == ECHO:
            return {"payload": {"hello": "world"}}
        return self.example(self.endpoint) or {}

    # What the server's own schemas say -----------------------------------------------------------------------------

    def document(self, endpoint: str) -> dict[str, Any] | None:
        """Return an endpoint's OpenAPI document, None where the server has none."""
        with self._lock:  # rules run side by side and ask for the same ones; each is fetched once
            if endpoint not in self._documents:
                answer = self.probe.get(
                    "site", f"/api/openapi/queue/openapi.json?endpoint_id={quote(endpoint, safe='')}"
                )
                self._documents[endpoint] = answer.object() if answer.status == 200 else None
            return self._documents[endpoint]

    _documents: dict[str, dict[str, Any] | None] = field(default_factory=dict)

    def input_schema(self, endpoint: str) -> dict[str, Any] | None:
        """Return the schema of an endpoint's input: the last one whose name says so (O-01)."""
        document = self.document(endpoint) or {}
        schemas = document.get("components", {}).get("schemas", {})
        # A schema may have "Queue" in its name for the queue's own envelope.
        named = [schema for name, schema in schemas.items() if name.endswith("Input") and "Queue" not in name]
        return named[-1] if named else None

    def example(self, endpoint: str) -> dict[str, Any] | None:
        """Make a small, quick input from the endpoint's schema; None where it cannot be guessed."""
        schema = self.input_schema(endpoint)
        if schema is None:
            return None
        properties: dict[str, Any] = schema.get("properties", {})
        made: dict[str, Any] = {}
        for name in schema.get("required", []):
            value = guess(name, properties.get(name, {}))
            if value is None:
                return None
            made[name] = value
        for name in _KEPT_SMALL:
            if "minimum" in properties.get(name, {}):
                made[name] = properties[name]["minimum"]
        return made

    def with_member(self, *names: str) -> tuple[str, dict[str, Any]]:
        """Return the cheapest endpoint whose input has these members, and an input for it; NotApplicable if none."""
        best: list[tuple[int, str]] = []
        for model in self.models:
            properties = (self.input_schema(model) or {}).get("properties", {})
            if all(name in properties for name in names) and self.example(model) is not None:
                small = len(properties.keys() & set(_KEPT_SMALL))
                # Cheapest: a model that can be asked for few frames or pixels, and among these a small class.
                best.append((-10 * small + ("480p" not in model), model))
                if small > 1 or len(best) >= 40:  # asking for a hundred schemas would take long
                    break
        if not best:
            raise NotApplicable(f"no endpoint that takes {' and '.join(names)} was found in the server's model list")
        endpoint = min(best)[1]
        return endpoint, self.example(endpoint) or {}

    @cached_property
    def strict(self) -> tuple[str, dict[str, Any], str]:
        """An endpoint with a required member, an input for it, and that member."""
        for model in [self.endpoint, *self.models[:30]]:
            required = (self.input_schema(model) or {}).get("required", [])
            plain = [name for name in required if name in _TEXTS or name.endswith("_url")]
            if plain and (self.example(model) is not None):
                return model, self.example(model) or {}, plain[0]
        raise NotApplicable("no endpoint with a required input member was found in the server's model list")

    @cached_property
    def realtime(self) -> tuple[str, dict[str, Any]]:
        """An endpoint that answers inputs over a socket, and an input for it."""
        answer = self.probe.get("platform", "/v1/models?limit=50&q=realtime")
        models = answer.object().get("models", []) if answer.status == 200 else []
        ids = [m["endpoint_id"] for m in models if "realtime" in (m.get("metadata") or {}).get("tags", [])]
        for endpoint in [*ids, *(["rushes/camera"] if "rushes/camera" in self.models else [])]:
            made = self.example(endpoint)
            if made is not None:
                return endpoint, made
        raise NotApplicable("no endpoint with the tag 'realtime' was found in the server's model list")

    # Asking ---------------------------------------------------------------------------------------------------------

    def require_echo(self) -> None:
        """NotApplicable where requests cannot be made slow or failing on demand."""
        if not self.echo:
            raise NotApplicable(f"needs requests that sleep or fail on demand, which the test endpoint {ECHO} offers")

    def slow(self, seconds: float, **more: Any) -> dict[str, Any]:
        """Return an input that takes so long and looks for a cancel often."""
        self.require_echo()
        # Twenty steps a second, as far as the endpoint has them: between steps it looks for a cancel.
        return {"sleep_s": seconds, "steps": min(10_000, max(1, round(seconds * 20))), **more}

    def fails(self, error_type: str) -> dict[str, Any]:
        """Return an input that ends with this error."""
        self.require_echo()
        return {"fail": error_type}

    def submit(
        self, given: Mapping[str, Any] | None = None, endpoint: str | None = None, *, query: str = "", **more: Any
    ) -> Job:
        """Submit; Failed unless it is accepted."""
        where = endpoint or self.endpoint
        body = self.input if given is None else given
        answer = self.probe.post("queue", f"/{where}{query}", **{"json": body, **more})
        return self.accepted(answer, where)

    def accepted(self, answer: Answer, endpoint: str | None = None) -> Job:
        """Read a submit's answer, and remember the request so that it can be cancelled in the end."""
        told = answer.is_status(200).object()
        answer.must(isinstance(told.get("request_id"), str), "a string request_id")
        job = Job(told["request_id"], endpoint or self.endpoint, answer, told)
        self._made.append(job)  # from many threads: appending to a list is one step
        return job

    def status(self, job: Job, query: str = "") -> Answer:
        """Poll once."""
        return self.probe.get("queue", f"{job.path}/status{query}")

    def result(self, job: Job) -> Answer:
        """Ask for the result once."""
        return self.probe.get("queue", job.path)

    def cancel(self, job: Job) -> Answer:
        """Ask to cancel."""
        return self.probe.send("PUT", "queue", f"{job.path}/cancel")

    def until(self, job: Job, status: str, seconds: float = 60.0, query: str = "") -> Answer:
        """Poll until a status is seen; Failed if it is not seen in time or the request ended before."""
        end = time.monotonic() + seconds * self.probe.patience
        while True:
            answer = self.status(job, query).is_status(200, 202)
            seen = answer.object().get("status")
            if seen == status:
                return answer
            answer.must(seen != "COMPLETED", f"a status {status} before the end")
            answer.must(time.monotonic() < end, f"status {status} within {seconds:g} s")
            time.sleep(0.05)

    def done(self, job: Job, seconds: float = LONG_S) -> Answer:
        """Wait for COMPLETED; return that status."""
        return self.until(job, "COMPLETED", seconds)

    def finished(self, given: Mapping[str, Any] | None = None, endpoint: str | None = None, **more: Any) -> Job:
        """Submit and wait for the end."""
        job = self.submit(given, endpoint, **more)
        self.done(job)
        return job

    @contextmanager
    def all_workers_busy(self) -> Iterator[None]:
        """Occupy every worker with sleeping requests, so that whatever is submitted inside waits."""
        self.require_echo()
        held: list[Job] = []
        try:
            while True:
                held.append(self.submit(self.slow(600.0)))  # longer than all rules together; cancelled in the end
                state = self._soon(held[-1])
                if state == "IN_QUEUE":
                    break
                if state == "COMPLETED":
                    raise NotApplicable("a request that was to sleep for ten minutes was over at once")
                if len(held) > MOST_WORKERS:
                    raise NotApplicable(f"{MOST_WORKERS} sleeping requests did not occupy all workers")
            self.busy = True
            yield
        finally:
            self.busy = False
            self._let_go(held)

    def _soon(self, job: Job) -> Any:
        """Return the state of a request once it has left the queue, or still waits though a worker would be free."""
        end = time.monotonic() + STARTS_S * self.probe.patience
        while True:
            state = self.status(job).object().get("status")
            if state != "IN_QUEUE" or time.monotonic() > end:
                return state
            time.sleep(0.05)

    def require_busy(self) -> None:
        """NotApplicable where the workers could not be occupied."""
        self.require_echo()
        if not self.busy:
            raise NotApplicable("the server's workers could not all be occupied")

    def clean_up(self) -> None:
        """Cancel what was submitted and has not ended."""
        self._let_go(self._made)

    def _let_go(self, jobs: list[Job]) -> None:
        for job in jobs:
            try:
                self.cancel(job)
            except Failed:  # the server went away; there is nothing left to cancel
                return

    # Storage --------------------------------------------------------------------------------------------------------

    def initiate(self, name: str = "x.png", content_type: str = "image/png", **more: Any) -> dict[str, Any]:
        """Start a single upload; returns upload_url and file_url."""
        path = "/storage/upload/initiate?storage_type=fal-cdn-v3"
        answer = self.probe.post("rest", path, json={"content_type": content_type, "file_name": name}, **more)
        told = answer.is_status(200).object()
        answer.must({"upload_url", "file_url"} <= told.keys(), "upload_url and file_url")
        return told

    def uploaded(self, content: bytes, name: str = "x.png", content_type: str = "image/png", **more: Any) -> str:
        """Upload by initiate and PUT; returns the file's address."""
        told = self.initiate(name, content_type, **more)
        put = self.put(told["upload_url"], content, content_type)
        put.must(200 <= put.status < 300, "2xx for the PUT")
        return str(told["file_url"])

    def put(self, url: str, content: bytes, content_type: str | None = None, **more: Any) -> Answer:
        """PUT to an emitted address, without a key as browsers do."""
        headers = {**({"content-type": content_type} if content_type else {}), **more.pop("headers", {})}
        return self.fetch(url, "PUT", content=content, headers=headers, **more)

    def fetch(self, url: str, method: str = "GET", **more: Any) -> Answer:
        """Follow an emitted address; one that names fal's hosts is asked of this server by its Host."""
        parts = urlsplit(url)
        must(parts.scheme in {"http", "https"} and parts.netloc, "an absolute http(s) URL", url)
        headers = dict(more.pop("headers", {}))
        address = url
        if self.probe.layout == "H" and parts.hostname != urlsplit(self.probe.base).hostname:
            headers["host"] = parts.netloc
            address = f"{self.probe.base}{parts.path}{f'?{parts.query}' if parts.query else ''}"
        return self.probe.send(method, None, address, **{"auth": False, "headers": headers, **more})


def a_picture(side: int = 512) -> bytes:
    """A PNG with a gradient, so that nothing about it is degenerate."""
    rows = b"".join(
        b"\0" + bytes(v for x in range(side) for v in (x * 255 // side, y * 255 // side, 128)) for y in range(side)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


PICTURE = a_picture()
PICTURE_URI = "data:image/png;base64," + b64encode(PICTURE).decode()


def guess(name: str, schema: Mapping[str, Any]) -> Any:
    """Guess a value for a required member; None where only a person could."""
    if name == "image_url" or name.endswith("_image_url"):
        return PICTURE_URI
    if name.endswith(("_url", "_urls", "_id")):  # a sound, a video, a voice: nothing that could be made up here
        return None
    if name in _TEXTS:
        return _TEXTS[name]
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("type") in {"integer", "number"} and "minimum" in schema:
        return schema["minimum"]
    return None
