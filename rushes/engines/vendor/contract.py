"""What a vendor is to us: pure functions from records to records, which one loop (`engine`) performs.

A vendor's file holds its addresses, words, codes and limits and a `VENDOR` of these functions; it does no I/O, knows no
clock and no job. Adding one is one file here, its name in `VENDORS`, the functions of the families it can serve, and a
test. Everything is frozen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Literal

from rushes.calls import Attachment, Named, VendorCall
from rushes.engines.engine import Blame

Options = Mapping[str, tuple[str, ...]]
"""What a deployment may say that only this vendor knows: the words allowed for each name, () where any will do."""


@dataclass(frozen=True, slots=True)
class Account:
    """One of the operator's keys, and how it is used: `url` is the API's base without a slash at its end.

    `options` are the deployment's further settings, by the names that the vendor's file documents. The key never shows.
    """

    key: str = field(repr=False)
    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    now: float = 0.0  # Unix seconds, for keys that sign what they send

    def option(self, name: str, known: Options) -> str:
        """Return what the deployment says, by default the first; another word is the operator's mistake."""
        allowed = known[name]
        found = self.options.get(name, allowed[0])
        if found not in allowed:
            raise Trouble("here", f"the deployment's option {name} is {found!r}; it may be {' or '.join(allowed)}")
        return found


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body: a file of that name and type."""

    content: bytes = field(repr=False)
    file_name: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request to a whole `url`. At most one of `json`, `form` (multipart/form-data) and `content` is given."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)
    form: Mapping[str, str | Part] | None = field(default=None, repr=False)
    content: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back; names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Return the body as JSON, None where it is none: NaN, infinities and halves of characters are none either."""
        try:
            found = json.loads(self.body, parse_constant=_refuse, parse_float=_finite)
            if b"\\ud" in self.body.lower():  # an escape may spell half a character, which no encoding takes
                json.dumps(found, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            return None
        return found

    def object(self) -> Mapping[str, Any]:
        """Return the body as a JSON object, an empty one where it is none."""
        value = self.json()
        return value if isinstance(value, dict) else {}

    @property
    def retry_after_s(self) -> float | None:
        """Return the seconds that Retry-After says, None without them: no vendor is known to write a date there."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isdecimal() else None


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    return number if isfinite(number) else _refuse(text)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The task is under way; `word` is the vendor's own for it, `share` how far it is, from 0 to 1, where it tells."""

    word: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Follow:
    """The answer to this request says more; it is read by `read`, else as the one before it."""

    request: Request
    read: Callable[[Response], State] | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A result to be downloaded. `headers` go to the vendor's own host only, and to nobody it redirects to.

    `content_type` is what was asked for, where the bytes can't tell and a host may say anything (raw samples).
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """A result that is in the answer itself. `content_type` is None where only the bytes tell."""

    data: bytes = field(repr=False)
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """It is made. `usage` counts by unit what the vendor says it used; `seed` and `prompt` where it tells them.

    `profile` is a JSON object that a voice is known by from now on; `value` is an output that is no file, or the whole
    output of a vendor that speaks our own schemas, in which each result's address stands.
    """

    results: tuple[Link | Content, ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    seed: int | None = None
    prompt: str | None = None
    profile: Mapping[str, Any] | None = None
    value: Any = None


State = Waiting | Follow | Done
"""What a task has come to, as `Vendor.read` says it; how it failed is a `Trouble`."""


Kind = Literal["invalid", "moderated"] | Blame
"""What is wrong: the request itself, what it shows or says, or something that is no fault of the request."""


_PASSING = frozenset({408, 425})  # of something on the way that ran out of time or was not ready yet


def kind_by(status: int, known: Mapping[int, Kind]) -> Kind:
    """Return what an answer's status alone says is wrong, where no words do: by the vendor's table, else by HTTP."""
    return known.get(status) or ("server" if status >= 500 or status in _PASSING else "unknown")


class Trouble(Exception):
    """The vendor said no, or what nobody understands. Nothing of a key is in `text`, which its own words are.

    `member` is the body's member that it names, `code` its own code or status word; `task` the ticket of a task
    that was taken and may have been paid, "" where it has none, which the loop fills in.
    """

    def __init__(
        self,
        kind: Kind,
        text: str,
        *,
        code: str | int | None = None,
        member: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.kind: Kind = kind
        self.text, self.code, self.member, self.retry_after_s = text, code, member, retry_after_s
        self.task: str | None = None
        super().__init__(f"{kind}: {text}" + (f" ({code})" if code is not None else ""))


class AlreadyTaken(Trouble):
    """The vendor has a task of our name for it: an earlier submit arrived, of which only the answer was lost."""

    def __init__(self, text: str, code: str | int | None = None) -> None:
        super().__init__("lost", text, code=code)


@dataclass(frozen=True, slots=True)
class Prepared:
    """An attachment as it will be sent: its bytes and type, or the address it can be fetched at."""

    attachment: Attachment
    content: bytes = field(repr=False)
    content_type: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Then:
    """An upload in two steps: this is to be sent too, and then the file is known by `value`."""

    request: Request
    value: Any


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What pictures a vendor takes. One that can be made to fit is, by scaling within the sides and cropping at the

    centre to the ratios (width / height); no other is. All are encoded anew, without transparency.
    """

    types: tuple[str, ...] = ("image/jpeg", "image/png", "image/webp")
    max_bytes: int = 10_000_000
    min_side: int = 1
    max_side: int = 8_192
    min_ratio: float = 0.0
    max_ratio: float = float("inf")


@dataclass(frozen=True, slots=True)
class RecordingRules:
    """What videos or sounds a vendor takes; what does not fit is refused, naming the field, before anything is paid."""

    types: tuple[str, ...] = ()  # any
    max_bytes: int = 100_000_000
    min_s: float = 0.0
    max_s: float = float("inf")
    min_side: int = 0
    max_side: int = 1_000_000


Recovery = Literal["none", "resend", "look up"]
"""What can be done when nobody knows whether a task was taken: nothing, send the same again (the vendor knows it by our

name for it and does it once), or look it up by that name.
"""


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor. Functions that read an answer raise Trouble for what it refuses and for words they don't know.

    `submit(account, call, model, body, name)` is the request for a task: `body` is the call's with each attachment
    replaced by what `place` made of it (an upload's id, or text); `name` is unique to the task and the same when it is
    sent again. `accepted` returns what the task is known by, as text, or Done where the answer is the result itself; an
    answer with a status below 300 that it can't read, and which names no error code, is "unknown" without a `code`: the
    task may have been taken then.
    `poll` asks for the task's state, `read(ticket, answer)` understands it. `look_up` asks for a task by our name for
    it, in one way or in several that are tried in order, and `found` returns its ticket, None where there is none.
    `identify` asks for the id of what a call names, and `identified` returns it, or Follow where the list goes on.
    `check(call, model)` refuses, before anything is sent, what the vendor is known to refuse.
    """

    name: str
    title: str  # for served-by and the log
    url: str
    submit: Callable[[Account, VendorCall, str, Mapping[str, Any], str], Request]
    accepted: Callable[[VendorCall, Response], str | Done]
    poll: Callable[[Account, str], Request]
    read: Callable[[Account, str, Response], State]
    cancel: Callable[[Account, str], Request] | None = None
    upload: Callable[[Account, Prepared], Request] | None = None
    uploaded: Callable[[Prepared, Response], Any] | None = None
    recovery: Recovery = "none"
    look_up: Callable[[Account, VendorCall, str], tuple[Request, ...]] | None = None
    found: Callable[[VendorCall, str, Response], str | None] | None = None
    identify: Callable[[Account, Named], Request] | None = None
    identified: Callable[[Account, Named, Response], Any] | None = None
    check: Callable[[VendorCall, str], None] = lambda _call, _model: None
    pictures: PictureRules | None = PictureRules()  # None: as they came
    videos: RecordingRules = RecordingRules()
    sounds: RecordingRules = RecordingRules()
    retired: Mapping[str, str] = field(default_factory=dict)  # model: what is known of its end
    own: bool = False  # whether it serves whatever the endpoint's name promises, as the platform itself does
    free: bool = False  # nobody pays for a task: it may be sent again, and one that can't be reached is given up
    submit_s: float | None = None  # where the work is done within the submit: how long its answer may take
    pause_s: float = 2.0  # between two looks at first; each is longer than the one before, to
    longest_pause_s: float = 12.0
    deadline_s: float = 1_800.0
    options: Options = field(default_factory=dict)
    key_form: str = ""  # how a key is made up where it has parts, as the guide has it: "ACCESS:SECRET"
