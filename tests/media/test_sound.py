"""Sound files: every format decodes back to what went in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pytest

from rushes.endpoint import AudioFormat
from rushes.media.sound import EncodedSound, Heard, SoundFeed, SoundSource, encode_sound
from tests.media.films import pitch, sound_of, source, tone

Container = Literal["mp3", "pcm", "flac", "wav"]


def read_back(path: Path, form: AudioFormat) -> Heard:
    if form.container != "pcm":
        return sound_of(path, form.sample_rate)
    raw = np.frombuffer(path.read_bytes(), "<i2").reshape(-1, form.channels)
    return (raw / 32_767).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100])
@pytest.mark.parametrize("container", get_args(Container))
def test_every_format_and_rate_decodes_back(container: Container, rate: int, channels: int, tmp_path: Path) -> None:
    form = AudioFormat(container, rate, 128_000, channels)
    encoded = encode_sound(source(tone(1.5, 32_000, 1), 32_000), tmp_path / "sound", form)
    assert encoded == EncodedSound((tmp_path / "sound").stat().st_size, 1.5)
    back = read_back(tmp_path / "sound", form)
    assert back.shape[1] == channels
    assert len(back) / rate == pytest.approx(1.5, abs=0.08 if container == "mp3" else 0.003)
    assert pitch(back, rate) == pytest.approx(440, abs=20 if container == "mp3" else 2)


@pytest.mark.parametrize("bitrate", [32_000, 64_000, 128_000, 256_000])
def test_an_mp3_has_the_bitrate_asked_for(bitrate: int, tmp_path: Path) -> None:
    encode_sound(source(tone(4.0, 44_100, 1), 44_100), tmp_path / "a.mp3", AudioFormat("mp3", 44_100, bitrate))
    assert (tmp_path / "a.mp3").stat().st_size * 8 / 4.0 == pytest.approx(bitrate, rel=0.08)


def test_a_mono_source_sounds_as_loud_in_two_channels(tmp_path: Path) -> None:
    form = AudioFormat("wav", 48_000, channels=2)
    encode_sound(source(tone(0.5, channels=1)), tmp_path / "a.wav", form)
    back = sound_of(tmp_path / "a.wav")
    assert np.array_equal(back[:, 0], back[:, 1])
    assert np.abs(back).max() == pytest.approx(0.5, abs=0.15)


def test_garbage_becomes_silence_and_too_loud_is_clipped(tmp_path: Path) -> None:
    bad = np.array([[np.nan], [np.inf], [-np.inf], [7.0], [-7.0], [0.25]] * 1000, np.float32)
    encode_sound(source(bad, 32_000), tmp_path / "a", AudioFormat("pcm", 32_000))
    back = np.frombuffer((tmp_path / "a").read_bytes(), "<i2")
    assert back[:6].tolist() == pytest.approx([0, 32_767, -32_767, 32_767, -32_767, 8_192], abs=2)


def test_a_source_is_ticked_through_and_closed(tmp_path: Path) -> None:
    ended = []

    def chunks() -> Iterator[Heard]:
        try:
            yield tone(3.5, channels=1)
        finally:
            ended.append(True)

    ticks: list[int] = []
    encode_sound(SoundSource(chunks(), 48_000, 1), tmp_path / "a.mp3", AudioFormat(), lambda: ticks.append(1))
    assert len(ticks) == 4
    assert ended == [True]


def test_a_tick_that_raises_leaves_nothing(tmp_path: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        encode_sound(source(tone(1.0, channels=1)), tmp_path / "a.mp3", AudioFormat(), stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("container", get_args(Container))
def test_no_sound_at_all_is_an_error(container: Container, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no sound to encode"):
        encode_sound(SoundSource(iter([]), 48_000, 1), tmp_path / "a", AudioFormat(container))
    assert list(tmp_path.iterdir()) == []


def test_six_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="6 channels"):
        encode_sound(source(tone(0.1, channels=6)), tmp_path / "a", AudioFormat("wav"))


def test_a_feed_gives_exactly_what_is_asked_for() -> None:
    feed = SoundFeed(source(tone(0.1), piece=700))
    assert [len(feed.take(n)) for n in (0, 1, 3_000, 5_000)] == [0, 1, 3_000, 5_000]
    assert not np.any(feed.take(10))
