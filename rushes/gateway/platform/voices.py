"""GET /v1/voices: the cloned voices of the caller's account. An addition of our own to the platform's routes."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.times import write_moment

router = APIRouter(tags=["Voices"])


class Voice(BaseModel):
    """A cloned voice."""

    voice_id: str
    created_at: str = Field(json_schema_extra={"format": "date-time"})
    endpoint_id: str = Field(description="The endpoint that made it.")


class Voices(BaseModel):
    """All voices of the account, oldest first."""

    voices: list[Voice]
    next_cursor: str | None
    has_more: bool


@router.get("/v1/voices", summary="List your cloned voices")
async def list_voices(visit: AVisit, caller: AKey) -> Voices:
    """All voices that your account has cloned, oldest first."""
    found = visit.services.voices.list(caller.account)
    voices = [Voice(voice_id=v.id, created_at=write_moment(v.created_at), endpoint_id=v.endpoint) for v in found]
    return Voices(voices=voices, next_cursor=None, has_more=False)
