import itertools
import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pytest

import rushes
from rushes.calls import AnimaticCall, EchoCall
from rushes.engines.animatic.engine import CHUNK, AnimaticEngine
from rushes.engines.engine import Cancelled, Engine, Progress
from tests.engines.animatic.pictures import film, landscape, motion, saved, textured


def call(prompt: str = "push in", image: str | None = None, **changes: object) -> AnimaticCall:
    given: dict[str, object] = {"width": 160, "height": 90, "frames": 9, "fps": 16.0, "seed": 7, **changes}
    return AnimaticCall(prompt=prompt, image=image, **given)  # type: ignore[arg-type]


@pytest.fixture
def photo(tmp_path: Path) -> str:
    return saved(landscape(300, 200), tmp_path)


def test_it_says_who_it_is() -> None:
    engine: Engine = AnimaticEngine()
    maker = engine.load()
    assert (maker.engine, maker.model, maker.version) == ("animatic", "animatic", rushes.__version__)
    assert maker.stand_in


@pytest.mark.parametrize(
    ("width", "height", "frames"),
    [(160, 90, 81), (90, 160, 82), (128, 128, 1), (162, 94, 2), (64, 200, 100), (200, 64, 5), (16, 16, 3)],
)
@pytest.mark.parametrize("with_photo", [True, False])
def test_frames_come_in_the_number_and_shape_asked_for(
    width: int, height: int, frames: int, with_photo: bool, photo: str
) -> None:
    chunks = (
        AnimaticEngine()
        .generate(
            call(image=photo if with_photo else None, width=width, height=height, frames=frames),
            lambda progress: None,
            lambda: False,
        )
        .chunks
    )
    shapes = [(chunk.shape, chunk.dtype) for chunk in chunks]
    assert sum(shape[0] for shape, _ in shapes) == frames
    assert all(0 < shape[0] <= CHUNK for shape, _ in shapes)
    assert {(shape[1:], dtype) for shape, dtype in shapes} == {((height, width, 3), np.dtype(np.uint8))}


@pytest.mark.parametrize("prompt", ["push in", "pull out", "pan left", "zoom out", "handheld", "", "orbit right"])
def test_a_clip_begins_with_the_photograph_itself(prompt: str, tmp_path: Path) -> None:
    photo = textured(240, 90)
    frames = film(call(prompt, saved(photo, tmp_path)))
    assert np.array_equal(frames[0], photo[:, 40:200])
    assert not np.array_equal(frames[0], frames[-1])


def test_the_same_call_gives_the_same_frames_on_any_number_of_threads(photo: str) -> None:
    before = cv2.getNumThreads()
    try:
        films = []
        for threads in (1, 2, 5):
            cv2.setNumThreads(threads)
            films.append(film(call("truck left, handheld", photo)))
    finally:
        cv2.setNumThreads(before)
    assert all(np.array_equal(films[0], other) for other in films)


@pytest.mark.parametrize("prompt", ["", "handheld", "push in", "a sunset over the sea"])
@pytest.mark.parametrize("with_photo", [True, False])
def test_another_seed_is_another_film(prompt: str, with_photo: bool, photo: str) -> None:
    image = photo if with_photo else None
    one, other = (film(call(prompt, image, seed=seed, frames=41)) for seed in (1, 2))
    assert not np.array_equal(one, other)


def test_a_static_shot_stands_still(photo: str) -> None:
    frames = film(call("static shot", photo, frames=20))
    assert (frames == frames[0]).all()


@pytest.mark.parametrize(
    ("prompt", "axis", "sign"),
    [("pan left", 0, 1), ("pan right", 0, -1), ("tilt up", 1, 1), ("truck left", 0, 1), ("pedestal up", 1, 1)],
)
def test_the_view_moves_against_the_camera(prompt: str, axis: int, sign: int, tmp_path: Path) -> None:
    photo = saved(textured(320, 180), tmp_path)
    frames = film(call(prompt, photo, width=320, height=180, frames=17, fps=4.0))
    steps = [motion(a, b)[30:-30, 50:-50].mean(axis=(0, 1)) for a, b in itertools.pairwise(frames)]
    moved = np.sum(steps, axis=0)
    assert moved[axis] * sign > 5.0
    assert abs(moved[axis]) > 3 * abs(moved[1 - axis])


def test_a_frame_rate_changes_the_number_of_frames_and_not_the_motion(photo: str) -> None:
    slow = film(call("orbit left, handheld", photo, frames=11, fps=5.0))
    fast = film(call("orbit left, handheld", photo, frames=21, fps=10.0))
    assert np.array_equal(slow, fast[::2])


@pytest.mark.parametrize("prompt", ["push in", "truck left", "pan right, then zoom in", ""])
def test_motion_is_even_and_eases_at_both_ends(prompt: str, tmp_path: Path) -> None:
    frames = film(call(prompt, saved(textured(320, 180), tmp_path), width=320, height=180, frames=81)).astype(np.int16)
    steps = np.array([np.abs(b - a).mean() for a, b in itertools.pairwise(frames)])
    assert steps[0] < 0.25 * steps.max()
    assert steps[-1] < 0.35 * steps.max()
    assert np.abs(np.diff(steps)).max() < 0.25 * steps.max()


def test_cancel_is_seen_within_one_chunk(photo: str) -> None:
    looks = iter([False, False, False, True])
    made = AnimaticEngine().generate(call(image=photo, frames=81), lambda progress: None, lambda: next(looks))
    seen: list[int] = []
    with pytest.raises(Cancelled):
        seen.extend(len(chunk) for chunk in made.chunks)
    assert sum(seen) <= 2 * CHUNK


def test_progress_counts_every_chunk(photo: str) -> None:
    told: list[Progress] = []
    list(AnimaticEngine().generate(call(image=photo, frames=10), told.append, lambda: False).chunks)
    assert [(p.done, p.total, p.noun) for p in told] == [(4, 10, "frames"), (8, 10, "frames"), (10, 10, "frames")]


def test_another_engine_s_call_is_refused_by_name() -> None:
    echo = EchoCall(payload=1, sleep_s=0.0, steps=1, fail=None, exit_code=None)
    with pytest.raises(TypeError, match="EchoCall"):
        AnimaticEngine().generate(echo, lambda progress: None, lambda: False)


def peak(asked: AnimaticCall) -> int:
    tracemalloc.start()
    try:
        for _ in AnimaticEngine().generate(asked, lambda progress: None, lambda: False).chunks:
            pass
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_frames(photo: str) -> None:
    assert peak(call(image=photo, frames=200)) < 1.2 * peak(call(image=photo, frames=20))
