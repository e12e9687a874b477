import math

import numpy as np
import pytest

from rushes.engines.animatic.loudness import gain_to, limited, loudness

RATE = 48_000


def tone(level: float, hertz: float = 997.0, channels: int = 1) -> np.ndarray:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(2 * RATE) / RATE)
    return np.repeat(wave[:, None], channels, 1).astype(np.float32)


def test_the_standard_s_own_tone_has_the_loudness_that_it_names() -> None:
    assert loudness([tone(1.0)], RATE) == pytest.approx(-3.01, abs=0.1)
    assert loudness([tone(0.1, channels=2)], RATE) == pytest.approx(-20.0, abs=0.1)


def test_pieces_make_no_difference_and_silence_is_no_sound() -> None:
    whole = tone(0.2)
    assert loudness(np.array_split(whole, 7), RATE) == pytest.approx(loudness([whole], RATE), abs=0.01)
    assert loudness([whole * 0], RATE) == -math.inf
    assert gain_to(-20.0, -math.inf) == 1.0


def test_deep_tones_count_less_than_high_ones() -> None:
    assert loudness([tone(0.2, 30.0)], RATE) < loudness([tone(0.2, 3000.0)], RATE) - 5.0


def test_the_limiter_leaves_what_is_soft_and_lets_nothing_through() -> None:
    assert np.array_equal(limited(tone(0.6)), tone(0.6))
    assert np.abs(limited(tone(9.0))).max() < 1.0
