"""The platform's app: its routes put together, its errors, the limit of its bodies, and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rushes.gateway.platform import (
    account,
    analytics,
    billing_events,
    costs,
    document,
    keys,
    meta,
    models,
    payloads,
    pricing,
    requests,
    serverless,
    storage,
    unavailable,
    usage,
    voices,
    webhooks,
    workflows,
)
from rushes.gateway.platform.envelope import Refused, answer_errors, documented
from rushes.gateway.platform.replays import Replays

MOST_BODY_BYTES = 1_000_000  # none of the routes takes more than lists of fifty ids or rules

# In the order of the document. Each file of a noun has its `router`, whose paths begin with /v1.
ROUTERS: Sequence[APIRouter] = (
    models.router,
    pricing.router,
    usage.router,
    costs.router,
    analytics.router,
    billing_events.router,
    requests.router,
    payloads.router,
    serverless.router,
    storage.router,
    voices.router,
    webhooks.router,
    workflows.router,
    keys.router,
    account.router,
    meta.router,
    document.router,
    unavailable.router,  # takes whole branches of paths, hence the last
)


def build() -> ASGIApp:
    """Return the app."""
    app = FastAPI(
        title="Rushes Platform API",
        openapi_url=None,  # `document` writes ours
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # the door has dropped them already
        responses=documented(400, 401, 405, 500),
        generate_unique_id_function=lambda route: route.name,
    )
    for router in ROUTERS:
        app.include_router(router)
    answer_errors(app)
    # Replays outside: a call that is answered from memory reads no body.
    return Replays(SmallBodies(app))


class SmallBodies:
    """Reads no more of a body than the platform's routes ever need."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; Refused(413) is raised where the app reads on past the limit."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MOST_BODY_BYTES:
                raise Refused(413, f"The request body is larger than the {MOST_BODY_BYTES} bytes allowed here")
            return message

        await self._app(scope, counted, send)
