"""What made-up sounds are put together from: shaped noise, gliding tones, envelopes, and events strewn over a round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float32]  # (N,)
Dice = np.random.Generator


def noise(dice: Dice, rate: int, seconds: float, hz: float, octaves: float) -> Wave:
    """Return seamless noise around a frequency, `octaves` wide on each side."""
    count = int(seconds * rate)
    # Shaped in its spectrum, noise closes on itself: what goes round has no seam.
    spectrum = np.fft.rfft(dice.standard_normal(count))
    hertz = np.maximum(np.fft.rfftfreq(count, 1.0 / rate), 1.0)
    shaped = np.fft.irfft(spectrum * np.exp(-0.5 * (np.log2(hertz / hz) / octaves) ** 2) / np.sqrt(hertz), count)
    return np.asarray(shaped / (shaped.std() + 1e-12), dtype=np.float32)


def strewn(wave: Wave, event: Wave, at: float, level: float) -> None:
    """Add an event at a place (0..1) of a round, going on at its beginning where it runs over the end."""
    first = int(at * len(wave)) % len(wave)
    event = event[: len(wave)]
    room = min(len(event), len(wave) - first)
    wave[first : first + room] += event[:room] * np.float32(level)
    wave[: len(event) - room] += event[room:] * np.float32(level)


def fading(rate: int, seconds: float, attack_s: float, decay_s: float) -> Wave:
    """Return an envelope that rises in `attack_s`, falls by e in each `decay_s` and ends at nothing."""
    t = np.arange(max(8, int(seconds * rate))) / rate
    # The last fifth goes to nothing, or a cut-off tail would click.
    tail = np.clip((seconds - t) / (seconds * 0.2), 0.0, 1.0)
    return np.asarray(np.minimum(t / attack_s, 1.0) * np.exp(-t / decay_s) * tail, dtype=np.float32)


def tone(rate: int, seconds: float, start_hz: float, end_hz: float) -> Wave:
    """Return a sine that glides from one frequency to another."""
    hz = np.linspace(start_hz, end_hz, max(8, int(seconds * rate)))
    return np.sin(2 * np.pi * np.cumsum(hz) / rate).astype(np.float32)


def knock(dice: Dice, rate: int, seconds: float, band: tuple[float, float], decay_s: float) -> Wave:
    """Return a short burst of noise in a band (hertz, octaves to each side): a heel, a hoof, a clap, a latch."""
    burst = noise(dice, rate, max(seconds, 0.02), *band)[: max(8, int(seconds * rate))]
    return fading(rate, seconds, 0.001, decay_s) * burst


def rung(rate: int, seconds: float, partials: tuple[tuple[float, float, float], ...]) -> Wave:
    """Return struck metal or glass: partials as (hertz, level, decay in seconds)."""
    wave = np.zeros(int(seconds * rate), np.float32)
    for hz, level, decay_s in partials:
        wave += tone(rate, seconds, hz, hz)[: len(wave)] * fading(rate, seconds, 0.001, decay_s) * np.float32(level)
    return wave


def silence(rate: int, seconds: float) -> Wave:
    """Return an empty round."""
    return np.zeros(int(rate * seconds), np.float32)


def arch(wave: Wave, power: float = 1.0) -> Wave:
    """Let an event swell from nothing and go back to nothing."""
    return np.asarray(wave * np.hanning(len(wave)) ** power, dtype=np.float32)
