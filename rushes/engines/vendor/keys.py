"""The operator's keys at a vendor: which one a task goes with, how many tasks each has, and how fast they may begin.

A key that is dead, empty or told to slow down rests for a while and the others go on. One object serves all threads of
a process; tasks that wait for a key do so with signs of life.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rushes.engines.vendor.contract import Trouble

LOOK_S = 0.25  # between two signs of life of who waits
REST_S = 60.0  # of a key that is dead or empty
LONGEST_REST_S = 3_600.0  # whatever a vendor says: a key that was topped up must not need a server's restart


@dataclass(slots=True)
class _Key:
    secret: str = field(repr=False)
    busy: int = 0
    next_at: float = 0.0  # when the next task may begin
    rests_until: float = 0.0
    why: Trouble | None = None


def fingerprint(secret: str) -> str:
    """Return what a key may be known by in the books: too short to be guessed back, long enough to tell a few apart."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class Keyring:
    """The keys of one deployment. `clock` counts seconds from anywhere and never goes back."""

    def __init__(
        self, secrets: Sequence[str], concurrency: int, per_minute: float | None, clock: Callable[[], float]
    ) -> None:
        self._keys = [_Key(secret) for secret in dict.fromkeys(secrets)]
        self._concurrency = concurrency
        self._gap_s = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self._free = threading.Condition()

    @property
    def places(self) -> int:
        """How many tasks can be under way at once."""
        return len(self._keys) * self._concurrency

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return them all."""
        return tuple(key.secret for key in self._keys)

    def place(self, secret: str) -> str:
        """Return how the log calls a key: by its place in the settings."""
        return f"key {self.secrets.index(secret) + 1} of {len(self._keys)}"

    def others(self, secret: str) -> bool:
        """Say whether another key doesn't rest."""
        with self._free:
            now = self._clock()
            return any(key.rests_until <= now for key in self._keys if key.secret != secret)

    @contextmanager
    def lent(self, tick: Callable[[], None], known: str | None = None) -> Iterator[str]:
        """Lend a key for one task, the one with this fingerprint if it is there; waits until one is free.

        Raises the Trouble that made them rest, where all do.
        """
        key = self._wait(tick, known)
        try:
            yield key.secret
        finally:
            with self._free:
                key.busy -= 1
                self._free.notify_all()

    def rest(self, secret: str, why: Trouble, seconds: float = REST_S) -> None:
        """Let a key rest, because of this."""
        with self._free:
            for key in self._keys:
                if key.secret == secret:
                    key.rests_until, key.why = self._clock() + min(seconds, LONGEST_REST_S), why

    def revive(self, secret: str) -> None:
        """Note that a key works."""
        with self._free:
            for key in self._keys:
                if key.secret == secret:
                    key.rests_until, key.why = 0.0, None

    def begin(self, secret: str, tick: Callable[[], None]) -> None:
        """Wait until a task may begin with this key, as its rate allows."""
        while True:
            tick()
            with self._free:
                key = next(one for one in self._keys if one.secret == secret)
                wait_s = key.next_at - self._clock()
                if wait_s <= 0:
                    key.next_at = self._clock() + self._gap_s
                    return
                self._free.wait(min(wait_s, LOOK_S))

    def _wait(self, tick: Callable[[], None], known: str | None) -> _Key:
        while True:
            tick()
            with self._free:
                if (key := self._best(known)) is not None:
                    key.busy += 1
                    return key
                self._free.wait(LOOK_S)

    def _best(self, known: str | None) -> _Key | None:
        """The key that the task began with, whatever its state; else the least busy of those that don't rest."""
        # Even if that is one more than it may have: the task runs there already, and is only waited for.
        for key in self._keys:
            if known is not None and fingerprint(key.secret) == known:
                return key
        now = self._clock()
        awake = [key for key in self._keys if key.rests_until <= now]
        if not awake:
            why = min(self._keys, key=lambda key: key.rests_until).why
            if why is not None and why.kind == "busy":
                return None  # soon over, and worth waiting for
            raise Trouble(why.kind, why.text, code=why.code) if why else Trouble("key", "no key is usable")
        free = [key for key in awake if key.busy < self._concurrency]
        return min(free, key=lambda key: (key.busy, key.next_at), default=None)
