"""The usual containers and codecs, each made here: the same pictures and the same tone come out of all of them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from rushes.errors import ModelError
from rushes.media.recording import RecordingLimits, decode_sound, decode_video
from tests.media.films import Pixels, frames_of, pitch, tone
from tests.media.odd_media import wav_of
from tests.media.test_recording import write_sound

LOC = ("body", "url")
FULL, LIMITED = 2, 1  # AVColorRange


def mild(frames: int = 8) -> Pixels:
    """A soft gradient that drifts, without a colour that video could not hold."""
    y, x = np.mgrid[0:64, 0:96]
    at = np.arange(frames)[:, None, None]
    bands = [90 + x / 2 + 2 * at, 100 + y / 2 + 0 * at, 130 - x / 4 + 0 * y + 0 * at]
    return np.stack(np.broadcast_arrays(*bands), -1).astype(np.uint8)


def write(to: Path, codec: str, form: str, pixels: Pixels, *, full: bool = False, space: str = "ITU601") -> Path:
    with av.open(str(to), "w") as file:
        stream = file.add_stream(codec, rate=25)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, form, 4_000_000
        stream.codec_context.color_range = FULL if full else LIMITED
        stream.codec_context.colorspace = 1 if space == "ITU709" else 5
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format=form, dst_color_range="JPEG" if full else "MPEG", dst_colorspace=space
            )
            frame.pts, frame.time_base = number, Fraction(1, 25)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return to


@pytest.mark.parametrize(
    ("name", "codec", "form", "content_type"),
    [
        ("a.mp4", "libx264", "yuv420p", "video/mp4"),
        ("a.mp4", "libx265", "yuv420p10le", "video/mp4"),
        ("a.mp4", "libsvtav1", "yuv420p10le", "video/mp4"),
        ("a.mov", "prores_ks", "yuv422p10le", "video/quicktime"),
        ("a.mov", "prores_ks", "yuva444p10le", "video/quicktime"),
        ("a.webm", "libvpx", "yuv420p", "video/webm"),
        ("a.webm", "libvpx-vp9", "yuv420p", "video/webm"),
        ("a.mkv", "libx264", "yuv444p", "video/webm"),
        ("a.avi", "mpeg4", "yuv420p", "video/x-msvideo"),
        ("a.ts", "libx264", "yuv420p", "video/mp2t"),
        ("a.mpg", "mpeg2video", "yuv420p", "video/mpeg"),
        ("a.flv", "libx264", "yuv420p", "video/x-flv"),
    ],
)
def test_a_film_is_read_whatever_it_is_wrapped_in(
    name: str, codec: str, form: str, content_type: str, tmp_path: Path
) -> None:
    pixels = mild()
    path = write(tmp_path / name, codec, form, pixels).rename(tmp_path / "no-name")
    media = decode_video(path, tmp_path / "film.mp4", tmp_path / "film.npy", RecordingLimits(), LOC)
    assert (media.frames, media.fps, media.size, media.content_type) == (8, 25.0, (96, 64), content_type)
    assert np.abs(frames_of(tmp_path / "film.mp4").astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("space", ["ITU601", "ITU709"])
@pytest.mark.parametrize("full", [False, True])
def test_range_and_matrix_are_taken_from_the_file(full: bool, space: str, tmp_path: Path) -> None:
    red = np.zeros((4, 64, 96, 3), np.uint8)
    red[:] = (200, 40, 40)
    path = write(tmp_path / "a.mp4", "libx264", "yuv420p", red, full=full, space=space)
    decode_video(path, tmp_path / "film.mp4", tmp_path / "film.npy", RecordingLimits(), LOC)
    assert np.abs(frames_of(tmp_path / "film.mp4")[1].astype(int).mean((0, 1)) - (200, 40, 40)).max() < 6


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_u8", 22_050),
        ("a.wav", "pcm_s24le", 96_000),
        ("a.wav", "pcm_f32le", 44_100),
        ("a.wav", "pcm_f64le", 48_000),
        ("a.aac", "aac", 44_100),
        ("a.webm", "libopus", 48_000),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_sound_is_read_whatever_it_is_wrapped_in(
    name: str, codec: str, rate: int, channels: int, tmp_path: Path
) -> None:
    path = write_sound(tmp_path / name, codec, tone(1.0, rate, channels), rate).rename(tmp_path / "no-name")
    media = decode_sound(path, tmp_path / "sound.npy", RecordingLimits(), LOC)
    samples = np.load(media.path)
    assert media.duration_s == pytest.approx(1.0, abs=0.06)
    assert samples.shape[1] == min(channels, 2)
    heard = (samples / 32_767).astype(np.float32)
    assert pitch(heard) == pytest.approx(440, abs=3)
    assert 0.2 < np.abs(heard[4_800:-9_600]).max() < 1.01


@pytest.mark.parametrize("channels", [9, 12, 32, 64])
def test_takes_of_many_microphones_are_heard_together(channels: int, tmp_path: Path) -> None:
    path = tmp_path / "takes.wav"
    path.write_bytes(wav_of(channels, 48_000, tone(1.0, 48_000, channels)))
    media = decode_sound(path, tmp_path / "sound.npy", RecordingLimits(), LOC)
    heard = (np.load(media.path) / 32_767).astype(np.float32)
    assert media.duration_s == pytest.approx(1.0, abs=0.01)
    assert pitch(heard) == pytest.approx(440, abs=3)
    assert np.abs(heard[4_800:-4_800]).max() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("channels", [0, 513, 1000])
def test_more_channels_than_can_be_read_are_named_and_not_called_damage(channels: int, tmp_path: Path) -> None:
    path = tmp_path / "takes.wav"
    path.write_bytes(wav_of(channels, 48_000, np.zeros((480, max(channels, 1)), np.float32)))
    with pytest.raises(ModelError, match="from 1 to 512 can be read") as refused:
        decode_sound(path, tmp_path / "sound.npy", RecordingLimits(), LOC)
    assert refused.value.problems[0].type == "audio_load_error"
    assert "damaged" not in str(refused.value)
    assert not (tmp_path / "sound.npy").exists()
