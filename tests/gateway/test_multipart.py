"""Uploads in parts, in both clients' dialects, against a real server."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import fal_client
import fal_client.client
import httpx2
import pytest

from tests.gateway.live import KEY, Gateway, running

PARTS = [random.Random(n).randbytes(40_000) for n in range(1, 12)]  # more than nine: "10" comes before "2" as text
WHOLE = b"".join(PARTS)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("data"), max_upload_bytes=500_000) as gateway:
        yield gateway


@pytest.fixture
def stranger(gateway: Gateway) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=gateway.url, trust_env=False) as client:
        yield client


def initiate(gateway: Gateway) -> dict[str, str]:
    """As the JavaScript client begins."""
    body = {"content_type": "video/mp4", "file_name": "x y.mp4"}
    answer = gateway.client.post("/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3", json=body)
    assert answer.status_code == 200
    promise: dict[str, str] = answer.json()
    return promise


def put_parts(gateway: Gateway, url: str, numbers: list[int]) -> list[dict[str, Any]]:
    return [gateway.client.put(f"{url}/{n}", content=PARTS[n - 1]).json() for n in numbers]


def files(gateway: Gateway) -> int:
    return len(list((gateway.services.settings.data / "files").glob("??/*")))


def test_the_javascript_way_needs_no_key_after_the_start(gateway: Gateway, stranger: httpx2.Client) -> None:
    promise, before = initiate(gateway), files(gateway)
    listed = []
    for number, part in enumerate(PARTS, start=1):
        answer = stranger.put(f"{promise['upload_url']}/{number}", content=part)
        assert answer.json() == {"partNumber": number, "etag": answer.headers["etag"]}
        listed.append(answer.json())
    assert stranger.get(promise["file_url"]).status_code == 404
    assert stranger.post(promise["upload_url"] + "/complete", json={"parts": listed}).is_success
    got = stranger.get(promise["file_url"])
    assert (got.content, got.headers["content-type"]) == (WHOLE, "video/mp4")
    assert files(gateway) == before + 1


def test_the_python_way_lists_the_parts_in_any_order(gateway: Gateway) -> None:
    headers = {"content-type": "video/mp4", "x-fal-file-name": "x.mp4"}
    begun = gateway.client.post("/files/upload/multipart", headers=headers).json()
    assert set(begun) == {"access_url", "uploadId"}
    numbers = [3, 11, 1, 10, 2, 9, 4, 8, 5, 7, 6]
    url = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    listed = put_parts(gateway, url, numbers)
    assert gateway.client.post(url + "/complete", json={"parts": listed}).is_success
    assert gateway.client.get(begun["access_url"]).content == WHOLE


def test_a_part_sent_again_counts_as_sent_last(gateway: Gateway) -> None:
    promise = initiate(gateway)
    gateway.client.put(promise["upload_url"] + "/1", content=b"wrong")
    listed = put_parts(gateway, promise["upload_url"], [1])
    gateway.client.post(promise["upload_url"] + "/complete", json={"parts": listed})
    assert gateway.client.get(promise["file_url"]).content == PARTS[0]


def test_completing_twice_answers_the_same(gateway: Gateway) -> None:
    promise = initiate(gateway)
    body = {"parts": put_parts(gateway, promise["upload_url"], [1, 2])}
    answers = [gateway.client.post(promise["upload_url"] + "/complete", json=body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_a_completion_that_another_one_overtook_answers_the_same(gateway: Gateway, stranger: httpx2.Client) -> None:
    promise = initiate(gateway)
    url, body = promise["upload_url"] + "/complete", {"parts": put_parts(gateway, promise["upload_url"], [1, 2])}

    def slowly() -> Iterator[bytes]:
        yield b" "
        assert gateway.client.post(url, json=body).is_success
        yield json.dumps(body).encode()

    answer = stranger.post(url, content=slowly())
    assert (answer.status_code, answer.json()) == (200, {"access_url": promise["file_url"]})


def test_completing_many_times_at_once_answers_the_same(gateway: Gateway, stranger: httpx2.Client) -> None:
    promise = initiate(gateway)
    listed = put_parts(gateway, promise["upload_url"], list(range(1, 12)))

    def complete(delay_s: float) -> httpx2.Response:
        time.sleep(delay_s)
        return stranger.post(promise["upload_url"] + "/complete", json={"parts": listed})

    with ThreadPoolExecutor(12) as callers:
        answers = list(callers.map(complete, [number / 1_000 for number in range(0, 24, 2)]))
    assert [answer.status_code for answer in answers] == [200] * 12, [answer.text for answer in answers]
    assert {answer.json()["access_url"] for answer in answers} == {promise["file_url"]}
    assert gateway.client.get(promise["file_url"]).content == WHOLE


@pytest.mark.parametrize(
    ("parts", "status", "why"),
    [
        ([{"partNumber": 1}, {"partNumber": 3}], 400, "Part 3 was not uploaded"),
        ([{"partNumber": 1, "etag": '"other"'}], 400, "Part 1 has the etag"),
        ([{"partNumber": 1}, {"partNumber": 1}], 400, "Part 1 is listed twice"),
        ([], 422, "at least 1"),
        ([{"partNumber": 0}], 422, "greater than or equal to 1"),
        ([{"etag": "x"}], 422, "required"),
    ],
)
def test_a_list_that_is_not_the_upload_is_refused(gateway: Gateway, parts: object, status: int, why: str) -> None:
    url = initiate(gateway)["upload_url"]
    put_parts(gateway, url, [1, 2])
    answer = gateway.client.post(url + "/complete", json={"parts": parts})
    assert answer.status_code == status
    assert why in answer.text


def test_etags_count_with_or_without_their_quotes_or_not_at_all(gateway: Gateway) -> None:
    promise = initiate(gateway)
    first, second, third = put_parts(gateway, promise["upload_url"], [1, 2, 3])
    listed = [{**first, "etag": first["etag"].strip('"')}, second, {"partNumber": third["partNumber"]}]
    assert gateway.client.post(promise["upload_url"] + "/complete", json={"parts": listed}).is_success


@pytest.mark.parametrize("number", ["0", "10001", "x", "1e3", "-1", "1234567"])
def test_a_part_number_out_of_range_is_refused(gateway: Gateway, number: str) -> None:
    answer = gateway.client.put(f"{initiate(gateway)['upload_url']}/{number}", content=b"x")
    assert answer.status_code == 400
    assert "1 to 10000" in answer.json()["detail"]


def test_parts_that_are_too_large_together_are_refused(gateway: Gateway) -> None:
    url = initiate(gateway)["upload_url"]
    listed = [gateway.client.put(f"{url}/{n}", content=bytes(300_000)).json() for n in (1, 2)]
    answer = gateway.client.post(url + "/complete", json={"parts": listed})
    assert answer.status_code == 413
    assert gateway.client.put(f"{url}/3", content=bytes(500_001)).status_code == 413


def test_a_token_for_one_way_is_none_for_the_other(gateway: Gateway) -> None:
    assert gateway.client.put(initiate(gateway)["upload_url"], content=b"x").status_code == 403
    assert gateway.client.put(f"{gateway.url}/files/upload/made.up/1", content=b"x").status_code == 403


def test_an_upload_that_is_given_up_goes_away_by_itself(gateway: Gateway) -> None:
    gateway.call(gateway.services.files.sweep())
    before = files(gateway)
    put_parts(gateway, initiate(gateway)["upload_url"], [1, 2])
    assert files(gateway) == before + 2
    gateway.clock.ahead_s += 90_000
    assert gateway.call(gateway.services.files.sweep()) >= 2
    assert files(gateway) <= before


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("sync", [True, False])
def test_the_client_uploads_a_large_file_in_parts(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sync: bool
) -> None:
    monkeypatch.setattr(fal_client.client, "REST_URL", gateway.url + "/rest")
    monkeypatch.setattr(fal_client.client, "CDN_URL", gateway.url + "/cdn")
    monkeypatch.setattr(fal_client.client, "MULTIPART_THRESHOLD", 100_000)
    monkeypatch.setattr(fal_client.client, "MULTIPART_CHUNK_SIZE", 40_000)
    path = tmp_path / "x.mp4"
    path.write_bytes(WHOLE)
    client = fal_client.SyncClient(key=KEY) if sync else fal_client.AsyncClient(key=KEY)
    done = client.upload_file(path)
    url = done if isinstance(done, str) else asyncio.run(_awaited(done))
    assert gateway.client.get(url).content == WHOLE


async def _awaited(done: Any) -> Any:
    return await done


def test_a_client_that_lost_its_state_learns_which_parts_came_and_goes_on(
    gateway: Gateway, stranger: httpx2.Client
) -> None:
    url = initiate(gateway)["upload_url"]
    assert stranger.get(url).json() == {"parts": [], "completed": False}
    put_parts(gateway, url, [3, 1])
    came = stranger.get(url).json()["parts"]
    assert [(part["partNumber"], part["size"]) for part in came] == [(1, 40_000), (3, 40_000)]
    put_parts(gateway, url, [2])
    listed = stranger.get(url).json()["parts"]
    done = stranger.post(f"{url}/complete", json={"parts": listed})
    assert stranger.get(done.json()["access_url"]).content == b"".join(PARTS[:3])
    assert stranger.get(url).json() == {"parts": [], "completed": True}


def test_parts_are_listed_in_the_python_dialect_too_and_for_the_right_upload_only(gateway: Gateway) -> None:
    begun = gateway.client.post("/files/upload/multipart").json()
    url = f"{begun['access_url']}/multipart/{begun['uploadId']}"
    put_parts(gateway, url, [1])
    assert [part["partNumber"] for part in gateway.get(url).json()["parts"]] == [1]
    assert gateway.get(url[:-2] + "xx").status_code == 403
    assert gateway.get(initiate(gateway)["upload_url"]).json()["parts"] == []


@pytest.mark.parametrize("write", ["{}", '"{}"', 'W/"{}"', "", None])
def test_an_etag_is_taken_in_every_spelling(gateway: Gateway, write: str | None) -> None:
    url = initiate(gateway)["upload_url"]
    [part] = put_parts(gateway, url, [1])
    tag = write if write is None else write.format(part["etag"].strip('"'))
    assert gateway.client.post(f"{url}/complete", json={"parts": [{"partNumber": 1, "etag": tag}]}).is_success


def test_a_part_that_is_never_completed_goes_with_its_time(gateway: Gateway) -> None:
    url, before = initiate(gateway)["upload_url"], files(gateway)
    put_parts(gateway, url, [1, 2])
    assert files(gateway) == before + 2
    gateway.clock.ahead_s += 86_401
    gateway.call(gateway.services.files.sweep())
    assert files(gateway) <= before


def test_only_uploads_have_parts_to_list(gateway: Gateway) -> None:
    refused = gateway.get("/files/upload/multipart")
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
