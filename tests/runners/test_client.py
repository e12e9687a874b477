"""The runner's HTTP side against a server that misbehaves on command, and real file transfers."""

import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from rushes.jobs.protocol import ClaimRequest, Finish, StoredFile
from rushes.runners.client import GatewayAway, Refused, RunnerClient, pauses
from tests.runners.live import Live
from tests.runners.moody import JOB, Moody

WANTED = ClaimRequest(runner="r", endpoints=("rushes/echo",), wait_s=5)
KEPT = StoredFile(file_id="f" * 40, url="rushes-file:/f/film.mp4", size_bytes=15)
DONE = Finish(token=1, output="{}", served_by="x", units=1, inference_s=0)


@pytest.fixture
def client(moody: Moody) -> Iterator[RunnerClient]:
    made = RunnerClient(moody.url, "key")
    yield made
    made.close()


def test_an_end_is_tried_again_until_the_gateway_is_back(moody: Moody, client: RunnerClient) -> None:
    moody.statuses = [503, 500]
    assert client.finish("job", DONE)
    assert moody.asked == 3


def test_an_end_that_comes_too_late_is_false_and_not_tried_again(moody: Moody, client: RunnerClient) -> None:
    moody.statuses = [410]
    assert not client.finish("job", DONE)
    assert moody.asked == 1


def test_a_refusal_is_not_tried_again_and_says_why(moody: Moody, client: RunnerClient) -> None:
    moody.statuses = [422]
    with pytest.raises(Refused, match=r"the gateway answered 422: \{\}"):
        client.finish("job", DONE)


def test_a_claim_is_left_to_the_worker_to_try_again(moody: Moody, client: RunnerClient) -> None:
    moody.statuses = [502]
    with pytest.raises(GatewayAway):
        client.claim(WANTED)
    assert moody.asked == 1


def test_a_gateway_that_is_not_there_is_away(moody: Moody) -> None:
    nobody = RunnerClient("http://127.0.0.1:9", "key")
    with pytest.raises(GatewayAway):
        nobody.claim(WANTED)
    nobody.close()


def test_a_file_is_sent_again_whole_until_the_gateway_is_back(
    moody: Moody, client: RunnerClient, tmp_path: Path
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"an hour of work")
    moody.statuses, moody.answer = [503, 502], KEPT.model_dump_json().encode()
    ticks: list[None] = []
    assert client.put_file(JOB, tmp_path / "film.mp4", "film.mp4", "video/mp4", lambda: ticks.append(None)) == KEPT
    assert moody.bodies == [b"an hour of work"] * 3
    assert len(ticks) == 5, "while it is read, and before each pause"


def test_a_signature_is_waited_for_since_what_it_signs_is_made(moody: Moody, client: RunnerClient) -> None:
    moody.statuses, moody.answer = [503], b'{"signature":"c2lnbmVk"}'
    assert client.sign(JOB, b"claim") == b"signed"
    assert moody.asked == 2


def test_a_file_at_which_the_gateway_fails_is_not_sent_again(
    moody: Moody, client: RunnerClient, tmp_path: Path
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    moody.statuses = [500]
    with pytest.raises(GatewayAway):
        client.put_file(JOB, tmp_path / "film.mp4", "film.mp4", "video/mp4", lambda: None)
    assert moody.asked == 1


@pytest.mark.parametrize("status", [410, 413])
def test_a_file_that_is_refused_is_not_sent_again(
    moody: Moody, client: RunnerClient, tmp_path: Path, status: int
) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    moody.statuses = [status]
    with pytest.raises(Refused):
        client.put_file(JOB, tmp_path / "film.mp4", "film.mp4", "video/mp4", lambda: None)
    assert moody.asked == 1


def test_the_way_of_sessions_is_as_safe_as_that_of_calls() -> None:
    for url, socket_url in (("http://a:1", "ws://a:1/runners/x"), ("https://a/", "wss://a/runners/x")):
        client = RunnerClient(url, "key")
        assert client.socket_url("x") == socket_url
        client.close()


def test_pauses_grow_to_a_limit() -> None:
    assert list(islice(pauses(), 8)) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]


def test_files_go_both_ways_with_signs_of_life(live: Live, tmp_path: Path) -> None:
    runner = RunnerClient(live.url, live.services.keys.runner_key)
    live.submit()
    job = runner.claim(WANTED)
    assert job is not None
    content = bytes(range(256)) * 4096
    (tmp_path / "made.mp4").write_bytes(content)
    ticks: list[float] = []
    stored = runner.put_file(job, tmp_path / "made.mp4", "é clip.mp4", "video/mp4", lambda: ticks.append(time.time()))
    assert stored.size_bytes == len(content)
    assert stored.url.endswith("%C3%A9%20clip.mp4")
    assert len(ticks) >= 4

    content_type = runner.get_file(stored.file_id, tmp_path / "back", lambda: ticks.append(time.time()))
    assert content_type == "video/mp4"
    assert (tmp_path / "back").read_bytes() == content
    with pytest.raises(FileNotFoundError):
        runner.get_file("0" * 40, tmp_path / "none", lambda: None)
    runner.close()
