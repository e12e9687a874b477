"""A runner without a parent never misses it; that the kernel ends one with a parent is in test_local."""

import os

from rushes.runners.parent import is_gone


def test_only_a_runner_that_was_given_a_parent_can_lose_it() -> None:
    assert not is_gone(None)
    assert not is_gone(os.getppid())
    assert is_gone(os.getppid() + 1)
