import numpy as np
import numpy.typing as npt
import pytest

from rushes.engines.animatic.foley import layers_of

RATE = 48_000
KINDS = (
    "wind", "heavy rain", "ocean waves", "a river", "a crackling fire", "footsteps on gravel", "a busy street",
    "a car engine", "birds in a forest", "soft music", "thunder", "a cheering crowd", "church bells",
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
