"""Uploads in one piece: initiate + PUT (protocol 7.2) and a POST with a CDN token (7.4).

An upload URL carries a signed promise of id, name, type and account, so nothing is stored before the bytes come. The
same bytes may be PUT to it again (a client whose answer was lost tries again); other bytes are refused, because the
file's address was given out, and what is read there must never change. Large files in parts are in `multipart`.
"""

from __future__ import annotations

import errno
from collections.abc import AsyncIterable, Awaitable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json
from starlette.requests import ClientDisconnect

from rushes.errors import ModelError, Rejection, RequestError
from rushes.files.acl import Acl, acl_from
from rushes.files.names import clean_name
from rushes.files.store import FileTaken, FileTooLarge, StoredFile, new_id
from rushes.files.types import UNKNOWN, essence, given_type, suffix_of
from rushes.gateway.auth import admit
from rushes.gateway.replies import failure_reply, json_reply
from rushes.gateway.sharing import CDN, asked_lifecycle, token_account
from rushes.gateway.visit import Answer, Visit

UPLOAD_URL_S = 3_600.0  # in which the PUT has to begin; how long it takes does not matter
CDN_TOKEN_S = 86_400.0  # as the real service's (7.4)
CDN_TOKEN_MOST_S = 7 * 86_400.0
JSON_BODY_BYTES = 256 * 1024  # of a request for an upload or a token; real ones have a few hundred

UPLOAD = "upload"  # purpose of signed tokens


@dataclass(frozen=True, slots=True)
class Wish:
    """How the bytes that follow are to be stored. Without `file_id` the id follows from the content."""

    name: str
    account: str
    content_type: str | None
    file_id: str | None
    expires_at: float | None
    acl: Acl | None = None


async def give_token(visit: Visit) -> Answer:
    """Give out a token with which its holder may upload for the caller's account (F-05)."""
    caller = admit(visit)
    body = await json_object(visit)
    asked = body.get("expiration_seconds")
    lasts = float(min(asked, CDN_TOKEN_MOST_S)) if isinstance(asked, int | float) and asked > 0 else CDN_TOKEN_S
    now = visit.services.clock()
    answer = {
        "token": visit.services.signer.sign(CDN, {"account": caller.account, "key_id": caller.key_id}, now + lasts),
        "token_type": "Bearer",
        "base_url": visit.links.files,
        "created_at": _iso(now),
        "expires_at": _iso(now + lasts),
    }
    return json_reply(200, answer)


async def initiate(visit: Visit) -> Answer:
    """Promise a file's address, and give out the URL to PUT its bytes to."""
    wish = await read_wish(visit)
    token = sign_wish(visit, UPLOAD, wish, UPLOAD_URL_S)
    return json_reply(200, promise_body(visit, wish, token))


async def take_promised(visit: Visit, token: str) -> Answer:
    """Take the bytes of a promised file; the URL is all the right one needs; a key beside it does no harm (A-03)."""
    wish = signed_wish(visit, UPLOAD, token)
    # F-04: what the bytes come with counts before what was said of them.
    kind = _known_type(visit.header(b"content-type")) or wish.content_type
    return await _receive(visit, "file_url", replace(wish, content_type=kind))


async def take_whole(visit: Visit) -> Answer:
    """Take a file in one request, with a CDN token or a key."""
    return await _receive(visit, "access_url", header_wish(visit))


async def read_wish(visit: Visit) -> Wish:
    """Read the body of both initiate routes; name and type may be missing."""
    account = admit(visit).account
    body = await json_object(visit)
    kind = _known_type(_text(body, "content_type"))
    name = clean_name(_text(body, "file_name"), suffix_of(kind or UNKNOWN))
    # The time runs from here, since the address is given out now.
    asked = asked_lifecycle(visit, account)
    return Wish(name, account, kind, new_id(), asked.ends_at(visit.services.clock()), asked.acl)


def header_wish(visit: Visit) -> Wish:
    """Read the headers of both CDN upload routes."""
    kind = _known_type(visit.header(b"content-type"))
    name = clean_name(_header_text(visit, b"x-fal-file-name"), suffix_of(kind or UNKNOWN))
    account = uploader(visit)
    asked = asked_lifecycle(visit, account)
    return Wish(name, account, kind, None, asked.ends_at(visit.services.clock()), asked.acl)


def sign_wish(visit: Visit, purpose: str, wish: Wish, lasts_s: float) -> str:
    """Write a wish into a token, so that no state is kept until the bytes come."""
    return visit.services.signer.sign(purpose, asdict(wish), visit.services.clock() + lasts_s)


def signed_wish(visit: Visit, purpose: str, token: str) -> Wish:
    """Read such a token. Raises Rejection(403)."""
    payload = visit.services.signer.read(purpose, token, visit.services.clock())
    if payload is None:
        raise Rejection(403, "This upload URL is not valid, or its time is over: initiate a new upload")
    # JSON has made a mapping of the ACL.
    return Wish(**payload | {"acl": acl_from(payload.get("acl"))})


def promise_body(visit: Visit, wish: Wish, token: str) -> dict[str, str]:
    """What both initiate routes answer."""
    return {
        "upload_url": f"{visit.links.files}/files/upload/{token}",
        "file_url": visit.links.file(wish.file_id or "", wish.name),
    }


def uploader(visit: Visit) -> str:
    """Return the account that a CDN token, or else a key, stands for. Raises Rejection(401)."""
    return token_account(visit) or admit(visit).account


async def json_object(visit: Visit) -> dict[str, Any]:
    """Read a small JSON body; none at all is {} (R-14). Raises ModelError(422) for anything but an object."""
    try:
        value = from_json(await visit.body(JSON_BODY_BYTES) or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise ModelError("json_invalid", f"Invalid JSON: {error}") from None
    if not isinstance(value, dict):
        raise ModelError("dict_type", "The body should be a JSON object")
    return value


def too_large(limit_bytes: int) -> Answer:
    """Refuse without reading on: the connection is closed, since the rest of the body is still on its way."""
    refusal = Rejection(413, f"The file is larger than the {limit_bytes} bytes that this server stores")
    return failure_reply(refusal.failure(), headers=[(b"connection", b"close")])


def is_too_large(visit: Visit) -> bool:
    """Say whether the declared length alone is above the limit."""
    declared = visit.header(b"content-length") or ""
    return declared.isdigit() and int(declared) > visit.services.settings.max_upload_bytes


async def _receive(visit: Visit, member: str, wish: Wish) -> Answer:
    """Stream the body into the store, and answer with the file's URL under the name `member`."""
    if is_too_large(visit):
        return too_large(visit.services.settings.max_upload_bytes)
    try:
        stored = await store(visit, visit.stream(), wish)
    except FileTooLarge as error:
        return too_large(error.limit_bytes)
    return json_reply(200, {member: visit.links.file(stored.id, stored.name)})


async def store(visit: Visit, content: AsyncIterable[bytes], wish: Wish) -> StoredFile:
    """Put content into the store as wished. Raises CallerError, and FileTooLarge for the caller to answer."""
    return await kept(
        visit.services.files.put(
            content,
            name=wish.name,
            account=wish.account,
            content_type=wish.content_type,
            file_id=wish.file_id,
            expires_at=wish.expires_at,
            max_bytes=visit.services.settings.max_upload_bytes,
            acl=wish.acl,
        )
    )


async def kept(storing: Awaitable[StoredFile]) -> StoredFile:
    """Wait for the store; what it refuses becomes the caller's error. Raises CallerError, FileTooLarge, FileMissing."""
    try:
        return await storing
    except FileTaken:  # of promised ids only: others follow from the content, so that equal ids are equal bytes
        raise Rejection(403, "This upload URL was used already, for other content: initiate a new upload") from None
    except ClientDisconnect:
        raise RequestError("client_disconnected") from None
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise  # logged by `routes`, which answers a 500 without our paths in it
        raise Rejection(507, "The server has no room left for this file") from error


def _known_type(declared: str | None) -> str | None:
    """Return a declared type (F-04); None, so that the content tells, for what only says that nobody knows."""
    kind = given_type(declared)
    return None if kind is None or essence(kind) == UNKNOWN else kind


def _text(body: dict[str, Any], member: str) -> str:
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise ModelError("string_type", "Input should be a valid string", loc=("body", member))
    return value or ""


def _header_text(visit: Visit, name: bytes) -> str:
    """Header bytes are latin-1 to HTTP, but who sends other than ASCII mostly means UTF-8."""
    raw = (visit.header(name) or "").encode("latin-1")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _iso(seconds: float) -> str:
    """ISO 8601 with +00:00 and six digits, which Python 3.8's fromisoformat reads too (F-05)."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
