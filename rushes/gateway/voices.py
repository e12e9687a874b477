"""GET /v1/voices: the cloned voices of the caller's account. An addition of our own to the platform's routes."""

from __future__ import annotations

from datetime import UTC, datetime

from rushes.accounts.voices import ClonedVoice
from rushes.gateway.auth import admit
from rushes.gateway.replies import Reply, json_reply, not_allowed
from rushes.gateway.visit import Visit


async def handle(visit: Visit) -> Reply:
    """Answer with all of them, oldest first, in the platform's form of a list."""
    if visit.method not in {"GET", "HEAD"}:
        return not_allowed("GET", "HEAD")
    account = admit(visit).account
    voices = [_entry(voice) for voice in visit.services.voices.list(account)]
    return json_reply(200, {"voices": voices, "next_cursor": None, "has_more": False})


def _entry(voice: ClonedVoice) -> dict[str, str]:
    made = datetime.fromtimestamp(voice.created_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"voice_id": voice.id, "created_at": made, "endpoint_id": voice.endpoint}
