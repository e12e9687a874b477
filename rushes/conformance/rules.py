"""What a rule is, the table of all rules, and the three ways in which a check ends.

A check returns when the rule holds, raises Failed when the server broke it and NotApplicable when this server (or any
server) cannot be asked. The checks themselves are in the file of their section, and register by the decorator here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rushes.conformance.target import Target

When = Literal["any", "busy", "alone"]
"""Beside the others; while every worker is occupied, so that new requests wait; or with the server to itself."""

Check = Callable[["Target"], None]


class Failed(Exception):
    """The rule is broken: what was sent, what came back, what should have."""

    def __init__(self, expected: str, got: str, sent: str = "") -> None:
        self.expected, self.got, self.sent = expected, got, sent
        super().__init__(f"expected {expected}, got {got}")


class NotApplicable(Exception):
    """The rule cannot be tried on this server, and why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of the protocol and how it is checked."""

    id: str
    text: str
    check: Check
    when: When


RULES: dict[str, Rule] = {}


def rule(rule_id: str, text: str, when: When = "any") -> Callable[[Check], Check]:
    """Register the check of a rule; the function is named after it."""

    def keep(check: Check) -> Check:
        RULES[rule_id] = Rule(rule_id, text, check, when)
        return check

    return keep


def must(ok: object, expected: str, got: object, sent: str = "") -> None:
    """Raise Failed unless `ok`."""
    if not ok:
        raise Failed(expected, short(got), sent)


def short(value: object, limit: int = 300) -> str:
    """One line of what was seen, however long it is."""
    text = value if isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
