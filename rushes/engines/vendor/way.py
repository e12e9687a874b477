"""The way of one task at a vendor: attach the inputs, submit once, wait, bring the result.

What a vendor is stands in its own file (`contract.Vendor`); here is when its functions are called, what is kept before
each step, and how long is waited. A note goes to the disk before a task is sent and its ticket right after, so that a
process that is killed in between costs nothing twice; where nobody can know whether a task was taken, it is not sent
again (`Recovery`).
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from rushes import __version__
from rushes.calls import Attachment, Course, Named, VendorCall
from rushes.engines.engine import Cancelled, Errand, FinishedFile, FinishedFiles, Maker, Output, Receipt, Value
from rushes.engines.vendor.contract import (
    Account,
    AlreadyTaken,
    Content,
    Done,
    Follow,
    Link,
    Part,
    Prepared,
    Request,
    Response,
    Then,
    Trouble,
    Vendor,
    Waiting,
)
from rushes.engines.vendor.courses import course_points
from rushes.engines.vendor.keys import Keyring, fingerprint
from rushes.engines.vendor.pictures import encoded_picture, recording
from rushes.engines.vendor.task import Task
from rushes.engines.vendor.wire import Unanswered, Undelivered, Wire
from rushes.errors import ModelError
from rushes.routing import VendorDeployment

T = TypeVar("T")
TRIES = 4  # of a request whose vendor fails by itself, and of a download
FIRST_PAUSE_S = 1.0
LONGEST_BUSY_S = 30.0  # between two tries where the vendor says no time
GROWTH = 1.3  # of the pause between two looks
JITTER = 0.2  # of each pause, so that many tasks don't look at once
SLICE_S = 0.25
CANCEL_S = 5.0  # for telling the vendor
NEW_LINKS = 2  # how often a link that has expired is asked for again
_EXPIRED = frozenset({401, 403, 404, 410})
_PASSING = frozenset({502, 504})  # answered by something on the way: whether the request went on is not known


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


class Way:
    """The way of one job's task, from its submission to its files."""

    def __init__(self, setup: Setup, call: VendorCall, model: str, secret: str, errand: Errand) -> None:
        self._setup, self._call, self._model, self._secret, self._errand = setup, call, model, secret, errand
        self._vendor, self._wire, self._setting = setup.vendor, setup.wire, setup.setting
        self._times, self._keys = setup.times, setup.keys
        self._over_at = self._times.count() + (self._setting.deadline_s or self._vendor.deadline_s)

    # The way of a task

    def made(self, task: Task | None) -> tuple[Done, str | None]:
        """Bring the task to its end; return what came, and its ticket where it had one."""
        if task is None:
            self._vendor.check(self._call, self._model)
            body = self._placed_body()
            found = self._begun(body, self._new_task())
        elif task.ticket is None:
            found = self._recovered(task)
        else:
            self._errand.say(f"Going on with the task {task.ticket[:80]} at {self._vendor.title}")
            found = task.ticket
        if isinstance(found, Done):
            return found, None
        try:
            return self._waited(found), found
        except Cancelled:
            if not self._errand.stale:  # else the task is another runner's to wait for now
                self._tell_cancel(found)
            raise

    def receipt(self, done: Done, ticket: str | None) -> Receipt:
        """Bring the results and say what they came to."""
        files = self._fetched(done, ticket)
        profile = json.dumps({"vendor": self._vendor.name, **done.profile}) if done.profile is not None else None
        output: Output = FinishedFiles(files, profile) if files else Value(done.value)
        return Receipt(
            output=output,
            maker=self._maker(),
            usage=dict(done.usage),
            cost_usd=self._cost_usd(done.usage),
            seed=done.seed,
            prompt=done.prompt,
            value=done.value,
        )

    def _maker(self) -> Maker:
        stand_in = self._model != self._call.model
        return Maker(self._vendor.name, self._model or self._vendor.title, __version__, stand_in)

    def _cost_usd(self, usage: Mapping[str, float]) -> float | None:
        prices = self._setting.prices
        known = [
            amount * price
            for unit, amount in usage.items()
            if (price := prices.get(f"{self._model}:{unit}", prices.get(unit))) is not None
        ]
        return round(sum(known), 9) if known else None

    # Submitting

    def _new_task(self) -> Task:
        name = f"{self._errand.name}-{uuid.uuid4().hex[:8]}"
        return Task(self._setup.name, fingerprint(self._secret), self._model, name)

    def _begun(self, body: Mapping[str, Any], task: Task) -> str | Done:
        """Submit, as often as the vendor says that it took nothing; the note is there before and gone after each no."""
        give_up_at, pause_s, failures = self._times.count() + self._setting.patience_s, FIRST_PAUSE_S, 0
        while True:
            self._keys.begin(self._secret, self._errand.tick)
            try:
                return self._submitted(body, task)
            except Trouble as trouble:
                if trouble.kind == "lost":
                    raise
                self._errand.keep("")
                failures += trouble.kind == "server"
                if trouble.kind not in ("busy", "server") or failures >= TRIES:
                    raise
                wait_s = trouble.retry_after_s or pause_s
                if self._times.count() + wait_s > give_up_at:
                    raise
                self._errand.say(f"{self._vendor.title} takes nothing now ({trouble.text[:100]}); trying again", "WARN")
                self._wait(self._spread(wait_s))
                pause_s = min(pause_s * 2, LONGEST_BUSY_S)

    def _submitted(self, body: Mapping[str, Any], task: Task) -> str | Done:
        request = self._vendor.submit(self._account(), self._call, self._model, body, task.name)
        self._errand.keep(task.note())
        self._errand.say(f"Asking {self._vendor.title} for {self._call.operation} by {self._model or 'its model'}")
        try:
            response = self._wire.ask(request, self._calm)
        except Unanswered as error:
            if not error.sent:
                raise Trouble("server", str(error)) from None
            return self._unsure(body, task, str(error))
        if response.status in _PASSING:
            return self._unsure(body, task, f"the answer was {response.status}")
        try:
            found = self._vendor.accepted(self._call, response)
        except AlreadyTaken:
            if (ticket := self._looked_up(task)) is None:
                raise
            return ticket
        if isinstance(found, str):
            self._errand.keep(replace(task, ticket=found).note())
        return found

    def _unsure(self, body: Mapping[str, Any], task: Task, why: str) -> str | Done:
        """Find out whether a task was taken that got no answer, or send it again where that is harmless."""
        self._errand.say(f"{self._vendor.title} gave no clear answer: {why}", "WARN")
        if self._vendor.recovery == "none":
            raise Trouble("lost", why)
        self._wait(self._spread(FIRST_PAUSE_S))
        return self._recovered(task, body)

    def _recovered(self, task: Task, body: Mapping[str, Any] | None = None) -> str | Done:
        """Go on with a task of which only our name for it is known."""
        vendor = self._vendor
        if vendor.recovery == "none" or (vendor.look_up is None and vendor.recovery == "look up"):
            raise Trouble("lost", "the process ended while the task was on its way")
        if vendor.recovery == "look up" and (ticket := self._looked_up(task)) is not None:
            return ticket
        return self._begun(self._placed_body() if body is None else body, task)

    def _looked_up(self, task: Task) -> str | None:
        """Return the ticket of the task that has our name, None where the vendor has no such task."""
        vendor = self._vendor
        if vendor.look_up is None or vendor.found is None:
            return None
        for request in vendor.look_up(self._account(), self._call, task.name):
            ticket = self._understood(request, partial(vendor.found, self._call, task.name))
            if ticket is not None:
                self._errand.keep(replace(task, ticket=ticket).note())
                return ticket
        return None

    # Waiting

    def _waited(self, ticket: str) -> Done:
        """Look at the task until it is done."""
        pause_s, said = self._vendor.pause_s, ""
        while True:
            self._wait(self._spread(pause_s))
            state = self._look(ticket)
            if isinstance(state, Done):
                return state
            if state.word != said:
                said = state.word
                self._errand.say(f"{self._vendor.title} says: {said}")
            if self._times.count() > self._over_at:
                self._tell_cancel(ticket)
                raise Trouble("slow", f"the task was still {said!r}")
            pause_s = min(pause_s * GROWTH, self._vendor.longest_pause_s)

    def _look(self, ticket: str) -> Waiting | Done:
        """Ask for the task's state, following where the answer leads."""
        request = self._vendor.poll(self._account(), ticket)
        while True:
            state = self._understood(request, lambda answer: self._vendor.read(self._account(), ticket, answer))
            if not isinstance(state, Follow):
                return state
            request = state.request

    def _understood(self, request: Request, read: Callable[[Response], T]) -> T:
        """Ask and understand; a vendor that is busy or fails by itself is asked again until the task's time is over."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return read(self._asked(request))
            except Trouble as trouble:
                if trouble.kind not in ("busy", "server") or self._times.count() > self._over_at:
                    raise
                if trouble.member == "task":  # the task failed, not the look at it
                    raise
                self._wait(self._spread(trouble.retry_after_s or pause_s))
                pause_s = min(pause_s * 2, LONGEST_BUSY_S)

    def _asked(self, request: Request) -> Response:
        """Send a request that changes nothing, again when no answer comes."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                return self._wire.ask(request, self._errand.tick)
            except Unanswered as error:
                if self._times.count() > self._over_at:
                    raise Trouble("server", str(error)) from None
                self._wait(self._spread(pause_s))
                pause_s = min(pause_s * 2, LONGEST_BUSY_S)

    def _calm(self) -> None:
        """Give a sign of life while something is under way that must not be left half done; the next tick tells."""
        with suppress(Cancelled):
            self._errand.tick()

    def _wait(self, seconds: float) -> None:
        """Let time pass with signs of life."""
        until = self._times.count() + seconds
        while (left := until - self._times.count()) > 0:
            self._errand.tick()
            self._times.sleep(min(left, SLICE_S))
        self._errand.tick()

    def _spread(self, seconds: float) -> float:
        return seconds * (1 + JITTER * self._times.dice.random())

    def _tell_cancel(self, ticket: str) -> None:
        """Tell the vendor that nobody waits any more, where it can be told; how it answers makes no difference."""
        if self._vendor.cancel is None:
            return
        with suppress(Unanswered):
            self._wire.ask(self._vendor.cancel(self._account(), ticket), lambda: None, CANCEL_S)

    # Files there and back

    def _placed_body(self) -> Mapping[str, Any]:
        """Return the body with each attachment in the form that it travels in; uploads happen here."""
        placed: Mapping[str, Any] = self._place(self._call.body)
        return placed

    def _place(self, value: Any) -> Any:
        match value:
            case Attachment():
                return self._placed(value)
            case Course():
                return course_points(value)
            case Named():
                return self._identified(value)
            case Mapping():
                return {name: self._place(item) for name, item in value.items()}
            case list() | tuple():
                return [self._place(item) for item in value]
        return value

    def _placed(self, attachment: Attachment) -> Any:
        if attachment.form == "voice":
            return self._voice(attachment)
        prepared = self._prepared(attachment)
        match attachment.form:
            case "base64":
                return base64.b64encode(prepared.content).decode()
            case "data_uri":
                return f"data:{prepared.content_type};base64,{base64.b64encode(prepared.content).decode()}"
            case "bytes":
                suffix = prepared.content_type.rpartition("/")[2]
                return Part(prepared.content, f"{attachment.loc[-1]}.{suffix}", prepared.content_type)
            case "url":
                path = self._errand.folder() / f"shared-{uuid.uuid4().hex[:8]}"
                path.write_bytes(prepared.content)
                return self._errand.share(path, prepared.content_type)
            case "upload":
                return self._uploaded(prepared)

    def _identified(self, named: Named) -> Any:
        """Return the vendor's id of what has this name there."""
        identify, identified = self._vendor.identify, self._vendor.identified
        if identify is None or identified is None:
            raise TypeError(f"{self._vendor.name} knows nothing by name")
        request = identify(self._account(), named)
        while True:
            found = self._understood(request, partial(identified, self._account(), named))
            if not isinstance(found, Follow):
                return found
            request = found.request

    def _voice(self, attachment: Attachment) -> str:
        """Return the vendor's own id of a voice that was cloned with it."""
        profile = json.loads(Path(attachment.path).read_text())
        if not isinstance(profile, dict) or profile.get("vendor") != self._vendor.name:
            msg = "this voice was cloned by another engine than the one that is to speak now; clone it again"
            raise ModelError("feature_not_supported", msg, loc=attachment.loc)
        return str(profile["voice_id"])

    def _prepared(self, attachment: Attachment) -> Prepared:
        vendor = self._vendor
        if attachment.kind == "image" and vendor.pictures is not None:
            content, content_type = encoded_picture(attachment, vendor.pictures)
        elif attachment.kind == "image":
            content, content_type = Path(attachment.path).read_bytes(), attachment.content_type
        else:
            rules = vendor.videos if attachment.kind == "video" else vendor.sounds
            content, content_type = recording(attachment, rules)
        return Prepared(attachment, content, content_type)

    def _uploaded(self, prepared: Prepared) -> Any:
        """Upload a file, which costs nothing, so that it may be tried again."""
        upload, uploaded = self._vendor.upload, self._vendor.uploaded
        if upload is None or uploaded is None:
            raise TypeError(f"{self._vendor.name} has no uploads")
        pause_s = FIRST_PAUSE_S
        for left in reversed(range(TRIES)):
            try:
                found = uploaded(prepared, self._wire.ask(upload(self._account(), prepared), self._errand.tick))
                return self._carried(found) if isinstance(found, Then) else found
            except Unanswered as error:
                if not left:
                    raise Trouble("server", str(error)) from None
            except Trouble as trouble:
                if not left or trouble.kind not in ("busy", "server"):
                    raise
            self._wait(self._spread(pause_s))
            pause_s *= 2
        raise AssertionError("the last try raises")

    def _carried(self, then: Then) -> Any:
        """Send the bytes where the vendor said that it wants them."""
        response = self._wire.ask(then.request, self._errand.tick)
        if response.status >= 300:
            raise Trouble("server", f"an upload was answered {response.status}")
        return then.value

    def _fetched(self, done: Done, ticket: str | None) -> tuple[FinishedFile, ...]:
        """Bring every result; a link that has expired is asked for anew where the task can be."""
        for left in reversed(range(NEW_LINKS + 1)):
            try:
                return tuple(self._bring(number, result) for number, result in enumerate(done.results))
            except Undelivered as error:
                if error.status not in _EXPIRED or ticket is None or not left:
                    raise Trouble("gone", f"the result could not be fetched: {error}") from None
                self._errand.say("The result's address has expired; asking for a new one", "WARN")
                state = self._look(ticket)
                done = state if isinstance(state, Done) else done
        raise AssertionError("the last try raises")

    def _bring(self, number: int, result: Link | Content) -> FinishedFile:
        path = self._errand.folder() / f"result-{number}"
        if not isinstance(result, Link):
            path.write_bytes(result.data)
            return FinishedFile(str(path), result.content_type or "")
        pause_s = FIRST_PAUSE_S
        for left in reversed(range(TRIES)):
            try:
                return FinishedFile(str(path), self._wire.download(result, path, self._errand.tick))
            except Undelivered as error:
                if error.status in _EXPIRED or not left:
                    raise
                self._wait(self._spread(pause_s))
                pause_s *= 2
        raise AssertionError("the last try raises")

    def _account(self) -> Account:
        return Account(self._secret, self._setup.url, self._setting.options, self._times.now())
