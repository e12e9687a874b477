"""What pretended vendors hand out: real files, as long as asked, that move and sound, the same bytes each time."""

from __future__ import annotations

import io
from itertools import pairwise

import av
import numpy as np
import pytest

from rushes.fakes.content import Clip, mp3, mp4, picture, small, sound
from rushes.fakes.inputs import look_at_film, look_at_still


@pytest.mark.parametrize(("width", "height"), [(64, 1280), (1280, 64), (320, 180), (17, 33)])
def test_a_film_of_any_shape_has_its_frames_and_moves(width: int, height: int) -> None:
    content = mp4(width, height, 0.5, 24)
    with av.open(io.BytesIO(content), "r") as film:
        frames = [frame.to_ndarray(format="gray") for frame in film.decode(video=0)]
    assert frames[0].shape == (height + height % 2, width + width % 2)
    assert len(frames) == 12
    assert all(np.abs(a.astype(int) - b).mean() > 0.05 for a, b in pairwise(frames))


def test_the_same_question_has_the_same_bytes() -> None:
    first = mp4(96, 64, 1.0, 25, True)
    mp4.cache_clear()
    assert mp4(96, 64, 1.0, 25, True) == first


def test_one_frame_is_a_film() -> None:
    assert look_at_film(mp4(64, 64, 0.01)).seconds == pytest.approx(1 / 24, abs=0.001)


@pytest.mark.parametrize("container", ["mp3", "wav", "flac"])
def test_a_sound_has_its_length(container: str) -> None:
    content = mp3(1.5) if container == "mp3" else sound(1.5, container)  # type: ignore[arg-type]
    with av.open(io.BytesIO(content), "r") as heard:
        samples = sum(frame.samples for frame in heard.decode(audio=0))
    assert samples / 44_100 == pytest.approx(1.5, abs=0.06)


def test_pictures_differ_by_number_and_are_what_they_say() -> None:
    assert picture(100, 50) != picture(100, 50, number=1)
    assert look_at_still(picture(100, 50, "WEBP")).mime == "image/webp"


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1080, 1920), (64, 1280), (320, 200)])
def test_small_keeps_the_shape(width: int, height: int) -> None:
    across, down = small(width, height)
    assert max(across, down) <= 320
    assert across / down == pytest.approx(width / height, rel=0.03)
    assert look_at_film(Clip(width, height, 0.2).mp4()).width == across
