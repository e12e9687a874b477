"""From a body to a ticket, paid once: the note before, the one request, its answer, the ticket on the disk.

A clear no empties the note. Where the answer is no answer (the line broke, a proxy gave up, nobody understands it) the
task may have been taken: it is sent again only where the vendor knows our name for it and does it once, or where it can
be looked up (`Recovery`); from then on no other answer than one about this very task clears the doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, Unable
from rushes.engines.vendor.asking import FIRST_PAUSE_S, LONGEST_BUSY_S, Asking
from rushes.engines.vendor.contract import AlreadyTaken, Done, Response, Trouble
from rushes.engines.vendor.keys import fingerprint
from rushes.engines.vendor.task import Task
from rushes.engines.vendor.wire import Unanswered

TRIES = 4  # of a submit whose vendor fails by itself, or gives no clear answer
LOOK_UPS = 2  # before a task counts as not there: what was written a moment ago may not be found at once
LOOK_UP_S = 60.0  # for a vendor that is busy or fails, at each
MOST_TICKET_CHARS = 12_000  # the gateway takes notes of 16,384, in which a ticket's quotes are spelled with backslashes
_PASSING = frozenset({502, 504, 520, 524})  # said by something on the way: whether the request went on is not known
_ABOUT_THE_TASK = frozenset({"invalid", "moderated"})  # had it been taken before, it would have been refused before

Place = Callable[[], Mapping[str, Any]]


class _Unclear(Exception):
    """The task may have been taken; `code` is the status of an answer that shows."""

    def __init__(self, text: str, code: str | int | None = None) -> None:
        self.code = code
        super().__init__(text)

    def lost(self, *, free: bool) -> Trouble:
        """What it is in the end: a task that may have been paid, or a failure of who does it for nothing."""
        return Trouble("server" if free else "lost", str(self), code=self.code)


@dataclass(frozen=True, slots=True)
class Submission:
    """One task's. `place` makes the body, uploads included; `others` says whether another key could serve instead."""

    asking: Asking
    call: VendorCall
    place: Place
    others: Callable[[], bool] = lambda: False

    def begun(self, task: Task) -> str | Done:
        """Have a new task taken; return its ticket, or its results. Raises Trouble, Cancelled."""
        return self._sent(self.place(), task)

    def recovered(self, task: Task) -> str | Done:
        """Go on with a task of which only our name for it is known."""
        doubt, vendor = _Unclear("the process ended while the task was on its way"), self.asking.vendor
        # Another key may be of another account, which knows nothing of our name: not finding it there proves nothing.
        is_same = vendor.free or fingerprint(self.asking.secret) == task.key
        if vendor.recovery == "none" or not is_same:
            raise doubt.lost(free=vendor.free)
        if vendor.recovery == "look up":
            if (ticket := self._looked_up(task)) is not None:
                return ticket
            return self._sent(self.place(), task)
        return self._sent(self._placed_again(doubt), task, doubt)

    def _placed_again(self, doubt: _Unclear) -> Mapping[str, Any]:
        """Make the body of a task that may have been taken: what fails here says nothing about that."""
        try:
            return self.place()
        except (Trouble, Unable) as failure:
            if self.asking.vendor.free:
                raise
            raise Trouble("lost", f"{doubt}, and it can't be sent again: {failure}") from None

    def _sent(self, body: Mapping[str, Any], task: Task, doubt: _Unclear | None = None) -> str | Done:
        """Submit, as often as it was not taken or harms nothing; raises once it was refused or patience is over."""
        asking = self.asking
        give_up_at, pause_s, failures = asking.seconds + asking.setup.setting.patience_s, FIRST_PAUSE_S, 0
        while True:
            asking.setup.keys.begin(asking.secret, asking.errand.tick)
            try:
                return self._submitted(body, task)
            except AlreadyTaken as taken:
                if (ticket := self._looked_up(task)) is None:
                    raise Trouble("lost", taken.text, code=taken.code) from None
                return ticket
            except _Unclear as unclear:
                doubt, failures, wait_s = unclear, failures + 1, pause_s
                asking.say(f"{asking.vendor.title} gave no clear answer{self._told(str(unclear))}", "WARN")
                if asking.vendor.recovery == "none" or failures >= TRIES:
                    raise unclear.lost(free=asking.vendor.free) from None
            except Trouble as trouble:
                failures += trouble.kind == "server"
                if asking.vendor.free:
                    doubt = None  # one that runs all the same harms nobody
                self._refused(trouble, doubt, failures)
                wait_s = trouble.retry_after_s or pause_s
                if asking.seconds + wait_s > give_up_at:
                    raise doubt.lost(free=False) if doubt else trouble from None
                asking.say(f"{asking.vendor.title} takes nothing now{self._told(trouble.text)}; trying again", "WARN")
            asking.wait(wait_s)
            pause_s = min(pause_s * 2, LONGEST_BUSY_S)
            if doubt and asking.vendor.recovery == "look up" and (found := self._looked_up(task)) is not None:
                return found

    def _told(self, text: str) -> str:
        """Return a vendor's words for the log that callers read, which tells nothing of an operator's own machines."""
        return "" if self.asking.vendor.free else f" ({text[:100]})"

    def _refused(self, trouble: Trouble, doubt: _Unclear | None, failures: int) -> None:
        """Take a no: raise where it is the last word. The note is emptied where nothing can have been taken."""
        # A no about keys, rates or itself is said of this request only: the one before it may have been taken.
        if doubt is None or trouble.kind in _ABOUT_THE_TASK:
            self.asking.errand.keep("")
            doubt = None
        if trouble.kind == "busy" and doubt is None and self.others():
            raise trouble
        if trouble.kind not in ("busy", "server") or failures >= TRIES:
            raise doubt.lost(free=False) if doubt else trouble

    def _submitted(self, body: Mapping[str, Any], task: Task) -> str | Done:
        asking = self.asking
        vendor, what = asking.vendor, self.call.operation
        # Before the note: what the vendor's file can't spell was not sent, and leaves no doubt behind.
        request = vendor.submit(asking.account, self.call, task.model, body, task.name)
        asking.errand.keep(task.note())
        asking.say(f"Asking {vendor.title} for {what} by {task.model or 'its model'}")
        try:
            if vendor.submit_s is None:  # no cancel cuts it off, or a task would run of which nobody has the ticket
                response = asking.setup.wire.ask(request, asking.calm)
            else:  # a cancel ends it, since there is nothing else to tell it by
                response = asking.setup.wire.ask(request, asking.errand.tick, vendor.submit_s, vendor.submit_s)
        except Unanswered as error:
            if error.sent:
                raise _Unclear(str(error)) from None
            raise Trouble("here" if error.final else "server", str(error)) from None
        if response.status in _PASSING:
            raise _Unclear(f"the answer was {response.status}", response.status)
        found = self._accepted(response)
        return found if isinstance(found, Done) else self._kept(task, found)

    def _accepted(self, response: Response) -> str | Done:
        """Read the answer; one that says neither yes nor no, though it is no error, may be a yes."""
        try:
            return self.asking.read(partial(self.asking.vendor.accepted, self.call), response)
        except Trouble as trouble:
            if trouble.kind == "unknown" and response.status < 300 and trouble.code in (None, response.status):
                raise _Unclear(trouble.text, response.status) from None
            raise

    def _looked_up(self, task: Task) -> str | None:
        """Return the ticket of the task that has our name, None where the vendor has no such task.

        Raises Trouble of kind "lost" where the vendor doesn't say.
        """
        asking = self.asking
        vendor = asking.vendor
        if vendor.look_up is None or vendor.found is None:
            return None
        read = partial(vendor.found, self.call, task.name)
        for number in range(LOOK_UPS):
            if number:
                asking.wait(FIRST_PAUSE_S)
            for request in vendor.look_up(asking.account, self.call, task.name):
                try:
                    ticket = asking.understood(request, read, asking.seconds + LOOK_UP_S)
                except Trouble as trouble:
                    raise Trouble("lost", f"it could not be looked up: {trouble.text}", code=trouble.code) from None
                if ticket is not None:
                    return self._kept(task, ticket)
        return None

    def _kept(self, task: Task, ticket: str) -> str:
        """Put the ticket on the disk."""
        if len(ticket) > MOST_TICKET_CHARS:
            raise Trouble("lost", f"what the task is known by has {len(ticket)} characters, which can't be kept")
        try:
            self.asking.errand.keep(replace(task, ticket=ticket).note())
        except Cancelled:
            self.asking.tell_cancel(ticket)  # nobody will ever ask for it
            raise
        return ticket
