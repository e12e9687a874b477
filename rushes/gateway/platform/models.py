"""GET /v1/models: the endpoints there are; listed, found by id, or searched, with their OpenAPI documents if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rushes.accounts.keys import Caller
from rushes.endpoint import SESSION, Endpoint
from rushes.gateway.openapi import document
from rushes.gateway.platform.addresses import Addresses, addresses_of
from rushes.gateway.platform.callers import Anybody, AVisit
from rushes.gateway.platform.envelope import Refused, documented, not_found
from rushes.gateway.platform.lists import EndpointIds, chosen, several
from rushes.gateway.platform.paging import Cursor, Limit, read_cursor, write_cursor

router = APIRouter(tags=["Models"])

# Nothing here says when an endpoint was made: all came with the software, of whose first release this is the day.
SINCE = "2026-01-01T00:00:00Z"
_EXPANSIONS = ("openapi-3.0", "enterprise_status")
_STATUSES = ("active", "deprecated")
_MOST_WORDS = 200


class Metadata(BaseModel):
    """What an endpoint is."""

    display_name: str
    category: str
    description: str
    status: Literal["active", "deprecated"]
    tags: list[str] = Field(description="`realtime` for an endpoint with sessions.")
    updated_at: str
    is_favorited: bool | None = Field(description="Null without a key.")
    thumbnail_url: str
    model_url: str = Field(description="Where it is called directly.")
    date: str
    highlighted: bool
    pinned: bool
    kind: Literal["inference", "training"]
    stream_url: str


class Model(BaseModel):
    """An endpoint."""

    endpoint_id: str
    metadata: Metadata
    openapi: dict[str, Any] | None = Field(None, description="Its OpenAPI document, with expand=openapi-3.0.")
    enterprise_status: Literal["ready", "pending"] | None = Field(None, description="With expand=enterprise_status.")


class Models(BaseModel):
    """A page of endpoints."""

    models: list[Model]
    next_cursor: str | None
    has_more: bool


@router.get(
    "/v1/models", summary="List, find or search models", response_model_exclude_unset=True, responses=documented(404)
)
async def list_models(
    visit: AVisit,
    caller: Anybody,
    *,
    endpoint_id: EndpointIds = None,
    q: Annotated[str | None, Query(max_length=_MOST_WORDS, description="Words that all must occur.")] = None,
    category: Annotated[str | None, Query(max_length=_MOST_WORDS, examples=["text-to-video"])] = None,
    status: Annotated[str | None, Query(description="`active` or `deprecated`.", examples=["active"])] = None,
    expand: Annotated[list[str] | None, Query(description="`openapi-3.0`, `enterprise_status`.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Models:
    """All endpoints that this server has; those with the given ids; or those that a search finds.

    Of several ids the unknown ones are left out; if none is known, the answer is 404.
    """
    if status and status not in _STATUSES:
        raise Refused(400, f"query.status: allowed are active, deprecated; got {status[:100]!r}")
    wanted = chosen("expand", expand, _EXPANSIONS)
    found = _named(visit.services.endpoints.values(), several("endpoint_id", endpoint_id))
    # What is retired at its vendor is served by a successor, so nothing here is ever deprecated.
    found = [] if status == "deprecated" else _searched(found, q or "", category or "")
    (begin,) = read_cursor(cursor, "models", int) or (0,)
    page = found[max(begin, 0) : max(begin, 0) + limit]
    has_more = begin + limit < len(found)
    at = addresses_of(visit.links)
    models = []
    for endpoint in page:
        models.append(_model(endpoint, at, caller, wanted))
        if "openapi-3.0" in wanted:
            await asyncio.sleep(0)  # a document takes milliseconds, and polls come between
    return Models(
        models=models, next_cursor=write_cursor("models", begin + limit) if has_more else None, has_more=has_more
    )


def _named(endpoints: Iterable[Endpoint], ids: tuple[str, ...]) -> list[Endpoint]:
    """Return the endpoints of these ids, in the order asked for; all without ids. Raises Refused(404) for none."""
    known = {one.id: one for one in endpoints}
    if not ids:
        return list(known.values())
    found = [known[one] for one in ids if one in known]
    if not found:
        raise not_found(f"Endpoint {', '.join(ids)[:200]}")
    return found


def _searched(endpoints: list[Endpoint], words: str, category: str) -> list[Endpoint]:
    """Keep what has every word; those with a word in their name come first."""
    wanted = words.lower().split()
    found = [one for one in endpoints if category in ("", one.category) and all(word in _text(one) for word in wanted)]
    # Sorting is stable: within both groups the families' own order stays.
    return sorted(found, key=lambda one: not any(word in f"{one.id} {one.title}".lower() for word in wanted))


def _text(endpoint: Endpoint) -> str:
    return " ".join((endpoint.id, endpoint.title, endpoint.category, endpoint.about, *tags_of(endpoint))).lower()


def tags_of(endpoint: Endpoint) -> tuple[str, ...]:
    """Return its tags, and the one that says that it has sessions."""
    return endpoint.tags if endpoint.realtime is None or SESSION in endpoint.tags else (*endpoint.tags, SESSION)


def _model(endpoint: Endpoint, at: Addresses, caller: Caller | None, wanted: tuple[str, ...]) -> Model:
    expanded: dict[str, Any] = {}
    if "openapi-3.0" in wanted:
        expanded["openapi"] = document(endpoint, queue=at.queue, site=at.site)
    if "enterprise_status" in wanted:
        expanded["enterprise_status"] = "ready"
    metadata = Metadata(
        display_name=endpoint.title,
        category=endpoint.category,
        description=endpoint.about,
        status="active",
        tags=list(tags_of(endpoint)),
        updated_at=SINCE,
        is_favorited=None if caller is None else False,  # null says that nobody is logged in (10.1)
        thumbnail_url=f"{at.site}/static/mark.svg",
        model_url=f"{at.run}/{endpoint.id}",
        date=SINCE,
        highlighted=False,
        pinned=False,
        kind="inference",
        stream_url=f"{at.run}/{endpoint.id}/stream",
    )
    return Model(endpoint_id=endpoint.id, metadata=metadata, **expanded)
