"""A session's report: beats when they are due, lines that no answer lost, and the end of it as it was told."""

import json
from collections.abc import Iterator

import pytest

from rushes.engines.engine import Cancelled
from rushes.jobs.protocol import ClaimAnswer
from rushes.runners.client import RunnerClient
from rushes.runners.sessions import SessionReport
from tests.runners.moody import JOB, Moody


def job(lease_s: float) -> ClaimAnswer:
    return JOB.model_copy(update={"lease_s": lease_s})


@pytest.fixture
def client(moody: Moody) -> Iterator[RunnerClient]:
    moody.answer = b'{"answer":"carry on"}'
    made = RunnerClient(moody.url, "key")
    yield made
    made.close()


def lines_of(body: bytes) -> list[str]:
    return [line["message"] for line in json.loads(body)["lines"]]


def test_between_two_beats_nothing_is_sent(moody: Moody, client: RunnerClient) -> None:
    report = SessionReport(client, job(lease_s=3_600))
    report.say("waits for the next beat")
    report.tick()
    assert 0 < report.due_s <= 1_200
    assert moody.asked == 0
    assert [line.message for line in report.rest()] == ["waits for the next beat"]


def test_lines_of_a_beat_that_did_not_arrive_go_with_the_next(moody: Moody, client: RunnerClient) -> None:
    report = SessionReport(client, job(lease_s=0))
    moody.statuses = [503]
    report.say("first")
    report.say("second \ud83d")
    assert [lines_of(body) for body in moody.bodies] == [["first"], ["first", "second \ufffd"]]
    assert report.rest() == ()


@pytest.mark.parametrize(
    ("status", "answer", "ended"),
    [(200, b'{"answer":"cancel"}', "cancel"), (200, b'{"answer":"stale"}', "stale"), (410, b"{}", "stale")],
)
def test_a_session_that_is_over_is_told_of_once_and_asked_no_more(
    moody: Moody, client: RunnerClient, status: int, answer: bytes, ended: str
) -> None:
    report = SessionReport(client, job(lease_s=0))
    moody.statuses, moody.answer = [status], answer
    for _ in range(2):
        with pytest.raises(Cancelled):
            report.tick()
    assert (report.ended, moody.asked) == (ended, 1)
