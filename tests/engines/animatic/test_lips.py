from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.lips import Acting, Mouth
from rushes.engines.animatic.soundtrack import levels_of
from tests.engines.animatic.asking import call, recorded, sounding
from tests.engines.animatic.pictures import film, landscape, saved
from tests.engines.animatic.test_face import face

FPS = 16.0


def talking(source: dict[str, object], **changes: object) -> Picture:
    size = {"width": 640, "height": 420, "frames": 64, "fps": FPS}
    return film(call("static shot", **{**size, **source, "lipsync": True, **changes}))  # type: ignore[arg-type]


def openness(frames: Picture) -> npt.NDArray[np.float64]:
    """Return how much of the mouth's middle is dark in each frame."""
    middle = frames[:, 225:265, 308:332].mean(axis=-1)
    return np.asarray((middle < 70).mean(axis=(1, 2)), dtype=np.float64)


@pytest.mark.parametrize("moving", [True, False])
def test_lips_follow_the_voice_within_a_frame(moving: bool, tmp_path: Path) -> None:
    source: dict[str, object] = {"image": saved(face(), tmp_path)}
    if moving:
        source = {"video": recorded(np.stack([face()] * 64), tmp_path, FPS)}
    said = SpeechCall("The tide is out, and the boats lie on the sand. Will they come back?", "Calm_Woman")
    asked = call(**{"frames": 64, "fps": FPS, "speech": said, "lipsync": True})  # type: ignore[arg-type]
    levels = levels_of(asked)
    assert levels is not None
    wanted, seen = np.array(list(levels)), openness(talking(source, speech=said))
    best = max(range(-2, 3), key=lambda lag: np.corrcoef(wanted[3:-3], np.roll(seen, -lag)[3:-3])[0, 1])
    assert abs(best) <= 1
    assert np.corrcoef(wanted, seen)[0, 1] >= 0.7


def test_what_is_far_from_the_face_stays(tmp_path: Path) -> None:
    frames = talking({"image": saved(face(), tmp_path)}, sound=sounding(4.0, tmp_path, level=0.9))
    assert not np.ptp(frames[:, :, :150].astype(np.int16), axis=0).any()
    assert not np.ptp(frames[:, :, 490:].astype(np.int16), axis=0).any()


def test_where_there_is_no_face_nothing_moves(tmp_path: Path) -> None:
    picture = landscape(320, 200)
    mouth = Mouth(picture.copy())
    assert not mouth.found
    shown = picture.copy()
    mouth.open(1.0, on=shown)
    assert np.array_equal(shown, picture)


def test_eyes_blink_at_natural_times_the_same_for_a_seed() -> None:
    def blinks(seed: int) -> list[float]:
        acting = Acting(seed, 25.0)
        lids = [acting.next(0.2).blink for _ in range(25 * 60)]
        return [index / 25.0 for index in range(1, len(lids)) if lids[index] > 0 and lids[index - 1] == 0]

    assert blinks(1) == blinks(1) != blinks(2)
    assert 8 <= len(blinks(1)) <= 35
    assert min(np.diff(blinks(1))) > 0.5


def test_a_head_moves_without_a_jerk() -> None:
    acting = Acting(3, 25.0)
    looks = [acting.next(float(index % 9 > 3)) for index in range(500)]
    shifts = np.array([(look.right, look.down) for look in looks])
    assert np.abs(np.diff(shifts, axis=0)).max() < 0.006  # of the distance between the eyes
    assert 0.01 < np.ptp(shifts, axis=0).max() < 0.12
