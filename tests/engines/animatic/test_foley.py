import numpy as np
import numpy.typing as npt
import pytest

from rushes.engines.animatic.foley import layers_of

RATE = 48_000
KINDS = (
    "wind", "heavy rain", "ocean waves", "a river", "a crackling fire", "footsteps on gravel", "a busy street",
    "a car engine", "birds in a forest", "soft music", "thunder", "a murmuring crowd", "church bells", "bubbles",
    "somebody running", "a galloping horse", "a dog barks", "a helicopter", "a train", "a siren", "crickets",
    "an explosion", "gunfire", "applause", "a clock ticks", "a door slams", "clashing swords", "shattering glass",
    "typing", "an alarm", "a heartbeat", "whoosh",
)  # fmt: skip


def heard(words: str, seconds: float = 6.0, seed: int = 1) -> npt.NDArray[np.float32]:
    layers = layers_of(words, seed, RATE)
    return np.asarray(sum(layer.at(0, int(seconds * RATE), RATE) for layer in layers), np.float32)


def centre(sound: npt.NDArray[np.float32]) -> float:
    power = np.abs(np.fft.rfft(sound))
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float((power * hertz).sum() / power.sum())


@pytest.mark.parametrize("words", [*KINDS, "", "a cat on a sofa", "映画"])
def test_every_description_gives_something_to_hear(words: str) -> None:
    sound = heard(words)
    assert 0.002 < sound.std() < 0.4
    assert np.isfinite(sound).all()


def test_kinds_of_sound_differ() -> None:
    assert len({round(centre(heard(words)), 3) for words in KINDS}) == len(KINDS)
    assert centre(heard("wind")) < centre(heard("birds chirping")) / 2
    assert centre(heard("thunder")) < centre(heard("rain")) / 3


def share(sound: npt.NDArray[np.float32], low: float, high: float) -> float:
    """Return the part of the power that lies between two frequencies."""
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(power[(hertz >= low) & (hertz < high)].sum() / power.sum())


def onsets(sound: npt.NDArray[np.float32], apart_s: float = 0.08) -> list[float]:
    """Return when something new begins: where the envelope (5 ms) leaps above a quarter of its highest value."""
    size = RATE // 200
    envelope = np.sqrt((sound[: len(sound) // size * size].reshape(-1, size) ** 2).mean(axis=1))
    found: list[float] = []
    for index in range(1, len(envelope)):
        leaps = envelope[index] > 0.25 * envelope.max() and envelope[index] > 1.8 * envelope[max(0, index - 4)]
        if leaps and (not found or index / 200 - found[-1] > apart_s):
            found.append(index / 200)
    return found


@pytest.mark.parametrize(
    ("words", "low", "high", "least"),
    [
        ("thunder", 20, 300, 0.9),
        ("a heartbeat", 20, 200, 0.9),
        ("an explosion", 15, 300, 0.7),
        ("crickets", 3500, 5500, 0.8),
        ("birds chirping", 1800, 6500, 0.8),
        ("clashing swords", 1800, 12000, 0.8),
        ("a siren", 550, 1400, 0.8),
        ("bubbles", 200, 2000, 0.7),
        ("shattering glass", 2000, 16000, 0.8),
    ],
)
def test_a_sound_lies_where_it_does_in_life(words: str, low: float, high: float, least: float) -> None:
    assert share(heard(words), low, high) > least


@pytest.mark.parametrize(
    ("words", "least", "most"),
    [
        ("footsteps", 1.5, 2.1),
        ("running", 2.4, 3.1),
        ("a clock ticks", 1.8, 2.2),
        ("a galloping horse", 4.0, 6.2),
        ("a heartbeat", 1.9, 2.6),
        ("typing on a keyboard", 3.0, 9.0),
    ],
)
def test_a_sound_has_its_pace(words: str, least: float, most: float) -> None:
    assert least < len(onsets(heard(words, 12.0))) / 12.0 < most


def test_steps_come_from_one_place_and_rain_from_everywhere() -> None:
    for words, alike in (("footsteps", True), ("church bells", True), ("rain", False), ("applause", False)):
        sides = [sum(layer.at(0, 4 * RATE, RATE) for layer in layers_of(words, 1, RATE, side)) for side in (0, 1)]
        assert bool(np.corrcoef(sides[0], sides[1])[0, 1] > 0.8) is alike
        assert not np.array_equal(sides[0], sides[1])


def test_several_sounds_are_layered_in_the_order_of_the_words() -> None:
    assert len(layers_of("rain on the street, wind and thunder", 1, RATE)) == 4
    assert len(layers_of("rain wind sea river fire city engine birds", 1, RATE)) == 4


def test_any_piece_of_a_layer_is_the_same_as_in_the_whole() -> None:
    (layer,) = layers_of("rain", 1, RATE)
    whole = layer.at(0, 20 * RATE, RATE)
    assert np.allclose(layer.at(13 * RATE, RATE, RATE), whole[13 * RATE : 14 * RATE], atol=1e-6)


@pytest.mark.parametrize("words", KINDS)
def test_a_round_closes_without_a_click(words: str) -> None:
    for layer in layers_of(words, 1, RATE):
        inner = np.abs(np.diff(layer.round))
        assert abs(float(layer.round[0] - layer.round[-1])) <= float(inner.max())


@pytest.mark.parametrize("words", ["footsteps on gravel, no music", "footsteps without any music or traffic"])
def test_a_sound_that_is_refused_is_not_heard(words: str) -> None:
    (layer,) = layers_of(words, 1, RATE)
    assert np.array_equal(layer.round, layers_of("footsteps", 1, RATE)[0].round)


def test_what_comes_after_a_refusal_is_heard() -> None:
    assert len(layers_of("no music but rain", 1, RATE)) == 1
    assert np.array_equal(layers_of("no music but rain", 1, RATE)[0].round, layers_of("rain", 1, RATE)[0].round)
