"""Sending a stored file: conditions, ranges and the headers under which strangers' bytes may leave this host.

Whatever could run a script is only ever saved, never shown, since pages of ours may live on the same host. Whether the
reader may have the file was decided before; where the bytes lie is the store's matter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from rushes.errors import Rejection
from rushes.files.ranges import Part, Unsatisfiable, asked_range
from rushes.files.store import FileMissing, FileStore, StoredFile
from rushes.files.types import may_show
from rushes.gateway.replies import Header, Reply, failure_reply
from rushes.gateway.sharing import not_found

YEAR_S = 31_536_000  # what caches take for "for ever"

# A file opened on its own may show itself and nothing else, and runs in no origin.
_POLICY = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"


_REFUSED = {
    412: "The file is not the version that If-Match or If-Unmodified-Since names",
    416: "The range begins behind the end of the file",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to answer: a status and the bytes [start, stop) of the file."""

    status: int
    start: int = 0
    stop: int = 0


def plan(headers: Mapping[str, str], file: StoredFile) -> Plan:
    """Decide by the request's conditions (RFC 9110, section 13.2.2); header names in lower case."""
    if _is_another(headers, file):
        return Plan(412)
    if _is_unchanged(headers, file):
        return Plan(304)
    asked = asked_range(headers.get("range"), file.size_bytes) if _range_counts(headers, file) else None
    if isinstance(asked, Unsatisfiable):
        return Plan(416)
    if isinstance(asked, Part):
        return Plan(206, asked.start, asked.stop)
    return Plan(200, 0, file.size_bytes)


class FileReply:
    """An ASGI answer to GET or HEAD with a stored file."""

    __slots__ = ("_file", "_now", "_store")

    def __init__(self, store: FileStore, file: StoredFile, now: float) -> None:
        self._store = store
        self._file = file
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; a 404 when the file was deleted since it was looked up."""
        is_head = scope["method"] == "HEAD"
        asked = dict(Headers(scope=scope))
        if is_head:
            asked.pop("range", None)  # ranges are for GET
        chosen = plan(asked, self._file)
        if chosen.status in _REFUSED:
            await _refusal(self._file, chosen.status)(scope, receive, send)
            return
        start = {
            "type": "http.response.start",
            "status": chosen.status,
            "headers": file_headers(self._file, chosen, self._now),
        }
        # Also a 304, and a file of no bytes: nothing to open.
        if is_head or chosen.start == chosen.stop:
            await send(start)
            await send({"type": "http.response.body", "body": b""})
            return
        try:
            async with self._store.open(self._file.id, chosen.start, chosen.stop) as chunks:
                await send(start)
                watch = asyncio.create_task(_disconnected(receive))
                try:
                    # uvicorn swallows what is sent to a caller who went away, so ask, or read it all in vain
                    async for chunk in chunks:
                        await send({"type": "http.response.body", "body": chunk, "more_body": True})
                        if watch.done():
                            return
                finally:
                    watch.cancel()
                await send({"type": "http.response.body", "body": b""})
        except FileMissing:
            await failure_reply(not_found().failure())(scope, receive, send)


def _refusal(file: StoredFile, status: int) -> Reply:
    """Say which version there is, and how long it is."""
    size = b"bytes */%d" % file.size_bytes
    told = [(b"etag", _etag(file).encode()), *([(b"content-range", size)] if status == 416 else ())]
    return Reply(status, Rejection(status, _REFUSED[status]).failure().body, told)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def file_headers(file: StoredFile, chosen: Plan, now: float) -> list[Header]:
    """Return the headers of an answer with this file, or with a part of it."""
    headers = {
        "etag": _etag(file),
        "last-modified": formatdate(file.created_at, usegmt=True),
        "cache-control": _cache_control(file, now),
        "accept-ranges": "bytes",
        # The same address is a 403 to the next reader.
        **({} if file.acl is None else {"vary": "Authorization"}),
        "x-content-type-options": "nosniff",
        "content-security-policy": _POLICY,
    }
    if chosen.status != 304:  # which describes no content (RFC 9110, 15.4.5)
        headers |= {
            "content-type": file.content_type,
            "content-length": str(chosen.stop - chosen.start),
            "content-disposition": _disposition(file),
        }
    if chosen.status == 206:
        headers["content-range"] = f"bytes {chosen.start}-{chosen.stop - 1}/{file.size_bytes}"
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


def _etag(file: StoredFile) -> str:
    return f'"{file.sha256[:32]}"'


def _cache_control(file: StoredFile, now: float) -> str:
    if file.acl is not None:  # whoever may read it now may not be allowed to in a minute
        return "private, no-store"
    if file.expires_at is None:
        # No id ever gets other bytes, see `uploads`.
        return f"public, max-age={YEAR_S}, immutable"
    return f"public, max-age={min(YEAR_S, max(0, int(file.expires_at - now)))}"


def _disposition(file: StoredFile) -> str:
    how = "inline" if may_show(file.content_type) else "attachment"
    # Both forms (RFC 6266): old clients read the first, which has no letters but ASCII; `?` is what "replace" writes.
    plain = file.name.encode("ascii", "replace").decode().replace("?", "_")
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}"


def _is_another(headers: Mapping[str, str], file: StoredFile) -> bool:
    """If-Match counts before If-Unmodified-Since, and weak tags never match."""
    tags = headers.get("if-match")
    if tags is not None:
        return tags.strip() != "*" and _etag(file) not in {tag.strip() for tag in tags.split(",")}
    since = _seconds(headers.get("if-unmodified-since"))
    # HTTP's dates have whole seconds: a file is as old as the Last-Modified that we told.
    return since is not None and int(file.created_at) > since


def _is_unchanged(headers: Mapping[str, str], file: StoredFile) -> bool:
    """If-None-Match counts before If-Modified-Since; weak and strong tags are the same to it."""
    tags = headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or _etag(file) in {tag.strip().removeprefix("W/") for tag in tags.split(",")}
    since = _seconds(headers.get("if-modified-since"))
    return since is not None and int(file.created_at) <= since


def _range_counts(headers: Mapping[str, str], file: StoredFile) -> bool:
    """A range counts unless If-Range names another version than this."""
    condition = headers.get("if-range")
    if condition is None:
        return True
    if condition.strip().startswith(('"', "W/")):
        return condition.strip() == _etag(file)  # a weak tag never counts here (RFC 9110, 13.1.5)
    return _seconds(condition) == int(file.created_at)


def _seconds(date: str | None) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except (ValueError, OverflowError):
        return None
