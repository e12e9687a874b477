"""The pretended inference servers judge what they are sent, and make films of just the size and length asked for."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import av
import httpx2
import pytest

from rushes.fakes.content import png
from rushes.fakes.fake import Fake
from rushes.fakes.servers import MODEL
from rushes.fakes.serving import running
from rushes.fakes.vendors import SERVERS
from tests.fakes.fetch import plain_client

JOB = {"prompt": "a boat", "size": "64x48", "num_frames": 9, "fps": 16, "num_inference_steps": 4}
TASK = {"prompt": "a boat", "target_shape": [48, 64], "target_video_length": 9, "infer_steps": 4}


@contextmanager
def server(name: str) -> Iterator[tuple[httpx2.Client, Fake]]:
    fake = Fake()
    with running(SERVERS[name].app(fake)) as url, plain_client(base_url=url) as client:
        yield client, fake


def film(content: bytes) -> tuple[int, int, int]:
    with av.open(io.BytesIO(content), "r") as opened:
        stream = opened.streams.video[0]
        return stream.width, stream.height, sum(1 for _ in opened.decode(stream))


def test_a_job_is_queued_runs_and_has_its_film() -> None:
    with server("sglang") as (client, _):
        job = client.post("/v1/videos", json=JOB).json()
        words = [client.get(f"/v1/videos/{job['id']}").json()["status"] for _ in range(3)]
        content = client.get(f"/v1/videos/{job['id']}/content").content
        listed = client.get("/v1/videos").json()["data"]
    assert (job["status"], job["model"], words) == ("queued", MODEL, ["queued", "in_progress", "completed"])
    assert film(content) == (64, 48, 9)
    assert [one["id"] for one in listed] == [job["id"]]


def test_a_task_has_the_name_that_it_was_given_and_no_second_one_may_have_it() -> None:
    with server("lightx2v") as (client, _):
        given = {**TASK, "task_id": "mine", "image_path": base64.b64encode(png(64, 48)).decode()}
        assert client.post("/v1/tasks/video/", json=given).json()["task_id"] == "mine"
        assert client.post("/v1/tasks/video/", json=given).status_code == 503
        words = [client.get("/v1/tasks/mine/status").json()["status"] for _ in range(3)]
        assert film(client.get("/v1/tasks/mine/result").content) == (64, 48, 9)
        assert client.delete("/v1/tasks/mine").json()["stop_status"] == "do_nothing"
    assert words == ["pending", "processing", "completed"]


def test_one_long_request_ends_with_the_film() -> None:
    with server("fastvideo") as (client, _):
        job = client.post("/v1/videos/generations", json=JOB).json()
        assert client.post("/v1/videos", json=JOB).status_code == 405
    assert job["status"] == "completed"


@pytest.mark.parametrize(
    ("change", "field"),
    [({"shift": 5}, "shift"), ({"num_frames": "many"}, "num_frames"), ({"size": "65x48"}, "size"),
     ({"size": "large"}, "size"), ({"prompt": ""}, "prompt"), ({"num_inference_steps": 900}, "num_inference_steps"),
     ({"seed": True}, "seed"), ({"fps": 0}, "fps"),
     ({"reference_url": "data:image/png;base64,AAAA"}, "input_reference")],
)  # fmt: skip
def test_what_its_types_refuse_is_refused_by_name(change: dict[str, Any], field: str) -> None:
    with server("sglang") as (client, fake):
        answer = client.post("/v1/videos", json={**JOB, **change})
        assert fake.tasks == {}
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", field]


@pytest.mark.parametrize(
    "change", [{"target_shape": [48]}, {"target_shape": ["a", "b"]}, {"target_shape": [0, 64]}, {"target_fps": 0}]
)
def test_shapes_and_rates_that_no_film_has_are_refused(change: dict[str, Any]) -> None:
    with server("lightx2v") as (client, fake):
        assert client.post("/v1/tasks/video/", json={**TASK, **change}).status_code == 422
        assert fake.tasks == {}


def test_only_forms_and_only_its_own_model() -> None:
    with server("vllm-omni") as (client, _):
        assert client.post("/v1/videos", json=JOB).status_code == 422
        parts = {name: (None, str(value)) for name, value in JOB.items()}
        assert client.post("/v1/videos", files=parts).status_code == 200
        assert client.post("/v1/videos", files={**parts, "model": (None, "another")}).status_code == 404


def test_a_deleted_job_is_told_no_more() -> None:
    with server("sglang") as (client, _):
        first, second = (client.post("/v1/videos", json=JOB).json()["id"] for _ in range(2))
        assert client.delete(f"/v1/videos/{first}").json()["deleted"] is True
        assert client.get(f"/v1/videos/{first}").status_code == 404
        assert [one["id"] for one in client.get("/v1/videos").json()["data"]] == [second]


def test_frames_come_onto_the_weights_grid() -> None:
    with server("sglang") as (client, _):
        job = client.post("/v1/videos", json={**JOB, "num_frames": 8}).json()
        assert film(client.get(f"/v1/videos/{job['id']}/content").content)[2] == 5
