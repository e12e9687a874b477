"""The door: one ASGI app that finds out which of fal's hosts a request is meant for and hands it to that host's file.

No router and no middleware stand in the way: a path is split once, and the group names the handler. Every answer gets
CORS headers, and whatever goes wrong is answered as JSON. What the words of the paths mean is in `hosts` and `ids`.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Mapping

from starlette.types import Message, Receive, Scope, Send

from rushes.errors import CallerError, Rejection, RequestError
from rushes.gateway import health, hub, platform, proxy, queue, run, runners, sockets, storage
from rushes.gateway.cors import EVERY_ANSWER, preflight_headers
from rushes.gateway.hosts import PROXY_PATH, Group, host_group, place
from rushes.gateway.ids import is_plain, new_id, request_path, split_path
from rushes.gateway.links import FILES_AT, links_for, reached_host
from rushes.gateway.replies import Reply, failure_reply, not_allowed, with_message
from rushes.gateway.socket import Socket
from rushes.gateway.visit import Answer, Handler, Services, Visit
from rushes.jobs.store import WriteFailed

log = logging.getLogger(__name__)

HANDLERS: Mapping[Group, Handler] = {
    "run": run.handle,
    "queue": queue.handle,
    "rest": storage.handle,
    "cdn": storage.handle,
    "platform": platform.handle,
    "runners": runners.handle,
    "own": health.handle,
    "hub": hub.handle,
}


_LOGGED_CHARS = 300
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS})
_LOOKS = frozenset({"GET", "HEAD"})


class Door:
    """The ASGI app. Lifespan is the business of `app`, which wraps this; pages (`site`) are made above the gateway."""

    def __init__(self, services: Services, site: Handler | None = None) -> None:
        self._services = services
        self._adds_messages = services.settings.error_messages
        self._handlers = HANDLERS if site is None else {**HANDLERS, "site": site}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def open_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message["headers"] = [*message.get("headers", ()), *EVERY_ANSWER]
            await send(message)

        visit: Visit | None = None
        try:
            if scope["method"] == "OPTIONS":  # for any path and caller: preflights bring no key
                answer: Answer = _preflight(scope)
            else:
                visit = self._visit(scope, receive)
                answer = await self._handled(visit)
            if isinstance(answer, Reply):  # nearly all are, and need no wrapper around `send`
                answer = self._worded(answer)
                started = True  # also where sending breaks off: there is no second answer to a request
                await answer.send(send, EVERY_ANSWER)
            else:
                await answer(scope, receive, open_send)
        except CallerError as error:
            if started:
                raise
            await self._failed(visit, error).send(send, EVERY_ANSWER)
        except asyncio.CancelledError:  # the server stops and waits no longer for what this caller waits for
            if not started:
                await self._failed(visit, RequestError("runner_disconnected")).send(send, EVERY_ANSWER)
            raise
        except WriteFailed as error:
            log.error("%s could not be kept: %s", _asked(scope), error)
            if started:
                return
            await self._failed(visit, RequestError("storage_unavailable")).send(send, EVERY_ANSWER)
        except Exception as error:
            log.exception("%s failed, request %s", _asked(scope), _request_id(visit))
            if started:  # too late for another answer; the server cuts the connection, which the caller notices
                return
            full = isinstance(error, OSError) and error.errno in _NO_ROOM
            told = RequestError("storage_unavailable" if full else "internal_error")
            await self._failed(visit, told).send(send, EVERY_ANSWER)

    def _failed(self, visit: Visit | None, error: CallerError) -> Reply:
        return self._worded(failure_reply(error.failure(), _request_id(visit)))

    def _worded(self, reply: Reply) -> Reply:
        return with_message(reply) if self._adds_messages else reply

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket; its handshake is a GET like others, under a scheme of its own."""
        socket = Socket(receive, send)
        scope = {**scope, "method": "GET", "scheme": "https" if scope["scheme"] == "wss" else "http"}
        try:
            visit = self._visit(scope, receive)
        except CallerError as error:
            await sockets.refuse(socket, error)
            return
        await sockets.answer(visit, socket)

    def _visit(self, scope: Scope, receive: Receive) -> Visit:
        headers = scope["headers"]
        host = next((value for name, value in headers if name == b"host"), b"").decode("latin-1")
        settings = self._services.settings
        group = reached = host_group(host)
        if settings.behind_proxy:  # a proxy may ask for another Host than its caller did: either one can be fal's
            reached = host_group(reached_host(settings, headers))
            group = reached or group
        files_at = None if reached is None else scope.get("state", {}).get(FILES_AT)
        links = links_for(settings, scope["scheme"], headers, own_host=reached is None, files_at=files_at)
        # ASGI's `path` is decoded, in which an escaped slash can't be told from a real one; raw_path is optional.
        segments = split_path(scope.get("raw_path") or scope["path"].encode())
        placed = None if segments == PROXY_PATH else place(group, segments)
        meant, below = placed or ("site", segments)  # which answers unknown paths, with a page where people ask
        starts_nothing = meant == "queue" and scope["method"] in _LOOKS
        visit_id = "" if starts_nothing else new_id()  # polls are most of all requests, and need none
        return Visit(scope, receive, self._services, meant, below, links, visit_id)

    async def _handled(self, visit: Visit) -> Answer:
        if visit.segments == PROXY_PATH and visit.group == "site":
            if visit.method not in proxy.METHODS:
                return not_allowed(*proxy.METHODS)
            inner = proxy.meant(visit)
            if inner is None:
                return Reply(400, proxy.INVALID)
            visit = inner
        handler = self._handlers.get(visit.group)
        if handler is None:
            raise Rejection(404, f"Path /{'/'.join(visit.segments)} not found")
        return await handler(visit)


def _preflight(scope: Scope) -> Reply:
    requested = next((value for name, value in scope["headers"] if name == b"access-control-request-headers"), None)
    reply = Reply(204, b"")
    reply.headers = list(preflight_headers(requested))
    return reply


def _asked(scope: Scope) -> str:
    """Return method and path for a log line; what a caller wrote must not end the line and begin one of its own."""
    return "".join(char if char.isprintable() else "?" for char in f"{scope['method']} {scope['path'][:_LOGGED_CHARS]}")


def _request_id(visit: Visit | None) -> str | None:
    """The request that an error is about: the one the path names, else the one this visit would have started.

    It becomes a header: what a path names and no id of ours could be is left out, for it may hold line ends.
    """
    if visit is None or visit.group not in {"run", "queue"}:
        return None
    path = request_path(visit.segments)
    if path is None:
        return visit.id
    return path.request_id if is_plain(path.request_id) else None
