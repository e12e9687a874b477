"""What the libraries say while weights are read: of missing tensors they only warn, and make some up at random.

Here that is an error. The rest of what they say names folders and helps nobody, so it reaches no log, nor do their
warnings afterwards, which come with each film.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from transformers.utils import logging as transformers_logging

from rushes.engines.checkpoints import WeightsProblem

LIBRARIES = ("diffusers", "transformers")
SHOWN = 3  # names of missing tensors
_NEW = re.compile(r"at (\S+) and are newly initialized: \[(.*?)\]", re.DOTALL)  # diffusers
_REPORT = re.compile(r"from: (\S+)")  # transformers: a table with a row for each tensor
_ROW = re.compile(r"^(\S+)\s*\|\s*(?:\x1b\[\d+m)*MISSING", re.MULTILINE)
_COLOUR = re.compile(r"\x1b\[\d+m")


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def nothing_missing() -> Iterator[None]:
    """Raise WeightsProblem at the end, or in place of what was raised, where tensors were missing inside."""
    ear = _Ear()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    loggers = [logging.getLogger(name) for name in LIBRARIES]
    before = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [ear], False
        logger.setLevel(logging.WARNING)
    try:
        yield
    except Exception as error:
        if told := missing(ear.said):
            raise WeightsProblem(told) from error
        raise
    finally:
        for logger, handlers, propagate in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(logging.ERROR)
    if told := missing(ear.said):
        raise WeightsProblem(told)


def missing(said: list[str]) -> str:
    """Return which tensors are missing from which folder by what was said, "" where none are."""
    for text in map(_plain, said):
        new = _NEW.search(text)
        if new is not None:
            return lacking(new[1], [name.strip("' ") for name in new[2].split(",")])
        rows = _ROW.findall(text)
        if rows:
            found = _REPORT.search(text)
            return lacking(found[1] if found else "the weights", rows)
    return ""


def _plain(text: str) -> str:
    return _COLOUR.sub("", text)


def lacking(folder: str, names: Collection[str]) -> str:
    """Say which tensors a folder or file lacks."""
    first = ", ".join(sorted(names)[:SHOWN])
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{folder} lacks tensors that its config.json asks for: {first}{more}; copy or convert the model again"
