"""R: ids, hosts, emitted addresses and the HTTP rules common to all routes (protocol section 1)."""

from __future__ import annotations

import re
import uuid
from urllib.parse import urlsplit

from rushes.conformance.probe import HOSTS, Answer, Group
from rushes.conformance.rules import NotApplicable, must, rule
from rushes.conformance.target import Job, Target

FORMS = ("status_url", "response_url", "cancel_url")
MOST_HEADER_BYTES = 16 * 1024
# JavaScript's client and the AI SDK show the phrase as the error's message where the body has none.
REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found"}
# What the clients send from browsers, and below what scripts there read.
NEEDED_HEADERS = [
    "authorization",
    "content-type",
    "accept",
    "user-agent",
    "x-fal-target-url",
    "x-fal-queue-priority",
    "x-fal-runner-hint",
    "x-fal-request-timeout",
    "x-fal-object-lifecycle",
    "x-fal-object-lifecycle-preference",
    "x-fal-store-io",
    "x-fal-no-retry",
    "x-fal-retry-config",
    "x-fal-tags",
]
EXPOSED = [
    "x-fal-request-id",
    "x-fal-request-timeout-type",
    "x-fal-error-type",
    "x-fal-retryable",
    "x-fal-needs-retry",
    "x-fal-billable-units",
    "etag",
]


def unknown_request(answer: Answer) -> Answer:
    """Require the answer of a request that does not exist."""
    told = answer.is_status(404).object()
    return answer.must(told.get("status") == "NOT_FOUND", 'the member "status": "NOT_FOUND"')


@rule("R-01", "An app is two segments, three under workflows and comfy; the rest is the path")
def r_01(t: Target) -> None:
    for app in ("workflows/nobody/nothing", "comfy/nobody/nothing"):
        unknown_request(t.probe.get("queue", f"/{app}/requests/{uuid.uuid4()}/status"))
        unknown_request(t.probe.get("queue", f"/{app}/a/path/requests/{uuid.uuid4()}"))
    job = t.submit()
    path = urlsplit(job.told["status_url"]).path
    job.answer.must(path.endswith(f"/{job.app}/requests/{job.id}/status"), f"a status_url under the app {job.app}")


@rule(
    "R-02",
    "Old one-segment ids are rewritten by clients; the server sees owner/alias, and refuses one segment in order",
)
def r_02(t: Target) -> None:
    # As the client was given it, and as it is rewritten; nobody need have such a model.
    for path in ("/110602490-lora", "/110602490/lora"):
        answer = t.probe.post("queue", path, json={})
        answer.must(answer.status in range(400, 500) or (path.count("/") == 2 and answer.status == 200), "a 4xx")
        answer.object()


@rule("R-03", "Submit takes the full endpoint id; status, result and cancel lie under the app")
def r_03(t: Target) -> None:
    job = t.finished()
    for form, tail in (("status_url", "/status"), ("response_url", ""), ("cancel_url", "/cancel")):
        path = urlsplit(str(job.told.get(form))).path
        job.answer.must(path.endswith(f"{job.path}{tail}"), f"{form} ending in {job.path}{tail}")
    t.status(job).is_status(200)
    result = t.result(job)
    result.must(result.status != 404, "the result under the app")
    t.cancel(job).is_status(400)


@rule("R-04", "Requests are also found under the full endpoint id, by request id; another app's path is not found")
def r_04(t: Target) -> None:
    job = t.finished()
    for full in (f"/{job.endpoint}", f"/{job.app}/any/deeper/path"):
        if full == f"/{job.app}/any/deeper/path" and job.endpoint == job.app:
            continue  # the id has no path, so a deeper one is another endpoint of the app, which a server may refuse
        base = f"{full}/requests/{job.id}"
        t.probe.get("queue", f"{base}/status").is_status(200)
        answer = t.probe.get("queue", base)
        answer.must(answer.body == t.result(job).body, "the same result as under the app")
        t.probe.send("PUT", "queue", f"{base}/cancel").is_status(400)
    unknown_request(t.probe.get("queue", f"/someone/else/requests/{job.id}/status"))
    unknown_request(t.probe.get("queue", f"/someone/else/requests/{job.id}"))
    unknown_request(t.probe.send("PUT", "queue", f"/someone/else/requests/{job.id}/cancel"))


@rule("R-05", "The segment `requests` is reserved: no endpoint can have it")
def r_05(t: Target) -> None:
    for path in (f"/{t.endpoint}/requests", f"/{t.endpoint}/requests/x/y/z"):
        answer = t.probe.post("queue", path, json=t.input)
        answer.must(400 <= answer.status < 500, "a 4xx for a submit to a path with the segment `requests`").object()
    for model in t.models:
        must("requests" not in model.split("/"), "no listed endpoint with the segment `requests`", model)


@rule("R-06", "Segments hold letters, digits, - _ . and are percent-decoded one by one")
def r_06(t: Target) -> None:
    for model in t.models:
        must(all(re.fullmatch(r"[\w.-]+", part) for part in model.split("/")), "ids of letters, digits, - _ .", model)
    first, _, rest = t.endpoint.partition("/")
    encoded = f"/{first}/%{ord(rest[0]):02X}{rest[1:]}"  # a letter that nobody needs to encode, and everybody may
    t.accepted(t.probe.post("queue", encoded, json=t.input), t.endpoint)
    for broken in ("%zz", "%", "%00", "%ff%fe"):
        answer = t.probe.raw("GET", "queue", f"/{first}/{broken}/requests/x/status", {})[0]
        must(re.search(r" 4\d\d ", answer), "a 4xx for an id that decodes to nonsense", answer, broken)


@rule("R-07", "Slashes at the end or doubled are tolerated without a redirect")
def r_07(t: Target) -> None:
    for path in (f"/{t.endpoint}/", f"//{t.endpoint.replace('/', '//')}", f"/{t.endpoint}//"):
        job = t.accepted(t.probe.post("queue", path, json=t.input))
    t.done(job)
    for tail in ("/status/", "//status", "/", "/response/", "/status//?logs=1"):
        t.probe.get("queue", f"{job.path}{tail}").is_status(200)
    t.probe.send("PUT", "queue", f"{job.path}//cancel/").is_status(400)
    t.probe.post("run", f"/{t.endpoint}/", json=t.input).is_status(200)
    for path in ("/storage/upload/initiate/", "//storage/upload//initiate"):
        t.probe.post("rest", path, json={"content_type": "image/png", "file_name": "a.png"}).is_status(200)
    for path in ("/tokens", "/tokens/", "//tokens//"):
        t.probe.post("rest", path, json={"allowed_apps": ["x"], "token_expiration": 60}).is_status(200, 201)


@rule("R-08", "Unambiguous routes are served on every host; both layouts give the same answers")
def r_08(t: Target) -> None:
    initiate = {"content_type": "image/png", "file_name": "a.png"}
    bare = urlsplit(t.probe.base).netloc
    for host in (bare, "fal.run", "queue.fal.run", "api.fal.ai"):
        named = {"headers": {"host": host}}
        t.probe.post(None, "/storage/upload/initiate", json=initiate, **named).is_status(200)
        t.probe.post(None, "/tokens/", json={"allowed_apps": ["x"]}, **named).is_status(200, 201)
        t.probe.get(None, "/.well-known/jwks.json", **named).is_status(200).object()
        t.probe.get(None, "/v1/models?limit=1", **named).is_status(200).object()
        t.probe.get(None, "/files/b/nothing/x.png", **named).is_status(404).object()
        t.probe.post(None, "/api/fal/proxy", json={}, **named).is_status(400)
    job = t.finished()
    for host in ("queue.fal.run", "QUEUE.fal.RUN", "queue.fal.run:8443", "queue.falrun.com"):
        answer = t.probe.get(None, f"{job.path}/status", headers={"host": host}).is_status(200)
        answer.must(answer.object()["status"] == "COMPLETED", "the same status as in the other layout")
    for layout in ("P", "H"):
        answer = t.probe.get("queue", job.path, layout=layout).is_status(200)
        same = without_hosts(answer.object()) == without_hosts(t.result(job).object())
        answer.must(same, "the same result in both layouts, but for the hosts of its files")


@rule("R-09", "x-fal-target-url and x-fal-client-proxy change nothing outside the proxy route")
def r_09(t: Target) -> None:
    headers = {"x-fal-target-url": "https://queue.fal.run/no/such", "x-fal-client-proxy": "@fal-ai/server-proxy/x"}
    job = t.submit(headers=headers)
    t.done(job)
    answer = t.probe.get("queue", f"{job.path}/status", headers=headers)
    answer.must(answer.status == 200 and answer.object().get("request_id") == job.id, "the status that was asked for")
    t.probe.post("run", f"/{t.endpoint}", json=t.input, headers=headers).is_status(200)


@rule("R-10", "Emitted addresses lead back to the server as its caller reached it")
def r_10(t: Target) -> None:
    job = t.submit()
    for form in FORMS:
        parts = urlsplit(str(job.told.get(form)))
        job.answer.must(parts.scheme in {"http", "https"} and parts.netloc, f"an absolute {form}")
    answer = t.fetch(str(job.told["status_url"]), auth=True).is_status(200, 202)
    answer.must(answer.object().get("request_id") == job.id, "the request's status at status_url")
    other = t.probe.post("queue", f"/{t.endpoint}", json=t.input, headers={"x-forwarded-host": "elsewhere.invalid"})
    t.accepted(other)
    if t.own:  # we know that it was not told to trust such headers
        other.must(b"elsewhere.invalid" not in other.body, "addresses that X-Forwarded-Host cannot bend")
        other.must(urlsplit(t.probe.base).netloc.encode() in other.body, "addresses with the host that was asked")
    told = t.initiate()
    t.put(told["upload_url"], b"x", "image/png").is_status(200, 201, 204)


@rule("R-11", "Queue addresses carry no query string")
def r_11(t: Target) -> None:
    job = t.submit(query="?fal_max_queue_length=1000000")
    status = t.status(job).object()
    for form in FORMS:
        for told in (job.told, status):
            job.answer.must("?" not in str(told.get(form)), f"{form} without a query")


@rule("R-12", "response_url + /status is status_url; the /response alias is accepted, never emitted")
def r_12(t: Target) -> None:
    job = t.finished()
    for told in (job.told, t.status(job).object()):
        job.answer.must(told["status_url"] == f"{told['response_url']}/status", "status_url = response_url + /status")
        job.answer.must(not told["response_url"].rstrip("/").endswith("/response"), "response_url without /response")
    alias = t.probe.get("queue", f"{job.path}/response")
    alias.must(alias.body == t.result(job).body, "the result at the alias /response")


@rule("R-13", "Addresses of answers have the origin that was asked, and files open without a key")
def r_13(t: Target) -> None:
    answer = t.probe.post("queue", f"/{t.endpoint}", json=t.input, layout="H")
    job = t.accepted(answer)
    hosts = {urlsplit(str(job.told[form])).netloc for form in FORMS}
    answer.must(len(hosts) == 1, "one origin for all three addresses")
    if t.own:
        answer.must(hosts == {HOSTS["queue"]}, f"the host that was asked, {HOSTS['queue']}")
    t.fetch(t.uploaded(b"bytes")).is_status(200)


@rule("R-14", "A POST without a body, or with an empty one, means {}")
def r_14(t: Target) -> None:
    typed = {"content-type": "application/json"}
    answers = [
        t.probe.post("queue", f"/{t.endpoint}", content=b"", headers={**typed, "content-length": "0"}),
        t.probe.post("queue", f"/{t.endpoint}", json={}),
    ]
    for answer in answers:
        t.accepted(answer)
    if t.echo:
        t.probe.post("run", f"/{t.endpoint}", content=b"", headers=typed).is_status(200).object()
    same = t.probe.post("run", f"/{t.endpoint}", content=b"", headers=typed)
    same.is_status(t.probe.post("run", f"/{t.endpoint}", json={}).status)
    key = {"Authorization": f"Key {t.probe.key}"} if t.probe.key else {}
    # Bare, since a client library would add a Content-Length.
    line, came = t.probe.raw("POST", "queue", f"/{t.endpoint}", key)
    must(" 200" in line, "200 for a POST with neither a body nor a Content-Length", f"{line} {came[-200:]!r}")


@rule("R-15", "Content is not negotiated: whatever Accept says, the answer is JSON")
def r_15(t: Target) -> None:
    for accept in ("image/png", "text/html", "application/xml;q=0.1", "*/*", "nonsense"):
        job = t.accepted(t.probe.post("queue", f"/{t.endpoint}", json=t.input, headers={"accept": accept}))
        t.probe.get("queue", f"{job.path}/status", headers={"accept": accept}).is_status(200, 202).object()
    t.probe.post("run", f"/{t.endpoint}", json=t.input, headers={"accept": "image/png"}).is_status(200).object()


def refused(t: Target) -> list[Answer]:
    """Collect refusals of many kinds."""
    gone = f"/{t.endpoint}/requests/{uuid.uuid4()}"
    answers = [
        t.probe.get("queue", f"{gone}/status"),
        t.probe.get("queue", gone),
        t.probe.send("PUT", "queue", f"{gone}/cancel"),
        t.probe.send("DELETE", "queue", f"/{t.endpoint}"),
        t.probe.send("DELETE", "queue", f"{gone}/status"),
        t.probe.post("queue", "/no-such/model/at/all", json={}),
        t.probe.post("run", "/no-such/model", json={}),
        t.probe.post("queue", f"/{t.endpoint}", content=b"{", headers={"content-type": "application/json"}),
        t.probe.post("queue", f"/{t.endpoint}", json=t.input, headers={"x-fal-request-timeout": "soon"}),
        t.probe.post("rest", "/storage/no-such-thing", json={}),
        t.probe.get("cdn", "/files/b/nothing/x.png"),
        t.probe.get("platform", "/v1/no-such-noun"),
    ]
    if t.probe.key:
        answers.append(t.probe.post("queue", f"/{t.endpoint}", json={}, auth="Key nobody:nothing"))
    return answers


@rule("R-16", "Every error is JSON and says so; a 5xx never says nginx")
def r_16(t: Target) -> None:
    for answer in refused(t):
        answer.must(400 <= answer.status < 500, "a 4xx").json()
        answer.must(b"nginx" not in answer.body, "a body without the word nginx")


@rule("R-17", "Successful JSON says that it is JSON")
def r_17(t: Target) -> None:
    job = t.finished()
    for answer in (job.answer, t.status(job), t.result(job), t.probe.post("run", f"/{t.endpoint}", json=t.input)):
        answer.is_status(200).json()
    t.probe.post("rest", "/storage/upload/initiate", json={"content_type": "a/b", "file_name": "x"}).is_status(
        200
    ).json()
    t.probe.post("rest", "/storage/auth/token", json={}).is_status(200).json()


@rule("R-18", "HTTP/1.1 with the standard reason phrases")
def r_18(t: Target) -> None:
    key = {"Authorization": f"Key {t.probe.key}"} if t.probe.key else {}
    job = t.submit()
    for path, head in (
        (f"{job.path}/status", key),
        (f"/{job.app}/requests/{uuid.uuid4()}/status", key),
        (f"{job.path}/status", {"Authorization": "nonsense"}),
    ):
        line, _ = t.probe.raw("GET", "queue", path, head)  # a library may show a phrase of its own
        found = re.fullmatch(r"HTTP/1\.1 (\d{3}) (.+)", line)
        must(found, "HTTP/1.1 with a status and a reason phrase", line, f"GET {path}")
        assert found is not None
        expected = REASONS.get(int(found[1]), found[2])
        must(found[2] == expected, f"the reason phrase {expected}", line, f"GET {path}")


@rule("R-19", "Preflights pass without a key, and scripts of other origins can read what they need")
def r_19(t: Target) -> None:
    upload = t.initiate()["upload_url"]
    asked: list[tuple[Group | None, str, str, str]] = [
        ("queue", f"/{t.endpoint}", "POST", ",".join(NEEDED_HEADERS)),
        ("run", f"/{t.endpoint}/stream", "POST", "authorization,content-type"),
        (None, upload, "PUT", "content-type"),
        (None, "/api/fal/proxy", "POST", "x-fal-target-url,content-type"),
    ]
    for group, path, method, names in asked:
        origin = {"origin": "https://page.example", "access-control-request-method": method}
        headers = {**origin, "access-control-request-headers": names}
        preflight(t, group, path, headers, names.split(","))
    origin_only = {"headers": {"origin": "https://page.example"}}
    answers = [
        t.probe.post("queue", f"/{t.endpoint}", json=t.input, **origin_only),
        t.probe.get("queue", f"/{t.endpoint}/requests/{uuid.uuid4()}/status", **origin_only),
    ]
    for answer in answers:
        must_allow_origin(answer)
        told = {name.strip().lower() for name in answer.header("access-control-expose-headers").split(",")}
        must("*" in told or set(EXPOSED) <= told, f"expose-headers with {' '.join(EXPOSED)}", sorted(told), answer.sent)


def must_allow_origin(answer: Answer) -> None:
    """Require that the foreign origin may read the answer."""
    origin = answer.header("access-control-allow-origin")
    must(origin in {"*", "https://page.example"}, "access-control-allow-origin * or the origin", origin, answer.sent)


def preflight(t: Target, group: Group | None, path: str, headers: dict[str, str], names: list[str]) -> None:
    """Require that a preflight passes for this method and these headers."""
    method = headers["access-control-request-method"]
    ask = t.fetch if path.startswith("http") else lambda p, m, **k: t.probe.send(m, group, p, auth=False, **k)
    answer = ask(path, "OPTIONS", headers=headers).is_status(204)
    must_allow_origin(answer)
    methods = answer.header("access-control-allow-methods").upper()
    must(method in methods or methods == "*", f"{method} among the allowed methods", methods, answer.sent)
    allowed = {name.strip().lower() for name in answer.header("access-control-allow-headers").split(",")}
    missing = [name for name in names if name not in allowed]
    # "*" stands for every name but authorization, which browsers want to be named.
    must(
        ("*" in allowed and "authorization" not in missing) or not missing,
        "the requested headers allowed",
        missing,
        answer.sent,
    )


@rule("R-20", "Header names are read in any case; the answer's head stays below 16 KB")
def r_20(t: Target) -> None:
    key = {"AUTHORIZATION": f"Key {t.probe.key}"} if t.probe.key else {}
    body = b"{}"
    sized = {**key, "cOnTeNt-LeNgTh": str(len(body)), "CONTENT-TYPE": "application/json"}
    line, came = t.probe.raw("POST", "queue", f"/{t.endpoint}", sized, body)
    must(" 200" in line, "200", f"{line} {came[-200:]!r}", "POST with header names in upper case")
    head = came.split(b"\r\n\r\n", 1)[0]
    must(len(head) < MOST_HEADER_BYTES, f"a head below {MOST_HEADER_BYTES} bytes", f"{len(head)} bytes")
    line, _ = t.probe.raw("POST", "queue", f"/{t.endpoint}", {**sized, "X-FAL-REQUEST-TIMEOUT": "soon"}, body)
    must(" 400" in line, "400: the timeout header is read in upper case too", line)


def without_hosts(value: object) -> object:
    """An output in which addresses are cut down to their last segment."""
    if isinstance(value, dict):
        return {name: without_hosts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [without_hosts(inner) for inner in value]
    return value.rsplit("/", 1)[-1] if isinstance(value, str) and value.startswith("http") else value


def files_of(value: object) -> list[str]:
    """Every `url` in an output."""
    if isinstance(value, dict):
        own = [value["url"]] if isinstance(value.get("url"), str) else []
        return own + [url for inner in value.values() for url in files_of(inner)]
    return [url for inner in value for url in files_of(inner)] if isinstance(value, list) else []


def require_key(t: Target) -> None:
    """NotApplicable on a server that lets everybody in."""
    if t.probe.key is None:
        raise NotApplicable("no key was given, so the server is taken to be in open mode")
    job: Job = t.submit()
    if t.probe.get("queue", f"{job.path}/status", auth=False).status != 401:
        raise NotApplicable("the server lets callers without a key in (open mode)")
