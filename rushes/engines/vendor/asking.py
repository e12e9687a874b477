"""How one job asks a vendor: its key, its clock, its waits with signs of life, and questions that may be put again.

Nothing is paid for by what is asked here; what is stands in `submission`. Whatever a vendor's functions make of an
answer that they were not written for is an error that shows the answer, never a crash.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from traceback import format_exc
from typing import Literal, TypeVar

from rushes.engines.engine import Cancelled, Errand
from rushes.engines.vendor.contract import Account, Request, Response, Trouble, Vendor
from rushes.engines.vendor.hidden import without_secrets
from rushes.engines.vendor.keys import Keyring
from rushes.engines.vendor.wire import Unanswered, Wire
from rushes.routing import VendorDeployment

T = TypeVar("T")
FIRST_PAUSE_S = 1.0
LONGEST_BUSY_S = 30.0  # between two tries where the vendor says no time
JITTER = 0.2  # of each pause, so that many tasks don't look at once
SLICE_S = 0.25
CANCEL_S = 5.0  # for telling the vendor
SHOWN_BYTES = 200  # of an answer that nobody understands
# What functions that trust an answer's shape raise for another one; anything else would be a mistake of ours.
_MISREAD = (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Time:
    """The clock and the dice; `now` is Unix seconds, `count` never goes back."""

    now: Callable[[], float] = time.time
    count: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    dice: Random = field(default_factory=Random)


@dataclass(frozen=True, slots=True)
class Setup:
    """A deployment of a vendor: its name, where the API is, the operator's settings and keys."""

    name: str
    vendor: Vendor
    setting: VendorDeployment
    url: str
    wire: Wire
    keys: Keyring
    times: Time


@dataclass(frozen=True, slots=True)
class Asking:
    """One job's way to ask: with this key, on this errand."""

    setup: Setup
    secret: str = field(repr=False)
    errand: Errand

    @property
    def vendor(self) -> Vendor:
        """Whom."""
        return self.setup.vendor

    @property
    def account(self) -> Account:
        """The account as it is used now."""
        setup = self.setup
        return Account(self.secret, setup.url, setup.setting.options, setup.times.now())

    @property
    def seconds(self) -> float:
        """The clock that never goes back."""
        return self.setup.times.count()

    def say(
        self,
        message: str,
        level: Literal["INFO", "WARN", "ERROR"] = "INFO",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Add a line to the job's log, without secrets."""
        self.errand.say(without_secrets(message, (self.secret,)), level, labels)

    def wait(self, seconds: float) -> None:
        """Let about so much time pass, with signs of life. Raises Cancelled."""
        times = self.setup.times
        until = times.count() + seconds * (1 + JITTER * times.dice.random())
        while (left := until - times.count()) > 0:
            self.errand.tick()
            times.sleep(min(left, SLICE_S))
        self.errand.tick()

    def calm(self) -> None:
        """Give a sign of life while something is under way that must not be left half done; the next tick tells."""
        with suppress(Cancelled):
            self.errand.tick()

    def answer(self, request: Request, over_at: float) -> Response:
        """Send a request that changes nothing, again when no answer comes. Raises Trouble once that makes no sense."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return self.setup.wire.ask(request, self.errand.tick)
            except Unanswered as error:
                if error.final:  # an address from an answer leads nowhere, or what came is too long for any
                    raise Trouble("unknown", str(error)) from None
                if self.seconds > over_at:
                    raise Trouble("server", str(error)) from None
                # Never far past the end: the last question is asked when the time is over.
                self.wait(min(pause_s, max(over_at - self.seconds, SLICE_S)))
                pause_s = min(pause_s * 2, LONGEST_BUSY_S)

    def understood(self, request: Request, read: Callable[[Response], T], over_at: float) -> T:
        """Ask and understand; a vendor that is busy or fails by itself is asked again until the time is over."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return self.read(read, self.answer(request, over_at))
            except Trouble as trouble:
                if trouble.kind not in ("busy", "server") or self.seconds > over_at:
                    raise
                if trouble.member == "task":  # the task failed, not the look at it
                    raise
                # A vendor that says "come back tomorrow" is still looked at before the task's own time is over.
                self.wait(min(trouble.retry_after_s or pause_s, max(over_at - self.seconds, SLICE_S)))
                pause_s = min(pause_s * 2, LONGEST_BUSY_S)

    def read(self, read: Callable[[Response], T], response: Response) -> T:
        """Understand an answer. Raises Trouble, also for one whose shape the vendor's functions don't know."""
        try:
            return read(response)
        except _MISREAD:
            # As text: an error of a misread value repeats the value, in which a vendor may have repeated the key.
            how = without_secrets(format_exc(), (self.secret,))
            LOG.info("%s: an answer was misread: %s", self.vendor.name, how)
            raise Trouble("unknown", f"it answered {response.status} with {excerpt(response)}") from None

    def tell_cancel(self, ticket: str) -> None:
        """Tell the vendor that nobody waits any more, where it can be told; how it answers makes no difference."""
        if self.vendor.cancel is None:
            return
        try:
            # No signs of life: the job is over, and a tick would raise Cancelled before the vendor hears of it.
            self.setup.wire.ask(self.vendor.cancel(self.account, ticket), lambda: None, CANCEL_S)
        except (Unanswered, Trouble, *_MISREAD) as error:
            LOG.info("%s could not be told of a cancel: %s", self.vendor.name, type(error).__name__)


def excerpt(response: Response) -> str:
    """Return the beginning of an answer, as words."""
    return repr(response.body[:SHOWN_BYTES].decode("utf-8", "replace"))
