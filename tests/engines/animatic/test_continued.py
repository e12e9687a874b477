import itertools
from pathlib import Path

import cv2
import numpy as np

from rushes.engines.animatic.carry import Witness
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.recording import Recording
from tests.engines.animatic.asking import apart, call, recorded
from tests.engines.animatic.pictures import film, motion, textured
from tests.media.films import frames_of, write_film


def panning(count: int, step: float = 2.0) -> Picture:
    large = textured(400, 90)
    shifts = [np.array([[1, 0, -step * index], [0, 1, 0]], np.float32) for index in range(count)]
    return np.stack([cv2.warpAffine(large, shift, (160, 90)) for shift in shifts])


def test_a_pan_goes_on_over_the_seam_and_comes_to_rest(tmp_path: Path) -> None:
    frames = film(call("static shot", video=recorded(panning(12), tmp_path), keep=12, frames=40))
    steps = [apart(a, b) for a, b in itertools.pairwise(frames)]
    assert 0.5 * steps[10] < steps[11] < 1.5 * steps[10]
    assert float(np.median(motion(frames[11], frames[12])[..., 0])) < -1.0
    assert steps[-1] < 0.2 * steps[11]


def test_a_still_video_has_no_motion_to_carry_on() -> None:
    witness = Witness()
    for _ in range(5):
        witness.look(textured(160, 90))
    assert witness.drift() is None


def test_a_cut_right_before_the_end_is_not_taken_for_motion() -> None:
    witness = Witness()
    for frame in (*panning(4), np.zeros((90, 160, 3), np.uint8)):
        witness.look(frame)
    assert witness.drift() is None


def test_a_video_of_one_frame_is_gone_on_from(tmp_path: Path) -> None:
    frames = film(call("", video=recorded(textured(160, 90)[None], tmp_path), keep=1, frames=6))
    assert len(frames) == 6
    assert apart(frames[1], frames[0]) < 4.0


def test_kept_frames_are_exact_and_survive_our_encoder(tmp_path: Path) -> None:
    video = recorded(panning(12), tmp_path)
    made = film(call("push in", video=video, keep=9, frames=20))
    with Recording(video) as recording:
        source = np.stack([recording.at(number) for number in range(9)])
    assert np.array_equal(made[:9], source)
    write_film(tmp_path / "film.mp4", made, 12)
    shown = frames_of(tmp_path / "film.mp4")[:9]
    light = np.array([0.2126, 0.7152, 0.0722])
    error = np.mean(((shown.astype(np.float64) - source) @ light) ** 2, axis=(1, 2))
    assert 10.0 * np.log10(255.0**2 / error.max()) >= 38.0


def test_flow_is_continuous_over_the_seam(tmp_path: Path) -> None:
    frames = film(call("static shot", video=recorded(panning(14), tmp_path), keep=14, frames=24))
    pace = [float(np.median(motion(a, b)[..., 0])) for a, b in itertools.pairwise(frames)]
    assert max(abs(pace[index] - pace[index - 1]) for index in range(10, 20)) < 0.35 * abs(pace[8])
