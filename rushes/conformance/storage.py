"""F: uploads in both dialects, reading, lifecycle, and files as inputs and outputs (protocol section 7)."""

from __future__ import annotations

import hashlib
import json
import re
import time
from base64 import b64encode
from typing import Any
from urllib.parse import quote, quote_from_bytes, urlsplit

from rushes.conformance.probe import HOSTS, Answer
from rushes.conformance.routing import files_of, preflight
from rushes.conformance.rules import must, rule
from rushes.conformance.target import PICTURE, PICTURE_URI, Target

PART = 5 * 1024 * 1024 + 17  # S3-compatible stores take no smaller part but as the last one; odd, to end on no block
ODD_NAME = "ünïcode + sp ace/../\\x.png"
# What datetime.fromisoformat reads before Python 3.11: no Z, and a fraction of three or six digits.
ISO_WITH_OFFSET = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}))?[+-]\d\d:\d\d"
JSON_TYPE = {"content-type": "application/json"}


def cdn_token(t: Target) -> dict[str, Any]:
    """Fetch a token for uploads."""
    answer = t.probe.post("rest", "/storage/auth/token?storage_type=fal-cdn-v3", json={}).is_status(200)
    told = answer.object()
    answer.must({"token", "token_type", "base_url", "expires_at", "created_at"} <= told.keys(), "all five members")
    return told


def bearer(t: Target) -> str:
    """The Authorization of uploads to the CDN."""
    told = cdn_token(t)
    return f"{told['token_type']} {told['token']}"


@rule("F-01", "Any storage_type is taken: fal-cdn-v3, gcs, none")
def f_01(t: Target) -> None:
    for query in ("?storage_type=fal-cdn-v3", "?storage_type=gcs", ""):
        body = {"content_type": "image/png", "file_name": "x.png"}
        told = t.probe.post("rest", f"/storage/upload/initiate{query}", json=body).is_status(200).object()
        t.put(told["upload_url"], b"1", "image/png").is_status(200, 201, 204)
        answer = t.fetch(told["file_url"]).is_status(200)
        answer.must(answer.body == b"1", "the byte that was sent")


@rule("F-02", "Any file name is taken; the address holds a safe, percent-encoded last segment")
def f_02(t: Target) -> None:
    urls = []
    for name in (ODD_NAME, "a b+c.png", "../../etc/passwd", "x" * 400, ""):
        url = t.uploaded(b"named", name)
        path = urlsplit(url).path
        must(url.isascii() and " " not in url and ".." not in path, "a percent-encoded address", url)
        answer = t.fetch(url).is_status(200)
        answer.must(answer.body == b"named", "the bytes that were sent")
        urls.append(url)
    must(
        len({urlsplit(url).path for url in (t.uploaded(b"1", "same.png"), t.uploaded(b"2", "same.png"))}) == 2,
        "another address for each file of the same name",
        "the same one",
    )


@rule("F-03", "upload_url can be reached as it is, and answers a browser's preflight")
def f_03(t: Target) -> None:
    url = t.initiate()["upload_url"]
    headers = {"origin": "https://page.example", "access-control-request-method": "PUT"}
    preflight(t, None, url, {**headers, "access-control-request-headers": "content-type"}, ["content-type"])
    answer = t.put(url, b"bytes", "image/png", headers={"origin": "https://page.example"})
    answer.must(200 <= answer.status < 300, "2xx")
    answer.header("access-control-allow-origin")


@rule("F-04", "A file has the type of its PUT, else of its initiate; it can be read in parts and conditionally")
def f_04(t: Target) -> None:
    content = bytes(range(256)) * 40
    url = t.uploaded(content, "x.bin", "application/x-one")
    answer = t.fetch(url).is_status(200)
    answer.header("content-type", "application/x-one")
    answer.header("content-length", str(len(content)))
    told = t.initiate("y.bin", "application/x-two")
    t.put(told["upload_url"], content).is_status(200, 201, 204)
    t.fetch(told["file_url"]).header("content-type", "application/x-two")
    part = t.fetch(url, headers={"range": "bytes=100-199"}).is_status(206)
    part.header("content-range", f"bytes 100-199/{len(content)}")
    part.must(part.body == content[100:200], "the hundred bytes asked for")
    head = t.fetch(url, "HEAD").is_status(200)
    head.must(not head.body, "no body for HEAD")
    etag = head.header("etag")
    t.fetch(url, headers={"if-none-match": etag}).is_status(304)
    answer.header("access-control-allow-origin")
    answer.must("max-age" in answer.header("cache-control"), "a Cache-Control with max-age")


@rule("F-05", "expires_at has a numeric offset and parses with Python 3.8")
def f_05(t: Target) -> None:
    told = cdn_token(t)
    for name in ("expires_at", "created_at"):
        must(re.fullmatch(ISO_WITH_OFFSET, str(told[name])), "2026-01-02T00:00:00+00:00", f"{name}: {told[name]}")
    must(str(told["expires_at"]) > str(told["created_at"]), "an end after the beginning", told["expires_at"])
    headers = {"content-type": "image/png", "x-fal-file-name": "x.png"}
    answer = t.probe.post("cdn", "/files/upload", content=b"one", auth=bearer(t), headers=headers).is_status(200)
    url = answer.object()["access_url"]
    kept = t.fetch(url)
    kept.must(kept.body == b"one", "the bytes that were sent")
    # The client leaves the name out where it has none, and can't send one that isn't ASCII.
    nameless = t.probe.post("cdn", "/files/upload", content=b"two", auth=bearer(t), headers={"content-type": "a/b"})
    nameless.is_status(200).object()
    refused = t.probe.post("cdn", "/files/upload", content=b"x", auth="Bearer nonsense", headers=headers)
    if t.probe.key:
        refused.must(refused.status in {401, 403}, "401 or 403 for a token that is none").json()


def put_part(t: Target, url: str, number: int, content: bytes, **more: Any) -> dict[str, Any]:
    """PUT a part; its answer has the etag in the body and in a header."""
    answer = t.put(url, content, **more).is_status(200)
    told = answer.object()
    answer.must(told.get("partNumber") == number and isinstance(told.get("etag"), str), f"partNumber {number} and etag")
    etag = answer.header("etag")
    must(
        etag.strip('"') == told["etag"].strip('"'),
        "the same etag in body and header",
        (etag, told["etag"]),
        answer.sent,
    )
    must(answer.headers.get("content-encoding", "identity") == "identity", "an uncompressed answer", answer.headers)
    return {"partNumber": number, "etag": told["etag"]}


def same_content(t: Target, url: str, content: bytes) -> None:
    """Require that a file holds exactly this."""
    answer = t.fetch(url).is_status(200)
    same = hashlib.sha256(answer.body).digest() == hashlib.sha256(content).digest()
    must(same, f"the {len(content)} bytes that were sent", f"{len(answer.body)} others", answer.sent)


@rule("F-06", "Parts in any order, repeated, with quoted or bare etags, make the whole file, in both dialects")
def f_06(t: Target) -> None:
    parts = [bytes([number]) * (PART if number < 3 else 1000) for number in (1, 2, 3)]
    path = "/storage/upload/initiate-multipart?storage_type=fal-cdn-v3"
    told = t.probe.post("rest", path, json={"content_type": "video/mp4", "file_name": "x.mp4"}).is_status(200).object()
    base, _, query = str(told["upload_url"]).partition("?")
    query = f"?{query}" if query else ""
    # Python's client sends parts side by side and JavaScript's sends one again that failed.
    listed = [put_part(t, f"{base}/{n}{query}", n, parts[n - 1]) for n in (3, 1, 2, 1)]
    bare = [{**entry, "etag": entry["etag"].strip('"')} for entry in listed[:3]]
    done = t.fetch(f"{base}/complete{query}", "POST", content=json.dumps({"parts": bare}), headers=JSON_TYPE)
    done.must(200 <= done.status < 300, "2xx for the completion")
    same_content(t, told["file_url"], b"".join(parts))
    _cdn_dialect(t, parts)


def _cdn_dialect(t: Target, parts: list[bytes]) -> None:
    auth = bearer(t)
    headers = {"content-type": "video/mp4", "x-fal-file-name": "y.mp4", "accept": "application/json"}
    begun = t.probe.post("cdn", "/files/upload/multipart", auth=auth, headers=headers, content=b"").is_status(200)
    told = begun.object()
    base = f"{told['access_url']}/multipart/{told['uploadId']}"
    entries = [put_part(t, f"{base}/{n}", n, parts[n - 1], auth=auth, headers=headers) for n in (2, 3, 1)]
    body = json.dumps({"parts": entries})
    done = t.fetch(f"{base}/complete", "POST", content=body, auth=auth, headers=JSON_TYPE)
    done.must(200 <= done.status < 300, "2xx for the completion")
    same_content(t, told["access_url"], b"".join(parts))


@rule("F-07", "Lifecycle: malformed is ignored on submit and 400 on uploads; lifetime and access rules are kept")
def f_07(t: Target) -> None:
    t.submit(headers={"x-fal-object-lifecycle-preference": "{broken"})
    path = "/storage/upload/initiate"
    body = {"content_type": "image/png", "file_name": "x.png"}
    t.probe.post("rest", path, json=body, headers={"x-fal-object-lifecycle": "{broken"}).is_status(400).object()
    short = t.uploaded(b"short", headers={"x-fal-object-lifecycle": '{"expiration_duration_seconds": 1}'})
    for decision, status in (("forbid", 403), ("hide", 404)):
        lifecycle = json.dumps({"initial_acl": {"default": decision, "rules": []}})
        url = t.uploaded(b"restricted", headers={"x-fal-object-lifecycle": lifecycle})
        t.fetch(url).is_status(status).json()
        if t.probe.key:
            t.fetch(url, auth=True).is_status(200)
        signed = t.probe.post(
            "platform", f"/v1/storage/files/sign?url={quote(url, safe='')}", json={"expiration_seconds": 60}
        )
        if signed.status not in {403, 404, 501}:
            answer = t.fetch(str(signed.is_status(200).object()["signed_url"])).is_status(200)
            answer.must(answer.body == b"restricted", "the file at its signed address")
    time.sleep(2.0)  # its second, and one more for clocks that count whole ones
    gone = t.fetch(short)
    gone.must(gone.status in {404, 410}, "404 for a file whose second is over").json()


@rule("F-08", "A file input can be a data URI of any kind, an own file under any host name, or a foreign address")
def f_08(t: Target) -> None:
    endpoint, given = t.with_member("image_url")
    stored = t.uploaded(PICTURE, "a picture.png")
    inputs = [
        PICTURE_URI,
        PICTURE_URI.replace("image/png", "image/jpeg"),  # as some clients declare every picture, whatever it is
        f"data:application/octet-stream;name=x;base64,{b64encode(PICTURE).decode()}",
        f"data:image/png,{quote_from_bytes(PICTURE)}",
        stored,
        f"https://{HOSTS['cdn']}{urlsplit(stored).path.removeprefix('/cdn')}",
    ]
    if t.own and t.receiver is not None:
        t.receiver.files["/picture.png"] = PICTURE
        inputs.append(f"{t.receiver.url}/picture.png")
    lifecycle = {"x-fal-object-lifecycle": '{"initial_acl": {"default": "forbid"}}'}
    inputs.append(t.uploaded(PICTURE, "mine.png", headers=lifecycle))
    for url in inputs:
        job = t.finished({**given, "image_url": url}, endpoint)
        answer = t.result(job)
        must(answer.status == 200, "200", answer.got, f"image_url {url[:80]}")
        without_nulls(answer)


def without_nulls(answer: Answer) -> None:
    """Require that optional members of an output are left out, not null (AI's schemas refuse a null seed)."""
    told = answer.object()
    nulls = [name for name in ("seed", "timings", "has_nsfw_concepts", "prompt") if name in told and told[name] is None]
    answer.must(not nulls, "optional members left out, never null")


@rule("F-09", "Tens of megabytes of input are taken; above the server's limit 413 with a JSON detail")
def f_09(t: Target) -> None:
    if t.echo:
        t.accepted(t.probe.post("queue", f"/{t.endpoint}", json={"payload": "x" * 20_000_000}))
    key = {"Authorization": f"Key {t.probe.key}"} if t.probe.key else {}
    # Promised, never sent: a server that reads before it judges would wait for it.
    head = {**key, "Content-Type": "application/json", "Content-Length": str(10**12)}
    line, came = t.probe.raw("POST", "queue", f"/{t.endpoint}", head, b'{"payload": "')
    must(" 413 " in line, "413 for a body of a terabyte", line, "Content-Length: 10^12")
    body = came.split(b"\r\n\r\n", 1)[-1]
    must(b'"detail"' in body and b"application/json" in came, "a JSON detail", came[-300:])


def model_error(t: Target, endpoint: str, given: dict[str, Any], types: set[str], loc: list[Any]) -> None:
    """Require that this input ends with one of these model errors at this place."""
    job = t.finished(given, endpoint)
    answer = t.result(job).is_status(422)
    problem = answer.object()["detail"][0]
    answer.must(problem["type"] in types, f"type {' or '.join(sorted(types))}")
    answer.must(problem["loc"] == loc, f"loc {loc}")


@rule("F-10", "An input that cannot be fetched or read is a model error at its field")
def f_10(t: Target) -> None:
    endpoint, given = t.with_member("image_url")
    loc = ["body", "image_url"]
    missing = t.initiate()["file_url"]  # promised, never sent
    for url in (missing, "http://nowhere.invalid/x.png"):
        model_error(t, endpoint, {**given, "image_url": url}, {"file_download_error"}, loc)
    for url in ("data:image/png;base64,AAAA", t.uploaded(b"no picture at all" * 10)):
        types = {"image_load_error", "unsupported_image_format"}
        model_error(t, endpoint, {**given, "image_url": url}, types, loc)


@rule("F-11", "sync_mode returns media as data: URIs; without it they are files that open without a key")
def f_11(t: Target) -> None:
    endpoint, given = t.with_member("sync_mode")
    private = t.result(t.finished({**given, "sync_mode": True}, endpoint)).is_status(200)
    urls = files_of(private.object())
    private.must(urls and all(url.startswith("data:") for url in urls), "data: URIs in url")
    public = t.result(t.finished({**given, "sync_mode": False}, endpoint)).is_status(200)
    urls = files_of(public.object())
    public.must(urls and all(url.startswith("http") for url in urls), "addresses in url")
    t.fetch(urls[0]).is_status(200)
    without_nulls(public)
