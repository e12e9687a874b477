"""Whose a cloned voice is: one that was cloned at a vendor lies there, and no engine of ours can use or delete it."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import BaseModel

from rushes.endpoint import MediaMap
from rushes.engines.engine import Unable
from rushes.errors import ModelError
from rushes.fields import media_inputs

MAKER = "vendor"
"""The member of a profile that names the vendor who has the voice; an engine of ours has none."""


def check_voices(request: BaseModel, media: MediaMap) -> None:
    """Refuse, for an engine of ours, voices that a vendor has. Raises Unable, since another deployment may do it."""
    for given in media_inputs(request):
        found = media.get(given.key)
        if found is None or found.kind != "voice":
            continue
        profile = json.loads(Path(found.path).read_text())
        maker = profile.get(MAKER) if isinstance(profile, dict) else None
        if maker is not None:
            msg = f"the voice {given.url!r} was cloned by {maker}, which alone can use or delete it"
            error = ModelError("feature_not_supported", msg, loc=given.loc)
            raise Unable("here", error, f"a voice that {maker} cloned was asked of an engine of this server's own")
