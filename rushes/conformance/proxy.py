"""P: the server-side proxy contract, a browser's way in (protocol section 9)."""

from __future__ import annotations

import time
import uuid
from typing import Any
from urllib.parse import quote, urlsplit

from rushes.conformance.probe import HOSTS, Answer, Group
from rushes.conformance.routing import preflight
from rushes.conformance.rules import must, rule
from rushes.conformance.streaming import is_event_stream
from rushes.conformance.target import Target

PATH = "/api/fal/proxy"


def through(t: Target, method: str, group: Group, path: str, **more: Any) -> Answer:
    """Send a call of fal's through the proxy route."""
    headers = {"x-fal-target-url": f"https://{HOSTS[group]}{path}", **more.pop("headers", {})}
    return t.probe.send(method, None, PATH, headers=headers, **more)


@rule("P-01", "The target only says which route is meant: no other host, no outbound request, 400 'Invalid request'")
def p_01(t: Target) -> None:
    foreign = ["", "nonsense", "https://example.com/x", "ftp://fal.run/x", "https://fal.run.example.com/x"]
    # fal's name as user, in a longer host's name and in a query; an address that can't be taken apart.
    foreign += ["https://fal.run@example.com/x", "http://[::1", "https://example.com/?https://fal.run/"]
    if t.receiver is not None:
        foreign.append(f"{t.receiver.url}/proxied")
    for target in foreign:
        answer = t.probe.post(None, PATH, json={}, headers={"x-fal-target-url": target}).is_status(400)
        answer.must(answer.json() == "Invalid request", 'the JSON string "Invalid request"')
    t.probe.post(None, PATH, json={}).is_status(400)
    if t.receiver is not None:
        must(not t.receiver.at("/proxied"), "no outbound request", t.receiver.at("/proxied"))
    job = t.accepted(through(t, "POST", "queue", f"/{t.endpoint}", json=t.input))
    t.done(job)
    answer = through(t, "GET", "queue", job.path)
    answer.must(answer.body == t.result(job).body, "the same result as without the proxy")


@rule("P-02", "Tokens, multipart uploads and the Platform API pass too")
def p_02(t: Target) -> None:
    token = through(t, "POST", "rest", "/tokens/", json={"allowed_apps": ["x"], "token_expiration": 60})
    token.is_status(200, 201).must(isinstance(token.json(), str), "a bare JSON string")
    body = {"content_type": "video/mp4", "file_name": "x.mp4"}
    for tail in ("initiate", "initiate-multipart"):
        path = f"/storage/upload/{tail}?storage_type=fal-cdn-v3"
        through(t, "POST", "rest", path, json=body).is_status(200).object()
    platform(t)


def platform(t: Target) -> None:
    """What clients ask of the platform, through the proxy."""
    page = through(t, "GET", "platform", "/v1/models?limit=1").is_status(200)
    told = page.object()
    page.must(
        len(told["models"]) == 1 and {"next_cursor", "has_more"} <= told.keys(), "one model, next_cursor, has_more"
    )
    known = told["models"][0]["endpoint_id"]
    one = through(t, "GET", "platform", f"/v1/models?endpoint_id={quote(known, safe='')}").is_status(200)
    one.must([model["endpoint_id"] for model in one.object()["models"]] == [known], f"the model {known}")
    found = through(t, "GET", "platform", f"/v1/models?q={quote(known, safe='')}&status=active").is_status(200)
    found.must(known in {model["endpoint_id"] for model in found.object()["models"]}, f"{known} among what is found")
    unknown = through(t, "GET", "platform", "/v1/models?endpoint_id=no/such/model").is_status(404)
    unknown.must(unknown.object()["error"]["type"] == "not_found", "the envelope with type not_found")
    price = through(t, "GET", "platform", f"/v1/models/pricing?endpoint_id={quote(known, safe='')}").is_status(200)
    entry = price.object()["prices"][0]
    price.must({"endpoint_id", "unit_price", "unit", "currency"} <= entry.keys(), "a price with unit and currency")
    estimate = {"estimate_type": "unit_price", "endpoints": {known: {"unit_quantity": 50}}}
    cost = through(t, "POST", "platform", "/v1/models/pricing/estimate", json=estimate).is_status(200)
    cost.must(
        {"estimate_type", "total_cost", "currency"} <= cost.object().keys(), "estimate_type, total_cost, currency"
    )
    _requests(t)


def _requests(t: Target) -> None:
    job = t.finished()
    query = f"?endpoint_id={quote(t.endpoint, safe='')}&request_id={job.id}&expand=payloads"
    answer = through(t, "GET", "platform", f"/v1/models/requests/by-endpoint{query}").is_status(200)
    items = answer.object()["items"]
    answer.must([item["request_id"] for item in items] == [job.id], "the request that was just made")
    answer.must(items[0]["status_code"] == 200 and "json_output" in items[0], "status_code 200 and json_output")
    gone = through(t, "DELETE", "platform", f"/v1/models/requests/{job.id}/payloads")
    if gone.status != 403:  # an admin's right
        gone.is_status(200).must(isinstance(gone.object()["cdn_delete_results"], list), "cdn_delete_results")
    if t.probe.key:
        refused = through(t, "GET", "platform", "/v1/keys", auth="Key nobody:nothing").is_status(401)
        refused.must(
            refused.object()["error"]["type"] == "authorization_error", "the envelope with authorization_error"
        )


@rule("P-03", "Status, headers and streams pass through unchanged")
def p_03(t: Target) -> None:
    gone = through(t, "GET", "queue", f"/{t.endpoint}/requests/{uuid.uuid4()}/status").is_status(404)
    gone.must(gone.object().get("status") == "NOT_FOUND", "the body of the queue's 404")
    job = t.submit(t.slow(2.0) if t.echo else None)
    through(t, "GET", "queue", f"{job.path}/status").header("x-fal-request-id", job.id)
    headers = {
        "x-fal-target-url": f"https://{HOSTS['queue']}{job.path}/status/stream?logs=1",
        "accept": "application/json",
    }
    with t.probe.stream("GET", None, PATH, headers=headers) as stream:
        is_event_stream(stream.head)
        began = time.monotonic()
        events = [event for event in stream.events() if event.data is not None]
    must(events[-1].json()["status"] == "COMPLETED", "COMPLETED as the last event", events[-1].data)
    # The request takes two seconds: a proxy that collects the answer gives its first event after them.
    must(not t.echo or events[0].at - began < 1.0, "events as they happen, not at the end", "all at the end")


@rule("P-04", "The caller's own key counts; without one the proxy's key, where there is one, else the normal refusal")
def p_04(t: Target) -> None:
    without = through(t, "POST", "queue", f"/{t.endpoint}", json=t.input, auth=False)
    # 200: the proxy has a key of its own, which is what lets a browser's app do without one.
    without.must(without.status in {200, 401}, "the proxy's key, or the normal refusal").object()
    if not t.probe.key:
        return
    wrong = through(t, "POST", "queue", f"/{t.endpoint}", json=t.input, auth="Key nobody:nothing").is_status(401)
    wrong.must(isinstance(wrong.object()["detail"], str), "the normal refusal of a wrong key")


@rule("P-05", "Addresses in answers are those that the browser can reach")
def p_05(t: Target) -> None:
    body = {"content_type": "image/png", "file_name": "x.png"}
    path = "/storage/upload/initiate?storage_type=fal-cdn-v3"
    answer = through(t, "POST", "rest", path, json=body).is_status(200)
    told = answer.object()
    own = urlsplit(t.probe.base).netloc
    for name in ("upload_url", "file_url"):
        host = urlsplit(told[name]).netloc
        answer.must(host not in HOSTS.values(), f"{name} at a host that is ours, such as {own}")
    put = t.probe.send("PUT", None, told["upload_url"], auth=False, content=b"x", headers={"content-type": "image/png"})
    put.must(200 <= put.status < 300, "2xx for the PUT")
    t.probe.send("GET", None, told["file_url"], auth=False).is_status(200)


@rule("P-06", "The route is open to other origins, with x-fal-target-url among the allowed headers")
def p_06(t: Target) -> None:
    names = ["x-fal-target-url", "content-type", "authorization", "x-fal-queue-priority"]
    for method in ("POST", "GET", "PUT"):
        headers = {"origin": "https://page.example", "access-control-request-method": method}
        preflight(t, None, PATH, {**headers, "access-control-request-headers": ",".join(names)}, names)
    job = t.submit()
    answer = through(t, "GET", "queue", f"{job.path}/status", headers={"origin": "https://page.example"})
    answer.header("access-control-allow-origin")
