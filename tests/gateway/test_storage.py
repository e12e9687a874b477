"""Uploading and reading files through a real server, by hand and with the official Python client."""

import asyncio
import gc
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import fal_client
import fal_client.client
import httpx2
import pytest

from tests.gateway.live import KEY, Gateway, running

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for all: nothing here depends on what others stored, only on the clock, which goes forward."""
    with running(tmp_path_factory.mktemp("data"), max_upload_bytes=300_000) as gateway:
        yield gateway


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    """A caller without a key."""
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        yield client


def initiate(gateway: Gateway, body: Any = None, **more: Any) -> dict[str, str]:
    path = "/storage/upload/initiate?storage_type=fal-cdn-v3"
    response = gateway.client.post(
        path, json={"content_type": "image/png", "file_name": "x.png"} | (body or {}), **more
    )
    assert response.status_code == 200, response.text
    answer: dict[str, str] = response.json()
    return answer


def upload(gateway: Gateway, data: bytes = PNG, **headers: str) -> str:
    response = gateway.client.post("/files/upload", content=data, headers={"content-type": "image/png"} | headers)
    assert response.status_code == 200, response.text
    url: str = response.json()["access_url"]
    return url


def drafts(gateway: Gateway) -> list[Path]:
    return list((gateway.services.settings.data / "files" / "incoming").glob("*/*"))


# Initiate and PUT (7.2)


def test_initiate_then_put_without_a_key_then_read(gateway: Gateway, stranger: httpx2.Client) -> None:
    promise = initiate(gateway)
    assert set(promise) == {"upload_url", "file_url"}
    assert promise["upload_url"].startswith(gateway.url + "/files/upload/")
    assert promise["file_url"].startswith(gateway.url + "/files/b/")
    assert promise["file_url"].endswith("/x.png")
    assert stranger.get(promise["file_url"]).status_code == 404
    assert stranger.put(promise["upload_url"], content=PNG, headers={"content-type": "image/png"}).is_success
    got = stranger.get(promise["file_url"])
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, PNG, "image/png")


def test_a_key_on_the_put_does_no_harm(gateway: Gateway) -> None:
    assert gateway.client.put(initiate(gateway)["upload_url"], content=PNG).is_success


@pytest.mark.parametrize("query", ["", "?storage_type=gcs", "?storage_type=fal-cdn-v3"])
@pytest.mark.parametrize("prefix", ["", "/rest"])
def test_any_storage_type_and_both_layouts_are_served(gateway: Gateway, prefix: str, query: str) -> None:
    response = gateway.client.post(f"{prefix}/storage/upload/initiate{query}", json={})
    assert response.status_code == 200


def test_on_fals_own_host_urls_name_that_host(gateway: Gateway) -> None:
    promise = initiate(gateway, headers={"host": "rest.fal.ai"})
    assert promise["file_url"].startswith("http://rest.fal.ai/files/b/")


@pytest.mark.parametrize(
    ("name", "kept"),
    [("a b+c.png", "a b+c.png"), ("../../ü/日本.png", "日本.png"), ("x\u202ey.png", "xy.png"), ("", "file.png")],
)
def test_names_are_cleaned_and_percent_encoded(gateway: Gateway, name: str, kept: str) -> None:
    promise = initiate(gateway, {"file_name": name})
    assert promise["file_url"].rsplit("/", 1)[1] == quote(kept, safe="")
    gateway.client.put(promise["upload_url"], content=b"x")
    disposition = gateway.client.get(promise["file_url"]).headers["content-disposition"]
    assert disposition.endswith(f"filename*=UTF-8''{quote(kept, safe='')}")


def test_the_type_given_at_put_wins_over_the_promised_and_both_over_the_content(gateway: Gateway) -> None:
    first, second = initiate(gateway, {"content_type": "video/mp4"}), initiate(gateway, {"content_type": "video/mp4"})
    third = initiate(gateway, {"content_type": None})
    gateway.client.put(first["upload_url"], content=PNG, headers={"content-type": "image/webp"})
    gateway.client.put(second["upload_url"], content=PNG)
    gateway.client.put(third["upload_url"], content=PNG)
    kinds = [gateway.client.head(p["file_url"]).headers["content-type"] for p in (first, second, third)]
    assert kinds == ["image/webp", "video/mp4", "image/png"]


def test_a_type_that_says_only_that_nobody_knows_is_read_off_the_content(gateway: Gateway) -> None:
    unknown = {"content-type": "application/octet-stream"}
    promise = initiate(gateway, {"content_type": "application/octet-stream"})
    gateway.client.put(promise["upload_url"], content=PNG, headers=unknown)
    whole = gateway.client.post("/files/upload", content=b"no type shows", headers=unknown).json()["access_url"]
    kinds = [gateway.client.head(url).headers["content-type"] for url in (promise["file_url"], whole)]
    assert kinds == ["image/png", "application/octet-stream"]


def test_the_same_bytes_again_are_fine_and_other_bytes_refused(gateway: Gateway) -> None:
    promise = initiate(gateway)
    assert gateway.client.put(promise["upload_url"], content=PNG).is_success
    assert gateway.client.put(promise["upload_url"], content=PNG).is_success
    refused = gateway.client.put(promise["upload_url"], content=b"other")
    assert refused.status_code == 403
    assert "used already" in refused.json()["detail"]
    assert gateway.client.get(promise["file_url"]).content == PNG


def test_an_upload_url_that_is_over_or_made_up_is_refused(gateway: Gateway) -> None:
    url = initiate(gateway)["upload_url"]
    forged = url[:-3] + ("aaa" if url[-3:] != "aaa" else "bbb")
    assert gateway.client.put(forged, content=PNG).status_code == 403
    gateway.clock.ahead_s += 3_601
    late = gateway.client.put(url, content=PNG)
    assert late.status_code == 403
    assert "initiate a new upload" in late.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff\xfe", b'{"file_name": 3}', b'{"content_type": {}}', b"NaN"])
def test_a_malformed_body_is_a_422_that_says_what_is_wrong(gateway: Gateway, body: bytes) -> None:
    response = gateway.client.post("/storage/upload/initiate", content=body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["msg"]


def test_no_body_at_all_is_an_empty_object(gateway: Gateway) -> None:
    response = gateway.client.post("/storage/upload/initiate")
    assert response.json()["file_url"].endswith("/file")


@pytest.mark.parametrize("path", ["/storage/upload/initiate", "/storage/auth/token", "/files/upload"])
@pytest.mark.parametrize("authorization", [None, "Key me:wrong", "Bearer made.up", "nonsense"])
def test_without_a_good_key_nothing_is_promised_or_taken(
    stranger: httpx2.Client, path: str, authorization: str | None
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    response = stranger.post(path, content=b"{}", headers=headers)
    assert response.status_code == 401
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/storage/upload/initiate", 405),
        ("DELETE", "/files/b/0/x", 405),
        ("GET", "/files/upload", 405),
        ("POST", "/files/upload/token", 405),
        ("GET", "/storage/other", 404),
        ("GET", "/files/b/0", 404),
        ("GET", "/files", 404),
    ],
)
def test_what_is_not_a_route_is_refused_as_json(gateway: Gateway, method: str, path: str, status: int) -> None:
    response = gateway.client.request(method, path)
    assert response.status_code == status
    assert response.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/files/upload/token/3", "PUT"),
        ("GET", "/files/upload/token/complete", "POST"),
        ("PUT", "/files/upload/multipart", "POST"),
        ("POST", "/files/b/0/x/multipart/token", "GET"),
        ("POST", "/files/b/0/x/multipart/token/3", "PUT"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(gateway: Gateway, method: str, path: str, allowed: str) -> None:
    response = gateway.client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allowed)


# CDN token and POST (7.4)


def test_the_token_answer_has_its_five_members_and_aware_dates(gateway: Gateway) -> None:
    answer = gateway.client.post("/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    assert set(answer) == {"token", "token_type", "base_url", "created_at", "expires_at"}
    assert (answer["token_type"], answer["base_url"]) == ("Bearer", gateway.url)
    assert len(answer["expires_at"]) == len("2026-01-02T00:00:00.000000+00:00")
    assert answer["expires_at"].endswith("+00:00")
    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["created_at"])
    assert lasts.total_seconds() == 86_400


@pytest.mark.parametrize(
    ("asked", "lasts"), [(60, 60), (1e12, 604_800), (10**400, 604_800), (0, 86_400), (-5, 86_400), ("x", 86_400)]
)
def test_a_token_lasts_as_long_as_asked_within_a_week(gateway: Gateway, asked: object, lasts: float) -> None:
    answer = gateway.client.post("/storage/auth/token", json={"expiration_seconds": asked}).json()
    dates = [datetime.fromisoformat(answer[name]) for name in ("created_at", "expires_at")]
    assert (dates[1] - dates[0]).total_seconds() == lasts


def test_a_token_uploads_for_its_account_until_it_expires(gateway: Gateway, stranger: httpx2.Client) -> None:
    answer = gateway.client.post("/storage/auth/token", json={"expiration_seconds": 60}).json()
    headers = {"authorization": f"{answer['token_type']} {answer['token']}", "x-fal-file-name": "x.png"}
    for path in ("/files/upload", "/cdn/files/upload"):
        response = stranger.post(path, content=PNG, headers=headers)
        assert response.status_code == 200
        assert set(response.json()) == {"access_url"}
    stored = gateway.call(gateway.services.files.stat(response.json()["access_url"].split("/")[-2]))
    assert stored is not None
    assert stored.account == "admin"
    gateway.clock.ahead_s += 61
    assert stranger.post("/files/upload", content=PNG, headers=headers).status_code == 401


def test_an_upload_without_a_name_gets_one(gateway: Gateway) -> None:
    assert upload(gateway).endswith("/file.png")


def test_a_name_in_utf_8_bytes_is_understood(gateway: Gateway) -> None:
    headers = {"x-fal-file-name": "日本.png".encode()}
    response = gateway.client.post("/files/upload", content=PNG, headers=headers)  # type: ignore[arg-type]
    assert response.json()["access_url"].endswith(quote("日本.png"))


def test_the_same_upload_twice_has_one_address_and_other_content_another(gateway: Gateway) -> None:
    assert upload(gateway, b"one") == upload(gateway, b"one") != upload(gateway, b"two")


def test_an_empty_file_is_a_file(gateway: Gateway) -> None:
    got = gateway.client.get(upload(gateway, b""))
    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


# Limits


def test_a_declared_size_above_the_limit_is_refused_before_the_body_is_read(gateway: Gateway) -> None:
    host, port = urlsplit(gateway.url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        head = f"POST /files/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Key {KEY}\r\nContent-Length: 300001\r\n\r\n"
        raw.sendall(head.encode())
        answer = b"".join(iter(lambda: raw.recv(4096), b""))  # the server closes, although no byte of the body came
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert b"300000 bytes" in answer


def test_a_stream_of_unknown_length_is_cut_at_the_limit(gateway: Gateway) -> None:
    def body() -> Iterator[bytes]:
        for _ in range(40):
            yield bytes(10_000)

    connection = http.client.HTTPConnection(urlsplit(gateway.url).netloc, timeout=5)
    headers = {"Authorization": f"Key {KEY}", "Transfer-Encoding": "chunked"}
    with suppress(BrokenPipeError, ConnectionResetError):  # refused while we were still sending
        connection.request("POST", "/files/upload", body(), headers, encode_chunked=True)
    with connection.getresponse() as response:
        assert response.status == 413
        response.read()
    connection.close()
    assert drafts(gateway) == []


def test_exactly_the_limit_is_taken(gateway: Gateway) -> None:
    assert gateway.client.head(upload(gateway, bytes(300_000))).headers["content-length"] == "300000"


def test_an_aborted_upload_leaves_nothing(gateway: Gateway) -> None:
    promise = initiate(gateway)
    target = urlsplit(promise["upload_url"])
    with socket.create_connection((target.hostname or "", target.port or 0), timeout=5) as raw:
        raw.sendall(f"PUT {target.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n".encode() + bytes(70_000))
        deadline = time.monotonic() + 30
        while not drafts(gateway) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert drafts(gateway)
    while drafts(gateway) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert drafts(gateway) == []
    assert gateway.client.get(promise["file_url"]).status_code == 404
    assert gateway.client.put(promise["upload_url"], content=PNG).is_success


# Lifecycle (7.7)


@pytest.mark.parametrize("header", ["x-fal-object-lifecycle", "x-fal-object-lifecycle-preference"])
def test_a_file_with_a_lifetime_is_gone_after_it(gateway: Gateway, header: str) -> None:
    url = upload(gateway, header.encode(), **{header: '{"expiration_duration_seconds": 3600}'})
    assert gateway.client.get(url).headers["cache-control"].startswith("public, max-age=35")
    gateway.clock.ahead_s += 3_600
    assert gateway.client.get(url).status_code == 404


def test_a_promised_file_keeps_its_lifetime(gateway: Gateway) -> None:
    promise = initiate(gateway, headers={"x-fal-object-lifecycle": '{"expiration_duration_seconds": 1800}'})
    gateway.client.put(promise["upload_url"], content=PNG)
    gateway.clock.ahead_s += 1_801
    assert gateway.client.get(promise["file_url"]).status_code == 404


def test_a_malformed_lifecycle_is_a_400_on_uploads(gateway: Gateway) -> None:
    response = gateway.client.post("/files/upload", content=b"x", headers={"x-fal-object-lifecycle": "{"})
    assert response.status_code == 400
    assert "x-fal-object-lifecycle" in response.json()["detail"]


# The official Python client (11.4)


leaky = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
"""The client leaves its connections to the garbage collector."""


@pytest.fixture
def pointed(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The client's own settings are constants of its module; this sets them, as protocol 2.3 C describes."""
    monkeypatch.setattr(fal_client.client, "REST_URL", gateway.url + "/rest")
    monkeypatch.setattr(fal_client.client, "CDN_URL", gateway.url + "/cdn")
    yield gateway
    gc.collect()


@leaky
@pytest.mark.parametrize("name", ["x.png", "a b+c.png", "日本.png"])
def test_the_client_uploads_a_file(pointed: Gateway, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PNG)
    url = fal_client.SyncClient(key=KEY).upload_file(path)
    assert url.endswith("/" + quote(name))
    got = pointed.client.get(url)
    assert (got.content, got.headers["content-type"]) == (PNG, "image/png")


@leaky
@pytest.mark.parametrize("name", ["x.png", "日本.png"])
def test_the_async_client_uploads_a_file(pointed: Gateway, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PNG)

    async def go() -> str:
        return await fal_client.AsyncClient(key=KEY).upload_file(path)

    assert pointed.client.get(asyncio.run(go())).content == PNG


@leaky
def test_the_client_uploads_bytes_without_a_name(pointed: Gateway) -> None:
    url = fal_client.SyncClient(key=KEY).upload(PNG, "image/png")
    assert url.endswith("/file.png")
    assert pointed.client.get(url).content == PNG
