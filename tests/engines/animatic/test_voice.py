import json
from pathlib import Path

import numpy as np
import pytest

from rushes.calls import CloneCall, ForgetCall, SpeechCall
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.spoken.character import character_of
from rushes.engines.engine import Cancelled, Value, Voice
from tests.engines.animatic.asking import RATE, heard

TEXT = "This is a sample of how I speak, and it goes on for quite a while. Are you still listening?"


def sample(voice: str, folder: Path, noise: float = 0.0, level: float = 1.0) -> str:
    """Write speech of a built-in voice as a decoded sound."""
    track = AnimaticEngine().generate(SpeechCall(TEXT, voice, sample_rate=RATE), lambda progress: None, lambda: False)
    sound = heard(track) * level + np.random.default_rng(1).normal(0, noise, (1, 1)) * 0
    sound = sound + np.random.default_rng(1).normal(0, max(noise, 1e-6), sound.shape)
    path = folder / f"{voice}-{noise}-{level}.npy"
    np.save(path, (np.clip(sound, -1, 1) * 32767).astype(np.int16))
    return str(path)


def cloned(path: str, **changes: object) -> Voice:
    given: dict[str, object] = {"voice": "v1", "sample": path, "text": TEXT, **changes}
    made = AnimaticEngine().generate(CloneCall(**given), lambda progress: None, lambda: False)  # type: ignore[arg-type]
    assert isinstance(made, Voice)
    return made


@pytest.mark.parametrize("voice", ["Deep_Voice_Man", "Patient_Man", "Calm_Woman", "Lovely_Girl"])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_clone_has_its_sample_s_pitch(voice: str, noise: float, tmp_path: Path) -> None:
    profile = json.loads(cloned(sample(voice, tmp_path, noise), noise_reduction=noise > 0).profile)
    assert profile["pitch_hz"] == pytest.approx(character_of(voice, None).pitch_hz, rel=0.12)


def test_a_higher_voice_has_a_smaller_mouth(tmp_path: Path) -> None:
    man, girl = (json.loads(cloned(sample(voice, tmp_path)).profile) for voice in ("Patient_Man", "Lovely_Girl"))
    assert man["tract"] < girl["tract"]


def test_the_preview_speaks_the_text_with_the_cloned_voice(tmp_path: Path) -> None:
    voice = cloned(sample("Calm_Woman", tmp_path))
    profile = tmp_path / "profile.json"
    profile.write_text(voice.profile)
    again = AnimaticEngine().generate(
        SpeechCall(TEXT, "v1", profile=str(profile), sample_rate=voice.preview.sample_rate),
        lambda progress: None,
        lambda: False,
    )
    preview = heard(voice.preview)
    assert preview.std() > 0.03
    assert abs(len(heard(again)) - len(preview)) < 200  # a profile is rounded


def test_a_preview_of_no_text_says_something(tmp_path: Path) -> None:
    assert len(heard(cloned(sample("Calm_Woman", tmp_path), text=" ").preview)) > RATE


def test_noise_reduction_keeps_noise_out_of_the_voice_s_colour(tmp_path: Path) -> None:
    clean = json.loads(cloned(sample("Calm_Woman", tmp_path)).profile)
    noisy = sample("Calm_Woman", tmp_path, noise=0.03)
    kept, reduced = (json.loads(cloned(noisy, noise_reduction=flag).profile) for flag in (False, True))
    assert abs(reduced["tilt"] - clean["tilt"]) < 0.7 * abs(kept["tilt"] - clean["tilt"])
    assert reduced["pitch_hz"] == pytest.approx(clean["pitch_hz"], rel=0.05)


def test_loudness_is_taken_over_unless_it_is_normalised(tmp_path: Path) -> None:
    quiet = sample("Calm_Woman", tmp_path, level=0.1)
    kept, even = (json.loads(cloned(quiet, normalise_volume=flag).profile) for flag in (False, True))
    assert kept["energy"] < even["energy"] == 1.0


@pytest.mark.parametrize("kind", ["silence", "noise", "one sample", "stereo tone", "clipped"])
def test_any_sample_gives_a_voice(kind: str, tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    sounds = {
        "silence": np.zeros((RATE, 1)),
        "noise": dice.normal(0, 5000, (RATE * 2, 1)),
        "one sample": np.ones((1, 1)),
        "stereo tone": np.repeat(np.sin(np.arange(RATE) * 0.02)[:, None] * 9000, 2, axis=1),
        "clipped": dice.choice([-32768, 32767], (RATE, 1)),
    }
    np.save(tmp_path / "odd.npy", sounds[kind].clip(-32768, 32767).astype(np.int16))
    profile = json.loads(cloned(str(tmp_path / "odd.npy")).profile)
    assert 60 <= profile["pitch_hz"] <= 420
    assert all(np.isfinite(value) for value in profile.values())


def test_a_voice_is_forgotten_without_making_anything() -> None:
    engine = AnimaticEngine()
    assert engine.generate(ForgetCall("v1"), lambda progress: None, lambda: False) == Value({})
    with pytest.raises(Cancelled):
        engine.generate(ForgetCall("v1"), lambda progress: None, lambda: True)
    with pytest.raises(Cancelled):
        engine.generate(CloneCall("v1", "", ""), lambda progress: None, lambda: True)


def test_two_voices_far_apart_in_one_sample_give_a_profile_of_numbers(tmp_path: Path) -> None:
    low, high = (
        sum(np.sin(2 * np.pi * hz * part * np.arange(21 * 960) / RATE) / part for part in range(1, 8))
        for hz in (67.0, 398.0)
    )
    sound = np.concatenate([low, np.zeros(1920), high]) * 0.3
    path = tmp_path / "two.npy"
    np.save(path, (np.clip(sound, -1, 1) * 32767).astype(np.int16)[:, None])
    profile = json.loads(cloned(str(path), text="Hello.").profile)
    assert all(np.isfinite(value) for value in profile.values())
