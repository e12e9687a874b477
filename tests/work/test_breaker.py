"""A deployment that keeps failing rests, ever longer, and one job tries it before the others do."""

from dataclasses import dataclass

from rushes.work.breaker import FAILURES, FIRST_REST_S, LONGEST_REST_S, Breakers


@dataclass
class Clock:
    at: float = 0.0

    def __call__(self) -> float:
        return self.at


def open_(clock: Clock) -> Breakers:
    breakers = Breakers(clock)
    for _ in range(FAILURES):
        assert breakers.asked("a")
        breakers.failed("a")
    return breakers


def test_it_opens_after_failures_in_a_row_and_for_that_deployment_only() -> None:
    breakers = open_(Clock())
    assert not breakers.asked("a")
    assert breakers.asked("b")


def test_a_success_between_failures_starts_the_row_anew() -> None:
    breakers = Breakers(Clock())
    for _ in range(10):
        for _ in range(FAILURES - 1):
            breakers.failed("a")
        breakers.worked("a")
    assert breakers.asked("a")


def test_after_its_rest_one_job_tries_it_and_a_success_closes_it() -> None:
    clock = Clock()
    breakers = open_(clock)
    clock.at += FIRST_REST_S
    assert [breakers.asked("a") for _ in range(3)] == [True, False, False]
    breakers.worked("a")
    assert [breakers.asked("a") for _ in range(3)] == [True, True, True]


def test_a_try_that_fails_makes_the_rest_longer_up_to_a_bound() -> None:
    clock = Clock()
    breakers = open_(clock)
    rest_s = FIRST_REST_S
    for _ in range(8):
        clock.at += rest_s
        assert breakers.asked("a")
        breakers.failed("a")
        rest_s = min(rest_s * 2, LONGEST_REST_S)
        clock.at += rest_s - 0.1
        assert not breakers.asked("a")
        clock.at += 0.1 - rest_s
    assert rest_s == LONGEST_REST_S


def test_jobs_that_were_under_way_when_it_opened_make_its_rest_no_longer() -> None:
    clock = Clock()
    breakers = open_(clock)
    for _ in range(20):
        breakers.failed("a")
    clock.at += FIRST_REST_S
    assert breakers.asked("a")
