"""The way of one task at a vendor: have it taken, wait, bring the result.

What a vendor is stands in its own file (`contract.Vendor`); here is when its functions are called, and how long is
waited. How a task is sent once and never paid twice is `submission`'s job, and what is sent with it `attach`'s.
"""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Callable, Mapping
from functools import partial

from rushes import __version__
from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, Errand, FinishedFile, FinishedFiles, Maker, Output, Receipt, Value
from rushes.engines.vendor.asking import FIRST_PAUSE_S, Asking, Setup
from rushes.engines.vendor.attach import placed_body
from rushes.engines.vendor.contract import Content, Done, Follow, Link, Response, State, Trouble, Waiting
from rushes.engines.vendor.keys import fingerprint
from rushes.engines.vendor.submission import Submission
from rushes.engines.vendor.task import Task
from rushes.engines.vendor.wire import Undelivered

TRIES = 4  # of a download
LONGEST_FACTOR = 6.0  # of the first pause between two looks
GROWTH = 1.3  # of the pause between two looks
EARLY_LOOKS = 3  # at which a task that is not known may just not be known yet
MOST_FOLLOWS = 5  # of one look
NEW_LINKS = 2  # how often a link that has expired is asked for again
_SHARE = 0.05  # of the way, after which the log tells how far it is
_EXPIRED = frozenset({401, 403, 404, 410})


class Way:
    """The way of one job's task, from its submission to its files; `others`: whether another key could serve."""

    def __init__(  # noqa: PLR0917
        self,
        setup: Setup,
        call: VendorCall,
        model: str,
        secret: str,
        errand: Errand,
        others: Callable[[], bool] = lambda: False,
    ) -> None:
        self._setup, self._call, self._model, self._errand = setup, call, model, errand
        self._vendor, self._asking = setup.vendor, Asking(setup, secret, errand)
        self._submission = Submission(self._asking, call, partial(placed_body, self._asking, call), others)
        self._over_at = math.inf  # a task's time begins when it was taken
        self._begun_anew = False

    def made(self, task: Task | None) -> tuple[Done, str | None]:
        """Bring the task to its end; return what came, and its ticket where it had one."""
        if task is None:
            self._vendor.check(self._call, self._model)
            name = f"{self._errand.name}-{uuid.uuid4().hex[:8]}"
            new = Task(self._setup.name, fingerprint(self._asking.secret), self._model, name)
            found = self._submission.begun(new)
        elif task.ticket is None:
            found = self._submission.recovered(task)
        else:
            self._asking.say(f"Going on with the task {task.ticket[:80]} at {self._vendor.title}")
            found = task.ticket
        if isinstance(found, Done):
            return found, None
        try:
            return self._waited(found), found
        except Cancelled:
            if not self._errand.stale:  # else the task is another runner's to wait for now
                self._asking.tell_cancel(found)
            raise
        except Trouble as trouble:
            if self._vendor.free:
                return self._given_up(found, trouble)
            trouble.task = None if trouble.member == "task" else found
            raise

    def _given_up(self, ticket: str, trouble: Trouble) -> tuple[Done, str | None]:
        """Leave a task that costs nothing: one that was forgotten (a restart does that) is begun anew, once."""
        if trouble.kind == "gone" and not self._begun_anew:
            self._begun_anew = True
            self._asking.say(f"{self._vendor.title} no longer knows the task; it is begun anew", "WARN")
            return self.made(None)
        if trouble.member != "task" and trouble.kind not in ("gone", "slow"):  # which was told already
            self._asking.tell_cancel(ticket)
        raise trouble

    def receipt(self, done: Done, ticket: str | None) -> Receipt:
        """Bring the results and say what they came to."""
        try:
            files = self._fetched(done, ticket)
        except Trouble as trouble:
            trouble.task = None if self._vendor.free else ticket or ""
            raise
        usage = {unit: amount for unit, amount in done.usage.items() if math.isfinite(amount) and amount >= 0}
        profile = json.dumps({"vendor": self._vendor.name, **done.profile}) if done.profile is not None else None
        output: Output = FinishedFiles(files, profile) if files else Value(done.value)
        return Receipt(
            output=output,
            maker=self._maker(),
            usage=usage,
            cost_usd=self._cost_usd(usage),
            seed=done.seed,
            prompt=done.prompt,
            value=done.value,
        )

    def _maker(self) -> Maker:
        stand_in = self._model != self._call.model
        return Maker(self._vendor.name, self._model or self._vendor.title, __version__, stand_in)

    def _cost_usd(self, usage: Mapping[str, float]) -> float | None:
        prices = self._setup.setting.prices
        known = [
            amount * price
            for unit, amount in usage.items()
            if (price := prices.get(f"{self._model}:{unit}", prices.get(unit))) is not None
        ]
        return round(sum(known), 9) if known else None

    # Waiting

    def _pauses(self) -> tuple[float, float]:
        """How long to wait between the first looks, and at most: the operator's word, else the vendor's."""
        first_s = self._setup.setting.poll_s
        if first_s is None:
            return self._vendor.pause_s, self._vendor.longest_pause_s
        return first_s, first_s * LONGEST_FACTOR

    def _waited(self, ticket: str) -> Done:
        """Look at the task until it is done."""
        asking, said, looks, far = self._asking, "", 0, 0.0
        pause_s, longest_s = self._pauses()
        self._over_at = asking.seconds + (self._setup.setting.deadline_s or self._vendor.deadline_s)
        while True:
            asking.wait(pause_s)
            looks += 1
            try:
                state = self._look(ticket)
            except Trouble as trouble:
                if trouble.kind != "gone" or looks > EARLY_LOOKS or said:
                    raise
                continue
            if isinstance(state, Done):
                return state
            if state.word != said:
                said = state.word
                asking.say(f"{self._vendor.title} says: {said[:100]}")
            if state.share is not None and state.share >= far + _SHARE:
                far = state.share
                asking.say(f"{far:.0%} done", labels={"progress": f"{far:.4g}"})
            if asking.seconds > self._over_at:
                asking.tell_cancel(ticket)
                raise Trouble("slow", f"the task was still {said!r}")
            pause_s = min(pause_s * GROWTH, longest_s)

    def _look(self, ticket: str) -> Waiting | Done:
        """Ask for the task's state, following where the answer leads."""
        request = self._vendor.poll(self._asking.account, ticket)
        read: Callable[[Response], State] = partial(self._vendor.read, self._asking.account, ticket)
        over_at = self._over_at
        if self._vendor.free:  # who is gone has lost the task too, and somebody else can do it
            over_at = min(over_at, self._asking.seconds + self._setup.setting.patience_s)
        for _ in range(MOST_FOLLOWS):
            state = self._asking.understood(request, read, over_at)
            if not isinstance(state, Follow):
                return state
            request, read = state.request, state.read or read
        raise Trouble("unknown", f"its answers lead on and on, {MOST_FOLLOWS} times and more")

    # Results

    def _fetched(self, done: Done, ticket: str | None) -> tuple[FinishedFile, ...]:
        """Bring every result; a link that has expired is asked for anew where the task can be."""
        for left in reversed(range(NEW_LINKS + 1)):
            try:
                return tuple(self._bring(number, result) for number, result in enumerate(done.results))
            except Undelivered as error:
                if error.status not in _EXPIRED or ticket is None or not left:
                    raise Trouble("gone", f"the result could not be fetched: {error}") from None
                self._asking.say("The result's address has expired; asking for a new one", "WARN")
                self._asking.wait(FIRST_PAUSE_S)
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
                said = self._setup.wire.download(result, path, self._errand.tick)
                return FinishedFile(str(path), result.content_type or said)
            except Undelivered as error:
                if error.final or error.status in _EXPIRED or not left:
                    raise
                self._asking.wait(pause_s)
                pause_s *= 2
        raise AssertionError("the last try raises")
