"""Any endpoint's request as it came, for an engine that speaks the endpoint's own schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel

from rushes.calls import Attachment, VendorCall
from rushes.endpoint import Endpoint, MediaMap
from rushes.engines.engine import Receipt
from rushes.engines.vendor.whole import with_files
from rushes.fields import media_inputs
from rushes.routing import ANY_ENDPOINT
from rushes.work.deliver import Delivered


def as_given(endpoint: Endpoint, request: BaseModel, media: MediaMap, *, makes_voice: bool = False) -> VendorCall:
    """Ask for this very endpoint, with the members that were given and the files as they came."""
    # Without our defaults: where it goes has its own, which may be newer.
    body = request.model_dump(mode="json", exclude_unset=True)
    for given in media_inputs(request):
        found = media.get(given.key)
        if found is None:
            continue  # a built-in voice, which has the same name everywhere
        form: Literal["voice", "upload"] = "voice" if given.field.kind == "voice" else "upload"
        # As it came, not as it was decoded for engines of ours.
        path = found.source or found.path
        # A place begins with "body", which this is.
        put(body, given.loc[1:], Attachment(given.field.kind, path, found.content_type, form, given.loc))
    return VendorCall(ANY_ENDPOINT, endpoint.id, endpoint.id, body, voice="" if makes_voice else None)


def put(body: Any, where: tuple[str | int, ...], value: object) -> None:
    """Set a member deep within JSON."""
    *way, last = where
    for step in way:
        body = body[step]
    body[last] = value


def whole_output(endpoint: Endpoint, receipt: Receipt, delivered: Delivered) -> BaseModel | None:
    """Return the endpoint's output where the engine gave it whole, its files being ours by now; None where not.

    Raises pydantic.ValidationError for what isn't in the endpoint's schema.
    """
    if not isinstance(receipt.value, Mapping):
        return None
    files = [file.model_dump(exclude_none=True) for file in delivered.files]
    return endpoint.output.model_validate(with_files(receipt.value, files))
