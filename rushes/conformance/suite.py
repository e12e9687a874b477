"""Runs the rules against a target: what bears company side by side, what needs a full queue, then the rest.

What the rules ask is in the files of their sections, which are loaded here so that the table of rules is whole.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from importlib import import_module

import httpx2
from websockets.exceptions import WebSocketException

from rushes.conformance.report import Finding
from rushes.conformance.rules import RULES, Failed, NotApplicable, Rule, short
from rushes.conformance.target import Target

SECTIONS = (
    "routing",
    "auth",
    "running",
    "queue",
    "streaming",
    "realtime",
    "webhooks",
    "storage",
    "errors",
    "proxy",
    "schema",
)
SIDE_BY_SIDE = 8  # rules mostly wait; our own server is started with four runners for them
STUMBLES = (
    *(KeyError, TypeError, AttributeError, IndexError, ValueError, OSError, RecursionError),
    *(WebSocketException, httpx2.InvalidURL),
)
"""What checks may come upon in a server's answers, of which it may give any."""

for _section in SECTIONS:  # each registers its rules as it is loaded
    import_module(f"rushes.conformance.{_section}")

_ORDER = "RAHSQTWFEPO"


def all_rules() -> list[Rule]:
    """Every rule, in the protocol's order."""
    return sorted(RULES.values(), key=lambda rule: (_ORDER.index(rule.id[0]), rule.id))


def chosen(ids: Iterable[str]) -> list[Rule]:
    """Return the named rules; all where none is named. Raises ValueError for an unknown id."""
    wanted = {name.strip().upper() for name in ids if name.strip()}
    unknown = sorted(name for name in wanted if not any(_named(rule, name) for rule in RULES.values()))
    if unknown:
        raise ValueError(f"no rule {', '.join(unknown)}; there are {all_rules()[0].id} to {all_rules()[-1].id}")
    return [rule for rule in all_rules() if not wanted or any(_named(rule, name) for name in wanted)]


def _named(rule: Rule, name: str) -> bool:
    """`Q-07` names one rule, `Q` all rules of the queue."""
    return rule.id == name or (re.fullmatch("[A-Z]", name) is not None and rule.id.startswith(f"{name}-"))


def run(target: Target, rules: Sequence[Rule], told: Callable[[Finding], None] = lambda _: None) -> list[Finding]:
    """Try the rules; `told` hears of each as it ends. The findings come in the protocol's order."""
    found: dict[str, Finding] = {}

    def note(finding: Finding) -> None:
        found[finding.rule] = finding
        told(finding)

    target.settle()
    try:
        _together(target, [rule for rule in rules if rule.when == "any"], note)
        _while_busy(target, [rule for rule in rules if rule.when == "busy"], note)
        for rule in rules:
            if rule.when == "alone":
                note(_tried(target, rule))
    finally:
        target.clean_up()
    return [found[rule.id] for rule in rules]


def _together(target: Target, rules: Sequence[Rule], note: Callable[[Finding], None]) -> None:
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for finding in pool.map(lambda rule: _tried(target, rule), rules):
            note(finding)


def _while_busy(target: Target, rules: Sequence[Rule], note: Callable[[Finding], None]) -> None:
    if not rules:
        return
    with ExitStack() as busy:
        with suppress(NotApplicable, Failed):  # each rule says for itself that the workers are not occupied
            busy.enter_context(target.all_workers_busy())
        _together(target, rules, note)


def _tried(target: Target, rule: Rule) -> Finding:
    began = time.monotonic()

    def ended(**how: str) -> Finding:
        seconds = round(time.monotonic() - began, 3)
        return Finding(rule.id, rule.text, seconds=seconds, **how)  # type: ignore[arg-type]  # verdicts are literals

    try:
        rule.check(target)
    except NotApplicable as reason:
        return ended(verdict="not applicable", why=str(reason))
    except Failed as failed:
        return ended(verdict="failed", sent=failed.sent, got=failed.got, expected=failed.expected)
    except STUMBLES as error:
        # What a check stumbles over is the server's answer, not the check's crash, and no end to the others.
        got = short(f"no member {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}")
        return ended(verdict="failed", got=got, expected="an answer of the protocol's shape")
    return ended(verdict="passed")
