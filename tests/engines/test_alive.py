"""Silent work in a thread: signs of life meanwhile, and every error comes back."""

import threading

import pytest

from rushes.engines.alive import kept_alive
from rushes.engines.engine import Cancelled


def test_signs_are_given_while_it_lasts() -> None:
    enough, signs = threading.Event(), []

    def sign() -> None:
        signs.append(1)
        if len(signs) == 3:
            enough.set()

    assert kept_alive(lambda: enough.wait(60), sign) is True
    assert len(signs) == 3


def test_what_the_work_raises_is_raised() -> None:
    def work() -> None:
        raise ValueError("no such file")

    with pytest.raises(ValueError, match="no such file"):
        kept_alive(work, lambda: None)


def test_a_cancel_waits_for_the_work_and_asks_no_more() -> None:
    asked, finished, may_end = [], [], threading.Event()

    def work() -> None:
        may_end.wait(60)
        finished.append(1)

    def sign() -> None:
        asked.append(1)
        may_end.set()
        raise Cancelled

    with pytest.raises(Cancelled):
        kept_alive(work, sign)
    assert (len(asked), finished) == (1, [1])
