"""Decart, pretended: multipart jobs, their state and bytes, the immediate way, and plain HTTP errors."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from rushes.fakes.content import mp4, png
from rushes.fakes.decart import FAULTS, app
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film, look_at_still
from rushes.fakes.serving import running
from tests.fakes.fetch import plain_client

PICTURE = {"data": ("a.png", png(320, 180), "image/png")}
PROMPT = {"prompt": "a boat"}


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def decart(fake: Fake) -> Iterator[httpx2.Client]:
    with (
        running(app(fake, retired=("lucy-pro-i2v",))) as url,
        plain_client(base_url=f"{url}/v1", headers={"X-API-KEY": fake.key}) as client,
    ):
        yield client


def job(decart: httpx2.Client, prompt: str = "a boat") -> str:
    answer = decart.post("/jobs/lucy-dev-i2v", data={"prompt": prompt, "seed": "7"}, files=PICTURE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "pending"
    number: str = answer.json()["job_id"]
    return number


def words(decart: httpx2.Client, number: str) -> list[str]:
    return [decart.get(f"/jobs/{number}").json()["status"] for _ in range(3)]


def test_a_job_goes_from_pending_to_a_film_of_five_seconds(decart: httpx2.Client, fake: Fake) -> None:
    number = job(decart)
    assert decart.get(f"/jobs/{number}/content").status_code == 400
    assert words(decart, number) == ["pending", "processing", "completed"]
    content = decart.get(f"/jobs/{number}/content")
    film = look_at_film(content.content)
    assert content.headers["content-type"] == "video/mp4"
    assert (film.seconds, film.fps) == (pytest.approx(5, abs=0.1), 25)
    assert film.width > film.height
    assert fake.seen[0].body["data"] == png(320, 180), "the file arrived byte by byte"


def test_an_upright_picture_gives_an_upright_film_and_others_pictures_or_films(decart: httpx2.Client) -> None:
    tall = decart.post("/generate/lucy-dev-i2v", data=PROMPT, files={"data": ("a.png", png(90, 160))})
    film = look_at_film(tall.content)
    assert film.width < film.height
    assert look_at_still(decart.post("/generate/lucy-pro-i2i", data=PROMPT, files=PICTURE).content).form == "PNG"
    look_at_film(decart.post("/generate/lucy-pro-v2v", data=PROMPT, files={"data": ("a.mp4", mp4(64, 36, 1))}).content)


def test_a_file_without_a_name_is_a_file_and_an_edit_needs_no_words(decart: httpx2.Client, fake: Fake) -> None:
    film = {"data": (None, mp4(64, 36, 1), "video/mp4")}
    assert decart.post("/jobs/lucy-2.1", data={"prompt": ""}, files=film).status_code == 200
    assert fake.seen[-1].body["data"] == mp4(64, 36, 1)
    looks_like = film | {"reference_image": ("a.png", b"no", "image/png")}
    assert decart.post("/jobs/lucy-restyle-2", files=looks_like).json()["detail"].startswith("reference_image:")


@pytest.mark.parametrize(
    ("data", "files", "word"),
    [
        ({}, PICTURE, "prompt"),
        ({"prompt": "x" * 1001}, PICTURE, "prompt"),
        (PROMPT, {}, "data"),
        (PROMPT, {"data": ("a.png", b"no")}, "data"),
        ({**PROMPT, "seed": "-1"}, PICTURE, "seed"),
        ({**PROMPT, "resolution": "1080p"}, PICTURE, "resolution"),
        ({**PROMPT, "steps": "5"}, PICTURE, "steps"),
    ],
)
def test_a_form_that_is_not_as_documented_is_refused(
    decart: httpx2.Client, fake: Fake, data: dict[str, str], files: dict[str, Any], word: str
) -> None:
    for way in ("jobs", "generate"):
        answer = decart.post(f"/{way}/lucy-dev-i2v", data=data, files=files)
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith(f"{word}:")
    assert not fake.tasks


@pytest.mark.parametrize("resolution", [[], {}, 720])
def test_a_body_that_is_no_form_is_refused(decart: httpx2.Client, resolution: Any) -> None:
    answer = decart.post("/jobs/lucy-pro-t2v", json={"prompt": "x", "resolution": resolution})
    assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (422, "resolution")


def test_a_retired_model_an_unknown_job_and_a_wrong_key_are_refused(decart: httpx2.Client) -> None:
    assert decart.post("/jobs/lucy-pro-i2v", data=PROMPT, files=PICTURE).status_code == 404
    assert decart.get("/jobs/nobody").status_code == 404
    assert decart.get("/jobs/nobody", headers={"X-API-KEY": "no"}).status_code == 401


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_status_at_submit_and_at_a_look(decart: httpx2.Client, fake: Fake, fault: Any) -> None:
    fake.plan.retry_after_s = 2
    status, detail = FAULTS[fault]
    refused = decart.post("/jobs/lucy-dev-i2v", data={"prompt": f"fake:{fault}"}, files=PICTURE)
    assert (refused.status_code, refused.json()["detail"], len(fake.tasks)) == (status, detail, 0)
    assert refused.headers.get("retry-after") == ("2" if status == 429 else None)
    assert decart.get(f"/jobs/{job(decart, f'fake:poll_{fault}')}").status_code == status


@pytest.mark.parametrize(("end", "word"), [("failed", "failed"), ("moderated", "failed"), ("unknown", "contemplating")])
def test_a_job_may_end_badly_in_the_vendors_words(decart: httpx2.Client, end: str, word: str) -> None:
    number = job(decart, f"fake:end_{end}")
    assert words(decart, number)[-1] == word
    assert decart.get(f"/jobs/{number}/content").status_code == 400


def test_content_may_expire_break_off_or_be_forgotten(decart: httpx2.Client) -> None:
    late, broken, lost = (
        job(decart, f"fake:looks=0 fake:end_{end}") for end in ("link_expired", "link_broken", "lost")
    )
    assert decart.get(f"/jobs/{late}").json()["status"] == "completed"
    assert decart.get(f"/jobs/{late}/content").status_code == 410
    assert decart.get(f"/jobs/{broken}").json()["status"] == "completed"
    with pytest.raises(httpx2.TransportError):
        decart.get(f"/jobs/{broken}/content")
    assert decart.get(f"/jobs/{lost}").status_code == 404


def test_a_connection_may_end_before_or_after_the_job_was_taken(decart: httpx2.Client, fake: Fake) -> None:
    for kept, tasks in ((False, 0), (True, 1)):
        fake.plan.keeps_lost = kept
        with pytest.raises(httpx2.TransportError):
            job(decart, "fake:hang_up")
        assert len(fake.tasks) == tasks
