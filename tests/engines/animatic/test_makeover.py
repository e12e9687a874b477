import itertools

import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.makeover import Makeover, palette_transfer, sky_of
from tests.engines.animatic.asking import apart
from tests.engines.animatic.pictures import landscape, textured

WORDS = ("a snowy winter", "at night", "a pencil drawing", "watercolor", "anime", "pixel art", "clay", "", "映画")


def made(words: str, strength: float, frame: Picture) -> Picture:
    return Makeover(words, strength)(frame.copy())


@pytest.mark.parametrize("words", WORDS)
def test_more_strength_goes_farther(words: str) -> None:
    frame = landscape(320, 180)
    steps = [apart(made(words, mode / 9, frame), frame) for mode in (1, 5, 9)]
    assert 0.5 < steps[0] < steps[1] < steps[2]


def test_adhering_keeps_the_structure() -> None:
    frame = textured(320, 180)
    kept = np.corrcoef(made("at night", 1 / 9, frame).mean(axis=2).ravel(), frame.mean(axis=2).ravel())[0, 1]
    assert kept > 0.97


@pytest.mark.parametrize("words", WORDS)
def test_noise_does_not_boil(words: str) -> None:
    dice, makeover, plain = np.random.default_rng(1), Makeover(words, 1.0), textured(320, 180)
    noisy = [np.clip(plain + dice.normal(0, 3, plain.shape), 0, 255).astype(np.uint8) for _ in range(5)]
    out = [makeover(frame) for frame in noisy]
    given = max(apart(a, b) for a, b in itertools.pairwise(noisy))
    assert max(apart(a, b) for a, b in itertools.pairwise(out[1:])) < 2.5 * given


def test_a_picture_gives_its_palette() -> None:
    frame, look = textured(160, 90), np.clip(textured(160, 90, 3) * np.array([1.0, 0.6, 0.3]), 0, 255).astype(np.uint8)
    toned = Makeover("", 0.6, look)(frame.copy())
    assert (
        np.abs(toned.mean((0, 1)) - look.mean((0, 1))).sum()
        < 0.6 * np.abs(frame.mean((0, 1)) - look.mean((0, 1))).sum()
    )


def test_a_picture_s_own_palette_changes_nothing() -> None:
    frame = textured(160, 90)
    assert np.allclose(palette_transfer(frame, frame), np.eye(3, 4), atol=0.02)


def test_a_sky_is_found_and_a_face_s_wall_is_none() -> None:
    mask = sky_of(landscape(320, 180))
    assert mask[: len(mask) // 4].mean() > 0.6
    assert mask[len(mask) // 2 :].mean() < 0.05
    assert sky_of(np.full((90, 160, 3), 200, np.uint8)).max() == 0.0


def test_a_face_before_the_sky_keeps_its_colours() -> None:
    frame = np.full((180, 320, 3), (196, 210, 232), np.uint8)
    frame[130:] = (60, 70, 50)
    frame[40:110, 130:190] = (230, 186, 160)
    sky = sky_of(frame)
    assert sky[10, 10] > 0.9
    assert sky[38, 80] < 0.1


def test_a_snowy_night_is_dark_and_it_snows() -> None:
    frame = landscape(320, 180)
    both, snow = Makeover("a snowy winter night", 1.0), Makeover("a snowy winter", 1.0)
    assert both.fall == snow.fall == "snow"
    assert both(frame.copy()).mean() < 0.75 * snow(frame.copy()).mean()


def test_night_falls_over_bright_sand_and_not_only_around_the_sun() -> None:
    down, across = np.mgrid[0:180, 0:320].astype(np.float32)
    beach = np.empty((180, 320, 3), np.float32)
    beach[...] = (110, 165, 215)
    beach += 60.0 * np.exp(-((across - 90) ** 2 + (down - 40) ** 2) / 1800.0)[..., None]
    beach[110:] = (214, 190, 140)
    night = made("at night", 1.0, np.clip(beach, 0, 255).astype(np.uint8)).mean(axis=2)
    assert night[10:90, 220:].mean() < 90
    assert night[10:90, 220:].mean() < night[130:].mean() - 20
