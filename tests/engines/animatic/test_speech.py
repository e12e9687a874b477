import json
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.spoken.tongue import Tongue
from rushes.engines.engine import Cancelled, Progress, SoundTrack
from tests.engines.animatic.asking import heard

TEXT = "The quick brown fox jumps over the lazy dog. Will it come back again, or not?"


@pytest.fixture(autouse=True, params=["espeak-ng", "our own"])
def plain(request: pytest.FixtureRequest) -> bool:
    """Test both speakers: espeak-ng where it is installed, and the one that is always there."""
    if request.param == "espeak-ng" and Tongue.found() is None:
        pytest.skip("the extra 'speech' is not installed")
    CHOSEN["plain"] = request.param == "our own"
    return CHOSEN["plain"]


CHOSEN = {"plain": False}


def say(text: str = TEXT, **changes: object) -> npt.NDArray[np.float32]:
    asked = SpeechCall(text, **{**CHOSEN, **changes})  # type: ignore[arg-type]
    track = AnimaticEngine().generate(asked, lambda progress: None, lambda: False)
    assert isinstance(track, SoundTrack)
    return heard(track)


def pitch(sound: npt.NDArray[np.float32], rate: int = 32_000) -> float:
    """Return the strongest period of a stretch of speech, in hertz."""
    best = []
    for first in range(0, len(sound) - 2048, 2048):
        part = sound[first : first + 2048, 0]
        if part.std() < 0.06:
            continue
        power = np.abs(np.fft.rfft(part - part.mean(), 4096)) ** 2
        likeness = np.fft.irfft(power)[: rate // 60]
        best.append(rate / (np.argmax(likeness[rate // 420 :]) + rate // 420))
    return float(np.median(best))


def seconds(**changes: object) -> float:
    return len(say(**changes)) / 32_000  # type: ignore[arg-type]


def test_length_is_about_thirteen_letters_a_second() -> None:
    long = TEXT * 2
    assert len(say(long, voice="Narrator_Man")) / 32_000 == pytest.approx(len(long) / 13, rel=0.15)
    assert seconds(text=TEXT * 2) == pytest.approx(2 * seconds(), rel=0.1)


@pytest.mark.parametrize("speed", [0.5, 0.8, 1.5, 2.0])
def test_length_scales_with_speed(speed: float) -> None:
    assert seconds(speed=speed) == pytest.approx(seconds() / speed, rel=0.05)


@pytest.mark.parametrize("sample_rate", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100])
@pytest.mark.parametrize("channels", [1, 2])
def test_rate_and_channels_are_those_asked_for(sample_rate: int, channels: int) -> None:
    sound = say(sample_rate=sample_rate, channels=channels)
    assert sound.shape[1] == channels
    assert len(sound) / sample_rate == pytest.approx(seconds(), abs=0.01)
    assert sound.std() > 0.03


def test_the_same_text_is_spoken_the_same_and_voices_differ() -> None:
    assert np.array_equal(say(voice="Calm_Woman"), say(voice="Calm_Woman"))
    assert len({say(voice=voice)[:, 0].tobytes() for voice in ("Calm_Woman", "Wise_Woman", "Deep_Voice_Man")}) == 3


def test_women_speak_higher_than_men_and_children_higher_still() -> None:
    man, woman, girl = (pitch(say(voice=voice)) for voice in ("Patient_Man", "Calm_Woman", "Lovely_Girl"))
    assert 80 < man < woman < girl < 400


def test_pitch_is_given_in_semitones() -> None:
    voice = "Patient_Man"
    assert pitch(say(voice=voice, pitch=12.0)) == pytest.approx(2 * pitch(say(voice=voice)), rel=0.12)


def test_volume_runs_from_silence_to_loud_without_clipping() -> None:
    plain = say()
    assert np.abs(say(volume=0.0)).max() == 0.0
    assert say(volume=0.5).std() == pytest.approx(0.5 * plain.std(), rel=0.01)
    assert plain.std() < say(volume=10.0).std()
    assert np.abs(say(volume=10.0)).max() < 1.0


@pytest.mark.parametrize("emotion", ["happy", "sad", "angry", "fearful", "disgusted", "surprised"])
def test_an_emotion_changes_the_way_of_speaking(emotion: str) -> None:
    assert not np.array_equal(say(emotion=emotion), say())


def test_sad_is_slower_and_quieter_than_angry() -> None:
    assert seconds(emotion="sad") > seconds(emotion="angry")
    assert say(emotion="sad").std() < say(emotion="angry").std()


def test_punctuation_makes_pauses() -> None:
    def silent_s(text: str) -> float:
        sound = say(text)[:, 0]
        frames = sound[: len(sound) // 320 * 320].reshape(-1, 320).std(axis=1)
        return float((frames < 0.004).sum()) / 100

    assert silent_s("One day. We went. Far away. From home.") > silent_s("One day we went far away from home.") + 0.5


def test_a_profile_changes_the_voice(tmp_path: Path) -> None:
    low, high = tmp_path / "low.json", tmp_path / "high.json"
    low.write_text(json.dumps({"pitch_hz": 90}))
    high.write_text(json.dumps({"pitch_hz": 230}))
    assert pitch(say(profile=str(low))) < 130
    assert pitch(say(profile=str(high))) > 170


@pytest.mark.parametrize("text", ["", "...", "?!", " \n ", "—", "🙂"])
def test_nothing_to_say_is_a_short_silence(text: str) -> None:
    sound = say(text)
    assert 0.1 < len(sound) / 32_000 < 2.0
    assert np.abs(sound).max() == 0.0


@pytest.mark.parametrize(
    "text", ["你好，世界。今天天气很好。", "Привет, мир!", "مرحبا بالعالم؟", "Ça va, élève?", "x" * 300]
)
def test_any_script_is_spoken(text: str) -> None:
    assert say(text).std() > 0.02


def test_a_pronunciation_is_said_instead() -> None:
    assert np.abs(len(say("omg", pronunciations=(("OMG", "oh my god"),))) - len(say("oh my god"))) < 10


def test_it_speaks_clause_by_clause_with_a_sign_of_life_for_each_and_sees_a_cancel() -> None:
    told: list[Progress] = []
    looks = iter([False, False, False, True])
    text = re.sub(" ", ", ", TEXT)
    track = AnimaticEngine().generate(SpeechCall(text, plain=CHOSEN["plain"]), told.append, lambda: next(looks))
    with pytest.raises(Cancelled):
        heard(track)
    assert [progress.done for progress in told] == [1, 2]
