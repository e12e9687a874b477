"""DELETE /v1/models/requests/{request_id}/payloads: forget what a request took and gave, and delete its files.

Files that the caller uploaded stay. The request itself stays in lists and bills.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path
from pydantic import BaseModel

from rushes.gateway.platform.callers import AnAdmin, AVisit
from rushes.gateway.platform.envelope import Refused, documented, not_found
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Requests"])


class Deletion(BaseModel):
    """What became of one file; `exception` is null where it is gone."""

    link: str
    exception: str | None


class Deletions(BaseModel):
    """What became of the request's files."""

    cdn_delete_results: list[Deletion]


@router.delete(
    "/v1/models/requests/{request_id}/payloads",
    summary="Delete a request's payloads",
    responses=documented(403, 404, 503),
)
async def delete_payloads(
    visit: AVisit, caller: AnAdmin, request_id: Annotated[UUID, Path(description="The request's id.")]
) -> Deletions:
    """Delete the stored input and output of an ended request and the files that it made, not those it was given."""
    history = visit.services.jobs.history
    stored = history.stored(str(request_id), caller.account)
    if stored is None:
        raise not_found(f"Request {request_id}")
    if not stored.ended:
        raise Refused(400, f"Request {request_id} has not ended yet; cancel it, or wait for its end")
    # Files first: after a crash in between, the same call finds the rest.
    results = [one for file_id in stored.files if (one := await _delete(visit, file_id))]
    await history.drop_payloads(str(request_id), caller.account)
    return Deletions(cdn_delete_results=results)


async def _delete(visit: Visit, file_id: str) -> Deletion | None:
    """Delete a file; None where there is none any more."""
    files = visit.services.files
    known = await files.stat(file_id)
    if known is None:
        return None
    link = visit.links.file(file_id, known.name)
    try:
        await files.delete(file_id)
    except OSError as error:
        # Its words, not the whole error, which names a path of ours.
        return Deletion(link=link, exception=f"{type(error).__name__}: {error.strerror}")
    return Deletion(link=link, exception=None)
