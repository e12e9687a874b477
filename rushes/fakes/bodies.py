"""What a pretended vendor is sent, taken apart: a multipart body into its parts, a body into its strict type.

The type says what the vendor's documentation says; what is wrong comes as `Wrong`, which each vendor's file turns into
that vendor's own error.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

_PARAMETER = re.compile(rb'(\w+)="((?:[^"\\]|\\.)*)"')


class Strict(BaseModel):
    """Base of what a vendor takes: a member it doesn't know, and a value of the wrong type, are refused."""

    # Pydantic keeps names that begin with model_ for itself; vendors have some.
    model_config = ConfigDict(extra="forbid", strict=True, protected_namespaces=())


Body = TypeVar("Body", bound=BaseModel)


class Wrong(Exception):
    """Something in a request is wrong: in which field (dots lead into nested ones), and what."""

    def __init__(self, field: str, message: str) -> None:
        self.field, self.message = field, message
        super().__init__(f"{field}: {message}")


def checked(kind: type[Body], body: Any) -> Body:
    """Return the body as its type; Wrong names the first field that isn't as the vendor wants it."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        unknown = first["type"] == "extra_forbidden"
        said = "unknown parameter" if unknown else first["msg"].removeprefix("Value error, ")
        raise Wrong(".".join(map(str, first["loc"])) or "body", said) from None


def form_parts(content_type: str, content: bytes) -> Mapping[str, str | bytes]:
    """Return the parts of a multipart/form-data body (RFC 7578) by name: texts, and files as their bytes.

    The last of a name counts. Wrong if it is none.
    """
    boundary = re.search(r'boundary="?([^";]+)"?', content_type)
    if boundary is None:
        raise Wrong("body", "multipart/form-data needs a boundary")
    pieces = (b"\r\n" + content).split(b"\r\n--" + boundary[1].encode())
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise Wrong("body", "the form breaks off")
    return dict(_part(piece) for piece in pieces[1:-1])


def _part(piece: bytes) -> tuple[str, str | bytes]:
    head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = {line.partition(b":")[0].strip().lower(): line for line in head.split(b"\r\n")}
    said = dict(_PARAMETER.findall(headers.get(b"content-disposition", b"")))
    if b"name" not in said:
        raise Wrong("body", "a part of the form has no name")
    stated = headers.get(b"content-type", b":text/plain").partition(b":")[2].strip()
    is_file = b"filename" in said or not stated.startswith(b"text/")  # some clients name no file
    return said[b"name"].decode(), content if is_file else content.decode(errors="replace")
