"""A film that an engine had made elsewhere becomes the frames that were asked for, or is told to be another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rushes.engines.engine import FilmFile, FrameChunk, Unable
from rushes.fakes.content import mp4, png
from rushes.settings import Settings
from rushes.work.unreeled import unreeled
from tests.work.parts import Told


def film(folder: Path, content: bytes, **more: int) -> FilmFile:
    path = folder / "result-0"
    path.write_bytes(content)
    asked = {"width": 64, "height": 48, "frames": 9, **more}

    def first_nine(chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
        yield np.concatenate(list(chunks))[:9]

    return FilmFile(str(path), then=first_nine, **asked)


def test_its_frames_are_all_there_and_the_engine_says_which_are_kept(tmp_path: Path) -> None:
    frames = unreeled(film(tmp_path, mp4(64, 48, 13 / 16, 16)), tmp_path, Settings(), Told())
    (chunk,) = frames.chunks
    assert chunk.shape == (9, 48, 64, 3)
    assert chunk.dtype == np.uint8
    assert np.abs(np.diff(chunk.astype(int), axis=0)).max() > 50, "something moves in it"


def test_the_limits_of_what_callers_send_are_not_its_own(tmp_path: Path) -> None:
    settings = Settings(media_max_s=0.1, video_max_frames=3, video_max_side=32)
    assert len(list(unreeled(film(tmp_path, mp4(64, 48, 13 / 16, 16)), tmp_path, settings, Told()).chunks)) == 1


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (mp4(64, 48, 13 / 16, 16), {"width": 96}, "64x48 pixels where 96x48"),
        (mp4(64, 48, 5 / 16, 16), {}, "5 frames where 9"),
        (mp4(64, 48, 20, 16), {}, "can't be decoded"),
        (mp4(640, 48, 13 / 16, 16), {}, "can't be decoded"),
        (png(64, 48), {}, "can't be decoded"),
        (b"<html>not found</html>", {}, "can't be decoded"),
        (mp4(64, 48, 13 / 16, 16)[:700], {}, "can't be decoded"),
    ],
)
def test_another_film_than_was_asked_for_is_told_to_the_operator(
    content: bytes, more: dict[str, int], words: str, tmp_path: Path
) -> None:
    with pytest.raises(Unable, match=words) as unable:
        unreeled(film(tmp_path, content, **more), tmp_path, Settings(), Told())
    assert not unable.value.taken
    assert "something else than was asked for" in str(unable.value.error)
