from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rushes.calls import SpeechCall
from rushes.engines.animatic.acting import Mien
from rushes.engines.animatic.articulation import Lips
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.lips import Mouth
from tests.engines.animatic.asking import RATE, call, recorded, sound_of, sounding
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


def envelope(asked: dict[str, object]) -> npt.NDArray[np.float64]:
    """Return how loud the film's own sound is in each frame."""
    sound = sound_of(call("static shot", **asked))[:, 0]  # type: ignore[arg-type]
    edges = np.round(np.arange(65) / FPS * RATE).astype(int)
    return np.array([np.sqrt(np.mean(sound[low:high] ** 2)) for low, high in pairwise(edges)])


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("moving", [True, False])
def test_lips_follow_the_voice_within_a_frame(moving: bool, plain: bool, tmp_path: Path) -> None:
    source: dict[str, object] = {"image": saved(face(), tmp_path)}
    if moving:
        source = {"video": recorded(np.stack([face()] * 64), tmp_path, FPS)}
    said = SpeechCall("The tide is out, and the boats lie on the sand. Will they come back?", "Calm_Woman", plain=plain)
    seen = openness(talking(source, speech=said))
    wanted = envelope({"frames": 64, "fps": FPS, "speech": said, **source})
    lags = {lag: float(np.corrcoef(wanted[2:-2], np.roll(seen, -lag)[2:-2])[0, 1]) for lag in range(-2, 3)}
    assert max(lags.values()) >= 0.7, lags
    assert abs(max(lags.items(), key=lambda one: one[1])[0]) <= 1, lags


def test_a_moving_face_keeps_its_mouth(tmp_path: Path) -> None:
    places = [round(280 + 40 * np.sin(index / 9.0)) for index in range(48)]
    frames = np.stack([face(x=x, y=165 + (x - 280) // 4) for x in places])
    source: dict[str, object] = {"video": recorded(frames, tmp_path, FPS), "frames": 48}
    shown = talking(source, sound=sounding(3.0, tmp_path, hertz=700.0, level=0.9))
    dark = [np.argwhere(frame[190:280].mean(axis=-1) < 55) for frame in shown[6:]]
    centres = np.array([spots.mean(axis=0)[1] for spots in dark])
    assert np.abs(centres - places[6:]).max() < 4.0
    assert np.abs(np.diff(centres - places[6:])).max() < 1.5


def test_what_is_far_from_the_face_stays(tmp_path: Path) -> None:
    frames = talking({"image": saved(face(), tmp_path)}, sound=sounding(4.0, tmp_path, level=0.9))
    assert not np.ptp(frames[:, :, :150].astype(np.int16), axis=0).any()
    assert not np.ptp(frames[:, :, 490:].astype(np.int16), axis=0).any()


def test_where_there_is_no_face_nothing_moves(tmp_path: Path) -> None:
    picture = landscape(320, 200)
    mouth = Mouth(picture.copy())
    assert not mouth.found
    shown = picture.copy()
    mouth.open(Lips(1.0), on=shown)
    assert np.array_equal(shown, picture)


def looking(*miens: Mien) -> Sequence[Picture]:
    """Return the middle of a face with these looks, one after the other."""
    picture, shown = face(apart=80), []
    mouth = Mouth(picture)
    assert mouth._head is not None
    for mien in miens:
        frame = picture.copy()
        mouth._head.draw(mien, mouth._head.of(picture).copy(), frame)
        shown.append(frame)
    return shown


def test_lids_close_over_the_whole_eye() -> None:
    still, shut = looking(Mien(Lips(0.0)), Mien(Lips(0.0), blink=1.0))
    for x in (280, 360):
        eye = (slice(158, 182), slice(x - 16, x + 17))
        assert still[eye].max() > 230
        assert shut[eye].max() < 230  # no white of the eye
        assert shut[eye].mean(axis=-1).min() > 85  # no pupil


def test_round_lips_are_narrower_than_spread_ones() -> None:
    frames = looking(Mien(Lips(0.6, -1.0)), Mien(Lips(0.6)), Mien(Lips(0.6, 1.0)))
    widths = [np.ptp(np.argwhere(frame[235:290, 260:380].mean(axis=-1) < 60)[:, 1]) for frame in frames]
    assert widths[0] < 0.9 * widths[1] < 0.9 * widths[2]
