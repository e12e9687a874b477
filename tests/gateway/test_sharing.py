"""Restricted files through a real server: who may read, signed addresses, defaults, files as inputs of jobs."""

import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest

from rushes.errors import Rejection
from rushes.fields import media_inputs
from rushes.files.acl import Acl, Rule
from rushes.gateway import sharing
from rushes.gateway.runners import WITHHELD, own_file_of
from tests.gateway.live import ClipInput, Gateway, running

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
LIFECYCLE = "x-fal-object-lifecycle"
FORBID = json.dumps({"initial_acl": {"default": "forbid"}})
HIDE = json.dumps({"initial_acl": {"default": "hide"}})
ONLY_BOB = json.dumps({"initial_acl": {"default": "hide", "rules": [{"user": "bob", "decision": "allow"}]}})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("data")) as gateway:
        yield gateway


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        yield client


def caller(gateway: Gateway, account: str) -> dict[str, str]:
    key_id, secret = gateway.call(gateway.services.keys.create(account, alias="test"))
    return {"authorization": f"Key {key_id}:{secret}"}


def upload(gateway: Gateway, lifecycle: str | None, **headers: str) -> str:
    given = {"content-type": "image/png", **({LIFECYCLE: lifecycle} if lifecycle else {}), **headers}
    answer = gateway.client.post("/files/upload", content=PNG, headers=given)
    assert answer.status_code == 200, answer.text
    url: str = answer.json()["access_url"]
    return url


def file_id(url: str) -> str:
    return urlsplit(url).path.split("/")[3]


# Reading


@pytest.mark.parametrize(("lifecycle", "status"), [(FORBID, 403), (HIDE, 404), (ONLY_BOB, 404)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_restricted_file_is_refused_to_strangers(
    gateway: Gateway, stranger: httpx2.Client, lifecycle: str, status: int, method: str
) -> None:
    url = upload(gateway, lifecycle)
    for headers in ({}, {"authorization": "Key me:wrong"}, {"authorization": "Bearer made.up"}, caller(gateway, "eve")):
        assert stranger.request(method, url, headers=headers).status_code == status
    assert gateway.client.get(url).content == PNG


def test_a_hidden_file_looks_just_like_none(gateway: Gateway, stranger: httpx2.Client) -> None:
    url = upload(gateway, HIDE)
    hidden, absent = stranger.get(url), stranger.get(url.replace(file_id(url), "0" * 40))
    same = [{**answer.headers, "date": ""} for answer in (hidden, absent)]
    assert (hidden.status_code, hidden.content, same[0]) == (absent.status_code, absent.content, same[1])


def test_what_is_forbidden_says_what_to_do(gateway: Gateway, stranger: httpx2.Client) -> None:
    assert "signed URL" in stranger.get(upload(gateway, FORBID)).json()["detail"]


def test_an_account_that_is_allowed_reads_with_its_key_or_its_cdn_token(
    gateway: Gateway, stranger: httpx2.Client
) -> None:
    url, bob = upload(gateway, ONLY_BOB), caller(gateway, "bob")
    token = stranger.post("/storage/auth/token", headers=bob).json()["token"]
    for headers in (bob, {"authorization": f"Bearer {token}"}):
        assert stranger.get(url, headers=headers).content == PNG
    gateway.clock.ahead_s += 86_401
    assert stranger.get(url, headers={"authorization": f"Bearer {token}"}).status_code == 404


def test_a_cdn_token_works_no_longer_than_the_key_that_made_it(gateway: Gateway, stranger: httpx2.Client) -> None:
    key_id, secret = gateway.call(gateway.services.keys.create("bob", alias="laptop"))
    key = {"authorization": f"Key {key_id}:{secret}"}
    url = upload(gateway, ONLY_BOB)
    token = stranger.post("/storage/auth/token", headers=key).json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    own = stranger.post("/files/upload", content=b"mine", headers=bearer).json()["access_url"]
    assert stranger.get(url, headers=bearer).status_code == 200
    assert gateway.call(gateway.services.keys.revoke(key_id))
    assert stranger.get(url, headers=bearer).status_code == 404
    assert stranger.post(f"{own}/sign", json={"duration": 60}, headers=bearer).status_code == 401
    assert stranger.post("/files/upload", content=b"more", headers=bearer).status_code == 401


def test_ranges_and_conditions_work_for_those_who_may_and_nobody_else_learns_of_them(
    gateway: Gateway, stranger: httpx2.Client
) -> None:
    url = upload(gateway, FORBID)
    part = gateway.client.get(url, headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    tag = part.headers["etag"]
    assert gateway.client.get(url, headers={"if-none-match": tag}).status_code == 304
    for headers in ({"range": "bytes=1-3"}, {"if-none-match": tag}, {"if-none-match": "*"}):
        refused = stranger.get(url, headers=headers)
        assert refused.status_code == 403
        assert "etag" not in refused.headers


def test_no_cache_keeps_a_restricted_file(gateway: Gateway) -> None:
    answer = gateway.client.get(upload(gateway, FORBID))
    assert answer.headers["cache-control"] == "private, no-store"
    assert "authorization" in answer.headers["vary"].lower()
    assert "public" in gateway.client.get(upload(gateway, None)).headers["cache-control"]


@pytest.mark.parametrize("kind", ["initiate", "initiate-multipart", "cdn"])
def test_every_way_of_uploading_keeps_the_list_and_the_end(
    gateway: Gateway, stranger: httpx2.Client, kind: str
) -> None:
    headers = {LIFECYCLE: json.dumps({"expiration_duration_seconds": 60, **json.loads(FORBID)})}
    if kind == "cdn":
        begun = gateway.client.post("/files/upload/multipart", headers=headers).json()
        put, url = f"{begun['access_url']}/multipart/{begun['uploadId']}", begun["access_url"]
    else:
        promise = gateway.client.post(f"/storage/upload/{kind}", json={}, headers=headers).json()
        put, url = promise["upload_url"], promise["file_url"]
    if kind == "initiate":
        assert stranger.put(put, content=PNG).is_success
    else:
        done = stranger.put(f"{put}/1", content=PNG).json()
        assert stranger.post(f"{put}/complete", json={"parts": [done]}).is_success
    assert stranger.get(url).status_code == 403
    assert gateway.client.get(url).content == PNG
    gateway.clock.ahead_s += 61
    assert gateway.client.get(url).status_code == 404


@pytest.mark.parametrize("lifecycle", ["{", '{"initial_acl": {"default": "nobody"}}', '{"initial_acl": "hide"}'])
@pytest.mark.parametrize("header", [LIFECYCLE, "x-fal-object-lifecycle-preference"])
def test_a_malformed_lifecycle_is_refused_before_anything_is_stored(
    gateway: Gateway, lifecycle: str, header: str
) -> None:
    refused = gateway.client.post("/files/upload", content=PNG, headers={header: lifecycle})
    assert refused.status_code == 400
    assert header in refused.json()["detail"]


# Signed addresses


def sign(gateway: Gateway, url: str, body: Any = None, **more: Any) -> httpx2.Response:
    return gateway.client.post(f"{url}/sign", json=body or {"duration": 60, "scope": ["read"]}, **more)


def test_a_signed_address_opens_the_file_for_anybody_until_its_time_is_over(
    gateway: Gateway, stranger: httpx2.Client
) -> None:
    url = upload(gateway, HIDE)
    answer = sign(gateway, url)
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.startswith(f"{url}?identity=")
    assert stranger.get(answer.text).content == PNG
    assert stranger.get(answer.text, headers={"range": "bytes=0-0"}).status_code == 206
    gateway.clock.ahead_s += 61
    assert stranger.get(answer.text).status_code == 404


def test_a_signature_opens_no_other_file_and_serves_no_other_purpose(gateway: Gateway, stranger: httpx2.Client) -> None:
    one, other = upload(gateway, FORBID), upload(gateway, FORBID, **{"x-fal-file-name": "other.png"})
    identity = parse_qs(urlsplit(sign(gateway, one).text).query)["identity"][0]
    token = gateway.client.post("/storage/auth/token").json()["token"]
    assert stranger.get(one, params={"identity": identity}).is_success
    for url, given in (
        (other, identity),
        (one, identity[:-2]),
        (one, identity + "A"),
        (one, token),
        (one, "\ud83d\ude00"),
    ):
        assert (
            stranger.get(url, params={"identity": given.encode("utf-16", "surrogatepass").decode("utf-16")}).status_code
            == 403
        )
    for used in (f"/files/upload/{identity}", f"/files/upload/{identity}/1"):
        assert stranger.put(used, content=b"x").status_code == 403
    assert stranger.post("/files/upload", headers={"authorization": f"Bearer {identity}"}).status_code == 401


def test_only_the_owner_signs(gateway: Gateway, stranger: httpx2.Client) -> None:
    url, bob = upload(gateway, ONLY_BOB), caller(gateway, "bob")
    token = gateway.client.post("/storage/auth/token").json()["token"]
    statuses = [
        stranger.post(f"{url}/sign", json={"duration": 5}, headers=headers).status_code
        for headers in ({}, bob, {"authorization": f"Bearer {token}"})
    ]
    assert statuses == [401, 404, 200]


@pytest.mark.parametrize(
    "body",
    [
        {"duration": 0},
        {"duration": 604_801},
        {"duration": "soon"},
        {"scope": ["read"]},
        {"duration": 1, "scope": ["write"]},
        [],
    ],
)
def test_a_wish_to_sign_that_makes_no_sense_is_refused_at_its_member(gateway: Gateway, body: Any) -> None:
    refused = gateway.client.post(f"{upload(gateway, FORBID)}/sign", content=json.dumps(body))
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"][0] == "body"


def test_the_sign_route_takes_only_posts(gateway: Gateway) -> None:
    refused = gateway.client.get(f"{upload(gateway, FORBID)}/sign")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


# Defaults, and files as inputs


def test_the_accounts_own_settings_hold_where_an_upload_asks_for_nothing(
    gateway: Gateway, stranger: httpx2.Client
) -> None:
    gateway.call(gateway.services.storage.keep("admin", FORBID))
    try:
        asked, plain = upload(gateway, "{}"), upload(gateway, None)
    finally:
        gateway.call(gateway.services.storage.keep("admin", None))
    assert [stranger.get(url).status_code for url in (asked, plain)] == [200, 403]


def found(gateway: Gateway, account: str, url: str) -> str | None:
    [given] = media_inputs(ClipInput(prompt="x", image_url=url))
    return gateway.call(own_file_of(gateway.services, account, given))


def test_a_restricted_file_is_an_input_for_its_owner_and_whom_the_owner_lets(gateway: Gateway) -> None:
    url = upload(gateway, ONLY_BOB)
    signed = sign(gateway, url).text
    assert [found(gateway, account, url) for account in ("admin", "bob", "eve")] == [file_id(url)] * 2 + [WITHHELD]
    assert found(gateway, "eve", signed) == file_id(url)
    assert found(gateway, "eve", url + "?identity=made.up") == WITHHELD
    assert found(gateway, "admin", f"https://v3b.fal.media/files/b/{file_id(url)}/x.png") == file_id(url)
    gateway.call(gateway.services.files.set_acl(file_id(url), Acl("allow", (Rule("eve", "forbid"),))))
    assert [found(gateway, account, url) for account in ("bob", "eve")] == [file_id(url), WITHHELD]


def test_what_is_withheld_is_missing_for_its_runner(gateway: Gateway) -> None:
    runner = {"authorization": f"Key {gateway.services.keys.runner_key}"}
    assert gateway.client.get(f"/runners/files/{WITHHELD}", headers=runner).status_code == 404


@pytest.mark.parametrize(
    ("preference", "default", "then"),
    [
        (None, None, (200, True)),
        (FORBID, None, (403, True)),
        (None, HIDE, (404, True)),
        (FORBID, HIDE, (403, True)),
        ("{broken", HIDE, (404, True)),
        ('{"expiration_duration_seconds": 60}', FORBID, (200, False)),
    ],
)
def test_files_that_a_job_makes_follow_its_wish_or_else_its_accounts(
    gateway: Gateway, stranger: httpx2.Client, preference: str | None, default: str | None, then: tuple[int, bool]
) -> None:
    gateway.call(gateway.services.storage.keep("admin", default))
    gateway.submit(headers={"x-fal-object-lifecycle-preference": preference} if preference else {})
    claimed = gateway.claim()
    url, profile = (produce(gateway, claimed.lease.job_id, claimed.lease.token, n) for n in ("x.mp4", "voice.json"))
    gateway.finish(claimed)
    gateway.call(gateway.services.storage.keep("admin", None))
    to_strangers = stranger.get(url).status_code
    gateway.clock.ahead_s += 61
    assert (to_strangers, gateway.client.get(url).status_code == 200) == then
    assert gateway.client.get(profile).status_code == 200, "a voice outlives what it was made with"


def produce(gateway: Gateway, job_id: str, token: int, name: str) -> str:
    headers = {
        "authorization": f"Key {gateway.services.keys.runner_key}",
        "x-rushes-token": str(token),
        "x-rushes-file-name": name,
    }
    stored = gateway.client.put(f"/runners/jobs/{job_id}/files", content=PNG, headers=headers)
    assert stored.status_code == 200, stored.text
    return f"/files/b/{stored.json()['file_id']}/{name}"


def test_no_account_learns_of_anothers_settings(gateway: Gateway) -> None:
    gateway.call(gateway.services.storage.keep("ann", HIDE))
    assert gateway.services.storage.find("bob") is None


def test_every_refusal_is_an_error_of_its_own(gateway: Gateway) -> None:
    """One that is raised again and again keeps the frames, and so the requests, of all its times."""
    caught = []
    for _ in range(2):
        with pytest.raises(Rejection) as refused:
            gateway.call(sharing.owned(gateway.services, "me", "0" * 40))
        caught.append(refused.value)
    assert caught[0] is not caught[1]
    doors = [module for name, module in list(sys.modules.items()) if name.startswith("rushes.gateway")]
    assert [one for module in doors for one in vars(module).values() if isinstance(one, BaseException)] == []
