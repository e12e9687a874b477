"""Uploads in parts, in the dialects of both clients (protocol 7.3 and 7.5) with one implementation (F-06).

The upload's token carries all that is known of it. A part is an ordinary stored file whose id only this server can
compute and which expires with the upload; completing joins the parts in order to one new file. So no table is needed,
any store will do, and an upload that is given up cleans itself away. Whole files are in `uploads`.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rushes.errors import ModelError, Problem, Rejection
from rushes.files.store import FileMissing, FileTooLarge, StoredFile, new_id
from rushes.files.types import UNKNOWN
from rushes.gateway import uploads
from rushes.gateway.replies import json_reply
from rushes.gateway.uploads import Wish
from rushes.gateway.visit import Answer, Visit

PARTS = "parts"  # purpose of the signed token
UPLOAD_S = 86_400.0
MOST_PARTS = 10_000  # as S3; both clients cut files into 10 MiB
WINDOW = 100
JSON_BODY_BYTES = 2 * 1024 * 1024  # a completion list of so many parts has 1 MB

_NUMBER = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


class DonePart(BaseModel):
    """One entry of the completion list."""

    model_config = ConfigDict(extra="ignore")

    partNumber: int = Field(ge=1, le=MOST_PARTS)
    etag: str | None = None


class Completion(BaseModel):
    """The body of a completion; the parts come in any order."""

    model_config = ConfigDict(extra="ignore")

    parts: list[DonePart] = Field(min_length=1, max_length=MOST_PARTS)


async def initiate(visit: Visit) -> Answer:
    """Begin an upload in the JavaScript client's way: parts go to UPLOAD_URL/n."""
    wish = await uploads.read_wish(visit)
    token = uploads.sign_wish(visit, PARTS, wish, UPLOAD_S)
    return json_reply(200, uploads.promise_body(visit, wish, token))


async def begin(visit: Visit) -> Answer:
    """Begin an upload in the Python client's way: parts go to ACCESS_URL/multipart/UPLOAD_ID/n."""
    wish = replace(uploads.header_wish(visit), file_id=new_id())
    token = uploads.sign_wish(visit, PARTS, wish, UPLOAD_S)
    return json_reply(200, {"access_url": visit.links.file(wish.file_id or "", wish.name), "uploadId": token})


async def take_part(visit: Visit, token: str, number: str) -> Answer:
    """Take one part; sent again, the new bytes count. The etag is answered in both places that clients look at."""
    wish = uploads.signed_wish(visit, PARTS, token)
    if not _NUMBER.fullmatch(number) or int(number) > MOST_PARTS:
        raise Rejection(400, f"Invalid part number {number[:50]!r}: expected 1 to {MOST_PARTS}")
    if uploads.is_too_large(visit):
        return uploads.too_large(visit.services.settings.max_upload_bytes)
    try:
        part = await _store_part(visit, _part_wish(visit, wish, int(number)))
    except FileTooLarge as error:
        return uploads.too_large(error.limit_bytes)
    etag = f'"{part.sha256}"'
    return json_reply(200, {"partNumber": int(number), "etag": etag}, [(b"etag", etag.encode())])


async def list_parts(visit: Visit, token: str) -> Answer:
    """Tell which parts have come, so that a client that lost its state can go on. The upload's URL is the right to it.

    Numbers are looked up by the hundred until a whole hundred is missing, since no client is that far ahead of itself.
    """
    wish = uploads.signed_wish(visit, PARTS, token)
    found: list[dict[str, object]] = []
    for first in range(1, MOST_PARTS + 1, WINDOW):
        numbers = range(first, min(first + WINDOW, MOST_PARTS + 1))
        parts = await asyncio.gather(*(visit.services.files.stat(_part_id(visit, wish, n)) for n in numbers))
        came = [(n, part) for n, part in zip(numbers, parts, strict=True) if part is not None]
        found += [{"partNumber": n, "etag": f'"{part.sha256}"', "size": part.size_bytes} for n, part in came]
        if not came:
            break
    file = await visit.services.files.stat(wish.file_id or "")
    return json_reply(200, {"parts": found, "completed": file is not None})


async def complete(visit: Visit, token: str) -> Answer:
    """Put the parts together in the order of their numbers; repeated, it answers the same."""
    wish = uploads.signed_wish(visit, PARTS, token)
    files = visit.services.files
    try:
        # Looked for first: the parts of an upload that was completed are gone.
        stored = await files.stat(wish.file_id or "") or await _put_together(visit, wish)
    except FileTooLarge as error:
        return uploads.too_large(error.limit_bytes)
    except Rejection:
        # The same completion, sent again by a client that gave up waiting, takes the parts away when it is faster.
        found = await files.stat(wish.file_id or "")
        if found is None:
            raise
        stored = found
    return json_reply(200, {"access_url": visit.links.file(stored.id, stored.name)})


async def _put_together(visit: Visit, wish: Wish) -> StoredFile:
    parts = await _parts(visit, wish, await _completion(visit))
    joining = visit.services.files.join(
        [part.id for part in parts],
        name=wish.name,
        account=wish.account,
        content_type=wish.content_type,
        file_id=wish.file_id or "",
        expires_at=wish.expires_at,
        max_bytes=visit.services.settings.max_upload_bytes,
        acl=wish.acl,
    )
    try:
        return await uploads.kept(joining)
    except FileMissing:
        raise Rejection(400, "A part went away while the parts were put together: complete again") from None


async def _store_part(visit: Visit, wish: Wish) -> StoredFile:
    """A part sent again replaces the first one: that one's answer was lost, or its bytes were wrong."""
    await visit.services.files.delete(wish.file_id or "")
    return await uploads.store(visit, visit.stream(), wish)


def _part_wish(visit: Visit, wish: Wish, number: int) -> Wish:
    # Without the wish's ACL: nobody is ever told a part's address. Of no type: the joined file is what is looked into.
    return Wish("part", wish.account, UNKNOWN, _part_id(visit, wish, number), visit.services.clock() + UPLOAD_S)


def _part_id(visit: Visit, wish: Wish, number: int) -> str:
    return visit.services.signer.derived_id(PARTS, f"{wish.file_id} {number}")


async def _completion(visit: Visit) -> list[DonePart]:
    """Read the completion list and sort it: the Python client sends it in the order in which parts were done."""
    try:
        body = Completion.model_validate_json(await visit.body(JSON_BODY_BYTES))
    except ValidationError as error:
        raise ModelError.of([Problem(e["type"], e["msg"], ("body", *e["loc"])) for e in error.errors()[:20]]) from None
    return sorted(body.parts, key=lambda part: part.partNumber)


def _bare(etag: str | None) -> str:
    """Clients send it with quotes, without, or weak (F-06)."""
    return (etag or "").strip().removeprefix("W/").strip('"').lower()


async def _parts(visit: Visit, wish: Wish, listed: list[DonePart]) -> list[StoredFile]:
    """Find the listed parts. Raises Rejection(400) for one that did not come, or came as something else."""
    found = []
    for before, done in zip([None, *listed], listed, strict=False):
        if before is not None and before.partNumber == done.partNumber:
            raise Rejection(400, f"Part {done.partNumber} is listed twice")
        part = await visit.services.files.stat(_part_id(visit, wish, done.partNumber))
        if part is None:
            raise Rejection(400, f"Part {done.partNumber} was not uploaded: PUT it and complete again")
        # A client that names no etag is believed.
        if _bare(done.etag) not in {"", part.sha256}:
            raise Rejection(400, f"Part {done.partNumber} has the etag {part.sha256!r}, not {_bare(done.etag)[:100]!r}")
        found.append(part)
    return found
