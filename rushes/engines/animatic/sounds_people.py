"""One round of each sound that people make and their houses hold: steps, hands, voices, doors, clocks, bells, music."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.sounding import Dice, Wave, arch, fading, knock, noise, rung, silence, strewn, tone

WALK, RUN = 8.0 / 4.4, 8.0 / 2.9  # steps a second


def steps(dice: Dice, rate: int, beats: float = WALK) -> Wave:
    """Eight steps at a walk, so many a second."""
    return _paces(dice, rate, 8.0 / beats, 1.0)


def running(dice: Dice, rate: int, beats: float = RUN) -> Wave:
    """Eight steps at a run, harder."""
    return _paces(dice, rate, 8.0 / beats, 1.5)


def _paces(dice: Dice, rate: int, seconds: float, grit: float) -> Wave:
    wave = silence(rate, seconds)
    for number in range(8):
        heel = knock(dice, rate, 0.16, (140 + 20 * (number % 2), 0.7), 0.03)
        sole = fading(rate, 0.16, 0.02, 0.04) * noise(dice, rate, 0.16, 2600, 0.8)
        at = (number + dice.uniform(-0.03, 0.03)) / 8 + 0.05
        strewn(wave, heel + np.float32(0.3 * grit) * sole, at, dice.uniform(0.8, 1.0))
    return wave


def heartbeat(dice: Dice, rate: int) -> Wave:
    """Lub and dub, seventy times a minute."""
    wave = noise(dice, rate, 6.0, 60, 0.8) * np.float32(0.005)
    for number in range(7):
        for after, hz, level in ((0.0, 58, 1.0), (0.30, 74, 0.7)):
            beat = tone(rate, 0.2, hz * 1.3, hz * 0.8) * fading(rate, 0.2, 0.012, 0.05)
            click = 0.05 * knock(dice, rate, 0.2, (190, 0.6), 0.02)
            strewn(wave, beat + click, (number + 0.1 + after * 7 / 6) / 7, level)
    return wave


def applause(dice: Dice, rate: int) -> Wave:
    """Many pairs of hands, near and far."""
    wave = noise(dice, rate, 6.2, 1500, 0.9) * np.float32(0.10)
    claps = [knock(dice, rate, 0.05, (dice.uniform(900, 2400), 0.5), dice.uniform(0.004, 0.010)) for _ in range(20)]
    for _ in range(32):  # each pair keeps its own pace
        begin, level, pace = dice.random(), dice.uniform(0.15, 1.0) ** 2, dice.uniform(3.4, 4.8)
        for number in range(int(6.2 * pace)):
            at = begin + (number + dice.uniform(-0.12, 0.12)) / (6.2 * pace)
            strewn(wave, claps[int(dice.integers(20))], at % 1.0, float(level * dice.uniform(0.6, 1.0)))
    return wave


def crowd(dice: Dice, rate: int) -> Wave:
    """Voices of which no word is understood: syllables in the pitches and formants of many speakers."""
    wave = noise(dice, rate, 6.5, 480, 0.9) * np.float32(0.4)
    for _ in range(60):
        length = dice.uniform(0.1, 0.3)
        syllable = noise(dice, rate, length, dice.uniform(250, 1100), 0.35)
        strewn(wave, arch(syllable), dice.random(), dice.uniform(0.3, 0.9))
    return wave


def door(dice: Dice, rate: int) -> Wave:
    """A creak that climbs, a slam, and the latch."""
    wave = silence(rate, 6.0)
    creak = np.sign(tone(rate, 0.9, 55, 105)) * noise(dice, rate, 0.9, 900, 0.45)
    strewn(wave, arch(np.asarray(creak, np.float32)), 0.04, 0.22)
    slam = knock(dice, rate, 0.6, (85, 0.8), 0.09) + 0.35 * knock(dice, rate, 0.6, (700, 0.8), 0.02)
    strewn(wave, slam, 0.20, 1.0)
    strewn(wave, knock(dice, rate, 0.06, (2600, 0.4), 0.008), 0.22, 0.35)
    return wave


def clock(dice: Dice, rate: int) -> Wave:
    """Tick, tock: two clicks a second."""
    wave = noise(dice, rate, 4.0, 300, 1.0) * np.float32(0.004)
    for number in range(8):
        hz = 2900 if number % 2 == 0 else 2200
        click = knock(dice, rate, 0.05, (hz, 0.25), 0.006) + 0.4 * knock(dice, rate, 0.05, (700, 0.5), 0.01)
        strewn(wave, click, number / 8 + 0.03, 1.0 if number % 2 == 0 else 0.8)
    return wave


def bell(dice: Dice, rate: int) -> Wave:
    """Two strokes of a church bell: hum, prime, the minor third that bells have, and above."""
    wave, hz = silence(rate, 6.0), dice.uniform(380, 560)
    partials = ((0.5, 0.5, 2.0), (1.0, 1.0, 1.4), (1.2, 0.5, 1.0), (1.5, 0.3, 0.8), (2.0, 0.5, 0.6), (2.7, 0.3, 0.4))
    stroke = rung(rate, 4.0, tuple((hz * ratio, level, decay) for ratio, level, decay in partials))
    for at in (0.06, 0.45):
        strewn(wave, stroke, at, 1.0)
    return wave


def sword(dice: Dice, rate: int) -> Wave:
    """Blades drawn and crossed: inharmonic steel above two kilohertz after a short scrape."""
    wave = silence(rate, 5.0)
    for at in (0.05, 0.22, 0.29, 0.50, 0.71, 0.77):
        hz = dice.uniform(2000, 2900)
        ratios = ((1.0, 1.0), (1.48, 0.8), (2.09, 0.7), (2.56, 0.5), (3.1, 0.3))
        clang = rung(rate, 0.9, tuple((hz * ratio, level, 0.28 / ratio) for ratio, level in ratios))
        scrape = arch(noise(dice, rate, 0.12, 5500, 0.5)) * np.float32(0.25)
        strewn(wave, scrape, at - 0.015, 1.0)
        strewn(wave, clang, at, dice.uniform(0.6, 1.0))
        strewn(wave, knock(dice, rate, 0.04, (3500, 0.6), 0.006), at, 0.7)
    return wave


def glass(dice: Dice, rate: int) -> Wave:
    """A pane breaks, and its splinters fall."""
    wave = silence(rate, 5.0)
    strewn(wave, knock(dice, rate, 0.2, (4200, 0.8), 0.03), 0.06, 1.0)
    for _ in range(60):
        hz = dice.uniform(2500, 9000)
        splinter = rung(rate, 0.15, ((hz, 1.0, 0.03), (hz * 1.51, 0.5, 0.02)))
        strewn(wave, splinter, 0.06 + float(dice.exponential(0.06)) % 0.5, dice.uniform(0.1, 0.5))
    return wave


def typing(dice: Dice, rate: int) -> Wave:
    """Keys in quick runs with pauses between words."""
    wave, at = noise(dice, rate, 5.0, 250, 1.0) * np.float32(0.004), 0.02
    while at < 0.95:
        key = knock(dice, rate, 0.05, (dice.uniform(1800, 3200), 0.5), 0.006)
        strewn(wave, key, at, dice.uniform(0.5, 1.0))
        at += dice.uniform(0.02, 0.032) if dice.random() > 0.16 else 0.07
    return wave


def music(dice: Dice, rate: int) -> Wave:
    """A chord that is held, and beats slowly."""
    seconds = 8.0
    t = np.arange(int(seconds * rate)) / rate
    root = 110.0 * 2 ** (int(dice.integers(0, 8)) / 12)
    wave = np.zeros(len(t))
    for ratio, level in ((1.0, 1.0), (1.5, 0.6), (2.0, 0.5), (2.5, 0.35), (3.0, 0.25), (0.5, 0.6)):
        for detune in (-0.125, 0.125):  # an eighth of a hertz: the beating closes in the round
            hz = round(root * ratio * seconds) / seconds + detune
            wave += level * np.sin(2 * np.pi * hz * t + dice.uniform(0, 6.28))
    return wave.astype(np.float32)


def room(dice: Dice, rate: int) -> Wave:
    """The air of a room in which nothing happens."""
    return noise(dice, rate, 6.0, 220, 1.6)
