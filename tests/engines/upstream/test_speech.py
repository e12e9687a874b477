"""Sound made ready for a model that listens: measured on speech of our own offline speaker."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.loudness import loudness
from rushes.engines.animatic.speech import speech
from rushes.engines.upstream.speech import track, write_speech


def spoken(folder: Path, gain: float, channels: int = 2) -> tuple[Path, float]:
    """Have a sentence spoken and decoded: (N, channels) int16 at 48 kHz; return it with its length in seconds."""
    track = speech(SpeechCall("Good morning. The train leaves at seven from platform four.", sample_rate=48_000),
                   lambda _: None, lambda: False)  # fmt: skip
    samples = np.concatenate([chunk.mean(axis=1) for chunk in track.chunks]) * gain
    path = folder / "spoken.npy"
    np.save(path, np.repeat((samples * 32_000).clip(-32_768, 32_767).astype(np.int16)[:, None], channels, axis=1))
    return path, len(samples) / 48_000


def read(path: Path) -> tuple[np.ndarray, int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32_768
        return samples, file.getframerate()


@pytest.mark.parametrize("gain", [0.02, 0.3, 0.9])
def test_speech_is_as_loud_as_the_model_expects_whatever_it_was(tmp_path: Path, gain: float) -> None:
    path, length = spoken(tmp_path, gain)
    write_speech(str(path), tmp_path / "out.wav", 93 / 16, 16_000, -23.0)
    samples, rate = read(tmp_path / "out.wav")
    assert (rate, len(samples)) == (16_000, 93_000)
    end = round(min(length, 93 / 16) * rate)
    assert loudness([samples[:end, None]], rate) == pytest.approx(-23, abs=0.5)
    assert np.abs(samples).max() <= 0.99
    assert not samples[end + 400 :].any()  # silence fills the film
    assert np.abs(samples[: end - 400]).max() > 0.05


def test_a_longer_sound_is_cut(tmp_path: Path) -> None:
    path, length = spoken(tmp_path, 0.5, channels=1)
    write_speech(str(path), tmp_path / "out.wav", length / 2, 16_000, None)
    samples, _ = read(tmp_path / "out.wav")
    given = np.load(path)[::3, 0] / 32_768
    assert len(samples) == round(length / 2 * 16_000)
    near = np.corrcoef(samples[2_000:12_000], given[2_000:12_000])[0, 1]
    assert near > 0.9  # at its place: the same moments, only resampled


@pytest.mark.parametrize("count", [0, 1, 100, 47_999])
def test_silence_and_scraps_are_silence(tmp_path: Path, count: int) -> None:
    path = tmp_path / "silent.npy"
    np.save(path, np.zeros((count, 2), np.int16))
    write_speech(str(path), tmp_path / "out.wav", 1.0, 16_000, -23.0)
    samples, _ = read(tmp_path / "out.wav")
    assert len(samples) == 16_000
    assert not samples.any()
    assert sum(len(chunk) for chunk in track(str(path), 1.0).chunks) == count


def test_the_film_gets_the_sound_as_it_came_and_no_longer_than_itself(tmp_path: Path) -> None:
    path, _ = spoken(tmp_path, 0.5)
    heard = track(str(path), 1.25)
    samples = np.concatenate(list(heard.chunks))
    assert (heard.sample_rate, heard.channels, samples.shape) == (48_000, 2, (60_000, 2))
    assert np.array_equal((samples * 32_768).astype(np.int16), np.load(path)[:60_000])


def test_a_sound_as_loud_as_can_be_is_cut_off_and_does_not_turn_over(tmp_path: Path) -> None:
    square = np.where(np.arange(48_000) // 4_800 % 2 == 0, 32_767, -32_768).astype(np.int16)
    np.save(tmp_path / "square.npy", np.stack([square, square], axis=1))
    write_speech(str(tmp_path / "square.npy"), tmp_path / "square.wav", 1.0, 16_000, None)
    with wave.open(str(tmp_path / "square.wav")) as file:
        heard = np.frombuffer(file.readframes(16_000), "<i2").astype(int)
    halves = heard.reshape(10, 1_600)[:, 8:-8]  # apart from the edges between them
    assert [int(np.sign(half).min()) for half in halves[::2]] == [1] * 5
    assert [int(np.sign(half).max()) for half in halves[1::2]] == [-1] * 5
