"""Videos and sounds that somebody sent, from files made here: what comes out, and what every bad one is told."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from av.video.stream import VideoStream

from rushes.endpoint import Media, VideoFormat
from rushes.errors import ModelError, Problem
from rushes.media.recording import RecordingLimits, decode_sound, decode_video
from rushes.media.sandbox import Sandbox
from tests.media.films import Pixels, frames_of, moving, pitch, source, tone, write_film

LOC = ("body", "video_url")
LIMITS = RecordingLimits()
Kind = Literal["video", "audio"]


def video(path: Path, limits: RecordingLimits = LIMITS) -> Media:
    return decode_video(path, path.with_name("film.mp4"), path.with_name("film.npy"), limits, LOC)


def sound(path: Path, limits: RecordingLimits = LIMITS) -> Media:
    return decode_sound(path, path.with_name("sound.npy"), limits, LOC)


def problem_with(path: Path, kind: Kind, limits: RecordingLimits = LIMITS) -> Problem:
    before = set(path.parent.iterdir())
    with pytest.raises(ModelError) as caught:
        (video if kind == "video" else sound)(path, limits)
    assert set(path.parent.iterdir()) == before, "nothing is left behind"
    (problem,) = caught.value.problems
    assert problem.loc == LOC
    return problem


def write_raw(
    to: Path,
    pixels: list[Pixels],
    codec: str = "mpeg4",
    *,
    times: list[int] | None = None,
    rate: int = 24,
    shape: Fraction | None = None,
) -> Path:
    """Write frames (which may differ in nothing but their times, in 1/1000 s) without our encoder."""
    with av.open(str(to), "w") as file:
        stream = file.add_stream(codec, rate=rate)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = pixels[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.qmin, stream.codec_context.qmax = 1, 4
        if shape is not None:
            stream.codec_context.sample_aspect_ratio = shape
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pixels):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = Fraction(1, rate) if times is None else Fraction(1, 1000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return to


def write_sound(to: Path, codec: str, heard: np.ndarray[tuple[int, ...], np.dtype[np.float32]], rate: int) -> Path:
    with av.open(str(to), "w") as file:
        layout = "mono" if heard.shape[1] == 1 else "stereo" if heard.shape[1] == 2 else "5.1"
        stream = file.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(heard).reshape(1, -1), format="flt", layout=layout)
        frame.sample_rate = rate
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return to


@pytest.mark.parametrize("container", ["mp4", "webm", "mov", "gif"])
def test_a_video_becomes_a_plain_film(container: Literal["mp4", "webm", "mov", "gif"], tmp_path: Path) -> None:
    pixels = moving(20)
    heard = source(tone(20 / 25)) if container != "gif" else None
    write_film(tmp_path / "no-name", pixels, 25, VideoFormat(container), heard)
    media = video(tmp_path / "no-name")
    assert (media.kind, media.size, media.frames, media.source) == ("video", (96, 64), 20, str(tmp_path / "no-name"))
    assert media.fps == pytest.approx(25)
    assert media.duration_s == pytest.approx(0.8)
    assert media.size_bytes == (tmp_path / "no-name").stat().st_size
    assert media.has_audio is (heard is not None)
    back = frames_of(tmp_path / "film.mp4")
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - pixels).mean() < 6
    with av.open(media.path) as file:
        stream = file.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.average_rate == 25
        assert not file.streams.audio


@pytest.mark.parametrize("container", ["mp4", "webm", "mov"])
def test_a_videos_sound_lies_beside_it_in_step(container: Literal["mp4", "webm", "mov"], tmp_path: Path) -> None:
    heard = np.zeros((48_000, 2), np.float32)
    heard[24_000:24_100] = 0.9  # a click at half a second
    write_film(tmp_path / "in", moving(24), 24, VideoFormat(container, "maximum"), source(heard))
    media = video(tmp_path / "in")
    assert media.sound is not None
    samples = np.load(media.sound)
    assert (samples.dtype, samples.shape[1]) == (np.int16, 2)
    assert len(samples) == pytest.approx(48_000, abs=1_100)
    assert abs(int(np.abs(samples[:, 0]).argmax()) - 24_050) < 100


def shown_by(path: Path, right: tuple[int, int], down: tuple[int, int]) -> Path:
    """The film with a display matrix that maps the axes so."""

    def matrix(right: tuple[int, int], down: tuple[int, int]) -> bytes:
        numbers = (right[0] << 16, right[1] << 16, 0, down[0] << 16, down[1] << 16, 0, 0, 0, 1 << 30)
        return b"".join(number.to_bytes(4, "big", signed=True) for number in numbers)

    data, upright = path.read_bytes(), matrix((1, 0), (0, 1))
    at = data.index(upright, data.index(b"tkhd"))
    to = path.with_name("turned")
    to.write_bytes(data[:at] + matrix(right, down) + data[at + len(upright) :])
    return to


def test_pictures_are_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((4, 64, 96, 3), np.uint8)
    pixels[:, :, :20] = 255  # a white band at the left, which a quarter turn to the right brings to the top
    write_film(tmp_path / "flat.mp4", pixels)
    assert video(shown_by(tmp_path / "flat.mp4", (0, 1), (-1, 0))).size == (64, 96)
    (first, *_) = frames_of(tmp_path / "film.mp4")
    assert first[:16].min() > 240
    assert first[24:].max() < 15


@pytest.mark.parametrize(
    ("right", "down", "corner"),
    [
        ((1, 0), (0, 1), "top left"),
        ((-1, 0), (0, 1), "top right"),
        ((1, 0), (0, -1), "bottom left"),
        ((-1, 0), (0, -1), "bottom right"),
        ((0, 1), (1, 0), "top left"),
        ((0, 1), (-1, 0), "top right"),
        ((0, -1), (1, 0), "bottom left"),
        ((0, -1), (-1, 0), "bottom right"),
    ],
)
def test_mirrored_pictures_are_shown_as_players_show_them(
    right: tuple[int, int], down: tuple[int, int], corner: str, tmp_path: Path
) -> None:
    pixels = np.zeros((4, 64, 64, 3), np.uint8)
    pixels[:, :32, :32] = 255
    write_film(tmp_path / "flat.mp4", pixels)
    video(shown_by(tmp_path / "flat.mp4", right, down))
    first = frames_of(tmp_path / "film.mp4")[0]
    bright = {
        f"{line} {side}": first[y : y + 20, x : x + 20].mean() > 200
        for line, y in (("top", 6), ("bottom", 38))
        for side, x in (("left", 6), ("right", 38))
    }
    assert [name for name, is_bright in bright.items() if is_bright] == [corner]


@pytest.mark.parametrize(("width", "height", "size"), [(97, 65, (96, 64)), (98, 65, (98, 64)), (97, 64, (96, 64))])
def test_odd_sides_lose_a_pixel(width: int, height: int, size: tuple[int, int], tmp_path: Path) -> None:
    pixels = moving(3, width, height)
    path = write_raw(tmp_path / "odd.mkv", list(pixels), "ffv1")
    assert video(path).size == size
    back = frames_of(tmp_path / "film.mp4").astype(int)
    assert np.abs(back - pixels[:, : size[1], : size[0]]).mean() < 8


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    path = write_raw(tmp_path / "wide.mkv", list(moving(3)), shape=Fraction(4, 3))
    assert video(path).size == (128, 64)


def brightness_steps(count: int) -> list[Pixels]:
    """Flat pictures, each a little brighter, so that a decoded frame tells which one it was."""
    return [np.full((64, 96, 3), 20 + number * 200 // count, np.uint8) for number in range(count)]


def test_an_uneven_video_shows_every_moment_when_its_source_did(tmp_path: Path) -> None:
    # A screen recorder: 30 a second while something moves, pauses of seconds in between.
    times = [*range(0, 500, 33), *range(2_500, 3_000, 33), 4_000, 4_033]
    pixels = brightness_steps(len(times))
    media = video(write_raw(tmp_path / "screen.mkv", pixels, times=times, rate=30))
    assert media.fps == 30.0
    assert media.duration_s == pytest.approx(4.066, abs=0.04)
    back = frames_of(tmp_path / "film.mp4").astype(int)
    assert len(back) == media.frames == round((media.duration_s or 0) * 30)
    for number, frame in enumerate(back):
        now = number * 1000 / 30
        shown = {
            int(pixels[max(n for n, time in enumerate(times) if time <= max(0, now + off))][0, 0, 0])
            for off in (-12, 12)
        }
        assert min(abs(int(frame.mean()) - level) for level in shown) <= 3, f"at {now:.0f} ms"


def test_an_uneven_videos_sound_stays_with_its_pictures(tmp_path: Path) -> None:
    times = [*range(0, 1_000, 20), *range(3_000, 4_000, 100)]  # 50 a second, a pause, 10 a second
    pixels = [np.full((64, 96, 3), 230 if time >= 3_500 else 20, np.uint8) for time in times]
    heard = np.zeros((4 * 48_000, 1), np.float32)
    heard[round(3.5 * 48_000) :] = 0.5  # sound and light begin together
    silent = write_raw(tmp_path / "silent.mkv", pixels, times=times, rate=50)
    media = video(joined(silent, write_sound(tmp_path / "a.wav", "pcm_s16le", heard, 48_000), tmp_path / "both.mkv"))
    lit = int((frames_of(tmp_path / "film.mp4").mean((1, 2, 3)) > 120).argmax()) / (media.fps or 1)
    loud = int((np.abs(np.load(media.sound or "")[:, 0]) > 8_000).argmax()) / 48_000
    assert abs(lit - loud) < 0.03


def joined(pictures: Path, heard: Path, to: Path) -> Path:
    """One file with the pictures of one and the sound of the other."""
    with av.open(str(pictures)) as first, av.open(str(heard)) as second, av.open(str(to), "w") as file:
        for source_file in (first, second):
            file.add_stream_from_template(source_file.streams[0])
        for number, source_file in enumerate((first, second)):
            for packet in source_file.demux():
                if packet.dts is not None:
                    packet.stream = file.streams[number]
                    file.mux(packet)
    return to


def test_a_phones_jitter_keeps_every_frame_once(tmp_path: Path) -> None:
    times = [number * 100 // 3 + (number * 7919) % 12 for number in range(40)]
    media = video(write_raw(tmp_path / "phone.mkv", brightness_steps(40), times=times, rate=30))
    assert media.frames == 40
    assert media.fps == pytest.approx(30, abs=0.5)


def test_an_uneven_video_with_too_fine_a_rate_gets_the_finest_that_fits(tmp_path: Path) -> None:
    times = [*range(0, 200, 16), 5_000]
    path = write_raw(tmp_path / "a.mkv", brightness_steps(len(times)), times=times, rate=60)
    media = video(path, RecordingLimits(max_frames=100))
    assert (media.frames or 0) <= 100
    assert media.duration_s == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize(("apart_s", "count", "seconds"), [(2.0, 4, 8.0), (5.0, 1, 5.0)])
def test_pictures_shown_for_seconds_each_last_as_long_as_in_their_source(
    apart_s: float, count: int, seconds: float, tmp_path: Path
) -> None:
    pixels = brightness_steps(count)
    write_film(tmp_path / "slides.mp4", np.stack(pixels), Fraction(1) / Fraction(apart_s))
    media = video(tmp_path / "slides.mp4")
    assert media.duration_s == seconds
    back = frames_of(tmp_path / "film.mp4").astype(int)
    for number, frame in enumerate(back):
        level = int(pixels[int(number / (media.fps or 1) / apart_s)][0, 0, 0])
        assert abs(int(frame.mean()) - level) <= 3


def test_a_webm_cut_short_is_refused(tmp_path: Path) -> None:
    write_film(tmp_path / "whole", moving(48), 24, VideoFormat("webm"), source(tone(2.0)))
    assert video(tmp_path / "whole").frames == 48
    (tmp_path / "cut").write_bytes(cut(tmp_path / "whole", 0.5))
    (tmp_path / "film.mp4").unlink()
    (tmp_path / "film.npy").unlink()
    found = problem_with(tmp_path / "cut", "video")
    assert found.type == "video_load_error"
    assert "of 2.0 s are there" in found.msg


def test_a_film_whose_clock_does_not_begin_at_nought_is_whole(tmp_path: Path) -> None:
    # As live streams are taken down: the head's length counts from the clock's nought.
    media = video(write_raw(tmp_path / "live.mkv", list(moving(30)), times=list(range(90_000, 91_200, 40)), rate=25))
    assert (media.frames, media.duration_s) == (30, pytest.approx(1.2, abs=0.05))


def test_a_webm_with_longer_sound_than_pictures_is_whole(tmp_path: Path) -> None:
    silent = write_raw(tmp_path / "silent.mkv", list(moving(24)))
    heard = write_sound(tmp_path / "a.wav", "pcm_s16le", tone(3.0), 48_000)
    assert video(joined(silent, heard, tmp_path / "both.mkv")).frames == 24


def test_interlaced_pictures_come_without_combs(tmp_path: Path) -> None:
    """A bar that jumps between the fields: woven together, neighbouring lines differ; made whole, they do not."""
    path, woven = tmp_path / "tv.ts", np.full((8, 64, 96, 3), 30, np.uint8)
    for number in range(8):
        woven[number, 0::2, 8 * number : 8 * number + 20] = 220
        woven[number, 1::2, 8 * number + 4 : 8 * number + 24] = 220
    with av.open(str(path), "w") as file:
        stream = file.add_stream("mpeg2video", rate=25, options={"flags": "+ildct+ilme", "field_order": "tt"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = 96, 64, "yuv420p", 4_000_000
        graph = av.filter.Graph()
        ends = (
            graph.add_buffer(template=stream, time_base=Fraction(1, 25)),
            graph.add("setfield", "tff"),
            graph.add("buffersink"),
        )
        graph.link_nodes(*ends).configure()
        for number, picture in enumerate(woven):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                format="yuv420p", interpolation="POINT"
            )
            frame.pts, frame.time_base = number, Fraction(1, 25)
            graph.vpush(frame)
            file.mux(stream.encode(graph.vpull()))
        file.mux(stream.encode(None))
    assert video(path).frames == 8
    lines = frames_of(tmp_path / "film.mp4")[3, 10:54].astype(int).mean(-1)
    combs = np.abs(lines[1:-1] - (lines[:-2] + lines[2:]) / 2).mean()
    source_lines = woven[3, 10:54].astype(int).mean(-1)
    assert combs < 0.3 * np.abs(source_lines[1:-1] - (source_lines[:-2] + source_lines[2:]) / 2).mean()


def test_above_sixty_frames_a_second_every_second_one_is_taken(tmp_path: Path) -> None:
    write_film(tmp_path / "fast.mp4", moving(24), 120)
    media = video(tmp_path / "fast.mp4")
    assert (media.frames, media.fps, media.duration_s) == (12, 60.0, 0.2)


def test_colours_of_an_untagged_small_video_are_read_as_bt601(tmp_path: Path) -> None:
    red = np.zeros((64, 96, 3), np.uint8)
    red[:] = (200, 40, 40)
    path = write_raw(tmp_path / "red.mkv", [red] * 3)  # swscale writes BT.601 without a tag
    video(path)
    assert (
        np.abs(frames_of(tmp_path / "film.mp4")[1].astype(int).mean((0, 1)) - (200, 40, 40)).max() < 8
    )  # as BT.709: 15 off


def test_a_long_video_is_refused_with_both_lengths(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(48), 24)
    problem = problem_with(tmp_path / "a.mp4", "video", RecordingLimits(max_s=1.5))
    assert problem.type == "video_duration_too_long"
    assert problem.ctx == {"max_duration": 1.5, "provided_duration": 2.0}


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (RecordingLimits(max_frames=47), "has 48 frames; at most 47"),
        (RecordingLimits(max_side=80), "96x64 pixels; both sides must be from 16 to 80"),
        (RecordingLimits(memory_bytes=600 << 20, cpu_s=1), ""),
    ],
)
def test_limits_hold(limits: RecordingLimits, says: str, tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(48), 24)
    if not says:  # a small film fits into the small limits too
        assert video(tmp_path / "a.mp4", limits).frames == 48
        return
    problem = problem_with(tmp_path / "a.mp4", "video", limits)
    assert problem.type == "video_load_error"
    assert says in problem.msg


BAD: list[tuple[str, Callable[[Path], bytes], Kind, str, str]] = [
    ("empty", lambda _: b"", "video", "video_load_error", "an empty file"),
    ("empty", lambda _: b"", "audio", "audio_load_error", "an empty file"),
    ("text", lambda _: b"hello", "video", "video_load_error", "text"),
    ("page", lambda _: b"<!doctype html><p>no", "audio", "audio_load_error", "a web page"),
    ("pdf", lambda _: b"%PDF-1.4", "audio", "audio_load_error", "PDF"),
    ("png", lambda _: b"\x89PNG\r\n\x1a\n", "video", "unsupported_video_format", "a PNG picture, not a video"),
    ("png", lambda _: b"\x89PNG\r\n\x1a\n", "audio", "unsupported_audio_format", "a PNG picture, not sound"),
    ("zeros", lambda _: bytes(5_000), "video", "video_load_error", "no known format"),
    ("zeros", lambda _: bytes(5_000), "audio", "audio_load_error", "no known format"),
    ("noise", lambda _: np.random.default_rng(1).bytes(20_000), "video", "video_load_error", "no known format"),
    ("noise", lambda _: np.random.default_rng(1).bytes(20_000), "audio", "audio_load_error", "no known format"),
    ("playlist", lambda _: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "video", "video_load_error", "text"),
    ("concat", lambda _: b"ffconcat version 1.0\nfile /etc/passwd\n", "audio", "audio_load_error", "text"),
    ("sound as video", lambda at: wav(at).read_bytes(), "video", "video_load_error", "no pictures"),
    ("silent video as sound", lambda at: film(at).read_bytes(), "audio", "audio_load_error", "no sound"),
    ("still GIF", lambda at: still_gif(at).read_bytes(), "video", "video_load_error", "only one picture"),
    ("0 Hz", lambda at: patched_wav(at, 0), "audio", "audio_load_error", "WAV"),
    ("4 GHz", lambda at: patched_wav(at, 0xFFFFFFF0), "audio", "audio_load_error", "WAV"),
    ("headers only", lambda at: wav(at).read_bytes()[:44], "audio", "audio_load_error", ""),
    ("cut header", lambda at: film(at).read_bytes()[:200], "video", "video_load_error", ""),
    ("cut a tenth in", lambda at: cut(film(at), 0.4), "video", "video_load_error", "MP4"),
    ("cut half way", lambda at: cut(film(at), 0.7), "video", "video_load_error", "ends too early"),
    ("holes", lambda at: holes(film(at)), "video", "video_load_error", "MP4"),
]


def film(folder: Path) -> Path:
    noise = np.random.default_rng(1).integers(0, 255, (24, 64, 96, 3), dtype=np.uint8)
    write_film(folder / "whole.mp4", noise)
    return folder / "whole.mp4"


def still_gif(folder: Path) -> Path:
    write_film(folder / "still.gif", moving(1), look=VideoFormat("gif"))
    return folder / "still.gif"


def wav(folder: Path) -> Path:
    return write_sound(folder / "whole.wav", "pcm_s16le", tone(1.0, 44_100, 1), 44_100)


def patched_wav(folder: Path, rate: int) -> bytes:
    data = wav(folder).read_bytes()
    return data[:24] + (rate & 0xFFFFFFFF).to_bytes(4, "little") + data[28:]


def cut(path: Path, part: float) -> bytes:
    data = path.read_bytes()
    return data[: int(len(data) * part)]


def holes(path: Path) -> bytes:
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat")
    data[start + 8 :] = bytes(len(data) - start - 8)
    return bytes(data)


@pytest.mark.parametrize(("make", "kind", "error", "says"), [b[1:] for b in BAD], ids=[f"{b[0]}-{b[2]}" for b in BAD])
def test_what_is_bad_is_named(make: Callable[[Path], bytes], kind: Kind, error: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(make(tmp_path))
    problem = problem_with(tmp_path / "input", kind)
    assert problem.type == error
    assert says in problem.msg
    assert str(tmp_path) not in problem.msg, "our paths are nobody's business"


@pytest.mark.parametrize(
    "form",
    [
        ("a.wav", "pcm_s16le", 44_100, "audio/wav"),
        ("a.wav", "pcm_f32le", 8_000, "audio/wav"),
        ("a.flac", "flac", 96_000, "audio/flac"),
        ("a.mp3", "libmp3lame", 22_050, "audio/mpeg"),
        ("a.ogg", "libopus", 48_000, "audio/ogg"),
        ("a.m4a", "aac", 44_100, "audio/mp4"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_sound_becomes_samples(form: tuple[str, str, int, str], channels: int, tmp_path: Path) -> None:
    name, codec, rate, content_type = form
    path = write_sound(tmp_path / name, codec, tone(1.0, rate, channels), rate)
    media = sound(path.rename(tmp_path / "no-name"))
    assert (media.content_type, media.has_audio, media.width) == (content_type, True, None)
    assert media.duration_s == pytest.approx(1.0, abs=0.06)
    samples = np.load(media.path)
    assert (samples.dtype, samples.shape) == (np.int16, (round((media.duration_s or 0) * 48_000), channels))
    assert pitch((samples / 32_767).astype(np.float32)) == pytest.approx(440, abs=3)


def test_six_channels_become_two(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.wav", "pcm_s16le", tone(0.5, 48_000, 6), 48_000)
    assert np.load(sound(path).path).shape == (24_000, 2)


def test_a_videos_sound_can_be_asked_for_alone(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(24), sound=source(tone(1.0)))
    assert sound(tmp_path / "a.mp4").duration_s == pytest.approx(1.0, abs=0.03)


def test_names_in_an_old_encoding_do_not_matter(tmp_path: Path) -> None:
    name = b"INFOINAM" + (6).to_bytes(4, "little") + "café\0\0".encode("latin-1")
    data = write_sound(tmp_path / "a.wav", "pcm_s16le", tone(1.0, 48_000, 1), 48_000).read_bytes()
    at = data.index(b"data")
    listed = data[:at] + b"LIST" + len(name).to_bytes(4, "little") + name + data[at:]
    (tmp_path / "b.wav").write_bytes(listed)
    assert sound(tmp_path / "b.wav").duration_s == 1.0


def test_sound_that_is_no_number_is_silence(tmp_path: Path) -> None:
    heard = np.full((48_000, 1), np.nan, np.float32)
    heard[100:200] = np.inf
    samples = np.load(sound(write_sound(tmp_path / "a.wav", "pcm_f32le", heard, 48_000)).path)
    assert not np.any(samples[1_000:])


def test_a_cut_mp3_is_used_as_far_as_it_goes(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "a.mp3", "libmp3lame", tone(4.0, 44_100, 1), 44_100)
    (tmp_path / "cut").write_bytes(cut(path, 0.6))
    assert sound(tmp_path / "cut").duration_s == pytest.approx(2.4, abs=0.1)


def test_long_sound_is_refused_with_both_lengths(tmp_path: Path) -> None:
    problem = problem_with(wav(tmp_path), "audio", RecordingLimits(max_s=0.5))
    assert problem.type == "audio_duration_too_long"
    assert problem.ctx == {"max_duration": 0.5, "provided_duration": 1.0}


def test_a_tick_that_raises_ends_the_decoding_and_leaves_nothing(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(24))

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        decode_video(tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "b.npy", LIMITS, LOC, stop)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_a_lost_decoder_is_a_load_error(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(24))
    limits = RecordingLimits(memory_bytes=100 << 20)
    problem = problem_with(tmp_path / "a.mp4", "video", limits)
    assert problem.type == "video_load_error"


def test_another_sandbox_can_be_given(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", moving(24))
    sandbox = Sandbox(("rushes.media.film_task",))
    try:
        media = decode_video(tmp_path / "a.mp4", tmp_path / "b.mp4", tmp_path / "b.npy", LIMITS, LOC, sandbox=sandbox)
    finally:
        sandbox.close()
    assert media.frames == 24
