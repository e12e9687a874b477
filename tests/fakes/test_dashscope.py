"""Model Studio, pretended: the async header, its codes, pictures and their limits, cancel while it waits."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from PIL import Image

from rushes.fakes.content import png
from rushes.fakes.dashscope import app
from rushes.fakes.fake import Fake
from rushes.fakes.inputs import look_at_film
from rushes.fakes.serving import running

SUBMIT = "/api/v1/services/aigc/video-generation/video-synthesis"


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
def studio(fake: Fake) -> Iterator[httpx2.Client]:
    with running(app(fake)) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        client.headers.update({"authorization": f"Bearer {fake.key}", "x-dashscope-async": "enable"})
        yield client


def uri(content: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def body(prompt: str = "a walk", img_url: str | None = None, **parameters: Any) -> dict[str, Any]:
    image = uri(png(1280, 720)) if img_url is None else img_url
    return {
        "model": "wan2.2-i2v-plus",
        "input": {"prompt": prompt, "img_url": image},
        "parameters": {"resolution": "1080P", "prompt_extend": False, **parameters},
    }


def submit(studio: httpx2.Client, *words: Any, **more: Any) -> str:
    answer = studio.post(SUBMIT, json=body(*words, **more))
    assert answer.json()["output"]["task_status"] == "PENDING", answer.text
    return str(answer.json()["output"]["task_id"])


def look(studio: httpx2.Client, task: str) -> dict[str, Any]:
    return dict(studio.get(f"/api/v1/tasks/{task}").json())


def test_a_task_goes_from_pending_to_a_film_with_its_usage(studio: httpx2.Client) -> None:
    task = submit(studio)
    told = [look(studio, task) for _ in range(3)]
    assert [one["output"]["task_status"] for one in told] == ["PENDING", "RUNNING", "SUCCEEDED"]
    film = look_at_film(studio.get(told[-1]["output"]["video_url"]).content)
    assert (film.width, film.height, film.seconds, film.fps) == (320, 180, 5.0, 30.0)
    assert told[-1]["usage"] == {"video_duration": 5.0, "video_ratio": "1920*1080", "video_count": 1}
    assert "actual_prompt" not in told[-1]["output"]


def test_the_film_has_the_shape_of_its_picture(studio: httpx2.Client) -> None:
    task = submit(studio, "fake:looks=0", uri(png(400, 2000)))
    film = look_at_film(studio.get(look(studio, task)["output"]["video_url"]).content)
    assert film.height == 320
    assert film.width == pytest.approx(64, abs=2)


def test_a_submit_has_to_be_asynchronous(studio: httpx2.Client, fake: Fake) -> None:
    del studio.headers["x-dashscope-async"]
    answer = studio.post(SUBMIT, json=body())
    assert (answer.status_code, answer.json()["code"]) == (403, "AccessDenied")
    assert fake.tasks == {}


def transparent() -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (400, 400), (9, 9, 9, 90)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("wrong", "code", "words"),
    [
        (body(img_url=uri(png(300, 720))), "InvalidParameter", "300*720, is not in [360,2000]"),
        (body(img_url=uri(png(2002, 720))), "InvalidParameter", "[360,2000]"),
        (body(img_url=uri(transparent())), "InvalidParameter", "format of the image"),
        (body(img_url=uri(png(400, 400), "image/jpeg")), "InvalidParameter", "stated as image/jpeg"),
        (body(img_url="data:image/png;base64,!!"), "InvalidParameter.DataInspection", "not base64"),
        (body(img_url="http://192.0.2.1/a.png"), "InvalidParameter.DataInspection", "this machine only"),
        (body(img_url="http://127.0.0.1:9/a.png"), "InvalidParameter.DataInspection", "could not be fetched"),
        (body("x" * 801), "InvalidParameter", "input.prompt"),
        (body(seed=-1), "InvalidParameter", "parameters.seed"),
        (body(duration=10), "InvalidParameter", "parameters.duration"),
        (body(resolution="720P"), "InvalidParameter", "parameters.resolution"),
        (body(style="noir"), "InvalidParameter", "parameters.style: unknown parameter"),
        ({**body(), "model": "wan9"}, "InvalidParameter", "Model not exist."),
    ],
)
def test_what_is_wrong_costs_nothing(
    studio: httpx2.Client, fake: Fake, wrong: dict[str, Any], code: str, words: str
) -> None:
    answer = studio.post(SUBMIT, json=wrong)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert words in answer.json()["message"]
    assert fake.tasks == {}


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("key", 401, "InvalidApiKey"),
        ("balance", 400, "Arrearage"),
        ("rate", 429, "Throttling.RateQuota"),
        ("concurrency", 429, "Throttling.AllocationQuota"),
        ("moderated", 400, "DataInspectionFailed"),
        ("server_error", 500, "InternalError"),
    ],
)
def test_faults_have_its_codes(studio: httpx2.Client, fault: str, status: int, code: str) -> None:
    answer = studio.post(SUBMIT, json=body(f"fake:{fault}"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_only_a_waiting_task_is_cancelled(studio: httpx2.Client) -> None:
    waits, runs = submit(studio), submit(studio)
    for _ in range(2):
        look(studio, runs)
    assert studio.post(f"/api/v1/tasks/{waits}/cancel").status_code == 200
    assert look(studio, waits)["output"]["task_status"] == "CANCELED"
    assert studio.post(f"/api/v1/tasks/{runs}/cancel").json()["code"] == "UnsupportedOperation"
    assert look(studio, runs)["output"]["task_status"] == "SUCCEEDED"


def test_ends_and_looks_go_as_the_prompt_says(studio: httpx2.Client) -> None:
    def end(words: str) -> dict[str, Any]:
        return dict(look(studio, submit(studio, f"fake:looks=0 {words}"))["output"])

    assert end("fake:end_failed")["code"] == "InternalError.Algo"
    assert end("fake:end_moderated")["code"] == "DataInspectionFailed"
    assert end("fake:end_unknown")["task_status"] == "TELEPORTED"
    assert end("fake:end_lost")["task_status"] == "UNKNOWN"
    assert studio.get(end("fake:end_link_expired")["video_url"]).status_code == 403
    task = submit(studio, "fake:poll_server_error fake:poll_hang_up fake:looks=0")
    assert look(studio, task)["code"] == "InternalError"
    with pytest.raises(httpx2.RemoteProtocolError):
        look(studio, task)
    assert look(studio, task)["output"]["task_status"] == "SUCCEEDED"


def test_more_tasks_at_once_than_planned_are_refused(studio: httpx2.Client, fake: Fake) -> None:
    fake.plan.most_at_once = 2
    first, _ = submit(studio), submit(studio)
    assert studio.post(SUBMIT, json=body()).status_code == 429
    for _ in range(3):
        look(studio, first)
    submit(studio)
