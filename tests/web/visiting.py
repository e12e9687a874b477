"""Visits to the site without a server: pages need only settings, endpoints and links."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any, cast

from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from rushes.gateway.hosts import host_group, place
from rushes.gateway.ids import split_path
from rushes.gateway.links import links_for
from rushes.gateway.replies import Reply
from rushes.gateway.visit import Services, Visit
from rushes.settings import Settings
from rushes.web.site import Site

HOST = "127.0.0.1:8787"
SITE = Site()
VOID = frozenset({"meta", "link", "input", "img", "br", "hr", "wbr"})


def look(
    path: str,
    *,
    endpoints: Mapping[str, Endpoint] = ENDPOINTS,
    host: str = HOST,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    **settings: Any,
) -> Reply:
    """Visit the site as the door would have it; raises CallerError where the door would answer one."""
    path, _, query = path.partition("?")
    options = Settings(**settings)
    sent = [(b"host", host.encode()), *((k.encode(), v.encode()) for k, v in (headers or {}).items())]
    scope = {"type": "http", "method": method, "headers": sent, "query_string": query.encode()}
    group = host_group(host)
    segments = split_path(path.encode())
    assert (place(group, segments) or ("site", segments)) == ("site", segments)
    nothing = cast(Any, None)
    services = Services(
        settings=options,
        endpoints=endpoints,
        jobs=nothing,
        events=nothing,
        files=nothing,
        signer=nothing,
        keys=nothing,
        voices=nothing,
        usage=nothing,
        storage=nothing,
        outbox=nothing,
        webhook_keys=nothing,
        clock=lambda: 0.0,
    )
    links = links_for(options, "http", sent, own_host=group is None)
    answer = asyncio.run(SITE.handle(Visit(scope, nothing, services, "site", segments, links, "")))
    assert isinstance(answer, Reply)
    return answer


def text_of(path: str, **more: Any) -> str:
    """The body of a page that is there."""
    reply = look(path, **more)
    assert reply.status == 200
    return reply.body.decode()


def header(reply: Reply, name: str) -> str:
    """The value of a header, "" when it isn't there."""
    return next((value.decode() for key, value in reply.headers if key == name.encode()), "")


class Page(HTMLParser):
    """Checks while it reads that elements are closed in order; keeps the tags, ids, links and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says something twice: {names}"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text, as a reader sees it."""
        return " ".join("".join(self.words).split())

    def values(self, attribute: str, tag: str | None = None) -> list[str]:
        """Every value of an attribute, of one kind of element or of all."""
        return [attrs[attribute] for name, attrs in self.tags if attribute in attrs and tag in (None, name)]
