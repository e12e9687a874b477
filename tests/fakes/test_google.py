"""Google, pretended: both doors with plain HTTP, their errors, filtered films, and files that want the key."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.content import jpeg, png
from rushes.fakes.fake import Fake, Plan
from rushes.fakes.google import app
from rushes.fakes.inputs import look_at_film
from rushes.fakes.serving import running

MODEL = "/v1beta/models/veo-2.0-generate-001"
VERTEX = "/v1/projects/p/locations/us-central1/publishers/google/models/veo-2.0-generate-001"


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def google(fake: Fake) -> Iterator[httpx2.Client]:
    with running(app(fake)) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        client.headers["x-goog-api-key"] = fake.key
        yield client


def image(content: bytes | None = None, mime: str = "image/png") -> dict[str, str]:
    return {"bytesBase64Encoded": base64.b64encode(content or png(64, 1280)).decode(), "mimeType": mime}


def body(prompt: str = "a walk", instance: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    return {"instances": [{"prompt": prompt, **(instance or {})}], "parameters": {"durationSeconds": 5, **parameters}}


def ended(google: httpx2.Client, prompt: str = "a walk", **parameters: Any) -> dict[str, Any]:
    name = google.post(f"{MODEL}:predictLongRunning", json=body(prompt, **parameters)).json()["name"]
    while not (told := google.get(f"/v1beta/{name}").json()).get("done"):
        assert told == {"name": name}
    return dict(told)


def test_a_film_of_the_asked_length_and_shape_is_fetched_with_the_key(google: httpx2.Client, fake: Fake) -> None:
    told = ended(google, aspectRatio="9:16", durationSeconds=6, sampleCount=2)
    samples = told["response"]["generateVideoResponse"]["generatedSamples"]
    assert len(samples) == 2
    film = look_at_film(google.get(samples[0]["video"]["uri"], follow_redirects=True).content)
    assert (film.width, film.height, film.seconds, film.fps) == (180, 320, 6.0, 24.0)
    assert [seen.method for seen in fake.seen][:4] == ["POST", "GET", "GET", "GET"]
    assert fake.seen[0].body == body(aspectRatio="9:16", durationSeconds=6, sampleCount=2)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"parameters": {"durationSeconds": 9}}, "between 5 and 8"),
        ({"parameters": {"durationSeconds": "5"}}, "needs to be a number"),
        ({"parameters": {"seed": 1}}, "`seed` isn't supported"),
        ({"parameters": {"aspectRatio": "1:1"}}, "does not support `1:1`"),
        ({"parameters": {"sampleCount": 5}}, "between 1 and 4"),
        ({"parameters": {"aspectRatio": ["16:9"]}}, "does not support `['16:9']`"),
        ({"parameters": {"personGeneration": {}}}, "does not support `{}`"),
        ({"surprise": 1}, 'Unknown name "surprise"'),
        ({"instances": []}, "exactly one instance"),
        ({"instances": [{"prompt": "x", "image": {**image(), "url": "x"}}]}, "Unknown name"),
        ({"instances": [{"prompt": "x", "image": image(b"no picture")}]}, "Unable to process input image"),
        ({"instances": [{"prompt": "x", "image": image(jpeg(64, 64))}]}, "is image/jpeg, not image/png"),
        ({"instances": [{"prompt": "x", "image": image(mime="image/gif")}]}, "Unsupported mime type"),
        ({"instances": [{"prompt": "x", "image": {**image(), "mimeType": ["image/png"]}}]}, "Unsupported mime type"),
    ],
)
def test_what_is_wrong_is_an_invalid_argument(google: httpx2.Client, wrong: dict[str, Any], words: str) -> None:
    answer = google.post(f"{MODEL}:predictLongRunning", json={**body(), **wrong})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert words in error["message"]


def test_a_picture_of_an_odd_size_is_taken(google: httpx2.Client, fake: Fake) -> None:
    assert google.post(f"{MODEL}:predictLongRunning", json=body(instance={"image": image()})).status_code == 200
    assert len(fake.tasks) == 1


def test_a_picture_beyond_20_mb_is_refused(google: httpx2.Client) -> None:
    large = png(64, 64) + b"\0" * 21_000_000
    answer = google.post(f"{MODEL}:predictLongRunning", json=body(instance={"image": image(large)}))
    assert "at most 20971520" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        ("key", 400, "INVALID_ARGUMENT"),
        ("balance", 400, "FAILED_PRECONDITION"),
        ("rate", 429, "RESOURCE_EXHAUSTED"),
        ("concurrency", 429, "RESOURCE_EXHAUSTED"),
        ("invalid", 400, "INVALID_ARGUMENT"),
        ("moderated", 400, "INVALID_ARGUMENT"),
        ("server_error", 503, "UNAVAILABLE"),
    ],
)
def test_faults_have_google_s_words(google: httpx2.Client, fake: Fake, fault: Any, status: int, word: str) -> None:
    fake.plan.submits.append(fault)
    fake.plan.retry_after_s = 3
    answer = google.post(f"{MODEL}:predictLongRunning", json=body())
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, word)
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)
    assert fake.tasks == {}


def test_keys_are_looked_at(google: httpx2.Client, fake: Fake) -> None:
    bad = google.post(f"{MODEL}:predictLongRunning", json=body(), headers={"x-goog-api-key": "x"}).json()["error"]
    assert bad["details"][0]["reason"] == "API_KEY_INVALID"
    del google.headers["x-goog-api-key"]
    assert google.post(f"{MODEL}:predictLongRunning", json=body()).status_code == 403
    assert google.post(f"{VERTEX}:predictLongRunning", json=body()).status_code == 401
    token = {"authorization": f"Bearer {fake.key}"}
    assert google.post(f"{VERTEX}:predictLongRunning", json=body(), headers=token).status_code == 200


def test_a_film_can_be_filtered_fail_and_be_forgotten(google: httpx2.Client, fake: Fake) -> None:
    filtered = ended(google, "fake:end_moderated")["response"]["generateVideoResponse"]
    assert filtered["raiMediaFilteredCount"] == 1
    assert "generatedSamples" not in filtered
    assert ended(google, "fake:end_failed")["error"]["code"] == 13
    name = google.post(f"{MODEL}:predictLongRunning", json=body("fake:end_lost")).json()["name"]
    assert google.get(f"/v1beta/{name}").json()["error"]["status"] == "NOT_FOUND"


def test_links_expire_and_break_off(google: httpx2.Client) -> None:
    def fetch(end: str) -> httpx2.Response:
        told = ended(google, f"fake:{end}")["response"]["generateVideoResponse"]["generatedSamples"]
        return google.get(told[0]["video"]["uri"], follow_redirects=True)

    assert fetch("end_link_expired").status_code == 403
    with pytest.raises(httpx2.RemoteProtocolError):
        fetch("end_link_broken")


def test_vertex_knows_a_seed_and_answers_with_the_film(google: httpx2.Client) -> None:
    name = google.post(f"{VERTEX}:predictLongRunning", json=body(seed=7)).json()["name"]
    assert name.startswith("projects/p/locations/us-central1/publishers/google/models/")
    while not (told := google.post(f"{VERTEX}:fetchPredictOperation", json={"operationName": name}).json()).get("done"):
        assert told == {"name": name}
    film = look_at_film(base64.b64decode(told["response"]["videos"][0]["bytesBase64Encoded"]))
    assert film.seconds == 5.0


def test_a_lost_answer_has_cost_a_task_and_a_hang_up_has_not(google: httpx2.Client, fake: Fake) -> None:
    for keeps in (False, True):
        fake.plan = Plan(keeps_lost=keeps)
        fake.plan.submits.append("hang_up")
        with pytest.raises(httpx2.RemoteProtocolError):
            google.post(f"{MODEL}:predictLongRunning", json=body())
        assert len(fake.tasks) == keeps
