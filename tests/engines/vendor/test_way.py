"""Waiting for a task and bringing what came: looks, words, deadlines, links, and answers that no vendor should give."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Done, Follow, Request, Response, State
from tests.engines.vendor.rehearsal import Clock, Trip
from tests.engines.vendor.scripted import CALL, PLAIN, engine, host, note, result, said

TAKEN, RUNNING, DONE = said({"id": "t-1"}), said({"state": "running"}), said({"state": "done"})


def saved(tmp_path: Path) -> Trip:
    return Trip(tmp_path, saved=note("t-1"))


def test_looks_come_less_often_the_longer_it_takes(tmp_path: Path) -> None:
    clock = Clock()
    with host(*[RUNNING] * 6, DONE) as at:
        engine(at.url, clock=clock).run_errand(CALL, saved(tmp_path))
    assert len(at.asked) == 7
    assert 7 * PLAIN.pause_s < sum(clock.slept) < 7 * PLAIN.longest_pause_s


def test_a_task_that_failed_for_good_is_not_looked_at_again_and_another_may_be_asked(tmp_path: Path) -> None:
    with host(said({"state": "failed"})) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, caught.value.taken, len(at.asked)) == ("server", False, 1)


@pytest.mark.parametrize("hiccup", [None, said(b"oh", 500), said(b"later", 429, retry_after="3")])
def test_a_look_that_fails_is_taken_again(tmp_path: Path, hiccup: bytes | None) -> None:
    with host(hiccup, hiccup, DONE) as at:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert len(at.asked) == 3


def test_an_unknown_word_is_shown_and_nobody_else_is_paid_for_the_same(tmp_path: Path) -> None:
    with host(said({"state": "contemplating"})) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert "contemplating" in str(caught.value.error)
    assert (caught.value.blame, caught.value.taken) == ("unknown", True)
    assert "t-1" in caught.value.remedy


@pytest.mark.parametrize(
    "odd",
    [
        b"<html>All is well</html>",
        b"",
        b"null",
        b"[1, 2]",
        b'{"state": NaN}',
        b'{"state": 1e999}',
        b'{"state": "\\ud800"}',
        b"[" * 100_000,
        b'{"state": ' + b"9" * 5_000 + b"}",
        b"\xff\xfe\x00",
    ],
)
def test_an_answer_that_no_documentation_has_is_an_error_that_shows_it(tmp_path: Path, odd: bytes) -> None:
    with host(said(odd)) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, caught.value.taken) == ("unknown", True)
    str(caught.value.error).encode()
    assert len(str(caught.value.error)) < 600


def test_the_deadline_begins_when_the_task_was_taken_and_its_end_is_told(tmp_path: Path) -> None:
    clock = Clock()
    busy = [said(b"later", 429, retry_after="50")] * 2
    with host(*busy, TAKEN, RUNNING, RUNNING, DONE) as at:
        engine(at.url, clock=clock, deadline_s=20).run_errand(CALL, Trip(tmp_path))
    with host(RUNNING) as at, pytest.raises(Unable) as caught:
        engine(at.url, clock=clock, deadline_s=20).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, caught.value.taken) == ("slow", True)
    assert at.asked[-1] == "DELETE /tasks/t-1"


def test_a_vendor_that_says_come_tomorrow_is_looked_at_before_the_deadline(tmp_path: Path) -> None:
    clock = Clock()
    with host(said(b"later", 429, retry_after="86400")) as at, pytest.raises(Unable) as caught:
        engine(at.url, clock=clock).run_errand(CALL, saved(tmp_path))
    assert sum(clock.slept) < 2 * PLAIN.deadline_s
    assert caught.value.taken


def test_a_task_that_is_not_known_yet_is_looked_at_again(tmp_path: Path) -> None:
    with host(said(b"", 404), said(b"", 404), RUNNING, DONE) as at:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert len(at.asked) == 4


@pytest.mark.parametrize("before", [[], [RUNNING]])
def test_a_task_that_was_forgotten_is_gone_and_may_have_been_paid(tmp_path: Path, before: list[bytes]) -> None:
    with host(*before, said(b"", 404)) as at, pytest.raises(Unable) as caught:
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, caught.value.taken) == ("gone", True)
    assert len(at.asked) <= 4


def test_an_answer_that_leads_on_may_be_read_by_others_than_the_one_before(tmp_path: Path) -> None:
    def read(account: Account, ticket: str, response: Response) -> State:
        return Follow(Request("GET", f"{account.url}/result"), lambda answer: Done(value=answer.json()))

    with host(said({"state": "whatever"}), said({"made": 1})) as at:
        receipt = engine(at.url, replace(PLAIN, read=read)).run_errand(CALL, saved(tmp_path))
    assert (receipt.value, at.asked) == ({"made": 1}, ["GET /tasks/t-1", "GET /result"])


def test_answers_that_lead_in_a_circle_end(tmp_path: Path) -> None:
    def read(account: Account, ticket: str, response: Response) -> State:
        return Follow(Request("GET", f"{account.url}/again"))

    with host(DONE) as at, pytest.raises(Unable) as caught:
        engine(at.url, replace(PLAIN, read=read)).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, len(at.asked)) == ("unknown", 5)


def test_an_answer_that_leads_nowhere_ends_at_once(tmp_path: Path) -> None:
    def read(account: Account, ticket: str, response: Response) -> State:
        return Follow(Request("GET", "file:///etc/passwd"))

    clock = Clock()
    with host(DONE) as at, pytest.raises(Unable) as caught:
        engine(at.url, replace(PLAIN, read=read), clock).run_errand(CALL, saved(tmp_path))
    assert caught.value.blame == "unknown"
    assert sum(clock.slept) < 10


def test_a_cancel_while_waiting_tells_the_vendor_unless_the_job_is_anothers(tmp_path: Path) -> None:
    for stale, told in ((False, ["DELETE /tasks/t-1"]), (True, [])):
        trip = saved(tmp_path)
        trip.stale = stale
        with host(RUNNING) as at:
            trip.cancel_when = lambda at=at: len(at.asked) > 1  # type: ignore[misc]
            with pytest.raises(Cancelled):
                engine(at.url).run_errand(CALL, trip)
        assert at.asked[2:] == told


def test_a_result_is_brought_and_costs_what_the_operators_list_says(tmp_path: Path) -> None:
    with host(b"", said(b"film", content_type="video/mp4; codecs=x")) as at:
        at.answers[0] = said({"state": "done", "url": f"{at.url}/film?signature=s"})
        receipt = engine(at.url, prices={"m-1:videos": 0.25, "videos": 9}).run_errand(CALL, saved(tmp_path))
    assert result(tmp_path) == b"film"
    assert isinstance(receipt.output, FinishedFiles)
    assert receipt.output.files[0].content_type == "video/mp4"
    assert (receipt.usage, receipt.cost_usd) == ({"videos": 1.0}, 0.25)
    assert not receipt.maker.stand_in


def test_usage_that_is_no_number_is_left_out(tmp_path: Path) -> None:
    def read(account: Account, ticket: str, response: Response) -> State:
        return Done(usage={"seconds": float("inf"), "tokens": -1.0, "videos": 2.0}, value={})

    with host(DONE) as at:
        receipt = engine(at.url, replace(PLAIN, read=read)).run_errand(CALL, saved(tmp_path))
    assert receipt.usage == {"videos": 2.0}


def test_an_expired_link_is_asked_for_anew(tmp_path: Path) -> None:
    with host(b"", said(b"", 403), b"", said(b"film")) as at:
        at.answers[0] = at.answers[2] = said({"state": "done", "url": f"{at.url}/film"})
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert result(tmp_path) == b"film"


def test_a_link_that_stays_expired_is_gone_and_was_paid(tmp_path: Path) -> None:
    with host(*[b"", said(b"", 403)] * 3) as at:
        at.answers[0] = at.answers[2] = at.answers[4] = said({"state": "done", "url": f"{at.url}/film"})
        with pytest.raises(Unable) as caught:
            engine(at.url).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, caught.value.taken) == ("gone", True)


def test_a_download_that_breaks_off_is_begun_again(tmp_path: Path) -> None:
    broken = said(b"film")[:-2]
    with host(b"", broken, None, said(b"film")) as at:
        at.answers[0] = said({"state": "done", "url": f"{at.url}/film"})
        engine(at.url).run_errand(CALL, saved(tmp_path))
    assert result(tmp_path) == b"film"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/film", "http://[::1]/film", "http://[", "file:///etc/passwd", ""])
def test_a_result_lies_at_the_apis_own_host_or_where_a_strangers_url_may_lead(tmp_path: Path, url: str) -> None:
    clock = Clock()
    with host(said({"state": "done", "url": url})) as at, pytest.raises(Unable) as caught:
        engine(at.url, clock=clock).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, len(at.asked)) == ("gone", 1)
    assert sum(clock.slept) < 3, "asking such an address again is no use"


@pytest.mark.parametrize("to", ["http://127.0.0.1:9/x", "http://169.254.169.254/latest", "http://[bad", "gopher://x/"])
def test_a_redirect_leads_to_no_private_address(tmp_path: Path, to: str) -> None:
    with host(b"", said(b"", 302, location=to)) as at:
        at.answers[0] = said({"state": "done", "url": f"{at.url}/film"})
        with pytest.raises(Unable) as caught:
            engine(at.url).run_errand(CALL, saved(tmp_path))
    assert (caught.value.blame, len(at.asked)) == ("gone", 2)


def test_a_successor_is_asked_only_where_the_operator_names_one_and_is_a_stand_in(tmp_path: Path) -> None:
    old = replace(PLAIN, retired={"m-1": "it ended in May"})
    with host(TAKEN, DONE) as at:
        with pytest.raises(Unable, match="name a successor") as caught:
            engine(at.url, old).run_errand(CALL, Trip(tmp_path))
        assert (caught.value.blame, at.asked) == ("retired", [])
        receipt = engine(at.url, old, models={"m-1": "m-2"}).run_errand(CALL, Trip(tmp_path))
    assert (receipt.maker.model, receipt.maker.stand_in) == ("m-2", True)


def test_a_dead_key_gives_its_place_to_the_next_and_rests(tmp_path: Path) -> None:
    with host(said(b"bad key", 401), TAKEN, DONE, TAKEN, DONE) as at:
        made = engine(at.url, keys=["first-key-x", "second-key-x"], key=None)
        made.run_errand(CALL, Trip(tmp_path))
        made.run_errand(CALL, Trip(tmp_path))
    keys = [one.split(b"authorization: ")[1].split(b"\r\n")[0] for one in at.whole if b"authorization" in one]
    assert keys == [b"first-key-x", *[b"second-key-x"] * 4]


def test_all_keys_dead_is_the_operators_to_mend(tmp_path: Path) -> None:
    with host(said(b"bad key", 401)) as at:
        made = engine(at.url, keys=["first-key-x", "second-key-x"], key=None)
        for asked in (2, 2):  # the second job asks nobody: both rest
            with pytest.raises(Unable) as caught:
                made.run_errand(CALL, Trip(tmp_path))
            assert (caught.value.blame, len(at.asked)) == ("key", asked)


def test_a_key_that_is_told_to_slow_down_lets_another_go_first(tmp_path: Path) -> None:
    clock = Clock()
    with host(said(b"later", 429, retry_after="30"), TAKEN, DONE) as at:
        engine(at.url, clock=clock, keys=["first-key-x", "second-key-x"], key=None).run_errand(CALL, Trip(tmp_path))
    assert sum(clock.slept) < 5


def test_a_task_goes_on_with_another_key_when_its_own_is_gone_from_the_settings(tmp_path: Path) -> None:
    with host(DONE) as at:
        engine(at.url, key="a-new-key").run_errand(CALL, saved(tmp_path))
    assert b"a-new-key" in at.whole[0]


def test_what_a_vendor_repeats_of_a_key_is_hidden(tmp_path: Path) -> None:
    for status in (400, 401, 403, 500, 429):
        echo = b"bad secret-of-plain c2VjcmV0LW9mLXBsYWlu eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJrIn0.c2ln"
        trip = Trip(tmp_path)
        with host(said(echo, status)) as at, pytest.raises(Exception) as caught:  # noqa: PT011
            engine(at.url, patience_s=2).run_errand(CALL, trip)
        error = caught.value.error if isinstance(caught.value, Unable) else caught.value
        told = json.dumps([str(error), str(caught.value), trip.lines, trip.notes])
        assert "secret-of-plain" not in told
        assert "c2VjcmV0" not in told
        assert "eyJhbGci" not in told


def test_a_misread_answer_is_logged_without_the_key(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def accepted(_call: object, response: Response) -> str:
        return str(int(response.body))

    with host(said(b"secret-of-plain", 400)) as at, caplog.at_level("INFO"), pytest.raises(Unable) as caught:
        engine(at.url, replace(PLAIN, accepted=accepted)).run_errand(CALL, Trip(tmp_path))
    assert "invalid literal for int() with base 10: b'[hidden]'" in caplog.text
    assert "secret-of-plain" not in caplog.text + str(caught.value.error)
