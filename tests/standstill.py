"""A test that failed while the whole machine stood still proves nothing, and is run again, once.

Virtual machines are stopped for minutes at times, and then every time limit of every test under way is over when they
go on. A thread looks at the clock twice a second: a gap of many seconds between two looks is such a standstill. A test
that hangs by itself, or is slow, leaves no gap and fails as ever.

With `--again`, as continuous integration has it on machines that others use too, every failed test gets a second try.
What passes only then is named in the summary with its first failure: it is a bug to be mended, but not of the change.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from _pytest.runner import runtestprotocol

LOOK_S = 0.5
GAP_S = 15.0  # between two looks; the busiest machine leaves a second or two


class Watch:
    """Knows when the machine last stood still. `clock` counts seconds; `sleep` lets some pass."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._still_until = float("-inf")

    def start(self) -> None:
        """Look from now on, in a thread that ends with the process."""
        threading.Thread(target=self._run, name="standstill", daemon=True).start()

    def look(self) -> None:
        """Look twice at the clock."""
        before = self._clock()
        self._sleep(LOOK_S)
        now = self._clock()
        if now - before > GAP_S:
            self._still_until = now

    def stood_still_since(self, then: float) -> bool:
        """Say whether it did."""
        return self._still_until > then

    def _run(self) -> None:
        while True:
            self.look()


FIRST_TRY = "first_try"  # names a property of a report: how the test failed
WATCH = pytest.StashKey[Watch]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--again`."""
    parser.addoption("--again", action="store_true", help="run failed tests once more, and name those that pass then")


def pytest_configure(config: pytest.Config) -> None:
    """Begin to watch."""
    config.stash[WATCH] = Watch()
    config.stash[WATCH].start()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name what passed at the second try only, with what the first one said."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("")]
    unsteady = [(report.nodeid, why) for report in reports for name, why in report.user_properties if name == FIRST_TRY]
    if unsteady:
        terminalreporter.section("passed at the second try only")
        for nodeid, why in unsteady:
            terminalreporter.write_line(f"{nodeid}\n{why}\n")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test, and once more where it failed during a standstill; only the last run counts."""
    began = time.monotonic()
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        time.sleep(2 * LOOK_S)  # the watch may not have looked yet
        if item.config.stash[WATCH].stood_still_since(began) or item.config.getoption("again"):
            why = next(report.longreprtext for report in reports if report.failed)
            item._initrequest()  # type: ignore[attr-defined]  # as plugins do that run tests again
            _forget_fixtures_that_failed(item)
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            if not any(report.failed for report in reports):
                reports[-1].user_properties.append((FIRST_TRY, why))  # which travels from a worker to the summary
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def _forget_fixtures_that_failed(item: pytest.Item) -> None:
    """One of a whole module would else fail for each of its tests, without being tried again."""
    for found in item._fixtureinfo.name2fixturedefs.values():  # type: ignore[attr-defined]
        for fixture in found:
            if fixture.cached_result is not None and fixture.cached_result[2] is not None:
                fixture.finish(item._request)  # type: ignore[attr-defined]
