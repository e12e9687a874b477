import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.engines.animatic.depth import Picture
from tests.engines.animatic.asking import apart, call
from tests.engines.animatic.pictures import film, textured
from tests.engines.animatic.test_flow import seen

SIZE = {"width": 320, "height": 180}


def kept(picture: Picture, folder: Path, name: str) -> str:
    np.save(folder / f"{name}.npy", picture)
    return str(folder / f"{name}.npy")


def between(one: Picture, other: Picture, folder: Path, prompt: str = "", **more: object) -> Picture:
    first, last = kept(one, folder, "first"), kept(other, folder, "last")
    return film(call(prompt, first, end_image=last, **(SIZE | more)))


def sharpness(picture: Picture) -> float:
    return float(cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F).var())


PAIRS = {
    "shifted": (seen(300, 200), seen(350, 210)),
    "closer": (seen(300, 200), seen(340, 220, 0.6)),
    "relit": (seen(300, 200), (seen(300, 200) * np.array([0.4, 0.5, 0.8])).astype(np.uint8)),
    "unlike": (seen(300, 200), textured(320, 180, seed=8)),
    "equal": (seen(300, 200), seen(300, 200)),
}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("prompt", ["", "static shot", "orbit right, handheld"])
def test_a_film_begins_and_ends_exactly_on_its_pictures(name: str, prompt: str, tmp_path: Path) -> None:
    frames = between(*PAIRS[name], tmp_path, prompt)
    assert np.array_equal(frames[0], PAIRS[name][0])
    assert np.array_equal(frames[-1], PAIRS[name][1])


@pytest.mark.parametrize("name", PAIRS)
def test_no_frame_pops(name: str, tmp_path: Path) -> None:
    frames = between(*PAIRS[name], tmp_path, frames=48)
    steps = [apart(one, other) for one, other in itertools.pairwise(frames)]
    assert max(abs(a - b) for a, b in itertools.pairwise(steps)) < 0.35 * max(steps) + 0.6
    assert steps[0] < 0.5 * max(steps) + 0.5  # eases out, and in
    assert steps[-1] < 0.5 * max(steps) + 0.5


def test_a_part_that_moved_is_half_way_at_half_time_and_not_double(tmp_path: Path) -> None:
    frames = between(seen(300, 200), seen(360, 200), tmp_path, "static shot", frames=25)
    middle, expected = frames[12][20:-20, 40:-40], seen(330, 200)[20:-20, 40:-40]
    assert apart(middle, expected) < 6.0
    assert sharpness(middle) > 0.5 * sharpness(expected)


@pytest.mark.parametrize("size", [(64, 512), (512, 64), (2, 2), (16, 16)])
def test_pictures_of_any_size_lead_to_each_other(size: tuple[int, int], tmp_path: Path) -> None:
    frames = between(textured(16, 16), textured(700, 90), tmp_path, width=size[0], height=size[1], frames=5)
    assert frames.shape == (5, size[1], size[0], 3)


def test_a_single_frame_is_the_end(tmp_path: Path) -> None:
    assert np.array_equal(between(*PAIRS["shifted"], tmp_path, frames=1)[0], PAIRS["shifted"][1])


def test_the_same_call_gives_the_same_frames(tmp_path: Path) -> None:
    one, two = (between(*PAIRS["closer"], tmp_path) for _ in range(2))
    assert np.array_equal(one, two)
