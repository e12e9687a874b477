"""What engines print and log, as log lines: with its level, whole, cleaned, and never too much of it."""

import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.job import Level
from rushes.jobs.protocol import Line
from rushes.runners.overhear import ENOUGH, MOST_CHARS, MOST_LINES, clean, overheard
from rushes.work import route

Heard = list[tuple[str, Level]]


@contextmanager
def hearing() -> Iterator[Heard]:
    """No fixture: pytest puts its own streams in place between a test's set-up and its body."""
    lines: Heard = []
    with overheard(lambda message, level: lines.append((message, level))):
        yield lines


def test_levels_and_streams_are_kept_and_our_own_lines_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with hearing() as heard:
        logging.getLogger("some.library").warning("low on %s", "memory")
        logging.getLogger("some.library").error("gone")
        logging.getLogger("some.library").debug("not at this level")
        logging.getLogger("rushes.runners.worker").error("ours")
        route.LOG.warning("for the operator: the account has no money")
        print("two\nlines", end="")
        print("to the error stream", file=sys.stderr)
    print("after")
    logged: Heard = [("low on memory", "WARN"), ("gone", "ERROR")]
    printed: Heard = [("to the error stream", "STDERR"), ("two", "STDOUT"), ("lines", "STDOUT")]
    assert sorted(heard) == sorted(logged + printed)
    assert "two\nlines" in capsys.readouterr().err, "the operator sees it too"


def test_a_line_comes_when_it_ends_however_it_was_written() -> None:
    with hearing() as heard:
        for piece in ("one ", "line\nand", " another\n", "\n", "and the third"):
            sys.stdout.write(piece)
        assert heard == [("one line", "STDOUT"), ("and another", "STDOUT")]
    assert heard[2:] == [("and the third", "STDOUT")]


def test_a_progress_bar_is_one_line() -> None:
    with hearing() as heard:
        for percent in range(101):
            sys.stderr.write(f"\r{percent:3} %")
        sys.stderr.write("\n")
        for percent in range(101):
            sys.stderr.write(f"{percent:3} %\r")
        sys.stderr.write("\nwindows\r\n")
    assert heard == [("100 %", "STDERR"), ("100 %", "STDERR"), ("windows", "STDERR")]


def test_bytes_and_garbage_become_text_that_can_be_sent() -> None:
    with hearing() as heard:
        sys.stdout.buffer.write(b"caf\xc3\xa9 \xff\x00\x1b[31m\n")
        print("half a pair \ud800")
        for message, level in heard:
            Line(at=1.0, message=message, level=level).model_dump_json()
    assert heard == [("café \ufffd\ufffd\ufffd[31m", "STDOUT"), ("half a pair \ufffd", "STDOUT")]


def test_huge_lines_are_cut_also_those_that_never_end() -> None:
    with hearing() as heard:
        print("x" * 10_000_000)
        for _ in range(1000):
            sys.stdout.write("y" * 10_000)
    assert [(len(message), message[-1]) for message, _ in heard] == [(MOST_CHARS + 1, "…")] * 2


def test_a_runaway_engine_is_told_so_once() -> None:
    with hearing() as heard:
        for number in range(MOST_LINES + 5_000):
            logging.getLogger("loop").info("line %d", number)
    assert len(heard) == MOST_LINES + 1
    assert heard[-1] == (ENOUGH, "WARN")


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [("%d pictures", "many", "%d pictures ('many',)"), ("%(of)s pictures", {"how": 2}, "%(of)s pictures {'how': 2}")],
)
def test_a_logging_mistake_is_no_reason_to_fail(text: str, given: object, said: str) -> None:
    root = logging.getLogger()
    others, root.handlers = root.handlers, []  # pytest's own lets such a mistake fail a test
    try:
        with hearing() as heard:
            root.info(text, given)
    finally:
        root.handlers = others
    assert heard == [(said, "INFO")]


def test_lines_of_several_threads_stay_whole() -> None:
    with hearing() as heard:

        def say(word: str) -> Callable[[], None]:
            return lambda: sys.stdout.writelines(f"{word * 50}\n" for _ in range(200))

        threads = [threading.Thread(target=say(word)) for word in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted({message for message, _ in heard}) == [word * 50 for word in "abcd"]
    assert len(heard) == 800


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_text_can_be_sent_once_it_is_clean(text: str) -> None:
    line = Line(at=1.0, message=clean(text))
    assert Line.model_validate_json(line.model_dump_json()) == line
