"""Where a pretended vendor's results lie, and how their links work out: well, expired, or breaking off halfway."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rushes.fakes.asked import here
from rushes.fakes.fake import End
from rushes.fakes.serving import BreaksOff

_EXPIRED = "<Error><Code>AccessDenied</Code><Message>Request has expired.</Message></Error>"


@dataclass(frozen=True, slots=True)
class _Kept:
    make: Callable[[], bytes]
    kind: str
    end: End


@dataclass(slots=True)
class Shelf:
    """Results by name, made when they are fetched. Nobody needs a key: the name is the secret, as with real ones."""

    kept: dict[str, _Kept] = field(default_factory=dict)

    def put(self, make: Callable[[], bytes], suffix: str, kind: str, end: End = "done") -> str:
        """Keep a result; return the path of its link, which works out as `end` says."""
        name = f"{secrets.token_hex(12)}.{suffix}"
        self.kept[name] = _Kept(make, kind, end)
        # As an object store's signed links look, whose query has to be kept; nothing in it is checked.
        return f"/results/{name}?Expires=1893456000&Signature={secrets.token_urlsafe(16)}"

    def link(self, request: Request, make: Callable[[], bytes], suffix: str, kind: str, end: End = "done") -> str:
        """Keep a result; return its whole URL at the server that answers `request`."""
        return here(request) + self.put(make, suffix, kind, end)

    def film(self, request: Request, make: Callable[[], bytes], end: End = "done") -> str:
        """Keep an mp4; return its URL."""
        return self.link(request, make, "mp4", "video/mp4", end)

    def route(self) -> Route:
        """Return the route that hands results out."""

        async def fetch(request: Request) -> Response:
            return self.answer(request.path_params["name"])

        return Route("/results/{name}", fetch, methods=["GET", "HEAD"])

    def answer(self, name: str) -> Response:
        """Return what fetching a result gives."""
        kept = self.kept.get(name)
        if kept is None:
            return Response("<Error><Code>NoSuchKey</Code></Error>", 404, media_type="application/xml")
        if kept.end == "link_expired":
            return Response(_EXPIRED, 403, media_type="application/xml")
        if kept.end == "link_broken":
            return BreaksOff(kept.make(), media_type=kept.kind)
        return Response(kept.make(), media_type=kept.kind)
