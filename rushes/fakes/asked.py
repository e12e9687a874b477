"""A request to a pretended vendor: its body read and noted, and checked against a strict type.

The type says what the vendor's documentation says; what is wrong with a body comes as `Wrong`, which each vendor's file
turns into that vendor's own error.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import Request

from rushes.fakes.fake import Fake, Seen

_PARAMETER = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


class Strict(BaseModel):
    """Base of what a vendor takes: a member it doesn't know, and a value of the wrong type, are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


Body = TypeVar("Body", bound=BaseModel)


class Wrong(Exception):
    """Something in a request is wrong: in which field (dots lead into nested ones), and what."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")


@dataclass(frozen=True, slots=True)
class FormFile:
    """A file in a form."""

    name: str
    content_type: str
    content: bytes


Form = Mapping[str, str | FormFile]


async def json_body(fake: Fake, request: Request) -> Any:
    """Note the request, and return its JSON; Wrong if it is none."""
    content = await request.body()
    try:
        body = json.loads(content)
    except ValueError as error:
        note(fake, request, content)
        raise Wrong("body", f"not valid JSON: {error}") from None
    note(fake, request, body)
    return body


async def form_body(fake: Fake, request: Request) -> Form:
    """Note the request, and return its form; Wrong if it isn't multipart/form-data."""
    content = await request.body()
    try:
        form = read_form(request.headers.get("content-type", ""), content)
    except Wrong:
        note(fake, request, content)
        raise
    note(fake, request, {name: part if isinstance(part, str) else part.content for name, part in form.items()})
    return form


def note(fake: Fake, request: Request, body: Any = None) -> None:
    """Write down that this request came."""
    query = f"?{request.url.query}" if request.url.query else ""
    headers = {name.lower(): value for name, value in request.headers.items()}
    fake.seen.append(Seen(request.method, request.url.path + query, headers, body))


def read_form(content_type: str, content: bytes) -> Form:
    """Return the parts of a multipart body (RFC 7578) by name; the last of a name counts. Wrong if it is none."""
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if not content_type.startswith("multipart/form-data") or boundary is None:
        raise Wrong("body", f"multipart/form-data is needed, this is {content_type or 'of no type'}")
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Wrong("body", "the form breaks off")
    return dict(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> tuple[str, str | FormFile]:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = {line.partition(b":")[0].strip().lower(): line for line in head.split(b"\r\n")}
    said = {name.decode(): value.decode() for name, value in _PARAMETER.findall(headers[b"content-disposition"])}
    if "filename" not in said:
        return said["name"], content.decode()
    kind = headers.get(b"content-type", b":application/octet-stream").partition(b":")[2].strip().decode()
    return said["name"], FormFile(said["filename"], kind, content)


def checked(kind: type[Body], body: Any) -> Body:
    """Return the body as its type; Wrong names the first field that isn't as the vendor wants it."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise Wrong(".".join(map(str, first["loc"])) or "body", _words(first["type"], first["msg"])) from None


def _words(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "unknown parameter"
    return message.removeprefix("Value error, ")
