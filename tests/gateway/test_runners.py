"""The gateway's side of the runner protocol, spoken over HTTP by hand."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.errors import ModelError, RequestError
from rushes.gateway import runners
from rushes.gateway.links import Links
from rushes.gateway.visit import Visit
from rushes.jobs.job import NewJob, Status
from rushes.jobs.protocol import Fail
from tests.runners.live import Live, running, wait_for

ECHO = ["rushes/echo"]
I2V = "fal-ai/wan-i2v"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def runner(live: Live) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {live.services.keys.runner_key}"}
    with httpx2.Client(base_url=f"{live.url}/runners/", headers=headers, trust_env=False) as client:
        yield client


def claim(runner: httpx2.Client, wait_s: float = 5.0, endpoints: list[str] = ECHO) -> dict[str, Any]:
    answer = runner.post("claim", json={"runner": "r", "endpoints": endpoints, "wait_s": wait_s})
    assert answer.status_code == 200, answer.text
    claimed: dict[str, Any] = answer.json()
    return claimed


def finish(token: int, output: str = "{}", **more: Any) -> dict[str, Any]:
    return {"token": token, "output": output, "served_by": "x", "units": 1, "inference_s": 0.1, **more}


def test_only_a_runners_key_opens_it(live: Live) -> None:
    answer = live.client.post("/runners/claim", json={"runner": "r", "endpoints": ECHO, "wait_s": 0})
    assert answer.status_code == 401
    assert "Key <runner key>" in answer.json()["detail"]


def test_a_claim_answers_204_when_no_work_came(runner: httpx2.Client) -> None:
    began = time.monotonic()
    answer = runner.post("claim", json={"runner": "r", "endpoints": ECHO, "wait_s": 0.1})
    assert (answer.status_code, answer.content) == (204, b"")
    assert time.monotonic() - began >= 0.1


def test_a_claim_gets_the_job_with_all_it_needs(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit(payload="é")
    claimed = claim(runner)
    assert claimed["job_id"] == job_id
    assert json.loads(claimed["input"]) == {"payload": "é"}
    assert (claimed["endpoint"], claimed["attempt"], claimed["own_files"]) == ("rushes/echo", 1, {})
    assert live.state(job_id).status == Status.IN_PROGRESS


def test_a_waiting_claim_wakes_up_as_soon_as_a_job_is_submitted(live: Live, runner: httpx2.Client) -> None:
    got: list[float] = []

    def wait() -> None:
        claim(runner, wait_s=10)
        got.append(time.monotonic())

    thread = threading.Thread(target=wait)
    thread.start()
    wait_for(lambda: live.services.events.watchers > 0)
    live.submit()
    submitted = time.monotonic()
    thread.join(5)
    assert got[0] - submitted < 0.1


def test_a_runner_that_hung_up_gets_no_job(live: Live, runner: httpx2.Client) -> None:
    body = json.dumps({"runner": "gone", "endpoints": ECHO, "wait_s": 10})
    with socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(
            f"POST /runners/claim HTTP/1.1\r\nhost: x\r\nauthorization: Key {live.services.keys.runner_key}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
        )
        wait_for(lambda: live.services.events.watchers > 0)
    wait_for(lambda: live.services.events.watchers == 0)
    job_id = live.submit()
    claimed = claim(runner)
    assert (claimed["job_id"], claimed["attempt"]) == (job_id, 1)


def test_a_claim_that_comes_too_late_for_its_runner_costs_no_other_job_of_that_runner(
    live: Live, runner: httpx2.Client
) -> None:
    """A process for sessions holds many jobs under one name."""
    first = live.submit()
    claim(runner)
    second = live.submit()
    messages = iter([{"type": "http.request", "body": b'{"runner": "r", "endpoints": ["rushes/echo"], "wait_s": 1}'}])

    async def hangs_up() -> dict[str, Any]:
        return next(messages, {"type": "http.disconnect"})

    scope = {"type": "http", "method": "POST", "headers": [], "query_string": b""}
    visit = Visit(scope, hangs_up, live.services, "runners", ("claim",), Links("", ""), "")
    live.call(runners.claim(visit))
    assert live.state(first).status == Status.IN_PROGRESS
    assert live.state(second).status == Status.IN_QUEUE


def test_a_stored_input_that_is_no_longer_valid_reaches_its_runner(live: Live, runner: httpx2.Client) -> None:
    """After an update of the server; the runner tells its caller what is wrong with it."""
    given = b'{"prompt": 7, "image_url": "http://127.0.0.1/files/b/1/x.png"}'
    live.call(live.services.jobs.submit(NewJob("old", I2V, "me", given, time.time())))
    claimed = claim(runner, endpoints=[I2V])
    assert (claimed["job_id"], claimed["own_files"]) == ("old", {})


def test_a_beat_keeps_lines_and_tells_of_a_cancel(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    token = claim(runner)["token"]
    line = {"at": 1.0, "message": "half", "level": "WARN", "labels": {"progress": "0.5"}}
    answer = runner.post(f"jobs/{job_id}/beat", json={"token": token, "lines": [line]})
    assert answer.json() == {"answer": "carry on", "preview": False}
    assert live.lines(job_id) == ["half"]
    live.client.put(f"/queue/rushes/echo/requests/{job_id}/cancel")
    assert runner.post(f"jobs/{job_id}/beat", json={"token": token}).json() == {"answer": "cancel", "preview": False}


def test_finish_makes_the_result_visible_with_the_last_lines(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    token = claim(runner)["token"]
    done = finish(token, '{"payload": 1}', lines=[{"at": 1.0, "message": "done"}])
    assert runner.post(f"jobs/{job_id}/finish", json=done).json() == {}
    answer = live.client.get(f"/queue/rushes/echo/requests/{job_id}")
    assert (answer.status_code, answer.json()) == (200, {"payload": 1})
    assert answer.headers["x-rushes-served-by"] == "x"
    assert live.lines(job_id) == ["done"]


@pytest.mark.parametrize("output", ['{"payload": [1, 2', "", "[1]"])
def test_a_result_that_was_cut_short_is_tried_again(live: Live, runner: httpx2.Client, output: str) -> None:
    job_id = live.submit()
    for _ in range(3):
        assert runner.post(f"jobs/{job_id}/finish", json=finish(claim(runner)["token"], output)).json() == {}
    answer = live.client.get(f"/queue/rushes/echo/requests/{job_id}")
    assert (answer.status_code, answer.json()["error_type"]) == (502, "runner_incomplete_response")


def test_a_failure_is_what_the_caller_gets_byte_for_byte(live: Live, runner: httpx2.Client) -> None:
    failure = ModelError("image_too_small", loc=("body", "image_url"), ctx={"min_width": 16}).failure()
    job_id = live.submit()
    message = Fail.of(claim(runner)["token"], failure)
    assert runner.post(f"jobs/{job_id}/fail", content=message.model_dump_json()).status_code == 200
    answer = live.client.get(f"/queue/rushes/echo/requests/{job_id}")
    assert (answer.status_code, answer.content) == (422, failure.body)


def test_a_lost_runners_job_is_queued_again_and_its_old_token_is_refused_everywhere(
    live: Live, runner: httpx2.Client
) -> None:
    job_id = live.submit()
    old = claim(runner)["token"]
    lost = Fail.of(old, RequestError("runner_disconnected").failure())
    assert runner.post(f"jobs/{job_id}/fail", content=lost.model_dump_json()).status_code == 200
    claimed = claim(runner)
    assert claimed["attempt"] == 2

    assert runner.post(f"jobs/{job_id}/beat", json={"token": old}).json() == {"answer": "stale", "preview": False}
    assert runner.post(f"jobs/{job_id}/finish", json=finish(old)).status_code == 410
    assert runner.post(f"jobs/{job_id}/fail", content=lost.model_dump_json()).status_code == 410
    upload = runner.put(f"jobs/{job_id}/files", content=b"x", headers={"x-rushes-token": str(old)})
    assert upload.status_code == 410
    assert "Throw the result away" in upload.json()["detail"]
    assert runner.post(f"jobs/{job_id}/finish", json=finish(claimed["token"])).status_code == 200
    assert runner.post(f"jobs/{job_id}/finish", json=finish(claimed["token"])).status_code == 410


def test_a_produced_file_is_stored_for_the_jobs_account_under_its_name(live: Live, runner: httpx2.Client) -> None:
    job_id = live.submit()
    token = claim(runner)["token"]
    headers = {"x-rushes-token": str(token), "x-rushes-file-name": "a%20clip.mp4", "content-type": "video/mp4"}
    stored = runner.put(f"jobs/{job_id}/files", content=b"bytes", headers=headers).json()
    assert stored["url"] == f"rushes-file:/{stored['file_id']}/a%20clip.mp4"
    record = live.call(live.services.files.stat(stored["file_id"]))
    assert record is not None
    assert (record.account, record.content_type, record.size_bytes) == ("admin", "video/mp4", 5)
    again = runner.put(f"jobs/{job_id}/files", content=b"bytes", headers=headers).json()
    assert again["file_id"] != stored["file_id"], "deleting one result's file must not take another's"
    failed = Fail.of(token, ModelError("no_media_generated").failure()).model_dump_json()
    assert runner.post(f"jobs/{job_id}/fail", content=failed).status_code == 200
    assert live.result(job_id).files == (stored["file_id"], again["file_id"]), "none is left without its request"


def test_a_file_above_the_limit_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, max_upload_bytes=4) as live:
        headers = {"authorization": f"Key {live.services.keys.runner_key}"}
        with httpx2.Client(base_url=f"{live.url}/runners/", headers=headers, trust_env=False) as runner:
            job_id = live.submit()
            token = claim(runner)["token"]
            answer = runner.put(f"jobs/{job_id}/files", content=b"bytes", headers={"x-rushes-token": str(token)})
    assert answer.status_code == 413


@pytest.mark.parametrize("token", ["", "seven", "-1", "9" * 19, "9" * 5_000])
def test_an_upload_without_a_number_for_a_token_is_refused(live: Live, runner: httpx2.Client, token: str) -> None:
    job_id = live.submit()
    answer = runner.put(f"jobs/{job_id}/files", content=b"x", headers={"x-rushes-token": token})
    assert answer.status_code == 422
    assert "came with the claim" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("claim", '{"runner": "r", "endpoints": ["fal-ai/clip"], "wait_s": NaN}'),
        ("jobs/x/beat", '{"token": 9223372036854775808}'),
        ("jobs/x/beat", '{"token": -1}'),
        ("jobs/x/finish", '{"token": 1, "output": "{}", "served_by": "x", "units": Infinity, "inference_s": 1}'),
    ],
)
def test_numbers_that_are_none_are_refused(runner: httpx2.Client, path: str, body: str) -> None:
    assert runner.post(path, content=body).status_code == 422


def test_an_input_of_our_own_is_named_by_its_id_and_can_be_read(live: Live, runner: httpx2.Client) -> None:
    async def chunks() -> Any:
        yield b"pixels"

    stored = live.call(live.services.files.put(chunks(), name="a.png", account="admin", content_type="image/png"))
    url = f"https://anywhere.example/files/b/{stored.id}/{stored.name}"
    live.submit(I2V, prompt="x", image_url=url)
    claimed = claim(runner, endpoints=[I2V])
    assert claimed["own_files"] == {url: stored.id}
    answer = runner.get(f"files/{stored.id}")
    assert (answer.content, answer.headers["content-type"]) == (b"pixels", "image/png")


def test_an_address_of_ours_that_leads_nowhere_and_a_data_uri_are_no_own_files(
    live: Live, runner: httpx2.Client
) -> None:
    for url in (f"{live.url}/files/b/{'0' * 40}/a.png", "data:x/files,files" + base64.b64encode(b"x").decode()):
        live.submit(I2V, prompt="x", image_url=url)
        assert claim(runner, endpoints=[I2V])["own_files"] == {}


def test_a_missing_file_is_a_404(runner: httpx2.Client) -> None:
    assert runner.get(f"files/{'0' * 40}").status_code == 404


@pytest.mark.parametrize("path", ["claims", "jobs/x", "jobs/x/dance", ""])
def test_other_paths_are_not_found(runner: httpx2.Client, path: str) -> None:
    assert runner.post(path, json={}).status_code == 404


def test_a_wrong_method_is_told_the_right_one(runner: httpx2.Client) -> None:
    answer = runner.get("claim")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def test_a_message_of_another_version_is_refused_with_what_is_wrong(runner: httpx2.Client) -> None:
    answer = runner.post("claim", json={"runner": "r", "endpoints": ECHO, "wait_s": 0, "hurry": True})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("ClaimRequest: hurry: Extra inputs are not permitted")


def test_what_a_process_of_many_threads_hands_back_goes_to_none_of_its_own(live: Live, runner: httpx2.Client) -> None:
    def ask(name: str) -> httpx2.Response:
        return runner.post("claim", json={"runner": name, "endpoints": ECHO, "wait_s": 5})

    answers: list[httpx2.Response] = []
    job_id = live.submit(payload=1)
    assert ask("crowd/mine-0").status_code == 200
    idle = threading.Thread(target=lambda: answers.append(ask("crowd/mine-1")))
    idle.start()
    wait_for(lambda: "crowd/mine-1" in live.services.events.idle_runners)
    assert runner.post("leave", json={"runner": "crowd"}).status_code == 200
    idle.join(4)
    assert [answer.status_code for answer in answers] == [204]
    assert live.state(job_id).status == Status.IN_QUEUE
    assert ask("another").json()["job_id"] == job_id
