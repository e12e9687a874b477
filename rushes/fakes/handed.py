"""What a pretended vendor hands out: links on itself to real files, that work, have expired, or break off halfway."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from secrets import token_hex

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.fakes.fake import End
from rushes.fakes.serving import BreaksOff

PATH = "/results"


@dataclass(frozen=True, slots=True)
class Made:
    """A file to be handed out: its bytes are made when they are first asked for."""

    content: Callable[[], bytes]
    content_type: str
    name: str


@dataclass(slots=True)
class Shelf:
    """The files of one vendor. `PATH` is where its route answers."""

    _made: dict[str, tuple[Made, End]] = field(default_factory=dict)

    def link(self, request: Request, made: Made, end: End = "done") -> str:
        """Put a file on the shelf and return its address, which works as the task's end says."""
        token = token_hex(16)
        self._made[token] = (made, end)
        return f"{str(request.base_url).rstrip('/')}{PATH}/{token}/{made.name}"

    def route(self) -> Route:
        """Return the route that answers the links; nobody has to show a key there."""
        return Route(PATH + "/{token}/{name}", self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        made, end = self._made.get(request.path_params["token"], (None, "done"))
        if made is None:
            return JSONResponse({"error": "no such file"}, 404)
        if end == "link_expired":
            return JSONResponse({"error": "this link has expired"}, 403)
        content = await run_in_threadpool(made.content)
        kind = BreaksOff if end == "link_broken" else Response
        return kind(content, media_type=made.content_type)
