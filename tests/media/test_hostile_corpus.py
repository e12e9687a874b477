"""Hostile files through the doors that every input takes: refused with the right words or taken, within the limits.

"Within the limits" is seconds, the helper alive, nothing left behind, and no path of ours in a message.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from rushes.errors import ModelError, Problem
from rushes.media.decode import Picture, PictureLimits, decode_picture
from rushes.media.recording import RecordingLimits, decode_sound, decode_video
from rushes.media.sandbox import media_sandbox
from tests.media import hostile_media as hostile

Kind = Literal["image", "video", "audio"]
LOC = ("body", "input_url")
SECONDS = 10.0  # on a machine that does other things too; nothing here takes more than three on an idle one
TYPES = {
    "image": {"image_load_error", "unsupported_image_format", "image_too_large", "image_too_small"},
    "video": {"video_load_error", "unsupported_video_format", "video_duration_too_long"},
    "audio": {"audio_load_error", "unsupported_audio_format", "audio_duration_too_long"},
}


def try_on(data: bytes, kind: Kind, folder: Path) -> Problem | None:
    """Decode as the work does; the problem that the caller is told, None when the file is taken."""
    path, to, sound_to = folder / "input", folder / "decoded", folder / "sound"
    path.write_bytes(data)
    started = time.monotonic()
    try:
        if kind == "image":
            assert isinstance(decode_picture(path, to, PictureLimits(), LOC), Picture)
        elif kind == "video":
            decode_video(path, to, sound_to, RecordingLimits(), LOC)
        else:
            decode_sound(path, to, RecordingLimits(), LOC)
        assert to.stat().st_size
        return None
    except ModelError as error:
        (problem,) = error.problems
        assert problem.type in TYPES[kind]
        assert problem.loc == LOC
        assert str(folder) not in problem.msg
        assert "object has no attribute" not in problem.msg
        assert not to.exists()
        assert not sound_to.exists()
        return problem
    finally:
        assert time.monotonic() - started < SECONDS
        for left in (path, to, sound_to):
            left.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def helper_stays() -> Iterator[None]:
    """The helper that forks the children is the same one before and after."""
    media_sandbox().start()
    before = media_sandbox().pid
    yield
    assert media_sandbox().pid == before


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
@pytest.mark.parametrize("name", hostile.NO_MEDIA)
def test_what_is_no_media_is_refused(name: str, kind: Kind, tmp_path: Path) -> None:
    problem = try_on(hostile.NO_MEDIA[name], kind, tmp_path)
    assert problem is not None
    drawing = name.startswith("svg") or name == "icon"
    assert problem.type == (f"unsupported_{kind}_format" if drawing else f"{kind}_load_error")


@pytest.mark.parametrize("name", hostile.BAD_PICTURES)
def test_a_bad_picture_is_refused(name: str, tmp_path: Path) -> None:
    problem = try_on(hostile.BAD_PICTURES[name](), "image", tmp_path)
    assert problem is not None
    sizes = ("60000x60000", "2147483647", "65500x", "65535x", "4294967295", "2147483648")
    assert problem.type == ("image_too_large" if any(size in problem.msg for size in sizes) else "image_load_error")


@pytest.mark.parametrize("name", hostile.ODD_PICTURES)
def test_an_odd_picture_does_no_harm(name: str, tmp_path: Path) -> None:
    try_on(hostile.ODD_PICTURES[name](), "image", tmp_path)


def test_twelve_bits_and_endless_refinement_are_named(tmp_path: Path) -> None:
    twelve = try_on(hostile.jpeg_with_size(64, 64, 12), "image", tmp_path)
    assert twelve is not None
    assert "12 bits" in twelve.msg
    scans = try_on(hostile.jpeg_of_many_scans(2_000), "image", tmp_path)
    assert scans is not None
    assert "refined 20" in scans.msg


@pytest.mark.parametrize("kind", ["video", "audio"])
@pytest.mark.parametrize("name", hostile.RECORDINGS)
def test_a_hostile_recording_does_no_harm(name: str, kind: Kind, tmp_path: Path) -> None:
    data = hostile.RECORDINGS[name](tmp_path)
    try_on(data, kind, tmp_path)


def test_a_gif_of_10000_frames_is_one_picture_and_too_many_for_a_video(tmp_path: Path) -> None:
    data = hostile.gif_of(10_000)
    assert try_on(data, "image", tmp_path) is None
    problem = try_on(data, "video", tmp_path)
    assert problem is not None
    assert "10000 frames; at most 3600" in problem.msg


@pytest.mark.parametrize("format", hostile.PICTURE_FORMATS)
def test_a_picture_cut_anywhere_is_refused(format: str, tmp_path: Path) -> None:
    data = hostile.picture(format)
    for part in np.linspace(0, 0.98, 15):
        problem = try_on(data[: int(len(data) * part)], "image", tmp_path)
        assert problem is not None, part
        assert problem.type == "image_load_error"


@pytest.mark.parametrize("container", ["mp4", "webm", "mov", "gif"])
def test_a_film_cut_anywhere_is_refused(container: str, tmp_path: Path) -> None:
    data = hostile.film(tmp_path, container, frames=48)
    for part in np.linspace(0, 0.7, 8):
        problem = try_on(data[: int(len(data) * part)], "video", tmp_path)
        assert container == "gif" or problem is not None, part


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.ogg", "libopus"), ("a.m4a", "aac")],
)
def test_sound_cut_anywhere_is_taken_as_far_as_it_goes_or_refused(name: str, codec: str, tmp_path: Path) -> None:
    data = hostile.sound(tmp_path, name, codec)
    assert try_on(data, "audio", tmp_path) is None
    for part in np.linspace(0, 0.9, 8):
        try_on(data[: int(len(data) * part)], "audio", tmp_path)


def flipped(data: bytes, flips: list[tuple[float, int]]) -> bytes:
    broken = bytearray(data)
    for at, value in flips:
        broken[int(at * (len(data) - 1))] = value
    return bytes(broken)


# Half of the flips hit the head, where the lies are.
FLIPS = st.lists(st.tuples(st.one_of(st.floats(0, 0.05), st.floats(0, 1)), st.integers(0, 255)), min_size=1, max_size=8)
TRIES = settings(
    max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


@pytest.mark.parametrize("format", hostile.PICTURE_FORMATS)
@given(flips=FLIPS)
@TRIES
def test_flipped_bytes_in_a_picture_do_no_harm(format: str, flips: list[tuple[float, int]]) -> None:
    with TemporaryDirectory() as folder:
        try_on(flipped(hostile.picture(format), flips), "image", Path(folder))


@pytest.mark.parametrize("container", ["mp4", "webm", "mov", "gif"])
@given(flips=FLIPS)
@TRIES
def test_flipped_bytes_in_a_film_do_no_harm(container: str, flips: list[tuple[float, int]]) -> None:
    with TemporaryDirectory() as folder:
        try_on(flipped(hostile.film(Path(folder), container, frames=8), flips), "video", Path(folder))


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.ogg", "libopus")]
)
@given(flips=FLIPS)
@TRIES
def test_flipped_bytes_in_a_sound_do_no_harm(name: str, codec: str, flips: list[tuple[float, int]]) -> None:
    with TemporaryDirectory() as folder:
        try_on(flipped(hostile.sound(Path(folder), name, codec, 0.3), flips), "audio", Path(folder))


def test_after_all_that_a_good_picture_is_taken(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    assert try_on(file.getvalue(), "image", tmp_path) is None
