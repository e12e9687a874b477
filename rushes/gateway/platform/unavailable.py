"""What the real service has and a self-hosted server does not: each such path answers 501, so that clients can tell."""

from __future__ import annotations

from fastapi import APIRouter, Request

from rushes.gateway.platform.callers import AKey
from rushes.gateway.platform.envelope import Refused

router = APIRouter(include_in_schema=False)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# Reached last, so that what we do have below these words is found first.
_WORDS = ("serverless", "compute", "organization", "assets", "account/focus", "account/model-access-controls")


async def unavailable(request: Request, caller: AKey) -> None:
    """Say so."""
    raise Refused(501, f"{request.method} {request.url.path[:200]} is not available on this server")


for _word in _WORDS:
    for _path in (f"/v1/{_word}", f"/v1/{_word}/{{rest:path}}"):
        router.add_api_route(_path, unavailable, methods=_METHODS)
