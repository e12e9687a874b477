"""A voice taken from a sample: what can be measured of it, kept as a JSON object, and a preview of how it speaks.

Measures pitch (autocorrelation), liveliness (how far the pitch moves), pace (syllables a second), and brightness and
size of the mouth (where the energy lies in the spectrum). It's a likeness of manner, not of the person.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.calls import CloneCall, SpeechCall
from rushes.engines.animatic.speech import spoken
from rushes.engines.animatic.spoken.character import Character
from rushes.engines.engine import Cancelled, Progress, SoundTrack, Voice

_RATE = 48_000
_DOWN = 4  # to 12 kHz: enough for pitch and formants
_FRAME, _HOP = 480, 240  # samples at 12 kHz: 40 ms every 20 ms
_LONGEST_S = 30  # of the sample that is measured
_LOW_HZ, _HIGH_HZ = 65.0, 400.0
_VOICED = 0.45  # correlation from which a frame counts as voiced
_USUAL_SYLLABLES = 4.2  # a second
_BANDS_APART = 2.2  # octaves between the bands whose balance is matched
_PREVIEW_RATE = 32_000
_PREVIEW = "This is how I sound. Give me a text, and I will read it to you."

Samples = npt.NDArray[np.float64]


def voice(call: CloneCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Voice:
    """Measure the sample, and speak the text (or a line of our own) with what was found."""
    if cancelled():
        raise Cancelled
    character = measured(call)
    progress(Progress(1, 1, "samples"))
    said = SpeechCall(call.text.strip() or _PREVIEW, call.voice, sample_rate=_PREVIEW_RATE)
    chunks = (breath.sound for breath in spoken(said, character, progress, cancelled))
    return Voice(character.profile(), SoundTrack(chunks, _PREVIEW_RATE, 1))


def measured(call: CloneCall) -> Character:
    """Return the character of the sample; what cannot be measured (silence) keeps its usual value."""
    given: npt.NDArray[Any] = np.load(call.sample, mmap_mode="r", allow_pickle=False)
    part = np.atleast_2d(given[: _LONGEST_S * _RATE].T).mean(axis=0) / 32768.0
    frames, levels = _framed(part)
    if call.noise_reduction:
        frames, levels = _cleaned(frames, levels)
    usual = Character()
    # Pauses and breaths say nothing of a voice.
    loud = levels > max(0.12 * float(np.percentile(levels, 95)), _floor(levels) if call.noise_reduction else 0.0, 1e-4)
    pitches = _pitches(frames[loud])
    if len(pitches) < 3:
        return usual
    # One that was measured, or between two octaves there might be nobody within reach of the mean of both.
    pitch = float(np.sort(pitches)[len(pitches) // 2])
    spread = float(np.std(np.log2(pitches[(pitches > pitch * 0.6) & (pitches < pitch * 1.7)])))
    slope, centre = _spectrum(frames[loud])
    high = min(max(np.log2(pitch / 118.0), 0.0), 1.2)
    energy = 1.0 if call.normalise_volume else float(np.clip(np.mean(levels[loud]) / 0.08, 0.6, 1.4)) ** 0.5
    found = Character(
        pitch_hz=pitch,
        # Who speaks higher has a smaller mouth, on the whole; the spectrum's centre says the rest.
        tract=1.0 + 0.16 * high + 0.10 * float(np.clip(np.log2(centre / 900.0), -1.0, 1.0)),
        slope=slope,
        tempo=float(np.clip(_syllables(levels) / _USUAL_SYLLABLES, 0.75, 1.35)),
        liveliness=float(np.clip(spread / 0.18, 0.5, 1.8)),
        energy=energy,
    )
    return _matched(Character.of_profile(found.profile()), pitch, frames[loud])  # within what a voice can be


def _matched(found: Character, pitch: float, heard: npt.NDArray[np.float64]) -> Character:
    """Let the voice say a line, and put right what is still off in its pitch and in the colour of its vowels."""
    line = SpeechCall(_PREVIEW, "", sample_rate=_RATE)
    said = spoken(line, found, lambda _: None, lambda: False)
    own, levels = _framed(np.concatenate([breath.sound[:, 0] for breath in said]).astype(np.float64))
    own = own[levels > 0.12 * float(np.percentile(levels, 95))]
    pitches = _pitches(own)
    if len(pitches) < 3:
        return found
    # At most a few semitones: beyond that the pitch of one of the two was misread by an octave.
    off = float(np.clip(pitch / np.median(pitches), 0.8, 1.25))
    tilt = found.tilt + (_brightness(heard) - _brightness(own)) / _BANDS_APART
    return Character.of_profile(replace(found, pitch_hz=found.pitch_hz * off, tilt=tilt).profile())


def _brightness(frames: npt.NDArray[np.float64]) -> float:
    """Return how much stronger 1.5 to 5 kHz are than 0.2 to 1 kHz, in decibels."""
    power = np.mean(np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=1)) ** 2, axis=0) + 1e-12
    hertz = np.fft.rfftfreq(_FRAME, _DOWN / _RATE)
    high, low = power[(hertz > 1500) & (hertz < 5000)].sum(), power[(hertz > 200) & (hertz < 1000)].sum()
    return float(10.0 * np.log10(high / low))


def _framed(samples: Samples) -> tuple[npt.NDArray[np.float64], Samples]:
    """Return overlapping frames at 12 kHz, (frames, _FRAME), and how loud each is."""
    count = len(samples) // _DOWN * _DOWN
    # A mean of four is filter enough: above 6 kHz a voice has little that could fold back.
    low = samples[:count].reshape(-1, _DOWN).mean(axis=1)
    low = np.pad(low, (0, max(0, _FRAME - len(low))))
    frames = np.lib.stride_tricks.sliding_window_view(low, _FRAME)[::_HOP]
    return frames, np.asarray(np.sqrt(np.mean(frames**2, axis=1)))


def _cleaned(frames: npt.NDArray[np.float64], levels: Samples) -> tuple[npt.NDArray[np.float64], Samples]:
    """Take out of each frame what is always there: the spectrum of the quietest ones (Boll 1979, Wiener gain)."""
    quiet = levels <= np.percentile(levels, 8)
    spectrum = np.fft.rfft(frames, axis=1)
    power = np.abs(spectrum) ** 2
    noise = power[quiet].mean(axis=0)
    kept = np.sqrt(np.clip(1.0 - 1.6 * noise / (power + 1e-12), 0.003, 1.0))
    cleaned = np.fft.irfft(spectrum * kept, _FRAME, axis=1)
    return cleaned, np.asarray(np.sqrt(np.mean(cleaned**2, axis=1)))


def _floor(levels: Samples) -> float:
    """Return twice the level of the noise between the words."""
    return min(2.0 * float(np.percentile(levels, 10)), 0.8 * float(np.percentile(levels, 90)))


def _pitches(frames: npt.NDArray[np.float64]) -> Samples:
    """Return the pitch in hertz of each voiced frame."""
    rate = _RATE / _DOWN
    shortest, longest = int(rate / _HIGH_HZ), int(rate / _LOW_HZ)
    spectrum = np.fft.rfft(frames - frames.mean(axis=1, keepdims=True), 2 * _FRAME, axis=1)
    likeness = np.fft.irfft(np.abs(spectrum) ** 2, axis=1)[:, : longest + 1]
    # A longer shift compares fewer samples.
    likeness = likeness / (likeness[:, :1] + 1e-12) / (1.0 - np.arange(longest + 1) / _FRAME)
    window = likeness[:, shortest:]
    best = window.max(axis=1, initial=0.0)
    # The first shift that is nearly as good: a multiple of the period fits as well, and would be an octave too low.
    first = np.argmax(window >= 0.9 * best[:, None], axis=1)
    while True:
        following = np.minimum(first + 1, window.shape[1] - 1)
        rows = np.arange(len(window))
        better = window[rows, following] > window[rows, first]
        if not better.any():
            break
        first = np.where(better, following, first)
    return np.asarray((rate / (first + shortest))[best > _VOICED], dtype=np.float64)


def _spectrum(frames: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return how fast the harmonics fall off, as a Character's slope, and the energy's centre in hertz."""
    power = np.mean(np.abs(np.fft.rfft(frames * np.hanning(_FRAME), axis=1)) ** 2, axis=0)
    hertz = np.fft.rfftfreq(_FRAME, _DOWN / _RATE)
    band = (hertz > 150) & (hertz < 5000)
    centre = float((hertz[band] * np.sqrt(power[band])).sum() / (np.sqrt(power[band]).sum() + 1e-12))
    low, high = power[(hertz > 150) & (hertz < 1000)].sum(), power[(hertz > 2000) & (hertz < 5000)].sum()
    fall = np.log10((low + 1e-12) / (high + 1e-12))  # 0.5 for a bright voice, 3 for a dull one
    return float(np.clip((fall - 0.5) / 2.5, 0.0, 1.0)), max(centre, 1.0)


def _syllables(levels: Samples) -> float:
    """Return how many syllables a second: peaks of the loudness, smoothed over a tenth of a second."""
    smooth = np.convolve(levels, np.ones(5) / 5, mode="same")
    middle = smooth[1:-1]
    # Plateaus count once, at their beginning.
    peaks = (middle > smooth[:-2]) & (middle >= smooth[2:]) & (middle > 0.25 * smooth.max())
    seconds = max(float((smooth > 0.12 * smooth.max()).sum()) * _HOP * _DOWN / _RATE, 0.5)
    return max(float(peaks.sum()) / seconds, 0.1)
