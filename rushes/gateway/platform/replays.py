"""Idempotency-Key on routes that change something: the first answer is given again for ten minutes.

A key belongs to the caller's own key and to one method and path, so that no answer reaches anybody who could not have
asked for it. A repetition that comes while the first call runs waits for it. Answers of 500 and above are not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rushes.errors import Rejection
from rushes.gateway.auth import admit
from rushes.gateway.visit import Visit

KEPT_S = 600.0  # as the reference says (10.1)
MOST_KEPT = 1_000
MOST_BYTES = 64 * 1024  # of an answer that is kept; those of these routes are far smaller
MOST_KEY_CHARS = 255
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_HEADER = b"idempotency-key"


@dataclass(slots=True)
class Kept:
    """One call: its answer's messages once there are any, and until when they count."""

    until: float
    done: asyncio.Event
    messages: list[Message] | None = None


class Replays:
    """Wraps the app; see the module's text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or let the app answer and keep it."""
        visit: Visit = scope["rushes"]
        name = _name(visit)
        if name is None:
            await self._app(scope, receive, send)
            return
        clock = visit.services.clock
        # Again after each wait: another of those who waited may be the first by now.
        while (known := self._kept.get(name)) is not None and (known.until > clock() or not known.done.is_set()):
            if known.messages is not None:
                await _replay(known.messages, send)
                return
            await known.done.wait()
        await self._first(name, scope, receive, send, clock)

    async def _first(self, name: bytes, scope: Scope, receive: Receive, send: Send, clock: Callable[[], float]) -> None:
        kept = self._kept[name] = Kept(clock() + KEPT_S, asyncio.Event())
        self._kept.move_to_end(name)
        messages: list[Message] = []

        async def noted(message: Message) -> None:
            messages.append({**message})  # a copy: the door adds headers to what it is handed
            await send(message)

        try:
            await self._app(scope, receive, noted)
            if _may_keep(messages):
                kept.messages = messages
        finally:
            if kept.messages is None:
                self._kept.pop(name, None)
            kept.done.set()  # after the entry is gone: who waited then asks the app itself
            self._shrink(clock())

    def _shrink(self, now: float) -> None:
        """Forget what is over, and the oldest of too many."""
        for name, kept in list(self._kept.items()):
            if kept.done.is_set() and (kept.until <= now or len(self._kept) > MOST_KEPT):
                del self._kept[name]
            else:
                return


def _name(visit: Visit) -> bytes | None:
    """Return under which name the call is remembered; None for one that isn't to be, or whose caller is nobody."""
    key = visit.header(_HEADER)
    if not key or visit.method not in _CHANGING or len(key) > MOST_KEY_CHARS:
        return None
    try:
        caller = admit(visit)
    except Rejection:
        return None
    query = visit.scope["query_string"].decode("latin-1")
    parts = (caller.account, caller.key_id, caller.scope, visit.method, "/".join(visit.segments), query, key)
    return hashlib.sha256(repr(parts).encode()).digest()


def _may_keep(messages: list[Message]) -> bool:
    if not messages or messages[0]["status"] >= 500 or messages[-1].get("more_body", False):
        return False
    return sum(len(message.get("body", b"")) for message in messages) <= MOST_BYTES


async def _replay(messages: list[Message], send: Send) -> None:
    start, *rest = messages
    headers = [*Headers(raw=start["headers"]).raw, (b"idempotency-replayed", b"true")]
    await send({**start, "headers": headers})
    for message in rest:
        await send({**message})
