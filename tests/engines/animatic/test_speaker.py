import logging
from pathlib import Path

import numpy as np
import pytest

from rushes.engines.animatic.face import find_face
from rushes.engines.animatic.shot import moves_of
from rushes.engines.animatic.speaker import introduced
from tests.engines.animatic.asking import apart, call, recorded, sounding
from tests.engines.animatic.pictures import film, landscape, saved
from tests.engines.animatic.test_face import face

SIZE = {"width": 416, "height": 240, "frames": 8, "lipsync": True}


@pytest.mark.parametrize("prompt", ["", "A woman explains a recipe in a kitchen", "A lighthouse in a storm"])
def test_a_voice_without_a_picture_gets_somebody_who_faces_us_and_speaks(prompt: str, tmp_path: Path) -> None:
    loud, silent = (
        film(call(prompt, sound=sounding(1.0, tmp_path, hertz=700.0, level=level), **SIZE)) for level in (0.9, 0.0)
    )
    assert find_face(loud[0]) is not None
    assert apart(loud[4], silent[4]) > 0.05


def test_who_is_named_is_drawn_close() -> None:
    assert introduced("A woman talks") == "Close-up: A woman talks"
    assert introduced("A red barn").endswith("A red barn")
    assert "person" in introduced("A red barn")


@pytest.mark.parametrize("moving", [True, False])
def test_the_log_says_when_no_face_can_speak(moving: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    picture = landscape(416, 240)
    source = {"video": recorded(np.stack([picture] * 8), tmp_path)} if moving else {"image": saved(picture, tmp_path)}
    with caplog.at_level(logging.WARNING):
        film(call("static shot", sound=sounding(1.0, tmp_path), **source, **SIZE))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert f"in the {'video' if moving else 'picture'}" in caplog.messages[0]


def test_the_log_is_silent_where_a_face_speaks(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        film(call("static shot", sound=sounding(1.0, tmp_path), image=saved(face(), tmp_path), **SIZE))
    assert not caplog.records


@pytest.mark.parametrize("seed", range(4))
def test_the_camera_only_comes_nearer_to_a_speaker_unless_it_is_told_otherwise(seed: int) -> None:
    assert {move.kind for move in moves_of(call("She talks", seed=seed, lipsync=True, sound="voice.npy"))} == {"dolly"}
    assert "orbit" in {move.kind for move in moves_of(call("orbit around her", seed=seed, lipsync=True, sound="v.npy"))}
