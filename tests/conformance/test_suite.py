"""The checks can fail, and ours passes: the whole suite against two wrong servers and against the real one."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from rushes.cli.conformance import target_at
from rushes.conformance import suite
from rushes.conformance.report import Finding
from rushes.conformance.rules import Rule
from rushes.conformance.target import Target
from tests.conformance import careless, jammed
from tests.conformance.serving import serving

PASSED_BY_CARELESS = {"R-09", "R-18", "A-02", "Q-03", "Q-08"}
NEEDS_A_QUEUE_OR_KEYS = {"A-01", "A-04", "A-05", "A-07", "S-03", "Q-02", "Q-19", "Q-20", "Q-21", "T-09"}
BROKEN_BY_JAMMED = {"R-09", "A-01", "A-02", "A-04", "A-05", "A-07", "S-03", "Q-02", "Q-03", "Q-06", "Q-09", "Q-19"}
BROKEN_BY_JAMMED |= {"Q-20", "Q-21"}


@contextmanager
def findings(app: Any, ids: list[str]) -> Iterator[dict[str, Finding]]:
    """Try rules on a wrong server, without patience."""
    with serving(app) as url, target_at(url, "some:key") as target:
        target.probe.patience = 0.02
        yield {found.rule: found for found in suite.run(target, suite.chosen(ids))}


@pytest.mark.acceptance
@pytest.mark.slow
def test_a_careless_server_breaks_nearly_every_rule_and_the_suite_says_which() -> None:
    with findings(careless.app, []) as found:
        failed = {rule for rule, finding in found.items() if finding.verdict == "failed"}
        assert set(found) - failed <= PASSED_BY_CARELESS | NEEDS_A_QUEUE_OR_KEYS
        assert all(found[rule].expected and found[rule].got for rule in failed)
        assert "without a query" in found["R-11"].expected
        assert "status_url = response_url + /status" in found["R-12"].expected
        assert found["R-14"].got.startswith("502")
        assert found["Q-07"].expected == "status 404"
        assert "queue_position" in found["Q-04"].expected
        assert "bare JSON string" in found["A-06"].expected
        assert "+00:00" in found["F-05"].expected


@pytest.mark.acceptance
def test_a_server_whose_queue_stands_still_breaks_the_rules_of_waiting_and_of_keys() -> None:
    with findings(jammed.app, sorted(BROKEN_BY_JAMMED)) as found:
        assert {rule for rule, finding in found.items() if finding.verdict == "failed"} == BROKEN_BY_JAMMED


def open_a_socket(target: Target) -> None:
    with target.probe.socket("/no/such/model/realtime"):
        pass


def follow_no_address(target: Target) -> None:
    target.fetch("http://127.0.0.1/\x01")


def look_for_a_member(target: Target) -> None:
    target.probe.get("platform", "/v1/models").object()["x"]


def test_what_a_check_stumbles_over_is_a_finding_and_the_others_go_on() -> None:
    checks = {"X-01": open_a_socket, "X-02": follow_no_address, "X-03": look_for_a_member, "X-04": lambda _: None}
    rules = [Rule(name, "a rule of this test", check, "any") for name, check in checks.items()]
    with serving(careless.app) as url, target_at(url, "some:key") as target:
        found = suite.run(target, rules)
    assert [finding.verdict for finding in found] == ["failed", "failed", "failed", "passed"]
    assert [finding.got.partition(":")[0] for finding in found[:3]] == ["InvalidStatus", "InvalidURL", "no member 'x'"]


def test_rules_of_waiting_are_tried_once_though_the_server_goes_away_meanwhile() -> None:
    with ExitStack() as server, target_at(server.enter_context(serving(jammed.app)), "some:key") as target:
        target.probe.patience = 0.02
        told: list[Finding] = []
        suite.run(target, [Rule("X-01", "a rule of this test", lambda _: server.close(), "busy")], told.append)
    assert [finding.verdict for finding in told] == ["passed"]


@pytest.mark.acceptance
@pytest.mark.slow
def test_our_server_breaks_no_rule() -> None:
    command = [sys.executable, "-m", "rushes.cli", "conformance", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    told = json.loads(done.stdout)
    assert [rule for rule in told["rules"] if rule["verdict"] != "passed"] == []
    assert done.returncode == 0
    assert len(told["rules"]) == told["counts"]["passed"] == len(suite.all_rules())


def test_the_table_holds_exactly_the_protocols_rules() -> None:
    numbers = {"R": 20, "A": 7, "H": 2, "S": 3, "Q": 22, "T": 10, "W": 7, "F": 11, "E": 5, "P": 6, "O": 4}
    expected = [f"{letter}-{number:02}" for letter, last in numbers.items() for number in range(1, last + 1)]
    assert [rule.id for rule in suite.all_rules()] == expected


def test_every_check_is_named_after_its_rule_and_says_what_it_asks() -> None:
    for rule in suite.all_rules():
        assert rule.check.__name__ == rule.id.lower().replace("-", "_")
        assert 20 < len(rule.text) < 140


def test_rules_are_chosen_by_id_or_by_letter() -> None:
    assert [rule.id for rule in suite.chosen(["q-07", " R-04"])] == ["R-04", "Q-07"]
    assert [rule.id for rule in suite.chosen(["H"])] == ["H-01", "H-02"]
    assert len(suite.chosen([""])) == len(suite.all_rules())


def test_an_unknown_rule_is_named() -> None:
    with pytest.raises(ValueError, match="no rule Q-99"):
        suite.chosen(["Q-99"])
