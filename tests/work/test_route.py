"""Which deployment is asked, which comes next, and what goes no further."""

import json
from dataclasses import replace
from typing import get_args

import pytest

from rushes.engines.engine import Blame, Unable
from rushes.errors import CallerError, ModelError
from rushes.work.breaker import FAILURES, Breakers
from rushes.work.route import FALLS, by_route
from rushes.work.tools import Deployment
from tests.work.parts import ENDPOINT, TinyEngine, Told, job

ROUTE = tuple(Deployment(name, "tiny", TinyEngine(), TinyEngine().load()) for name in ("first", "second", "third"))
STAY = {"lost", "slow", "gone"}


def unable(blame: Blame, *, taken: bool = False) -> Unable:
    return Unable(blame, ModelError("downstream_service_unavailable", f"it is {blame}"), "mend it", taken=taken)


class Maker:
    """Fails as it is told, by deployment; remembers who was asked."""

    def __init__(self, **fails: Exception) -> None:
        self.fails, self.asked = fails, list[str]()

    def __call__(self, deployment: Deployment) -> str:
        self.asked.append(deployment.name)
        if deployment.name in self.fails:
            raise self.fails[deployment.name]
        return deployment.name


def run(make: Maker, breakers: Breakers | None = None, report: Told | None = None, **wishes: object) -> str:
    asked = job().model_copy(update=wishes)
    return by_route(asked, ENDPOINT, ROUTE, breakers or Breakers(lambda: 0.0), report or Told(), make)


def test_the_first_that_can_does_it() -> None:
    make = Maker()
    assert (run(make), make.asked) == ("first", ["first"])


@pytest.mark.parametrize("blame", get_args(Blame))
def test_what_falls_through_is_as_the_table_says(blame: Blame) -> None:
    make, report = Maker(first=unable(blame)), Told()
    if blame in STAY:
        with pytest.raises(ModelError):
            run(make)
        assert make.asked == ["first"]
    else:
        assert run(make, report=report) == "second"
        assert report.lines[0][1] == "WARN"
    assert FALLS[blame].falls_through == (blame not in STAY)


@pytest.mark.parametrize("blame", get_args(Blame))
def test_no_other_is_asked_where_a_task_was_taken(blame: Blame) -> None:
    make = Maker(first=unable(blame, taken=True))
    with pytest.raises(ModelError, match="it is"):
        run(make)
    assert make.asked == ["first"]


@pytest.mark.parametrize("kind", ["value_error", "content_policy_violation", "file_too_large", "generation_timeout"])
def test_what_the_request_is_to_blame_for_goes_no_further(kind: str) -> None:
    make = Maker(first=ModelError(kind))
    with pytest.raises(CallerError):
        run(make)
    assert make.asked == ["first"]


def test_a_fault_of_an_engine_of_ours_falls_through() -> None:
    assert run(Maker(first=ModelError("internal_server_error"))) == "second"


def test_the_last_ones_error_is_the_callers() -> None:
    make = Maker(first=unable("key"), second=unable("busy"), third=unable("server"))
    with pytest.raises(ModelError, match="it is server"):
        run(make)
    assert make.asked == ["first", "second", "third"]


def test_the_caller_may_forbid_others_and_name_one() -> None:
    make = Maker(first=unable("key"))
    with pytest.raises(ModelError, match="it is key"):
        run(make, fallback=False)
    assert make.asked == ["first"]
    make = Maker(second=unable("key"))
    with pytest.raises(ModelError, match="it is key"):
        run(make, deployment="second")
    assert make.asked == ["second"]


def note(deployment: str) -> str:
    return json.dumps({"deployment": deployment, "key": "k", "model": "m", "name": "n", "ticket": "t"})


def test_a_task_under_way_goes_on_where_it_is_and_falls_through_from_there() -> None:
    make = Maker(second=unable("server"))
    assert run(make, note=note("second")) == "third"
    assert make.asked == ["second", "third"]


def test_a_task_whose_deployment_is_gone_ends_honestly() -> None:
    make = Maker()
    with pytest.raises(ModelError, match="may have been paid"):
        run(make, note=note("renamed"))
    assert make.asked == []


def test_one_that_rests_is_passed_by_unless_it_is_the_last_or_has_the_task() -> None:
    breakers = Breakers(lambda: 0.0)
    for name in ("first", "third"):
        for _ in range(FAILURES):
            breakers.failed(name)
    report = Told()
    assert run(Maker(), breakers, report) == "second"
    assert report.lines == [("first rests after failures; going on with the next deployment", "WARN", None)]
    assert run(Maker(second=unable("key")), breakers) == "third"
    assert run(Maker(), breakers, note=note("first")) == "first"


def test_failures_open_the_breaker_and_a_callers_mistake_does_not() -> None:
    breakers = Breakers(lambda: 0.0)
    for _ in range(FAILURES):
        with pytest.raises(CallerError):
            run(Maker(first=ModelError("value_error")), breakers)
    assert run(Maker(), breakers) == "first"
    for _ in range(FAILURES):
        run(Maker(first=unable("server")), breakers)
    make = Maker()
    assert (run(make, breakers), make.asked) == ("second", ["second"])


def test_the_remedy_is_in_the_operators_log_and_not_in_the_callers(caplog: pytest.LogCaptureFixture) -> None:
    report = Told()
    run(Maker(first=unable("key")), report=report)
    assert "mend it" in caplog.text
    assert "mend it" not in "".join(report.messages)


def test_the_route_of_one_is_asked_though_it_rests() -> None:
    breakers = Breakers(lambda: 0.0)
    for _ in range(FAILURES):
        breakers.failed("first")
    asked = replace(ROUTE[0])
    assert by_route(job(), ENDPOINT, (asked,), breakers, Told(), Maker()) == "first"
