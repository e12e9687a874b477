from pathlib import Path

import numpy as np
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.articulation import Lips, lips_of
from rushes.engines.animatic.speech import spoken
from rushes.engines.animatic.spoken.character import character_of
from tests.engines.animatic.asking import RATE, call, sounding


def lips(**changes: object) -> list[Lips]:
    found = lips_of(call(**changes))  # type: ignore[arg-type]
    assert found is not None
    return list(found)


def saying(text: str, fps: float = 50.0, **changes: object) -> list[Lips]:
    return lips(speech=SpeechCall(text, "Calm_Woman", **changes), fps=fps, frames=round(2.5 * fps))  # type: ignore[arg-type]


def test_a_film_without_a_voice_has_no_lips() -> None:
    assert lips_of(call()) is None


@pytest.mark.parametrize("level", [0.05, 0.9])
def test_a_quiet_voice_opens_a_mouth_like_a_loud_one(level: float, tmp_path: Path) -> None:
    found = [one.open for one in lips(sound=sounding(1.0, tmp_path, hertz=700.0, level=level))]
    assert len(found) == 24
    assert min(found[3:11]) > 0.75
    assert max(found[14:]) == 0.0


def test_rumble_and_hiss_are_no_voice(tmp_path: Path) -> None:
    path = tmp_path / "rumble.npy"
    at = np.arange(RATE) / RATE
    np.save(path, (12_000 * (np.sin(2 * np.pi * 50 * at) + np.sin(2 * np.pi * 9000 * at))).astype(np.int16)[:, None])
    assert max(one.open for one in lips(sound=str(path))[1:10]) < 0.05  # where it breaks off it clicks


def test_lips_meet_for_an_m_in_the_middle_of_a_word() -> None:
    said = SpeechCall("Amma", "Calm_Woman", sample_rate=RATE)
    phonemes = [
        one
        for breath in spoken(said, character_of("Calm_Woman", None), lambda _: None, lambda: False)
        for one in breath.phonemes
    ]
    if not phonemes:
        pytest.skip("espeak-ng is not installed")
    number = next(index for index, (_, name) in enumerate(phonemes) if name == "m")
    middle = (phonemes[number][0] + phonemes[number + 1][0]) / 2
    found = saying("Amma")
    assert found[int(middle * 50)].open < 0.12
    assert max(one.open for one in found[: int(middle * 50)]) > 0.5


def test_who_is_round_and_see_is_spread() -> None:
    who, see = (saying(word * 3, plain=False) for word in ("who ", "see "))
    opened = [[one.wide for one in found if one.open > 0.25] for found in (who, see)]
    assert np.mean(opened[0]) < np.mean(opened[1]) - 0.3
