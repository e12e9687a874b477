"""A task is paid once: what is kept before and after it is sent, and what happens where nobody knows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rushes.calls import Attachment
from rushes.engines.engine import Cancelled, Unable
from rushes.engines.vendor.contract import AlreadyTaken, Request, Response, Trouble
from rushes.engines.vendor.keys import fingerprint
from rushes.errors import ModelError
from tests.engines.vendor.rehearsal import Clock, Trip
from tests.engines.vendor.scripted import CALL, PLAIN, accepted, engine, found, host, look_up, note, said

TAKEN, DONE = said({"id": "t-1"}), said({"state": "done"})
BY_NAME = replace(PLAIN, recovery="look up", look_up=look_up, found=found)
AGAIN = replace(PLAIN, recovery="resend")


def tickets(trip: Trip) -> list[str | None]:
    return [json.loads(one)["ticket"] if one else "" for one in trip.notes]


def test_a_note_is_kept_before_a_task_is_sent_and_its_ticket_right_after(tmp_path: Path) -> None:
    with host(TAKEN, DONE) as at:
        trip = Trip(tmp_path)
        engine(at.url).run_errand(CALL, trip)
    assert tickets(trip) == [None, "t-1"]
    assert at.asked == ["POST /tasks", "GET /tasks/t-1"]
    assert "secret-of-plain" not in "".join(trip.notes)


def test_nothing_is_sent_when_the_note_is_refused(tmp_path: Path) -> None:
    class Lost(Trip):
        def keep(self, note: str) -> None:
            raise Cancelled

    with host(TAKEN) as at, pytest.raises(Cancelled):
        engine(at.url).run_errand(CALL, Lost(tmp_path))
    assert at.asked == []


def test_a_ticket_that_nobody_will_ask_for_is_cancelled_at_the_vendor(tmp_path: Path) -> None:
    class Late(Trip):
        def keep(self, note: str) -> None:
            super().keep(note)
            if json.loads(note)["ticket"]:
                raise Cancelled

    with host(TAKEN, said()) as at, pytest.raises(Cancelled):
        engine(at.url).run_errand(CALL, Late(tmp_path))
    assert at.asked == ["POST /tasks", "DELETE /tasks/t-1"]


def test_a_task_with_a_ticket_is_never_sent_again(tmp_path: Path) -> None:
    with host(DONE) as at:
        engine(at.url).run_errand(CALL, Trip(tmp_path, saved=note("t-9")))
    assert at.asked == ["GET /tasks/t-9"]


def test_a_note_without_a_ticket_ends_honestly_where_nothing_can_be_found_out(tmp_path: Path) -> None:
    with host(TAKEN) as at, pytest.raises(Unable, match="not repeated blindly") as caught:
        engine(at.url).run_errand(CALL, Trip(tmp_path, saved=note()))
    assert (at.asked, caught.value.blame) == ([], "lost")
    assert "may have been paid" in str(caught.value.error)


@pytest.mark.parametrize("lost", [None, said(b"", 502), said(b"", 504), said(b"", 524), said(b"<html>hi</html>")])
def test_an_answer_that_says_neither_yes_nor_no_is_never_followed_by_a_second_task(
    tmp_path: Path, lost: bytes | None
) -> None:
    with host(lost, TAKEN) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, Trip(tmp_path))
    assert (at.asked, caught.value.blame) == (["POST /tasks"], "lost")


def test_an_answer_that_nobody_understands_is_shown(tmp_path: Path) -> None:
    with host(said(b"<html>hi</html>")) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, Trip(tmp_path))
    assert "<html>hi</html>" in str(caught.value.error)
    assert at.asked == ["POST /tasks"]


def test_a_lost_answer_is_looked_up_by_our_name(tmp_path: Path) -> None:
    with host(None, TAKEN, DONE) as at:
        trip = Trip(tmp_path)
        engine(at.url, BY_NAME).run_errand(CALL, trip)
    assert at.asked == ["POST /tasks", "GET /by-name", "GET /tasks/t-1"]
    assert tickets(trip) == [None, "t-1"]


def test_what_is_not_found_at_once_is_looked_for_again_before_it_is_sent_again(tmp_path: Path) -> None:
    nothing = said({})
    with host(None, nothing, nothing, TAKEN, DONE) as at:
        engine(at.url, BY_NAME).run_errand(CALL, Trip(tmp_path))
    assert at.asked == ["POST /tasks", "GET /by-name", "GET /by-name", "POST /tasks", "GET /tasks/t-1"]


def test_a_look_up_that_is_refused_keeps_the_note_and_sends_nothing(tmp_path: Path) -> None:
    trip = Trip(tmp_path)
    with host(None, said(b"no such key", 401)) as at, pytest.raises(Unable) as caught:
        engine(at.url, BY_NAME).run_errand(CALL, trip)
    assert (caught.value.blame, tickets(trip)) == ("lost", [None])
    assert at.asked == ["POST /tasks", "GET /by-name"]


def test_a_name_that_is_taken_already_is_looked_up(tmp_path: Path) -> None:
    def refused(call: object, response: Response) -> str:
        if response.status == 409:
            raise AlreadyTaken("there is one of that name", 409)
        return str(accepted(CALL, response))

    with host(None, said({}), said({}), said(b"", 409), TAKEN, DONE) as at:
        engine(at.url, replace(BY_NAME, accepted=refused)).run_errand(CALL, Trip(tmp_path))
    assert at.asked[-3:] == ["POST /tasks", "GET /by-name", "GET /tasks/t-1"]


def test_a_vendor_that_does_it_once_gets_the_same_name_again(tmp_path: Path) -> None:
    with host(None, TAKEN, DONE) as at:
        engine(at.url, AGAIN).run_errand(CALL, Trip(tmp_path))
    sent = [json.loads(one.partition(b"\r\n\r\n")[2])["name"] for one in at.whole[:2]]
    assert sent[0] == sent[1]


def test_a_vendor_that_never_answers_is_given_up_after_a_few_tries(tmp_path: Path) -> None:
    with host(None) as at, pytest.raises(Unable) as caught:
        engine(at.url, AGAIN).run_errand(CALL, Trip(tmp_path))
    assert (at.asked, caught.value.blame) == (["POST /tasks"] * 4, "lost")


@pytest.mark.parametrize("no", [said(b"later", 429), said(b"bad key", 401), said(b"oh", 500)])
def test_after_a_doubt_no_other_no_makes_the_task_unpaid(tmp_path: Path, no: bytes) -> None:
    trip = Trip(tmp_path)
    with host(None, no) as at, pytest.raises(Unable) as caught:
        engine(at.url, AGAIN, patience_s=5).run_errand(CALL, trip)
    assert (caught.value.blame, "" in trip.notes) == ("lost", False)
    assert at.asked[0] == "POST /tasks"


def test_a_clear_no_empties_the_note(tmp_path: Path) -> None:
    def check(call: object, response: Response) -> str:
        raise Trouble("invalid", "no boats", member="prompt")

    trip = Trip(tmp_path)
    with host(said()) as at, pytest.raises(ModelError) as caught:
        engine(at.url, replace(PLAIN, accepted=check)).run_errand(CALL, trip)
    assert trip.notes[-1] == ""
    assert caught.value.problems[0].loc == ("body", "prompt")
    assert at.asked == ["POST /tasks"]


def test_a_vendor_that_takes_no_more_is_asked_again_when_it_says(tmp_path: Path) -> None:
    clock = Clock()
    with host(said(b"later", 429, retry_after="20"), TAKEN, DONE) as at:
        engine(at.url, clock=clock).run_errand(CALL, Trip(tmp_path))
    assert 20 <= sum(clock.slept) <= 30
    assert at.asked == ["POST /tasks", "POST /tasks", "GET /tasks/t-1"]


def test_patience_ends(tmp_path: Path) -> None:
    clock = Clock()
    with host(said(b"later", 429)) as at, pytest.raises(Unable) as caught:
        engine(at.url, clock=clock, patience_s=100).run_errand(CALL, Trip(tmp_path))
    assert (caught.value.blame, caught.value.taken) == ("busy", False)
    assert 50 <= sum(clock.slept) <= 120
    assert len(at.asked) < 10


def test_a_wait_longer_than_patience_is_not_begun(tmp_path: Path) -> None:
    clock = Clock()
    with host(said(b"tomorrow", 429, retry_after="86400")) as at, pytest.raises(Unable):
        engine(at.url, clock=clock).run_errand(CALL, Trip(tmp_path))
    assert (clock.slept, len(at.asked)) == ([], 1)


def test_a_vendor_that_fails_by_itself_is_asked_a_few_times(tmp_path: Path) -> None:
    with host(said(b"oh", 500)) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, Trip(tmp_path))
    assert (len(at.asked), caught.value.blame) == (4, "server")


def test_a_cancel_while_the_task_is_sent_waits_for_its_ticket_and_tells_the_vendor(tmp_path: Path) -> None:
    trip = Trip(tmp_path)
    trip.cancel_when = lambda: bool(trip.notes)
    with host(TAKEN, said()) as at, pytest.raises(Cancelled):
        engine(at.url).run_errand(CALL, trip)
    assert at.asked == ["POST /tasks", "DELETE /tasks/t-1"]
    assert tickets(trip) == [None, "t-1"]


def test_a_stale_runner_leaves_the_task_to_the_next_one(tmp_path: Path) -> None:
    trip = Trip(tmp_path, stale=True)
    trip.cancel_when = lambda: len(trip.notes) == 2
    with host(TAKEN) as at, pytest.raises(Cancelled):
        engine(at.url).run_errand(CALL, trip)
    assert at.asked == ["POST /tasks"]


OURS = fingerprint("secret-of-plain")


def test_what_another_key_does_not_find_is_not_sent_again(tmp_path: Path) -> None:
    for vendor in (BY_NAME, AGAIN):
        with host(said({}), said({}), TAKEN, DONE) as at, pytest.raises(Unable) as caught:
            engine(at.url, vendor).run_errand(CALL, Trip(tmp_path, saved=note(key=fingerprint("of-another-account"))))
        assert (at.asked, caught.value.blame) == ([], "lost")


def test_a_task_that_ended_up_nowhere_is_looked_up_and_sent_with_its_own_key(tmp_path: Path) -> None:
    with host(said({}), said({}), TAKEN, DONE) as at:
        engine(at.url, BY_NAME).run_errand(CALL, Trip(tmp_path, saved=note(key=OURS)))
    assert at.asked == ["GET /by-name", "GET /by-name", "POST /tasks", "GET /tasks/t-1"]
    with host(TAKEN, DONE) as at:
        engine(at.url, AGAIN).run_errand(CALL, Trip(tmp_path, saved=note(key=OURS)))
    assert at.asked == ["POST /tasks", "GET /tasks/t-1"]


def test_what_fails_before_a_task_is_sent_again_leaves_the_doubt(tmp_path: Path) -> None:
    uploads = replace(AGAIN, upload=lambda account, _: Request("POST", f"{account.url}/files"), uploaded=refused_upload)
    picture = tmp_path / "in.npy"
    np.save(picture, np.zeros((8, 8, 3), np.uint8))
    shown = Attachment("image", str(picture), "image/png", "upload", ("body", "image_url"))
    trip = Trip(tmp_path, saved=note(key=OURS))
    with host(said()) as at, pytest.raises(Unable) as caught:
        engine(at.url, uploads).run_errand(replace(CALL, body={"image": shown}), trip)
    assert (at.asked, caught.value.blame, trip.notes) == (["POST /files"], "lost", [])


def refused_upload(_prepared: object, _response: Response) -> str:
    raise Trouble("balance", "top it up")


def test_a_ticket_too_long_to_be_kept_is_an_honest_error(tmp_path: Path) -> None:
    with host(said({"id": "t" * 20_000})) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, Trip(tmp_path))
    assert (caught.value.blame, len(at.asked)) == ("lost", 1)
