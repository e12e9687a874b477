"""The encoder: what comes out is checked by decoding it again."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.reformatter import Colorspace

from rushes.media.encode import Encoded, SoundSender, encode_video
from rushes.media.sound import SoundSource

Pixels = npt.NDArray[np.uint8]
BARS = np.array(
    [
        [255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255], [0, 0, 0],
        [128, 128, 128], [200, 120, 40], [64, 128, 192], [16, 240, 130],
    ],
    np.uint8,
)  # fmt: skip


def moving(frames: int, width: int = 96, height: int = 64) -> Pixels:
    y, x = np.mgrid[0:height, 0:width]
    time_of = np.arange(frames)[:, None, None]
    red, green, blue = (x + 3 * time_of) % 256, (2 * y + time_of) % 256, (x + y) * 1 + 0 * time_of
    return np.stack([red, green, blue], -1).astype(np.uint8)


def encode(chunks: list[Pixels], to: Path, fps: float | Fraction = 16) -> Encoded:
    height, width = chunks[0].shape[1:3]
    return encode_video(iter(chunks), to, width=width, height=height, fps=fps)


def boxes(data: bytes) -> list[bytes]:
    names, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        names.append(data[at + 4 : at + 8])
        at += size
    return names


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name == "encode"}


@pytest.mark.parametrize(
    ("fps", "exact"),
    [(16, Fraction(16)), (24.0, Fraction(24)), (30_000 / 1001, Fraction(30_000, 1001)), (12.5, Fraction(25, 2))],
)
@pytest.mark.parametrize("frames", [1, 2, 81])
def test_count_rate_times_and_duration_are_exact(fps: float, exact: Fraction, frames: int, tmp_path: Path) -> None:
    to = tmp_path / "clip.mp4"
    encoded = encode([moving(frames)], to, fps)
    assert encoded == Encoded(to.stat().st_size, frames, float(frames / exact))
    with av.open(str(to)) as file:
        stream = file.streams.video[0]
        assert (stream.frames, stream.average_rate, stream.start_time) == (frames, exact, 0)
        assert stream.duration is not None
        assert stream.time_base is not None
        assert stream.duration * stream.time_base == frames / exact
        times = [frame.pts * stream.time_base for frame in file.decode(video=0) if frame.pts is not None]
    assert times == [number / exact for number in range(frames)]


def test_the_file_is_tagged_and_laid_out_for_browsers(tmp_path: Path) -> None:
    encode([moving(40)], tmp_path / "clip.mp4")
    data = (tmp_path / "clip.mp4").read_bytes()
    assert boxes(data)[:2] == [b"ftyp", b"moov"]
    assert b"colrnclx\x00\x01\x00\x01\x00\x01\x00" in data
    with av.open(str(tmp_path / "clip.mp4")) as file:
        context = file.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert tags == (1, 1, 1, 1)


def test_there_is_a_keyframe_every_two_seconds(tmp_path: Path) -> None:
    encode([np.full((70, 64, 96, 3), 99, np.uint8)], tmp_path / "still.mp4")
    with av.open(str(tmp_path / "still.mp4")) as file:
        assert [number for number, frame in enumerate(file.decode(video=0)) if frame.key_frame] == [0, 32, 64]


def test_colours_survive_by_the_bt709_matrix(tmp_path: Path) -> None:
    picture = np.repeat(np.repeat(BARS[None], 64, 0), 32, 1)
    encode([np.repeat(picture[None], 3, 0)], tmp_path / "bars.mp4")
    with av.open(str(tmp_path / "bars.mp4")) as file:
        frame = next(file.decode(video=0))
    back = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709).to_ndarray()[32, 16::32]
    assert np.abs(back.astype(int) - BARS).max() <= 3
    # By formula, so that two equal mistakes cannot cancel out: Y = 16 + 219 (0.2126 R + 0.7152 G + 0.0722 B).
    luma = frame.to_ndarray()[32, 16 : 12 * 32 : 32]
    assert np.abs(luma - (16 + 219 * (BARS / 255) @ [0.2126, 0.7152, 0.0722])).max() <= 1.5


def test_gradients_stay_fine(tmp_path: Path) -> None:
    ramp = np.linspace(20, 90, 320)[None, :, None] * np.array([1, 0.9, 0.8])
    picture = np.repeat(ramp, 180, 0).round().astype(np.uint8)
    encode([np.repeat(picture[None], 4, 0)], tmp_path / "ramp.mp4")
    with av.open(str(tmp_path / "ramp.mp4")) as file:
        luma = [frame.to_ndarray()[:180, :320] for frame in file.decode(video=0)][-1]
    wanted = 16 + 219 * (picture / 255) @ [0.2126, 0.7152, 0.0722]
    assert np.abs(luma - wanted).mean() < 0.5
    assert np.abs(luma - wanted).max() < 2.5


@pytest.mark.parametrize(
    ("rate", "hertz"), [(Fraction(30_000, 1001), 44_100), (Fraction(16), 32_000), (Fraction(7), 11_025)]
)
def test_sound_goes_with_its_frames_to_the_sample_over_any_length(rate: Fraction, hertz: int) -> None:
    endless = SoundSource((np.zeros((5_000, 1), np.float32) for _ in itertools.count()), hertz, 1)
    sender, given = SoundSender(endless, rate), 0
    for number in range(1, 2_001):
        given += len(sender.due(number))
        assert abs(given - number * hertz / rate) <= Fraction(1, 2)


def test_chunks_of_any_length_give_the_same_file(tmp_path: Path) -> None:
    film = moving(30)
    encode([film], tmp_path / "one.mp4")
    encode([film[:7], film[7:8], film[8:29], film[29:]], tmp_path / "many.mp4")
    encode([np.asfortranarray(film)], tmp_path / "strided.mp4")
    files = {(tmp_path / f"{name}.mp4").read_bytes() for name in ("one", "many", "strided")}
    assert len(files) == 1


def test_ten_runs_give_the_same_bytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 40, (60, 144, 176, 3), dtype=np.uint8)
    film = (moving(60, 176, 144) // 2 + noise).astype(np.uint8)
    film[30:] = film[30:, ::-1]  # a cut, which is where lookahead decides something
    hashes = set()
    for _ in range(10):
        encode([film], tmp_path / "clip.mp4")
        hashes.add(hashlib.sha256((tmp_path / "clip.mp4").read_bytes()).hexdigest())
    assert len(hashes) == 1


@pytest.mark.parametrize(("width", "height"), [(95, 64), (96, 63), (0, 64), (1, 1)])
def test_odd_sizes_are_refused_with_the_next_even_one(width: int, height: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="both must be even"):
        encode_video([], tmp_path / "x.mp4", width=width, height=height, fps=16)


@pytest.mark.parametrize(
    "chunk",
    [moving(2, 98, 64), moving(2)[0], moving(2).astype(np.float32), moving(2)[..., :2]],
    ids=["size", "dimensions", "type", "channels"],
)
def test_wrong_frames_are_refused(chunk: Pixels, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frames must be uint8"):
        encode_video([moving(3), chunk], tmp_path / "x.mp4", width=96, height=64, fps=16)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("wanted", [None, 5])
def test_no_frames_are_an_error(wanted: int | None, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no frames"):
        encode_video([], tmp_path / "x.mp4", width=96, height=64, fps=16, frames=wanted)
    assert list(tmp_path.iterdir()) == []


def test_another_number_of_frames_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 frames were made where 4"):
        encode_video([moving(3)], tmp_path / "x.mp4", width=96, height=64, fps=16, frames=4)
    assert list(tmp_path.iterdir()) == []


class Stop(Exception):
    pass


def test_what_the_renderer_raises_tears_down_everything(tmp_path: Path) -> None:
    def render() -> Iterator[Pixels]:
        yield moving(5)
        raise Stop

    with pytest.raises(Stop):
        encode_video(render(), tmp_path / "x.mp4", width=96, height=64, fps=16)
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()


def test_cancelling_in_the_callback_closes_the_renderer(tmp_path: Path) -> None:
    closed = []

    def render() -> Iterator[Pixels]:
        try:
            for _ in itertools.count():
                yield moving(4)
        finally:
            closed.append(True)

    def on_frame(done: int) -> None:
        if done >= 8:
            raise Stop

    with pytest.raises(Stop):
        encode_video(render(), tmp_path / "x.mp4", width=96, height=64, fps=16, on_frame=on_frame)
    assert closed == [True]
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()


def test_a_failing_encoder_stops_the_renderer(tmp_path: Path) -> None:
    made = []

    def render() -> Iterator[Pixels]:
        for number in range(10_000):
            made.append(number)
            yield moving(1)

    with pytest.raises(OSError, match="No such file"):
        encode_video(render(), tmp_path / "no folder" / "x.mp4", width=96, height=64, fps=16)
    assert len(made) < 1000
    assert threads() == set()


def test_an_old_file_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    to = tmp_path / "x.mp4"
    to.write_bytes(b"old")
    with pytest.raises(ValueError, match="3 frames"):
        encode_video([moving(3)], to, width=96, height=64, fps=16, frames=9)
    assert to.read_bytes() == b"old"


def test_progress_rises_to_the_last_frame_in_the_callers_thread(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    chunks = [moving(5) for _ in range(6)]
    encode_video(
        chunks,
        tmp_path / "x.mp4",
        width=96,
        height=64,
        fps=16,
        on_frame=lambda done: seen.append((done, threading.get_ident())),
    )
    counts = [done for done, _ in seen]
    assert counts == sorted(counts)
    assert counts[-1] == 30
    assert {thread for _, thread in seen} == {threading.get_ident()}


def test_frames_are_encoded_while_later_ones_are_rendered(tmp_path: Path) -> None:
    film = moving(24, 640, 360)
    encoded = [0]

    def render() -> Iterator[Pixels]:
        for number in range(3000):  # half a minute at most, if nothing is ever encoded
            if encoded[-1] >= 5:
                return
            time.sleep(0.01)
            yield film[number % 24 : number % 24 + 1]

    encode_video(render(), tmp_path / "x.mp4", width=640, height=360, fps=16, on_frame=encoded.append)
    assert encoded[-1] < 3000


def test_frames_do_not_pile_up_when_encoding_is_slower(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1, 720, 1280, 3), dtype=np.uint8)
    made = 0
    ahead = []

    def render() -> Iterator[Pixels]:
        nonlocal made
        for _ in range(30):
            made += 1
            yield noise.copy()

    def on_frame(done: int) -> None:
        ahead.append(made - done)

    encode_video(render(), tmp_path / "x.mp4", width=1280, height=720, fps=16, on_frame=on_frame)
    assert max(ahead) <= 12
