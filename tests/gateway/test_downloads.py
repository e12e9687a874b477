"""Reading stored files: conditions, ranges, and headers that keep strangers' bytes harmless."""

from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.files.store import StoredFile
from rushes.gateway.downloads import Plan, file_headers, plan
from tests.gateway.live import Gateway, running

DATA = bytes(range(256)) * 8
FILE = StoredFile("ab" * 20, "x.png", "image/png", len(DATA), "cd" * 32, "ann", created_at=1_000_000.5)
TAG = f'"{FILE.sha256[:32]}"'
DATE = formatdate(FILE.created_at, usegmt=True)
WHOLE = Plan(200, 0, len(DATA))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, WHOLE),
        ({"range": "bytes=0-9"}, Plan(206, 0, 10)),
        ({"range": "bytes=-9"}, Plan(206, 2039, 2048)),
        ({"range": "bytes=2048-"}, Plan(416)),
        ({"range": "bytes=0-1,4-5"}, WHOLE),
        ({"if-none-match": TAG}, Plan(304)),
        ({"if-none-match": f'"x", W/{TAG}'}, Plan(304)),
        ({"if-none-match": "*"}, Plan(304)),
        ({"if-none-match": '"x"'}, WHOLE),
        ({"if-none-match": '"x"', "if-modified-since": DATE}, WHOLE),
        ({"if-modified-since": DATE}, Plan(304)),
        ({"if-modified-since": formatdate(FILE.created_at - 1, usegmt=True)}, WHOLE),
        ({"if-modified-since": "yesterday"}, WHOLE),
        ({"range": "bytes=0-9", "if-range": TAG}, Plan(206, 0, 10)),
        ({"range": "bytes=0-9", "if-range": f"W/{TAG}"}, WHOLE),
        ({"range": "bytes=0-9", "if-range": '"x"'}, WHOLE),
        ({"range": "bytes=0-9", "if-range": DATE}, Plan(206, 0, 10)),
        ({"range": "bytes=0-9", "if-range": formatdate(0, usegmt=True)}, WHOLE),
        ({"range": "bytes=0-9", "if-none-match": TAG}, Plan(304)),
        ({"if-match": f'"x", {TAG}'}, WHOLE),
        ({"if-match": "*"}, WHOLE),
        ({"if-match": '"x"', "range": "bytes=0-9"}, Plan(412)),
        ({"if-match": f"W/{TAG}"}, Plan(412)),
        ({"if-unmodified-since": DATE}, WHOLE),
        ({"if-unmodified-since": formatdate(FILE.created_at - 1, usegmt=True)}, Plan(412)),
        ({"if-match": TAG, "if-unmodified-since": formatdate(0, usegmt=True)}, WHOLE),
    ],
)
def test_conditions_decide_before_ranges(headers: dict[str, str], expected: Plan) -> None:
    assert plan(headers, FILE) == expected


def test_a_file_that_lasts_is_cached_for_ever_and_one_that_expires_until_then() -> None:
    def cached(expires_at: float | None) -> bytes:
        return dict(file_headers(replace(FILE, expires_at=expires_at), WHOLE, now=100.0))[b"cache-control"]

    assert cached(None) == b"public, max-age=31536000, immutable"
    assert cached(160.0) == b"public, max-age=60"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("data")) as gateway:
        yield gateway


def stored(gateway: Gateway, data: bytes = DATA, kind: str = "image/png", name: str = "x.png") -> str:
    headers = {"content-type": kind, "x-fal-file-name": name}
    url: str = gateway.client.post("/files/upload", content=data, headers=headers).json()["access_url"]
    return url


@pytest.fixture(scope="module")
def shared(gateway: Gateway) -> str:
    return stored(gateway)


def test_a_read_file_says_all_about_itself(gateway: Gateway) -> None:
    headers = gateway.client.get(stored(gateway)).headers
    assert headers["content-length"] == "2048"
    assert headers["accept-ranges"] == "bytes"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cache-control"] == "public, max-age=31536000, immutable"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert headers["content-disposition"] == "inline; filename=\"x.png\"; filename*=UTF-8''x.png"


def test_head_is_get_without_the_body(gateway: Gateway) -> None:
    url = stored(gateway)
    head, get = gateway.client.head(url, headers={"range": "bytes=0-1"}), gateway.client.get(url)
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


def test_a_part_comes_with_its_place(gateway: Gateway) -> None:
    got = gateway.client.get(stored(gateway), headers={"range": "bytes=100-299"})
    assert (got.status_code, got.content) == (206, DATA[100:300])
    assert got.headers["content-range"] == "bytes 100-299/2048"
    assert got.headers["content-length"] == "200"


def test_a_part_outside_is_a_416_with_the_size(gateway: Gateway) -> None:
    got = gateway.client.get(stored(gateway), headers={"range": "bytes=2048-"})
    assert (got.status_code, got.headers["content-range"]) == (416, "bytes */2048")
    assert got.headers["content-type"] == "application/json"
    assert got.json() == {"detail": "The range begins behind the end of the file"}


def test_another_version_than_the_reader_has_is_refused_in_json(gateway: Gateway) -> None:
    url = stored(gateway)
    got = gateway.client.get(url, headers={"if-match": '"x"'})
    assert (got.status_code, got.headers["content-type"]) == (412, "application/json")
    assert gateway.client.head(url, headers={"if-match": '"x"'}).status_code == 412
    assert gateway.client.get(url, headers={"if-match": got.headers["etag"]}).content == DATA


def test_what_the_reader_has_is_not_sent_again(gateway: Gateway) -> None:
    url = stored(gateway)
    tag = gateway.client.head(url).headers["etag"]
    got = gateway.client.get(url, headers={"if-none-match": tag})
    assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "text/xml", "application/javascript", "TEXT/HTML;x=y"])
def test_what_could_run_a_script_is_only_ever_saved(gateway: Gateway, kind: str) -> None:
    got = gateway.client.get(stored(gateway, b"<script>alert(1)</script>", kind, "x.html"))
    assert got.headers["content-type"] == kind
    assert got.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in got.headers["content-security-policy"]


def test_reading_needs_no_key_only_the_id(gateway: Gateway) -> None:
    url = stored(gateway)
    with httpx2.Client(trust_env=False) as stranger:
        assert stranger.get(url).content == DATA
        assert stranger.get(url, headers={"authorization": "Key wrong:wrong"}).content == DATA


@pytest.mark.parametrize("file_id", ["0", "..%2f..%2fsecret", "%00", "ab" * 20, "A" * 40])
def test_an_unknown_id_is_a_404_in_json(gateway: Gateway, file_id: str) -> None:
    got = gateway.client.get(f"/files/b/{file_id}/x.png")
    assert (got.status_code, got.json()) == (404, {"detail": "File not found"})


def test_the_cdn_prefix_and_doubled_slashes_lead_to_the_same_file(gateway: Gateway) -> None:
    path = stored(gateway).removeprefix(gateway.url)
    assert gateway.client.get("/cdn" + path).content == DATA
    assert gateway.client.get(gateway.url + "/" + path + "/").content == DATA


def test_a_reader_who_leaves_does_no_harm(gateway: Gateway) -> None:
    url = stored(gateway, bytes(8_000_000), "video/mp4", "x.mp4")
    with gateway.client.stream("GET", url) as half:
        next(half.iter_raw(1000))
    assert len(gateway.client.get(url).content) == 8_000_000


@settings(deadline=None, max_examples=40)
@given(first=st.integers(0, 3000), last=st.integers(0, 3000))
def test_any_range_is_the_slice(gateway: Gateway, shared: str, first: int, last: int) -> None:
    got = gateway.client.get(shared, headers={"range": f"bytes={first}-{last}"})
    if last < first:
        assert (got.status_code, got.content) == (200, DATA)
    elif first >= len(DATA):
        assert got.status_code == 416
    else:
        assert (got.status_code, got.content) == (206, DATA[first : last + 1])
