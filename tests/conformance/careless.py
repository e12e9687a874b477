"""A server that looks right from afar and breaks rules all over: the checks must find it out.

Requests end at once; ids, addresses, statuses, headers and files are each wrong in a way that some client minds.
"""

import json
import uuid
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

MODEL = "rushes/echo"
DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": MODEL},
    "paths": {},
    "components": {
        "schemas": {
            "EchoInput": {"type": "object", "required": ["prompt"], "properties": {"prompt": {"type": "string"}}},
            "NestedInput": {
                "type": "object",
                "required": ["prompt", "image_url"],
                "properties": {"prompt": {"allOf": [{"$ref": "#/nowhere"}]}, "image_url": {}, "sync_mode": {}},
            },
        }
    },
}


def job(request: Request, request_id: str, status: str) -> dict[str, Any]:
    """A status object with a query in its addresses, an alias, and members left out."""
    base = f"{request.base_url}queue/{MODEL}/requests/{request_id}"
    return {
        "status": status,
        "request_id": request_id,
        "response_url": f"{base}/response?from=me",
        "status_url": f"{base}/status?from=me",
        "cancel_url": f"{base}/stop?from=me",
        "queue_position": -1,
    }


async def submit(request: Request) -> Response:
    """Refuses an empty body, a slash at the end, wrong input and other Accepts; takes every key."""
    if request.url.path.endswith("/"):
        return RedirectResponse(request.url.path.rstrip("/"))
    if request.headers.get("accept") not in {"*/*", None}:
        return PlainTextResponse("I only speak JSON", 406)
    try:
        given = json.loads(await request.body())
    except ValueError:
        return PlainTextResponse("nginx: no body", 502)
    if "fail" in given:
        return JSONResponse({"detail": "it would fail"}, 409)
    return JSONResponse(job(request, str(uuid.uuid4()), "IN_QUEUE"), 200)


async def request_route(request: Request) -> Response:
    """Answers for every id, also for one that was never made, and at once with an end that is none."""
    request_id = request.path_params["id"]
    tail = request.path_params.get("tail", "")
    if tail == "status":
        return JSONResponse({**job(request, request_id, "COMPLETED"), "error": None}, 200)
    if tail == "cancel":
        return JSONResponse({"status": "FINE"}, 409)
    if tail == "status/stream":
        return PlainTextResponse('data: {"status": "DONE"}\n\n')
    return JSONResponse({"response": {}, "logs": [], "status": str(uuid.uuid4())}, 202)


async def run(request: Request) -> Response:
    """Echoes in plain JSON without an id; refuses wrong JSON in a status that clients retry."""
    try:
        given = json.loads(await request.body())
    except ValueError:
        return JSONResponse({"detail": "no"}, 408)
    if not isinstance(given, dict):
        return JSONResponse({"detail": "no"}, 429)
    return JSONResponse({"payload": given.get("payload"), "seed": None})


async def stream(request: Request) -> Response:
    """Ends with something that isn't the output, and takes any token."""

    async def events() -> Any:
        yield "data: not json\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


async def initiate(request: Request) -> Response:
    """An upload address that takes nothing."""
    base = f"{request.base_url}files/{uuid.uuid4()}"
    return JSONResponse({"upload_url": base + "/upload", "file_url": base})


async def token(_: Request) -> Response:
    """A token that is an object, and a time without an offset."""
    members = {"token": "t", "token_type": "Bearer", "base_url": "x", "created_at": "2026", "expires_at": "2026-01-01Z"}
    return JSONResponse(members)


async def jwks(_: Request) -> Response:
    """Another, padded key each time."""
    return JSONResponse({"keys": [{"kty": "RSA", "x": uuid.uuid4().hex + "=", "key_ops": []}]})


async def models(request: Request) -> Response:
    """The same list whatever is asked."""
    model = {"endpoint_id": MODEL, "metadata": {"tags": ["realtime"]}}
    return JSONResponse({"models": [model, {"endpoint_id": "a/requests/b c"}], "next_cursor": None})


async def document(request: Request) -> Response:
    """A document that its readers misread."""
    known = parse_qs(request.url.query).get("endpoint_id") == [MODEL]
    return JSONResponse(DOCUMENT) if known else PlainTextResponse("?", 500)


async def proxied(request: Request) -> Response:
    """Takes any target."""
    return JSONResponse({"went": "out"})


async def talk(websocket: WebSocket) -> None:
    """Accepts everybody, answers each frame twice with text that is not what was asked, never closes by itself."""
    await websocket.accept()
    while (await websocket.receive())["type"] != "websocket.disconnect":
        await websocket.send_text('{"request_id": "another"}')
        await websocket.send_text('{"request_id": "another"}')


async def other(_: Request) -> Response:
    """Everything else fails, in plain text."""
    return PlainTextResponse("nginx", 503)


ANY = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]
app = Starlette(
    routes=[
        Route("/queue/rushes/echo/requests/{id}/{tail:path}", request_route, methods=ANY),
        Route("/queue/rushes/echo/requests/{id}", request_route, methods=ANY),
        Route("/queue/rushes/echo", submit, methods=["POST"]),
        Route("/run/rushes/echo", run, methods=["POST"]),
        Route("/run/rushes/echo/stream", stream, methods=["POST"]),
        WebSocketRoute("/run/rushes/echo/realtime", talk),
        Route("/rest/storage/upload/initiate", initiate, methods=["POST"]),
        Route("/rest/storage/auth/token", token, methods=["POST"]),
        Route("/rest/tokens/", token, methods=["POST"]),
        Route("/rest/.well-known/jwks.json", jwks),
        Route("/platform/v1/models", models),
        Route("/api/openapi/queue/openapi.json", document),
        Route("/api/fal/proxy", proxied, methods=ANY),
        Route("/{rest:path}", other, methods=ANY),
    ]
)
