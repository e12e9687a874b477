"""What a program writes while it works, as whole lines; and how far it is, read from its progress bars. Pure.

A carriage return ends a line as a line feed does, since that is how progress bars draw themselves anew. Lines that
tell how far the program is are not passed on as lines.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

MOST_CHARS = 4_000  # of one line
_ENDS = re.compile(r"\r\n|\n|\r")
_PATH = re.compile(r"(?<![\w:/.~])~?/(?:[^\s/'\"(),;:]+/)+")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Lines:
    """Bytes in, whole lines out; what has no end yet waits for it, as far as it is kept at all."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._begun = ""

    def feed(self, data: bytes, *, last: bool = False) -> list[str]:
        """Return the lines that these bytes complete; all there is with `last`."""
        *lines, rest = _ENDS.split(self._begun + self._decoder.decode(data, last))
        self._begun = rest[: MOST_CHARS + 1]  # a program that never ends its line must not fill the memory
        if last:
            lines.append(self._begun)
            self._begun = ""
        return [line for line in (_COLOURS.sub("", one)[: MOST_CHARS + 1].rstrip() for one in lines) if line]


def without_paths(line: str) -> str:
    """Leave of every absolute path its last name only: where things lie on this machine is the operator's business."""
    return _PATH.sub("…/", line)


@dataclass(slots=True)
class Gauge:
    """How far a program is, of `parts` alike that follow each other; what it read last that was further than before.

    `progress` has the groups done and total, `part` the groups part (from 1) and parts.
    """

    progress: re.Pattern[str] | None
    part: re.Pattern[str] | None
    _part: int = 1
    _parts: int = 1
    _furthest: tuple[int, int] = (0, 1)
    _before: float = field(default=-1.0)

    @classmethod
    def of(cls, progress: str | None, part: str | None) -> Gauge:
        """Make one from the patterns of a recipe."""
        return cls(re.compile(progress) if progress else None, re.compile(part) if part else None)

    def reads(self, line: str) -> bool:
        """Say whether the line is one that tells how far the program is, and take note of it."""
        part = self.part.search(line) if self.part else None
        if part:
            told = _numbers(part)
            self._part, self._parts = told.get("part", self._part), max(told.get("parts", self._parts), 1)
        found = self.progress.search(line) if self.progress else None
        if found:
            told = _numbers(found)
            done, total = told.get("done", 0), told.get("total", 0)
            if total > 0:
                self._furthest = ((self._part - 1) * total + min(done, total), self._parts * total)
        return found is not None

    def further(self) -> tuple[int, int] | None:
        """Return (done, total) where that is further than it was; several processes may draw the same bar."""
        done, total = self._furthest
        if done / total <= max(self._before, 0.0):  # 0 of anything is no news either
            return None
        self._before = done / total
        return done, total


def _numbers(found: re.Match[str]) -> dict[str, int]:
    return {name: int(text) for name, text in found.groupdict().items() if text and text.isdecimal()}
