"""fal, pretended as a vendor: the queue of every endpoint of ours, uploads, and errors in the platform's two shapes."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.content import mp3, mp4, png
from rushes.fakes.fake import Fake
from rushes.fakes.fal import app
from rushes.fakes.inputs import look_at_film, look_at_still
from rushes.fakes.serving import running
from rushes.families import ENDPOINTS
from rushes.fields import media_inputs
from tests.fakes.fetch import fetch, plain_client

KLING = "fal-ai/kling-video/v2.1/master/text-to-video"


@pytest.fixture
def fake() -> Fake:
    return Fake(key="id:secret")


@pytest.fixture
def fal(fake: Fake) -> Iterator[httpx2.Client]:
    with (
        running(app(fake)) as url,
        plain_client(base_url=url, headers={"authorization": f"Key {fake.key}"}) as client,
    ):
        yield client


def upload(fal: httpx2.Client, content: bytes, kind: str = "image/png") -> str:
    asked = {"content_type": kind, "file_name": "ä b.png"}
    where = fal.post("/storage/upload/initiate?storage_type=fal-cdn-v3", json=asked).json()
    assert (
        httpx2.put(where["upload_url"], verify=False, content=content, headers={"content-type": kind}).status_code
        == 200
    )
    url: str = where["file_url"]
    return url


def submit(fal: httpx2.Client, body: dict[str, Any], endpoint: str = KLING) -> dict[str, Any]:
    answer = fal.post(f"/{endpoint}", json=body)
    assert answer.status_code == 200, answer.text
    queued: dict[str, Any] = answer.json()
    assert answer.headers["x-fal-request-id"] == queued["request_id"]
    return queued


def result(fal: httpx2.Client, body: dict[str, Any], endpoint: str = KLING) -> httpx2.Response:
    queued = submit(fal, body, endpoint)
    while fal.get(queued["status_url"]).status_code == 202:
        pass
    return fal.get(queued["response_url"])


def test_a_request_goes_through_the_queue_to_a_film_of_the_asked_length_and_shape(fal: httpx2.Client) -> None:
    queued = submit(fal, {"prompt": "a boat", "duration": "10", "aspect_ratio": "9:16"})
    assert queued["response_url"] + "/status" == queued["status_url"]
    assert fal.get(queued["response_url"]).json() == {"detail": "Request is still in progress"}
    states = [fal.get(queued["status_url"], params={"logs": 1}) for _ in range(2)]
    assert [(one.status_code, one.json()["status"]) for one in states] == [(202, "IN_PROGRESS"), (200, "COMPLETED")]
    answer = fal.get(queued["response_url"])
    film = look_at_film(fetch(answer.json()["video"]["url"]).content)
    assert film.seconds == pytest.approx(10, abs=0.1)
    assert film.width < film.height
    assert float(answer.headers["x-fal-billable-units"]) > 0
    assert fal.get(queued["response_url"]).json() == answer.json(), "a result can be had again"


@pytest.mark.parametrize("endpoint", sorted(ENDPOINTS))
def test_every_endpoint_of_ours_is_answered_by_a_valid_output(fal: httpx2.Client, endpoint: str) -> None:
    described = ENDPOINTS[endpoint]
    files = {"image": png(64, 48), "video": mp4(64, 48, 2), "audio": mp3(11)}
    body = json.loads(json.dumps(described.example, default=str))
    for given in media_inputs(described.input.model_validate(body)):
        if given.field.kind != "voice":
            at: Any = body
            for part in given.loc[1:-1]:
                at = at[part]
            at[given.loc[-1]] = upload(fal, files[given.field.kind])
    answer = result(fal, body, endpoint)
    assert answer.status_code == 200, answer.text
    made = described.output.model_validate(answer.json())
    assert made.model_dump()
    assert "x-fal-billable-units" in answer.headers


def test_an_endpoint_that_nobody_described_has_a_video(fal: httpx2.Client) -> None:
    answer = result(fal, {"prompt": "x"}, "somebody/model/v9").json()
    assert look_at_film(fetch(answer["video"]["url"]).content).seconds == pytest.approx(5, abs=0.1)


def test_uploads_are_kept_byte_by_byte_without_a_key(fal: httpx2.Client) -> None:
    got = fetch(upload(fal, png(30, 20)))
    assert (got.content, got.headers["content-type"]) == (png(30, 20), "image/png")
    assert look_at_still(got.content).width == 30


def test_what_is_wrong_with_an_input_is_told_as_its_result(fal: httpx2.Client) -> None:
    queued = submit(fal, {"duration": "7"})
    while (state := fal.get(queued["status_url"])).status_code == 202:
        pass
    answer = fal.get(queued["response_url"])
    assert answer.status_code == 422
    assert {".".join(one["loc"]): one["type"] for one in answer.json()["detail"]} == {
        "body.prompt": "missing",
        "body.duration": "literal_error",
    }
    assert (state.json()["status"], state.json()["error_type"]) == ("COMPLETED", "missing")
    assert answer.headers["x-fal-retryable"] == "false"
    assert answer.headers["x-fal-billable-units"] == "0"


def test_files_of_an_input_are_fetched_and_opened(fal: httpx2.Client) -> None:
    endpoint = "fal-ai/kling-video/v2.1/standard/image-to-video"
    for url, kind in (
        (str(fal.base_url) + "/files/no/no.png", "file_download_error"),
        (upload(fal, b"no picture"), "image_load_error"),
    ):
        problem = result(fal, {"prompt": "x", "image_url": url}, endpoint).json()["detail"][0]
        assert (problem["type"], problem["loc"]) == (kind, ["body", "image_url"])
    tall = result(fal, {"prompt": "x", "image_url": upload(fal, png(40, 80))}, endpoint).json()
    film = look_at_film(fetch(tall["video"]["url"]).content)
    assert film.width < film.height


@pytest.mark.parametrize(
    ("header", "words"), [({}, "Authentication is required"), ({"authorization": "Key x"}, "format")]
)
def test_missing_and_malformed_keys_are_told_apart(fal: httpx2.Client, header: dict[str, str], words: str) -> None:
    fal.headers.pop("authorization")
    for answer in (fal.post(f"/{KLING}", json={}, headers=header), fal.get("/a/b/requests/1/status", headers=header)):
        assert answer.status_code == 401
        assert words in answer.json()["detail"]
    unknown = fal.post(f"/{KLING}", json={}, headers={"authorization": "Key id:wrong"})
    assert unknown.json() == {"detail": "No user found for Key ID and Secret"}


def test_a_request_is_cancelled_once(fal: httpx2.Client, fake: Fake) -> None:
    queued = submit(fal, {"prompt": "x"})
    first, second = (fal.put(queued["cancel_url"]) for _ in range(2))
    assert (first.status_code, first.json()["status"]) == (202, "CANCELLATION_REQUESTED")
    assert (second.status_code, second.json()["status"]) == (400, "ALREADY_COMPLETED")
    state, answer = fal.get(queued["status_url"]).json(), fal.get(queued["response_url"])
    assert (state["status"], state["error_type"]) == ("COMPLETED", "client_cancelled")
    assert (answer.status_code, answer.headers["x-fal-error-type"]) == (499, "client_cancelled")


@pytest.mark.parametrize(
    ("fault", "status", "type_"),
    [
        ("key", 401, None),
        ("balance", 403, None),
        ("rate", 429, None),
        ("concurrency", 429, "concurrent_requests_limit"),
        ("invalid", 422, "value_error"),
        ("moderated", 422, "content_policy_violation"),
        ("server_error", 500, "internal_error"),
        ("unknown", 418, None),
    ],
)
def test_every_fault_has_its_shape(fal: httpx2.Client, fake: Fake, fault: str, status: int, type_: str | None) -> None:
    fake.plan.retry_after_s = 4
    answer = fal.post(f"/{KLING}", json={"prompt": f"fake:{fault}"})
    body = answer.json()
    found = body["detail"][0]["type"] if isinstance(body["detail"], list) else body.get("error_type")
    assert (answer.status_code, found, len(fake.tasks)) == (status, type_, 0)
    assert answer.headers.get("retry-after") == ("4" if status == 429 else None)
    if "error_type" in body:
        assert answer.headers["x-fal-error-type"] == type_
    assert fal.get(submit(fal, {"prompt": f"fake:poll_{fault}"})["status_url"]).status_code == status


@pytest.mark.parametrize(
    ("end", "status", "type_"),
    [
        ("failed", 500, "internal_server_error"),
        ("moderated", 422, "content_policy_violation"),
        ("cancelled", 499, "client_cancelled"),
    ],
)
def test_a_request_may_end_badly(fal: httpx2.Client, end: str, status: int, type_: str) -> None:
    answer = result(fal, {"prompt": f"fake:end_{end}"})
    body = answer.json()
    assert answer.status_code == status
    assert (body["detail"][0]["type"] if isinstance(body["detail"], list) else body["error_type"]) == type_


def test_a_status_may_be_unknown_a_request_forgotten_a_link_expired_or_broken(fal: httpx2.Client) -> None:
    odd = submit(fal, {"prompt": "fake:end_unknown fake:looks=0"})
    assert fal.get(odd["status_url"]).json()["status"] == "CONTEMPLATING"
    lost = submit(fal, {"prompt": "fake:end_lost fake:looks=0"})
    assert fal.get(lost["status_url"]).json()["status"] == "NOT_FOUND"
    told = fal.get(submit(fal, {"prompt": "fake:end_lost"})["status_url"] + "/stream").text
    assert told.count("data: ") == 2, "the stream ends where the request is forgotten"
    late = result(fal, {"prompt": "fake:end_link_expired"}).json()["video"]["url"]
    assert fetch(late).status_code == 403
    with pytest.raises(httpx2.TransportError):
        fetch(result(fal, {"prompt": "fake:end_link_broken"}).json()["video"]["url"])


def test_a_connection_may_end_before_or_after_the_request_was_taken(fal: httpx2.Client, fake: Fake) -> None:
    for kept, tasks in ((False, 0), (True, 1)):
        fake.plan.keeps_lost = kept
        with pytest.raises(httpx2.TransportError):
            submit(fal, {"prompt": "fake:hang_up"})
        assert len(fake.tasks) == tasks


def test_states_come_as_events_until_the_end_and_paths_may_have_a_prefix(fal: httpx2.Client) -> None:
    queued = submit(fal, {"prompt": "x"}, f"queue/{KLING}")
    assert "/queue/fal-ai/kling-video/requests/" in queued["status_url"]
    lines = fal.get(queued["status_url"] + "/stream").text.split("\n\n")
    words = [json.loads(line.removeprefix("data: "))["status"] for line in lines if line]
    assert words == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert fal.get(queued["response_url"] + "/response").status_code == 200
