"""One round of each sound of machines, traffic and violence: engines, trains, sirens, blasts, and what rushes past."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.sounding import Dice, Wave, arch, fading, knock, noise, rung, silence, strewn, tone


def city(dice: Dice, rate: int) -> Wave:
    """A low rumble, vehicles that pass, and a horn far away."""
    wave = noise(dice, rate, 11.3, 110, 1.2)
    for _ in range(4):
        strewn(wave, arch(noise(dice, rate, 3.2, 500, 1.0), 2.0), dice.random(), dice.uniform(0.7, 1.3))
    horn = np.asarray(sum(tone(rate, 0.5, hz, hz) for hz in (392.0, 494.0)), np.float32)
    strewn(wave, arch(horn, 0.5), dice.uniform(0.15, 0.4), 0.35)
    return wave


def engine(dice: Dice, rate: int) -> Wave:
    """A motor's harmonics, whole turns in a round."""
    seconds = 4.0
    t = np.arange(int(seconds * rate)) / rate
    # Hertz of which a whole number of turns fits into the round.
    base = round(dice.uniform(42, 58) * seconds) / seconds
    wave = sum(np.sin(2 * np.pi * base * n * t + dice.uniform(0, 6.28)) / n**0.9 for n in (1, 2, 3, 4, 6, 8, 10))
    return np.asarray(wave + 0.25 * noise(dice, rate, seconds, 700, 1.0), dtype=np.float32)


def rotor(dice: Dice, rate: int) -> Wave:
    """Blades of a helicopter: eleven beats a second of low noise."""
    wave = noise(dice, rate, 4.0, 900, 1.0) * np.float32(0.12)
    for number in range(44):
        strewn(wave, knock(dice, rate, 0.08, (110, 0.8), 0.022), number / 44, dice.uniform(0.85, 1.0))
    return wave


def train(dice: Dice, rate: int) -> Wave:
    """Wheels over joints in pairs of pairs, a rumble, and a whistle of three notes."""
    wave = noise(dice, rate, 6.4, 130, 1.1) * np.float32(0.28)
    for number in range(8):
        for after in (0.0, 0.13, 0.42, 0.55):
            clack = knock(dice, rate, 0.11, (420, 0.5), 0.014) + 0.5 * knock(dice, rate, 0.11, (1800, 0.5), 0.006)
            strewn(wave, clack, (number + after) / 8, dice.uniform(0.85, 1.0))
    whistle = np.asarray(sum(tone(rate, 1.1, hz * 0.985, hz) for hz in (311.0, 370.0, 466.0)), np.float32)
    strewn(wave, arch(whistle, 0.4), 0.15, 0.22)
    return wave


def siren(dice: Dice, rate: int) -> Wave:
    """Up and down between 600 and 1300 Hz, every two seconds."""
    t = np.arange(int(6.0 * rate)) / rate
    hz = 950.0 - 350.0 * np.cos(2 * np.pi * t / 2.0)
    turn = np.cumsum(hz) / rate
    voice = np.sin(2 * np.pi * turn) + 0.3 * np.sin(4 * np.pi * turn)  # 950 * 6 whole turns: the round closes
    return np.asarray(voice + 0.02 * noise(dice, rate, 6.0, 400, 1.0), np.float32)


def explosion(dice: Dice, rate: int) -> Wave:
    """A crack, a body that sinks, and debris."""
    wave = noise(dice, rate, 8.0, 70, 1.0) * np.float32(0.01)
    body = noise(dice, rate, 3.0, 90, 1.2) * fading(rate, 3.0, 0.004, 0.55)
    sink = tone(rate, 1.2, 90, 28) * fading(rate, 1.2, 0.004, 0.4)
    strewn(wave, body, 0.05, 0.8)
    strewn(wave, sink, 0.05, 1.6)
    strewn(wave, knock(dice, rate, 0.15, (1800, 1.2), 0.03), 0.05, 0.7)
    for _ in range(40):
        debris = knock(dice, rate, 0.05, (dice.uniform(600, 3000), 0.6), 0.008)
        strewn(wave, debris, 0.09 + float(dice.exponential(0.05)) % 0.4, dice.uniform(0.03, 0.2))
    return wave


def gun(dice: Dice, rate: int) -> Wave:
    """Three shots, each with its echo."""
    wave = silence(rate, 5.5)
    for at in (0.05, 0.30, 0.42):
        shot = knock(dice, rate, 0.5, (900, 1.5), 0.035) + knock(dice, rate, 0.5, (110, 0.8), 0.08)
        strewn(wave, shot, at, 1.0)
        strewn(wave, knock(dice, rate, 0.8, (300, 1.0), 0.2), at + 0.04, 0.15)
    return wave


def whoosh(dice: Dice, rate: int) -> Wave:
    """Something rushes past, four times: noise that swells and whose pitch climbs and falls."""
    wave = noise(dice, rate, 5.0, 700, 1.0) * np.float32(0.02)
    for number in range(4):
        body = np.zeros(int(0.75 * rate), np.float32)
        for share, hz in ((0.30, 380), (0.42, 800), (0.5, 1500), (0.58, 800), (0.70, 380)):
            t = np.linspace(0.0, 1.0, len(body))
            part = noise(dice, rate, 0.75, hz, 0.5)[: len(body)]
            body += np.asarray(part * np.exp(-0.5 * ((t - share) / 0.13) ** 2), np.float32)
        strewn(wave, arch(body, 0.5), number / 4 + dice.uniform(0.01, 0.06), dice.uniform(0.7, 1.0))
    return wave


def rush(dice: Dice, rate: int) -> Wave:
    """Air that moves past all the time: to be driven by what is seen."""
    return noise(dice, rate, 4.7, 650, 0.9)


def ringing(dice: Dice, rate: int) -> Wave:
    """A telephone or an alarm: two tones that alternate, a second on and a second off."""
    wave = noise(dice, rate, 4.0, 300, 1.0) * np.float32(0.003)
    for number in range(2):
        for pulse in range(20):
            hz = (1050.0, 1320.0)[pulse % 2]
            strewn(wave, rung(rate, 0.06, ((hz, 1.0, 0.05), (hz * 2, 0.3, 0.03))), number / 2 + pulse * 0.0125, 1.0)
    return wave
