"""A store that lives on a server's event loop, used from a test's thread.

SQLite's cursors stand one user at a time: a look from another thread, while the loop is in the middle of its own, makes
one of the two fail. What the store does at once is therefore done on the loop, and the thread waits for it.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

T = TypeVar("T")


def on_loop(store: T, loop: asyncio.AbstractEventLoop) -> T:
    """Return what looks like `store` and does its plain methods on the loop. Coroutines are the caller's."""
    return cast(T, _OnLoop(store, loop))


class _OnLoop:
    def __init__(self, store: object, loop: asyncio.AbstractEventLoop) -> None:
        self._store, self._loop = store, loop

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found) or inspect.iscoroutinefunction(found):
            return found
        return lambda *given, **named: asyncio.run_coroutine_threadsafe(
            _do(lambda: found(*given, **named)), self._loop
        ).result(timeout=30)


async def _do(work: Callable[[], Any]) -> Any:
    return work()
