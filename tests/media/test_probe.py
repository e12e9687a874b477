"""Facts of video and audio files, from files made here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest

from rushes.errors import ModelError
from rushes.media.encode import encode_video
from rushes.media.probe import probe

LOC = ("body", "video_url")
SOUND = np.zeros((1, 44_100), np.int16)


def film(path: Path) -> Path:
    frames = np.zeros((48, 64, 96, 3), np.uint8)
    encode_video([frames], path, width=96, height=64, fps=24)
    return path


def sound(path: Path, codec: str = "pcm_s16le") -> Path:
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=44_100, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(SOUND, format="s16", layout="mono")
        frame.sample_rate = 44_100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def test_a_video_is_described(tmp_path: Path) -> None:
    path = film(tmp_path / "clip.mp4").rename(tmp_path / "no-name")
    media = probe(path, "video", LOC)
    assert (media.kind, media.content_type, media.size_bytes) == ("video", "video/mp4", path.stat().st_size)
    assert (media.width, media.height, media.frames, media.fps, media.duration_s) == (96, 64, 48, 24.0, 2.0)
    assert not media.has_audio


def turned(path: Path) -> Path:
    """Rewrite the matrix in the track's header as a quarter turn."""
    data = film(path).read_bytes()
    one, none = (0x10000).to_bytes(4, "big"), bytes(4)
    upright = b"".join((one, none, none, none, one, none, none, none, (0x40000000).to_bytes(4, "big")))
    quarter = b"".join(
        (none, one, none, (-0x10000 & 0xFFFFFFFF).to_bytes(4, "big"), none, none, none, none, upright[-4:])
    )
    at = data.index(upright, data.index(b"tkhd"))
    path.write_bytes(data[:at] + quarter + data[at + len(upright) :])
    return path


def test_a_turned_video_has_its_upright_size(tmp_path: Path) -> None:
    media = probe(turned(tmp_path / "clip.mp4"), "video", LOC)
    assert (media.width, media.height) == (64, 96)


@pytest.mark.parametrize(
    ("name", "codec", "content_type"), [("a.wav", "pcm_s16le", "audio/wav"), ("a.flac", "flac", "audio/flac")]
)
def test_sound_is_described(name: str, codec: str, content_type: str, tmp_path: Path) -> None:
    media = probe(sound(tmp_path / name, codec), "audio", LOC)
    assert (media.content_type, media.duration_s, media.has_audio, media.width) == (content_type, 1.0, True, None)


@pytest.mark.parametrize(
    ("data", "kind", "error", "says"),
    [
        (b"", "video", "video_load_error", "an empty file"),
        (b"hello", "video", "video_load_error", "text"),
        (b"%PDF-1.4", "audio", "audio_load_error", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "video", "unsupported_video_format", "PNG"),
        (b"\x89PNG\r\n\x1a\n", "audio", "unsupported_audio_format", "PNG"),
        (bytes(500), "video", "video_load_error", "no known format"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "video", "video_load_error", "text"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "video", "video_load_error", "text"),
    ],
)
def test_what_is_neither_is_named(
    data: bytes, kind: Literal["video", "audio"], error: str, says: str, tmp_path: Path
) -> None:
    (tmp_path / "input").write_bytes(data)
    with pytest.raises(ModelError) as caught:
        probe(tmp_path / "input", kind, LOC)
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc) == (error, LOC)
    assert says in problem.msg


@pytest.mark.parametrize("part", [0.1, 0.5])
def test_a_cut_video_is_a_load_error(part: float, tmp_path: Path) -> None:
    data = film(tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(ModelError) as caught:
        probe(tmp_path / "cut.mp4", "video", LOC)
    assert caught.value.problems[0].type == "video_load_error"


def test_sound_without_pictures_is_no_video_and_the_other_way_round(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no pictures"):
        probe(sound(tmp_path / "a.wav"), "video", LOC)
    with pytest.raises(ModelError, match="no sound"):
        probe(film(tmp_path / "a.mp4"), "audio", LOC)
