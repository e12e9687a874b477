"""GET /v1/openapi.json: the document of these routes, complete: every error, examples, security, our own address."""

from __future__ import annotations

import copy
from typing import Any

from fastapi import APIRouter, FastAPI, Request

from rushes import __version__
from rushes.gateway.platform.addresses import addresses_of
from rushes.gateway.platform.callers import AVisit

router = APIRouter(tags=["Meta"])

_NOT_OURS = ("HTTPValidationError", "ValidationError")  # what FastAPI would answer; ours is the envelope


@router.get("/v1/openapi.json", summary="Read this document")
async def read_document(request: Request, visit: AVisit) -> dict[str, Any]:
    """The OpenAPI document of the platform's routes."""
    app: FastAPI = request.app
    document = copy.copy(written(app))  # callers come by several addresses, and the rest is shared
    document["servers"] = [{"url": addresses_of(visit.links).platform, "description": "This server"}]
    return document


def written(app: FastAPI) -> dict[str, Any]:
    """Return the document without addresses; FastAPI writes it once and keeps it."""
    if app.openapi_schema is None:
        document = app.openapi()
        for path in document["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)  # such errors are 400 here (10.1)
        for name in _NOT_OURS:
            document["components"]["schemas"].pop(name, None)
        document["info"]["version"] = __version__
        document["info"]["description"] = ABOUT
    assert app.openapi_schema is not None
    return app.openapi_schema


ABOUT = """\
Models, prices, usage, requests and keys of this server, in the form of fal's Platform API.

Lists are paged: pass `next_cursor` as `cursor` until `has_more` is false. A parameter that takes several values may be
repeated, and each value may hold several, parted by commas. Calls that change something take an `Idempotency-Key`
header: the first answer is given again for ten minutes. Every error has the form `ErrorEnvelope`."""
