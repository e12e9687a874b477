"""A server whose queue stands still and which treats keys wrongly: what `careless`, where all ends, cannot break."""

import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

SAME = "b2f1d6f0-0000-4000-8000-000000000000"


async def submit(request: Request) -> Response:
    """One id for all, no key is a conflict, any other key is fine, the proxy's header is obeyed."""
    if "authorization" not in request.headers:
        return JSONResponse({"detail": ["no key"]}, 409)
    if "x-fal-target-url" in request.headers:
        return JSONResponse({"detail": "gone elsewhere"}, 404)
    return JSONResponse(told(request))


def told(request: Request) -> dict[str, Any]:
    """The one request, for ever at the head of the queue."""
    base = f"{request.base_url}queue/rushes/echo/requests/{SAME}"
    forms = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
    return {"status": "IN_QUEUE", "request_id": SAME, "queue_position": 0, **forms}


async def status(request: Request) -> Response:
    """It always waits."""
    if "authorization" not in request.headers:
        return JSONResponse({"detail": "Who are you?"}, 401, {"x-fal-request-id": SAME})
    return JSONResponse(told(request), 202)


async def cancel(_: Request) -> Response:
    """Says yes and does nothing."""
    return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)


async def run(request: Request) -> Response:
    """Echoes, but knows no deadline and no limit."""
    given = json.loads(await request.body() or b"{}")
    return JSONResponse({"payload": given.get("payload")})


async def tokens(_: Request) -> Response:
    """The same token for all apps and times."""
    return JSONResponse("token")


async def keys(request: Request) -> Response:
    """Anybody may make and list keys, and sees their secrets."""
    made = {"key_id": "made", "key_secret": "secret", "key": "made:secret", "scope": "API", "max_concurrent": 1}
    return JSONResponse(made, 201) if request.method == "POST" else JSONResponse({"keys": [made]})


async def gone(_: Request) -> Response:
    """Deleting leaves everything as it was."""
    return Response(status_code=204)


async def stream(_: Request) -> Response:
    """Lets every token in."""
    return JSONResponse({"payload": None})


app = Starlette(
    routes=[
        Route("/queue/rushes/echo/requests/{id}/status", status),
        Route("/queue/rushes/echo/requests/{id}/cancel", cancel, methods=["PUT"]),
        Route("/queue/rushes/echo", submit, methods=["POST"]),
        Route("/run/rushes/echo", run, methods=["POST"]),
        Route("/run/rushes/echo/stream", stream, methods=["POST"]),
        Route("/rest/tokens/", tokens, methods=["POST"]),
        Route("/platform/v1/keys", keys, methods=["GET", "POST"]),
        Route("/platform/v1/keys/{id}", gone, methods=["DELETE"]),
    ]
)
