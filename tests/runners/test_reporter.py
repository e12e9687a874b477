"""Beats follow the step loop: none without a tick, lines in order, nothing lost, the answer seen."""

import time
from collections.abc import Iterator

import pytest

from rushes.engines.engine import Cancelled
from rushes.jobs.protocol import BeatReply, Line
from rushes.runners.client import GatewayAway, Refused
from rushes.runners.reporter import Reporter
from tests.runners.live import wait_for

BEAT_S = 0.02


class Post:
    """Takes beats; answers, or raises, what it is told to."""

    def __init__(self) -> None:
        self.beats: list[list[str]] = []
        self.previews: list[bytes | None] = []
        self.answer: BeatReply | Exception = BeatReply(answer="carry on")

    def __call__(self, lines: tuple[Line, ...], preview: bytes | None) -> BeatReply:
        self.previews.append(preview)
        self.beats.append([line.message for line in lines])
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def reporter(post: Post) -> Iterator[Reporter]:
    made = Reporter(post, BEAT_S, lambda: 5.0)
    yield made
    made.close()


def test_without_a_sign_of_life_there_is_no_beat(reporter: Reporter, post: Post) -> None:
    reporter.overhear("printed by a thread beside a hung loop", "STDOUT")
    time.sleep(0.15)
    assert post.beats == []


def test_each_pause_with_a_tick_in_it_is_one_beat(reporter: Reporter, post: Post) -> None:
    for _ in range(20):
        reporter.tick()
        time.sleep(0.01)
    assert 2 <= len(post.beats) <= 12


def test_lines_travel_together_and_in_order(reporter: Reporter, post: Post) -> None:
    for number in range(5):
        reporter.say(str(number))
    wait_for(lambda: bool(post.beats))
    assert post.beats == [["0", "1", "2", "3", "4"]]


def test_a_short_job_sends_no_beat_and_its_lines_go_with_its_end(reporter: Reporter, post: Post) -> None:
    reporter.say("only", labels={"progress": "1"})
    assert reporter.close() == (Line(at=5.0, message="only", labels={"progress": "1"}),)
    assert post.beats == []


def test_lines_of_a_beat_that_did_not_arrive_are_kept_in_order(reporter: Reporter, post: Post) -> None:
    post.answer = GatewayAway("down")
    reporter.say("first")
    wait_for(lambda: bool(post.beats))
    post.answer = BeatReply(answer="carry on")
    reporter.say("second")
    wait_for(lambda: post.beats[-1] == ["first", "second"])
    assert not reporter.cancelled()


def test_a_cancel_is_seen_by_the_step_loop(reporter: Reporter, post: Post) -> None:
    post.answer = BeatReply(answer="cancel")
    reporter.tick()
    wait_for(reporter.cancelled)
    assert not reporter.stale
    with pytest.raises(Cancelled):
        reporter.tick()


@pytest.mark.parametrize("answer", [BeatReply(answer="stale"), Refused(404, "no such job")])
def test_a_job_that_is_anothers_now_is_given_up(reporter: Reporter, post: Post, answer: BeatReply | Refused) -> None:
    post.answer = answer
    reporter.tick()
    wait_for(reporter.cancelled)
    assert reporter.stale


def test_a_step_loop_that_is_silent_for_too_long_is_reported_as_hung(post: Post) -> None:
    hangs: list[str] = []
    made = Reporter(post, BEAT_S, lambda: 5.0, hang_s=0.5, on_hang=lambda: hangs.append("hung"))
    made.overhear("printed beside a hung loop", "STDOUT")
    wait_for(lambda: bool(hangs))
    made.close()


def test_a_clock_that_is_set_makes_no_job_late(post: Post) -> None:
    now = [5.0]
    made = Reporter(post, BEAT_S, lambda: now[0], limit_s=600)
    now[0] += 86_400
    assert not made.overdue
    made.close()
    late = Reporter(post, BEAT_S, lambda: 5.0, limit_s=0.01)
    wait_for(lambda: late.overdue)
    late.close()


def test_a_beat_that_fails_unexpectedly_is_not_the_last_and_loses_no_line(reporter: Reporter, post: Post) -> None:
    post.answer = ValueError("the answer is not JSON")
    reporter.say("first")
    wait_for(lambda: bool(post.beats))
    post.answer = BeatReply(answer="carry on")
    reporter.say("second")
    wait_for(lambda: post.beats[-1] == ["first", "second"])


def test_what_no_message_can_carry_is_said_without_it(reporter: Reporter) -> None:
    reporter.say("half a sign: \ud83d")
    (line,) = reporter.close()
    assert line.message == "half a sign: \ufffd"
    assert Line.model_validate_json(line.model_dump_json()) == line


def test_a_preview_is_wanted_once_for_each_beat_while_somebody_watches(reporter: Reporter, post: Post) -> None:
    assert not reporter.wants_preview(), "nobody has asked yet"
    post.answer = BeatReply(answer="carry on", preview=True)
    reporter.tick()
    wait_for(reporter.wants_preview)
    reporter.show(b"jpeg")
    assert not reporter.wants_preview(), "one for each beat is enough"
    reporter.tick()
    wait_for(reporter.wants_preview)
    assert post.previews == [None, b"jpeg"]
    post.answer = BeatReply(answer="carry on")
    reporter.tick()
    wait_for(lambda: not reporter.wants_preview())
