"""Who may read a stored file: a default and rules for single accounts, and what follows from them. Pure.

A file without an Acl may be read by whoever knows its address. How the list is written on the wire is said by
`gateway.lifecycle`, who asks is found out by the gateway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Decision = Literal["allow", "forbid", "hide"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What one account may, whatever the default says."""

    user: str  # an account
    decision: Decision


@dataclass(frozen=True, slots=True)
class Acl:
    """`forbid` shows that there is a file, `hide` does not even do that."""

    default: Decision = "allow"
    rules: tuple[Rule, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it says the same as no list at all."""
        return self.default == "allow" and all(rule.decision == "allow" for rule in self.rules)


def acl_from(stored: Mapping[str, Any] | None) -> Acl | None:
    """Return the Acl that `dataclasses.asdict` made this mapping from."""
    return None if stored is None else Acl(stored["default"], tuple(Rule(**rule) for rule in stored["rules"]))


def decision(acl: Acl | None, account: str | None, owner: str) -> Decision:
    """Decide for an account, or for a reader whom nobody knows (None). The owner may always."""
    if acl is None or account == owner:
        return "allow"
    found: Decision = acl.default
    for rule in acl.rules:
        if rule.user == account:
            found = rule.decision  # the last one counts
    return found
