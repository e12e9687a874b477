"""GET /v1/workflows: none are stored here, and the list says so; making them is not available."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from rushes.gateway.platform.callers import AKey
from rushes.gateway.platform.envelope import Refused, documented, not_found
from rushes.gateway.platform.lists import EndpointIds, several
from rushes.gateway.platform.paging import Cursor, Limit, read_cursor

router = APIRouter(tags=["Workflows"])

_NAME = r"^[a-zA-Z0-9_-]+$"
AName = Annotated[str, Path(max_length=128, pattern=_NAME)]


class Workflow(BaseModel):
    """A stored workflow."""

    name: str
    title: str
    user_nickname: str
    created_at: str
    tags: list[str]
    endpoint_ids: list[str]


class Workflows(BaseModel):
    """A page of workflows."""

    workflows: list[Workflow]
    next_cursor: str | None
    has_more: bool
    total: int


@router.get("/v1/workflows", summary="List workflows")
async def list_workflows(
    caller: AKey,
    search: Annotated[str | None, Query(max_length=200)] = None,
    used_endpoint_ids: EndpointIds = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Workflows:
    """Always empty: this server stores no workflows."""
    # Wrong parameters are refused as if there were something to find.
    several("used_endpoint_ids", used_endpoint_ids)
    read_cursor(cursor, "workflows", int)
    return Workflows(workflows=[], next_cursor=None, has_more=False, total=0)


@router.post("/v1/workflows", include_in_schema=False, responses=documented(501))
async def create_workflow(caller: AKey) -> None:
    """Not available."""
    raise Refused(501, "POST /v1/workflows is not available on this server")


@router.get("/v1/workflows/{username}/{workflow_name}", include_in_schema=False)
async def read_workflow(caller: AKey, username: AName, workflow_name: AName) -> None:
    """There are none."""
    raise not_found(f"Workflow {username}/{workflow_name}")
