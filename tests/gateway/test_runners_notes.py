"""What a runner keeps with a job for a later try, and inputs that it makes fetchable: who may, how much, until when."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.errors import RequestError
from rushes.jobs.protocol import Fail
from tests.gateway.test_runners import claim, finish
from tests.runners.live import Live, running


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def runner(live: Live) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {live.services.keys.runner_key}"}
    with httpx2.Client(base_url=f"{live.url}/runners/", headers=headers, trust_env=False) as client:
        yield client


def keep(runner: httpx2.Client, job_id: str, token: int, note: str, mark: str = "a", **more: Any) -> int:
    body = {"token": token, "note": note, "mark": mark, **more}
    return runner.post(f"jobs/{job_id}/note", json=body).status_code


def lost(runner: httpx2.Client, job_id: str, token: int) -> None:
    failure = RequestError("runner_disconnected").failure()
    answer = runner.post(f"jobs/{job_id}/fail", content=Fail.of(token, failure, ()).model_dump_json())
    assert answer.status_code == 200, answer.text


def test_the_next_try_gets_what_was_kept_last(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    first = claim(runner)
    assert first["note"] is None
    assert [keep(runner, job_id, first["token"], note) for note in ("one", "two")] == [200, 200]
    lost(runner, job_id, first["token"])
    assert claim(runner)["note"] == "two"


def test_an_empty_note_is_none(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    token = claim(runner)["token"]
    assert [keep(runner, job_id, token, note) for note in ("one", "", "")] == [200, 200, 200]
    lost(runner, job_id, token)
    assert claim(runner)["note"] is None


def test_an_earlier_runner_may_only_add_the_ticket_of_its_own_task(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    old = claim(runner)["token"]
    keep(runner, job_id, old, "sent")
    lost(runner, job_id, old)
    new = claim(runner)["token"]
    assert keep(runner, job_id, old, "sent again") == 410
    assert keep(runner, job_id, old, "", late=True) == 410
    assert keep(runner, job_id, old, "another's", mark="b", late=True) == 410
    assert keep(runner, job_id, old, "ticket", late=True) == 200
    lost(runner, job_id, new)
    assert claim(runner)["note"] == "ticket"


def test_nothing_is_kept_with_a_job_that_has_ended_or_never_was(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    token = claim(runner)["token"]
    keep(runner, job_id, token, "sent")
    assert runner.post(f"jobs/{job_id}/finish", json=finish(token)).status_code == 200
    assert keep(runner, job_id, token, "ticket", late=True) == 410
    assert keep(runner, "nobody", 1, "ticket", late=True) == 410


@pytest.mark.parametrize(("note", "mark"), [("n" * 16_385, "a"), ("n", ""), ("n", "m" * 201)])
def test_notes_and_marks_have_bounds(live: Live, runner: httpx2.Client, note: str, mark: str) -> None:
    job_id = live.submit()
    assert keep(runner, job_id, claim(runner)["token"], note, mark) == 422


def test_a_job_with_a_note_is_tried_more_often_than_one_without(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    for _ in range(5):
        token = claim(runner)["token"]
        assert keep(runner, job_id, token, "sent") == 200
        lost(runner, job_id, token)
    assert claim(runner)["attempt"] == 6


def share(runner: httpx2.Client, job_id: str, token: object, content: bytes = b"picture") -> httpx2.Response:
    headers = {"x-rushes-token": str(token), "x-rushes-file-name": "input.png", "content-type": "image/png"}
    return runner.put(f"jobs/{job_id}/shared", content=content, headers=headers)


def test_an_input_is_shared_where_the_server_has_a_public_address(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://studio.example/", max_upload_bytes=1_000) as live:
        headers = {"authorization": f"Key {live.services.keys.runner_key}"}
        with httpx2.Client(base_url=f"{live.url}/runners/", headers=headers, trust_env=False) as runner:
            job_id = live.submit()
            token = claim(runner)["token"]
            url = share(runner, job_id, token).json()["url"]
            assert url.startswith("https://studio.example/files/")
            assert httpx2.get(live.url + url.removeprefix("https://studio.example")).content == b"picture"
            assert share(runner, job_id, token, b"p" * 1_001).status_code == 413
            assert share(runner, job_id, token + 1).status_code == 410
            assert share(runner, job_id, "x").status_code == 422


def test_without_a_public_address_nothing_is_shared(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    assert share(runner, job_id, claim(runner)["token"]).json() == {"url": None}
