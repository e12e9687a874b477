"""A voice belongs to whom it was cloned by: engines of ours refuse a vendor's, at its field, and let others try."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel

from rushes.endpoint import Media
from rushes.engines.engine import Unable
from rushes.errors import ModelError
from rushes.fields import VoiceId
from rushes.work.voices import check_voices


class Speech(BaseModel):
    voice_id: VoiceId = "Built_In"


def media(folder: Path, profile: str) -> dict[str, Media]:
    path = folder / "profile.json"
    path.write_text(profile)
    return {"voice_id": Media("voice", str(path), "application/json", len(profile))}


def test_a_vendors_voice_is_refused_at_its_field(tmp_path: Path) -> None:
    known = media(tmp_path, '{"vendor": "acme", "voice_id": "v-1"}')
    with pytest.raises(Unable) as caught:
        check_voices(Speech(voice_id="mine"), known)
    error = caught.value.error
    assert caught.value.blame == "here", "the next deployment may know it"
    assert isinstance(error, ModelError)
    assert (error.problems[0].type, error.problems[0].loc) == ("feature_not_supported", ("body", "voice_id"))
    assert error.problems[0].msg == "the voice 'mine' was cloned by acme, which alone can use or delete it"
    assert error.failure().status == 422


def test_our_own_voices_and_built_in_ones_pass(tmp_path: Path) -> None:
    check_voices(Speech(voice_id="mine"), media(tmp_path, '{"pitch_hz": 120}'))
    check_voices(Speech(), {})
