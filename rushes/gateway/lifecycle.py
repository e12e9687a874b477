"""How long a file is kept and who may read it, as the wire writes it (protocol 7.7): headers, settings, ACLs. Pure.

What an ACL leads to is decided in `files.acl`; whose defaults apply where nothing is asked for is said by `sharing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rushes.files.acl import Acl, Decision, Rule

HEADERS = (b"x-fal-object-lifecycle", b"x-fal-object-lifecycle-preference")
MOST_RULES = 50  # they travel in upload URLs
MOST_USER_CHARS = 100
MOST_SECONDS = 100 * 366 * 86_400.0  # a century, whose end is still a date

Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False)]


class RuleJson(BaseModel):
    """One rule of an ACL."""

    model_config = ConfigDict(extra="ignore")

    user: str = Field(min_length=1, max_length=MOST_USER_CHARS, description="An account of this server.")
    decision: Decision


class AclJson(BaseModel):
    """Who may read a file: `allow`, `forbid` (403) or `hide` (404). The owner always may."""

    model_config = ConfigDict(extra="ignore")

    default: Decision = "allow"
    rules: list[RuleJson] = Field(default_factory=list, max_length=MOST_RULES)

    @classmethod
    def of(cls, acl: Acl | None) -> AclJson:
        """Write an Acl; a file without one is open."""
        given = acl or Acl()
        return cls(default=given.default, rules=[RuleJson(user=r.user, decision=r.decision) for r in given.rules])

    def acl(self) -> Acl:
        """Return what was meant; of several rules for one account the last one."""
        rules = {rule.user: Rule(rule.user, rule.decision) for rule in self.rules}
        return Acl(self.default, tuple(rules.values()))


class LifecycleJson(BaseModel):
    """The headers' and the settings' JSON; every member may be missing. No time, or 0, keeps a file for good."""

    model_config = ConfigDict(extra="ignore")

    expiration_duration_seconds: Seconds | None = None
    initial_acl: AclJson | None = None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What is to become of a file: how many seconds it is kept (None: for good), who may read it (None: everybody)."""

    lasts_s: float | None = None
    acl: Acl | None = None

    def ends_at(self, now: float) -> float | None:
        """Return when a file that is stored now expires."""
        return None if self.lasts_s is None else now + self.lasts_s


def read_lifecycle(text: str | None) -> Lifecycle | None:
    """Read a header or stored settings; None where there are none, so that the account's defaults may apply.

    Raises ValueError, whose text is for the caller, for what is malformed: a private file must not become public.
    """
    if text is None or not text.strip():
        return None
    try:
        given = LifecycleJson.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the JSON"
        seen = "" if first["type"] == "json_invalid" else f", got {first['input']!r:.100}"
        raise ValueError(f"{where}: {first['msg']}{seen}") from None
    lasts_s = given.expiration_duration_seconds or None  # 0 is as good as absent (7.7)
    return Lifecycle(lasts_s, given.initial_acl.acl() if given.initial_acl else None)
