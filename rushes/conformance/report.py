"""How a run's findings are shown: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

Verdict = Literal["passed", "failed", "not applicable"]

_COLOUR = {"passed": "green", "failed": "bold red", "not applicable": "dim"}


@dataclass(frozen=True)
class Finding:
    """What became of one rule; `sent`, `got` and `expected` tell of a failure, `why` why it was not tried."""

    rule: str
    text: str
    verdict: Verdict
    why: str = ""
    sent: str = ""
    got: str = ""
    expected: str = ""
    seconds: float = 0.0


def counts(findings: Sequence[Finding]) -> dict[Verdict, int]:
    """How many rules ended how."""
    found = Counter(finding.verdict for finding in findings)
    return {verdict: found[verdict] for verdict in ("passed", "failed", "not applicable")}


def as_json(url: str, findings: Sequence[Finding]) -> str:
    """Return the machine's form."""
    told = {"url": url, "counts": counts(findings), "rules": [asdict(finding) for finding in findings]}
    return json.dumps(told, indent=2, ensure_ascii=False)


def print_table(findings: Sequence[Finding], console: Console) -> None:
    """Print a line per rule, and below a failed one what happened."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("rule", no_wrap=True)
    table.add_column("what it asks", ratio=3)
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", ratio=4)
    for finding in findings:
        verdict = Text(finding.verdict, style=_COLOUR[finding.verdict])
        table.add_row(finding.rule, Text(finding.text), verdict, Text(_why(finding)))
    console.print(table)
    found = counts(findings)
    console.print(", ".join(f"{number} {verdict}" for verdict, number in found.items()), highlight=False)


def _why(finding: Finding) -> str:
    if finding.verdict != "failed":
        return finding.why
    parts = (("sent", finding.sent), ("got", finding.got), ("expected", finding.expected))
    return "\n".join(f"{name}: {text}" for name, text in parts if text)
