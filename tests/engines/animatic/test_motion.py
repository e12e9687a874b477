from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.motion import motion_of, pace_of
from tests.engines.animatic.asking import call, recorded, sound_of
from tests.engines.animatic.pictures import textured


def stop_and_go() -> Picture:
    """A camera that rests for a second, sweeps for one and rests again, 24 frames a second."""
    wide = textured(800, 90)
    at = np.concatenate([np.zeros(24), np.arange(24) * 18, np.full(24, 23 * 18)]).astype(int)
    return np.stack([wide[:, first : first + 160] for first in at])


def test_motion_is_found_when_it_happens(tmp_path: Path) -> None:
    moved = motion_of(recorded(stop_and_go(), tmp_path), 72)
    assert len(moved) == 72
    assert moved[30:42].min() > 0.5
    assert max(moved[:16].max(), moved[56:].max()) < 0.1


def test_air_rushes_while_the_picture_moves(tmp_path: Path) -> None:
    asked = call("", video=recorded(stop_and_go(), tmp_path), keep=72, frames=72, foley="whoosh")
    made = AnimaticEngine().generate(asked, lambda progress: None, lambda: False)
    assert made.sound is not None
    sound = np.concatenate(list(made.sound.chunks))
    before, during = (sound[int(a * 48_000) : int(b * 48_000)].std() for a, b in ((0.2, 1.6), (2.4, 3.6)))
    assert during > 2.0 * before


def walking(steps: float, seconds: float, fps: float) -> Picture:
    """Return what a walker's camera sees: it goes on, and jolts at every step."""
    large, frames, across = textured(700, 140), [], 0.0
    for number in range(round(seconds * fps)):
        across += 1.2 + 2.0 * max(0.0, np.cos(2 * np.pi * steps * number / fps)) ** 3
        shift = np.array([[1, 0, -across], [0, 1, -20]], np.float32)
        frames.append(cv2.warpAffine(large, shift, (160, 90)))
    return np.stack(frames)


@pytest.mark.parametrize("steps", [1.6, 2.1, 2.6])
def test_steps_are_heard_at_the_picture_s_pace(steps: float, tmp_path: Path) -> None:
    video = recorded(walking(steps, 5.0, 24.0), tmp_path, 24.0)
    found = pace_of(motion_of(video, 120), 24.0)
    assert found == pytest.approx(steps, rel=0.06)
    heard = sound_of(call("", video=video, keep=120, frames=120, fps=24.0, foley="footsteps"))[:, 0]
    loud = np.sqrt(np.mean(heard[: len(heard) // 480 * 480].reshape(-1, 480) ** 2, axis=1))
    onsets = np.flatnonzero((loud[1:] > 0.3 * loud.max()) & (loud[:-1] < 0.2 * loud.max()))
    assert 100.0 / float(np.median(np.diff(onsets))) == pytest.approx(steps, rel=0.12)


def test_an_even_pan_has_no_pace() -> None:
    assert pace_of(np.full(120, 0.4, np.float32), 24.0) is None
    assert pace_of(np.random.default_rng(3).uniform(0, 1, 20).astype(np.float32), 24.0) is None


def test_what_moves_only_at_the_end_has_no_pace() -> None:
    series = np.zeros(96, np.float32)
    series[-6:] = np.linspace(0, 1, 6)
    assert pace_of(series, 24.0) is None
