from pathlib import Path

import numpy as np
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.engine import AnimaticEngine
from tests.engines.animatic.asking import RATE, call, heard, sound_of, sounding


def test_a_film_without_sound_has_none() -> None:
    assert AnimaticEngine().generate(call(), lambda progress: None, lambda: False).sound is None


@pytest.mark.parametrize(("frames", "fps"), [(24, 12.0), (81, 16.0), (97, 24.0), (30, 29.97), (1, 24.0)])
@pytest.mark.parametrize("given_s", [0.3, 9.0])
@pytest.mark.parametrize("foley", [None, "rain"])
def test_sound_is_as_long_as_the_film(
    frames: int, fps: float, given_s: float, foley: str | None, tmp_path: Path
) -> None:
    sound = sound_of(call(frames=frames, fps=fps, sound=sounding(given_s, tmp_path), foley=foley))
    assert abs(len(sound) - frames / fps * RATE) <= 1


@pytest.mark.parametrize("channels", [1, 2])
def test_a_given_sound_comes_untouched_with_its_channels(channels: int, tmp_path: Path) -> None:
    path = sounding(2.0, tmp_path, channels)
    sound = sound_of(call(sound=path))
    assert sound.shape[1] == channels
    assert np.allclose(sound, np.load(path) / 32768.0, atol=1e-4)


def test_a_short_sound_is_followed_by_silence_and_a_long_one_fades_at_the_cut(tmp_path: Path) -> None:
    short, long = sound_of(call(sound=sounding(0.5, tmp_path))), sound_of(call(sound=sounding(3.0, tmp_path)))
    assert np.abs(short[RATE:]).max() == 0.0
    assert np.abs(short[: RATE // 4]).max() > 0.4
    assert np.abs(long[-20:]).max() < 0.01
    assert np.abs(long[RATE : RATE + 1000]).max() > 0.4


def test_speech_is_heard_in_the_film() -> None:
    sound = sound_of(call(speech=SpeechCall("Good evening, and welcome.")))
    assert sound.std() > 0.02


def test_made_up_sounds_are_mixed_with_the_given_one(tmp_path: Path) -> None:
    path = sounding(2.0, tmp_path, channels=2)
    plain, mixed = sound_of(call(sound=path)), sound_of(call(sound=path, foley="a storm at sea"))
    assert 0.005 < (mixed - plain).std() < 0.3


def test_made_up_sounds_alone_are_stereo_and_begin_and_end_softly() -> None:
    sound = sound_of(call(foley="wind"))
    assert sound.shape[1] == 2
    assert not np.array_equal(sound[:, 0], sound[:, 1])
    assert abs(sound[0]).max() < 1e-3
    assert abs(sound[-1]).max() < 1e-3


def test_the_seed_makes_other_sounds_of_the_same_kind() -> None:
    one, again, other = (sound_of(call(foley="rain", seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_sound_can_be_cancelled_too() -> None:
    from rushes.engines.engine import Cancelled

    looks = iter([False, True])
    made = AnimaticEngine().generate(call(foley="wind"), lambda progress: None, lambda: next(looks))
    with pytest.raises(Cancelled):
        heard(made.sound)
