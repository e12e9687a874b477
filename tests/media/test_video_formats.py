"""Every format, quality and write mode: the file decodes back to the frames, rate, length and sound that went in."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

import av
import numpy as np
import pytest

from rushes.endpoint import VideoFormat
from rushes.media.encode import encode_video
from rushes.media.sound import Heard, SoundSource
from rushes.media.video_formats import EXTENSIONS, recipe
from tests.media.films import HEIGHT, WIDTH, frames_of, moving, pitch, sound_of, source, tone, write_film

Container = Literal["mp4", "webm", "mov", "gif"]
Quality = Literal["low", "medium", "high", "maximum"]
WriteMode = Literal["fast", "balanced", "small"]
CODECS = {"mp4": ("h264", "yuv420p"), "webm": ("vp9", "yuv420p"), "mov": ("prores", "yuv444p12le"), "gif": ("gif", "")}
SOUND = {"mp4": "aac", "webm": "opus", "mov": "pcm_s16le"}
# Mean difference to what went in, in levels of 255, that each quality stays under.
WITHIN = {"low": 9.0, "medium": 6.0, "high": 5.0, "maximum": 5.0}


@pytest.mark.parametrize("quality", get_args(Quality))
@pytest.mark.parametrize("container", get_args(Container))
def test_every_format_and_quality_decodes_back(container: Container, quality: Quality, tmp_path: Path) -> None:
    look = VideoFormat(container, quality)
    pixels = moving(13)
    encoded = write_film(tmp_path / "film", pixels, 25, look)
    assert (encoded.frames, encoded.duration_s) == (13, 13 / 25)
    with av.open(str(tmp_path / "film")) as file:
        stream = file.streams.video[0]
        codec, pixel_format = CODECS[container]
        assert stream.codec_context.name == codec
        assert pixel_format in ("", stream.codec_context.pix_fmt)
        assert not file.streams.audio
        assert file.duration is not None
        assert file.duration / av.time_base == pytest.approx(13 / 25, abs=0.011)
        assert stream.average_rate is not None
        assert float(stream.average_rate) == pytest.approx(25, rel=0.01)
    back = frames_of(tmp_path / "film")
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).mean() < WITHIN[quality]


@pytest.mark.parametrize("mode", get_args(WriteMode))
@pytest.mark.parametrize("container", get_args(Container))
def test_every_write_mode_makes_a_whole_film(container: Container, mode: WriteMode, tmp_path: Path) -> None:
    write_film(tmp_path / "film", moving(9), 30_000 / 1001, VideoFormat(container, "medium", mode))
    assert len(frames_of(tmp_path / "film")) == 9


@pytest.mark.parametrize("container", ["mp4", "webm", "mov"])
@pytest.mark.parametrize(("rate", "channels"), [(48_000, 2), (44_100, 1), (16_000, 2)])
def test_sound_goes_with_the_film(container: Container, rate: int, channels: int, tmp_path: Path) -> None:
    heard = tone(1.0, rate, channels)
    write_film(tmp_path / "film", moving(24), 24, VideoFormat(container), source(heard, rate))
    with av.open(str(tmp_path / "film")) as file:
        stream = file.streams.audio[0]
        assert (stream.codec_context.name, stream.rate) == (SOUND[container], 48_000)
        assert stream.channels == channels
        assert file.duration is not None
        assert file.duration / av.time_base == pytest.approx(1.0, abs=0.03)
    back = sound_of(tmp_path / "film")
    assert len(back) == pytest.approx(48_000, abs=1_100)
    assert pitch(back) == pytest.approx(440, abs=3)
    assert np.sqrt((back**2).mean()) == pytest.approx(0.354, abs=0.02)


@pytest.mark.parametrize("seconds", [0.25, 3.0])
def test_sound_is_padded_or_cut_to_the_film(seconds: float, tmp_path: Path) -> None:
    write_film(tmp_path / "film", moving(24), 24, VideoFormat("mov"), source(tone(seconds)))
    back = sound_of(tmp_path / "film")
    assert len(back) == 48_000
    until = int(min(seconds, 1.0) * 48_000)
    assert np.abs(back[: until - 10]).max() > 0.49
    assert not np.any(back[until + 10 :])


def test_endless_sound_is_asked_for_only_as_far_as_the_film_goes_and_is_closed(tmp_path: Path) -> None:
    given = []

    def endless() -> Iterator[Heard]:
        try:
            for number in itertools.count():
                given.append(number)
                yield tone(0.1)
        finally:
            given.append(-1)

    write_film(tmp_path / "film", moving(24), 24, VideoFormat(), SoundSource(endless(), 48_000, 2))
    assert given == [*range(10), -1]


def test_sound_is_taken_in_step_with_the_frames(tmp_path: Path) -> None:
    order = []

    def frames() -> Iterator[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
        for number in range(4):
            order.append("frames")
            yield moving(4 * number + 4)[-4:]

    def sounds() -> Iterator[Heard]:
        for _ in range(4):
            order.append("sound")
            yield tone(4 / 24)

    sound = SoundSource(sounds(), 48_000, 2)
    encode_video(frames(), tmp_path / "film.mp4", width=WIDTH, height=HEIGHT, fps=24, sound=sound)
    assert order == ["frames", "sound"] * 4


def test_a_gif_rounds_times_to_hundredths_and_keeps_its_length_and_has_no_sound(tmp_path: Path) -> None:
    write_film(tmp_path / "film.gif", moving(24), 24, VideoFormat("gif"), source(tone(1.0)))
    with av.open(str(tmp_path / "film.gif")) as file:
        assert not file.streams.audio
        times = [frame.time for frame in file.decode(video=0)]
    assert times == pytest.approx([number / 24 for number in range(24)], abs=0.0051)


def test_the_same_frames_and_sound_give_the_same_mp4(tmp_path: Path) -> None:
    files = set()
    for number in range(3):
        write_film(tmp_path / f"{number}", moving(30), 24, VideoFormat(), source(tone(1.25)))
        files.add((tmp_path / f"{number}").read_bytes())
    assert len(files) == 1


@pytest.mark.parametrize("container", ["mp4", "webm", "mov"])
def test_colours_are_tagged_as_bt709(container: Container, tmp_path: Path) -> None:
    write_film(tmp_path / "film", moving(3), 24, VideoFormat(container))
    with av.open(str(tmp_path / "film")) as file:
        frame = next(file.decode(video=0))
        tags = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    assert tags == (1, 1, 1, 1)


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_the_index_comes_first(container: Container, tmp_path: Path) -> None:
    write_film(tmp_path / "film", moving(3), 24, VideoFormat(container), source(tone(0.125)))
    data = (tmp_path / "film").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("container", get_args(Container))
def test_odd_rates_survive(container: Container, tmp_path: Path) -> None:
    write_film(tmp_path / "film", moving(30), Fraction(30_000, 1001), VideoFormat(container))
    with av.open(str(tmp_path / "film")) as file:
        assert file.duration is not None
        assert file.duration / av.time_base == pytest.approx(1.001, abs=0.011)


def test_higher_quality_is_larger(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 90, (8, HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels = (moving(8) // 2 + noise).astype(np.uint8)
    for container in ("mp4", "webm", "mov"):  # a GIF's two best differ in dithering, which is no question of size
        sizes = [
            write_film(tmp_path / "f", pixels, 24, VideoFormat(container, q)).size_bytes for q in get_args(Quality)
        ]
        assert sizes == sorted(sizes), container
        assert len(set(sizes)) == (2 if container == "mov" else 4), "ProRes knows two rates"


def test_bad_sound_ends_the_film_and_leaves_nothing(tmp_path: Path) -> None:
    sound = SoundSource(iter([np.zeros((10, 3), np.float32)]), 48_000, 2)
    with pytest.raises(ValueError, match=r"float32 of shape \(N, 2\)"):
        write_film(tmp_path / "film", moving(3), 24, VideoFormat(), sound)
    assert list(tmp_path.iterdir()) == []


def test_every_format_has_its_extension() -> None:
    assert {EXTENSIONS[recipe(VideoFormat(c)).content_type] for c in get_args(Container)} == {
        ".mp4",
        ".webm",
        ".mov",
        ".gif",
    }


@pytest.mark.parametrize("rate", [Fraction(7), Fraction(24_000, 1001)])
@pytest.mark.parametrize(("frames", "size"), [(1, (96, 64)), (9, (64, 1280)), (5, (2, 2))])
@pytest.mark.parametrize("container", ["mp4", "webm", "mov"])
def test_odd_films_have_their_exact_size_rate_and_length(
    container: Container, frames: int, size: tuple[int, int], rate: Fraction, tmp_path: Path
) -> None:
    sound = source(tone(0.01))
    encoded = write_film(tmp_path / "film", moving(frames, *size), rate, VideoFormat(container), sound)
    assert encoded.duration_s == float(frames / rate)
    with av.open(str(tmp_path / "film")) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height) == size
        shown = [frame.time for frame in file.decode(stream)]
    near = 0.001 if container == "webm" else 1e-6  # WebM counts in milliseconds
    assert shown == pytest.approx([float(number / rate) for number in range(frames)], abs=near)
    if container == "mov":
        assert len(sound_of(tmp_path / "film")) == round(48_000 * frames / rate)


@pytest.mark.parametrize("mode", get_args(WriteMode))
@pytest.mark.parametrize("quality", get_args(Quality))
@pytest.mark.parametrize("container", ["mp4", "webm", "mov"])
def test_every_combination_is_tagged_and_decodes(
    container: Container, quality: Quality, mode: WriteMode, tmp_path: Path
) -> None:
    write_film(tmp_path / "film", moving(5), 24, VideoFormat(container, quality, mode), source(tone(0.3)))
    assert len(frames_of(tmp_path / "film")) == 5
    with av.open(str(tmp_path / "film")) as file:
        context = file.streams.video[0].codec_context
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert (tags, file.streams.audio[0].codec_context.name) == ((1, 1, 1, 1), SOUND[container])
