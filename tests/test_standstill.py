"""The watch over standstills of the machine: what it sees, and that only then a test is run again."""

import pytest

from tests.standstill import GAP_S, LOOK_S, WATCH, Watch

pytest_plugins = ["pytester"]

ONCE = """
import time
from tests.standstill import WATCH

tries = []

def test_it(request):
    tries.append(1)
    if {still}:
        request.config.stash[WATCH]._still_until = time.monotonic()
    assert len(tries) == 2
"""


def watch_over(step: float) -> Watch:
    now = [100.0]

    def sleep(_seconds: float) -> None:
        now[0] += step

    return Watch(lambda: now[0], sleep)


@pytest.mark.parametrize(("step", "still"), [(LOOK_S, False), (GAP_S - 1, False), (GAP_S + 1, True)])
def test_only_a_long_gap_is_a_standstill(step: float, still: bool) -> None:
    watch = watch_over(step)
    watch.look()
    assert watch.stood_still_since(100.0) == still
    assert not watch.stood_still_since(1_000.0)


@pytest.mark.parametrize(("still", "outcome"), [(True, "passed"), (False, "failed")])
def test_a_failing_test_is_run_again_only_after_a_standstill(
    pytester: pytest.Pytester, still: bool, outcome: str
) -> None:
    pytester.makepyfile(ONCE.format(still=still))
    found = pytester.inline_run("-p", "tests.standstill", "-p", "no:cacheprovider")
    assert found.countoutcomes() == ([1, 0, 0] if outcome == "passed" else [0, 0, 1])


@pytest.mark.parametrize("workers", [0, 1])
def test_where_it_is_wished_every_failing_test_gets_a_second_try_and_is_named(
    pytester: pytest.Pytester, workers: int
) -> None:
    pytester.makepyfile(ONCE.format(still=False))
    told = pytester.runpytest("-p", "tests.standstill", "-p", "no:cacheprovider", "--again", "-n", str(workers))
    told.assert_outcomes(passed=1)
    told.stdout.fnmatch_lines(["*passed at the second try only*", "*test_it", "*assert len(tries) == 2*"])


def test_a_modules_fixture_gets_a_second_try_too(pytester: pytest.Pytester) -> None:
    fixture = "@pytest.fixture(scope='module')\ndef server():\n    tries.append(1)\n    assert len(tries) == 2\n"
    pytester.makepyfile(f"import pytest\ntries = []\n{fixture}\ndef test_it(server): pass\ndef test_too(server): pass")
    pytester.runpytest("-p", "tests.standstill", "-p", "no:cacheprovider", "--again").assert_outcomes(passed=2)


def test_what_fails_twice_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(): assert False")
    told = pytester.runpytest("-p", "tests.standstill", "-p", "no:cacheprovider", "--again")
    told.assert_outcomes(failed=1)
    told.stdout.no_fnmatch_line("*passed at the second try only*")


def test_this_very_run_is_watched(request: pytest.FixtureRequest) -> None:
    assert isinstance(request.config.stash[WATCH], Watch)
