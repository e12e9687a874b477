from pathlib import Path

import numpy as np

from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.motion import motion_of
from tests.engines.animatic.asking import call, recorded
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
