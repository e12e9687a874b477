"""One round of each sound that weather, water, fire and animals make."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.sounding import Dice, Wave, arch, fading, knock, noise, silence, strewn, tone


def wind(dice: Dice, rate: int) -> Wave:
    """Broad low noise with a whistle in the gusts."""
    whistle = noise(dice, rate, 7.3, 620, 0.25)
    gusts = np.abs(noise(dice, rate, 7.3, 0.4, 0.8))
    return noise(dice, rate, 7.3, 260, 1.1) + 0.25 * whistle * gusts


def rain(dice: Dice, rate: int) -> Wave:
    """A hiss, and drops near by."""
    wave = noise(dice, rate, 5.3, 5200, 1.0) * np.float32(0.5)
    envelope = fading(rate, 0.02, 0.0008, 0.004)
    drops = [envelope * noise(dice, rate, 0.02, dice.uniform(1500, 6000), 0.5) for _ in range(24)]
    for number in range(420):
        strewn(wave, drops[number % len(drops)], dice.random(), dice.uniform(0.3, 1.6))
    return wave


def sea(dice: Dice, rate: int) -> Wave:
    """A deep swell, and the foam that follows it."""
    deep, foam = noise(dice, rate, 9.1, 240, 1.3), noise(dice, rate, 9.1, 3200, 1.1)
    t = np.linspace(0.0, 1.0, len(deep), endpoint=False)
    roll = (0.5 - 0.5 * np.cos(2 * np.pi * t)) ** 2
    return np.asarray(deep * (0.35 + 0.65 * roll) + 0.5 * foam * np.roll(roll, len(t) // 8), dtype=np.float32)


def stream(dice: Dice, rate: int) -> Wave:
    """Running water with drops whose pitch rises."""
    wave = noise(dice, rate, 6.1, 1500, 0.9) * np.float32(0.6)
    for _ in range(160):
        hz, length = dice.uniform(400, 1500), dice.uniform(0.02, 0.06)
        drop = tone(rate, length, hz, hz * dice.uniform(1.1, 1.6))
        strewn(wave, drop * fading(rate, length, 0.004, 0.03)[: len(drop)], dice.random(), dice.uniform(0.3, 1.2))
    return wave


def bubbles(dice: Dice, rate: int) -> Wave:
    """Round blips, each rising as a bubble's surface closes, over a murmur under water."""
    wave = noise(dice, rate, 5.7, 170, 0.8) * np.float32(0.06)
    for _ in range(70):
        hz, length = dice.uniform(260, 900), dice.uniform(0.04, 0.11)
        blip = tone(rate, length, hz, hz * dice.uniform(1.5, 2.1))
        strewn(wave, arch(blip, 0.7), dice.random(), dice.uniform(0.3, 1.0))
    return wave


def fire(dice: Dice, rate: int) -> Wave:
    """A low roar, and cracks of all sizes."""
    wave = noise(dice, rate, 6.7, 180, 1.2) * np.float32(0.5)
    for _ in range(110):
        crack = fading(rate, 0.03, 0.0004, dice.uniform(0.001, 0.008)) * noise(dice, rate, 0.03, 3000, 0.9)
        strewn(wave, crack, dice.random(), float(dice.uniform(0.5, 1.0) ** 3 * 7))
    return wave


def thunder(dice: Dice, rate: int) -> Wave:
    """A clap that rolls away in several waves."""
    wave = noise(dice, rate, 10.0, 60, 1.0) * np.float32(0.04)
    for at, level in ((0.06, 1.0), (0.12, 0.7), (0.19, 0.45)):
        clap = noise(dice, rate, 4.5, 85, 1.3) * fading(rate, 4.5, 0.05, 1.2)
        strewn(wave, clap, at + dice.uniform(-0.01, 0.01), level)
    return wave


def birds(dice: Dice, rate: int) -> Wave:
    """Phrases of a few gliding notes, here and there."""
    wave = noise(dice, rate, 8.9, 2400, 1.4) * np.float32(0.015)
    for _ in range(9):
        place, hz, level = dice.random(), dice.uniform(2300, 4800), dice.uniform(0.3, 1.0)
        for note in range(dice.integers(2, 6)):
            length = dice.uniform(0.05, 0.12)
            chirp = tone(rate, length, hz * dice.uniform(0.9, 1.2), hz * dice.uniform(0.8, 1.3))
            strewn(wave, arch(chirp), (place + note * 0.018) % 1.0, level)
    return wave


def crickets(dice: Dice, rate: int) -> Wave:
    """Three insects, each with its pitch near 4.5 kHz and its chirps of three pulses."""
    wave = noise(dice, rate, 6.0, 5000, 0.8) * np.float32(0.01)
    for each, chirps in enumerate((14, 11, 13)):  # in a round of six seconds
        hz, level = dice.uniform(4100, 4900), (1.0, 0.6, 0.35)[each]
        pulse = arch(tone(rate, 0.016, hz, hz * 0.99))
        for number in range(chirps * 3):
            at = (number // 3 + each / 3) / chirps + (number % 3) * 0.028 / 6.0
            strewn(wave, pulse, at % 1.0, level)
    return wave


def horse(dice: Dice, rate: int) -> Wave:
    """A gallop: three hooves close together, then a moment in the air."""
    wave = silence(rate, 4.2)
    for stride in range(8):
        for beat, (at, level) in enumerate(((0.0, 0.8), (0.25, 0.9), (0.46, 1.0))):
            hoof = knock(dice, rate, 0.12, (330 + 90 * beat, 0.5), 0.018) + 0.8 * knock(
                dice, rate, 0.12, (95, 0.6), 0.03
            )
            strewn(wave, hoof, (stride + at + dice.uniform(-0.02, 0.02)) / 8 + 0.02, level * dice.uniform(0.85, 1.0))
    return wave


def dog(dice: Dice, rate: int) -> Wave:
    """A few barks: a rough voice that falls."""
    wave, hz = silence(rate, 5.3), dice.uniform(330, 460)
    for at in (0.04, 0.11, 0.40, 0.47, 0.54):
        voice = sum(tone(rate, 0.17, hz * n * 1.15, hz * n * 0.8) / n for n in (1, 2, 3, 4))
        rough = 0.5 * noise(dice, rate, 0.17, 1100, 0.7)[: len(np.asarray(voice))]
        strewn(wave, np.asarray(voice + rough, np.float32) * fading(rate, 0.17, 0.012, 0.06), at, 1.0)
    return wave
