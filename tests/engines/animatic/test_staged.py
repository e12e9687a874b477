from itertools import pairwise

import numpy as np
import pytest

from rushes.engines.animatic.scene import set_scene
from rushes.engines.animatic.style import STYLES
from tests.engines.animatic.asking import apart, call
from tests.engines.animatic.pictures import film

STILL = "static camera"


def test_who_drives_moves_while_the_backdrop_stays() -> None:
    frames = film(call(f"a red car drives down a desert road, {STILL}", frames=12))
    red = [np.argwhere((f[..., 0] > 130) & (f[..., 1] < 90) & (f[..., 2] < 90))[:, 1].mean() for f in frames]
    steps = np.diff(red)
    assert abs(red[-1] - red[0]) > 4
    assert (np.sign(steps) == np.sign(steps[0])).mean() > 0.9
    assert np.array_equal(frames[0][:20], frames[-1][:20])


def test_the_same_call_gives_the_same_frames_and_another_seed_others() -> None:
    asked = "a dog runs on the beach, push in"
    one, again, other = (film(call(asked, frames=5, seed=seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert apart(one[0], other[0]) > 2


def test_a_loop_closes() -> None:
    frames = film(call("a woman walking in a park, pan right", loop=True, frames=24))
    between = max(apart(a, b) for a, b in pairwise(frames))
    assert apart(frames[-1], frames[0]) <= between * 1.2


@pytest.mark.parametrize(("width", "height"), [(64, 1280), (336, 144), (90, 160), (16, 16)])
@pytest.mark.parametrize("prompt", ["a crowd and a train on a bridge", "", "снег", 'sign "中文 ШЩ"'])
def test_any_shape_and_any_text_gives_a_film(width: int, height: int, prompt: str) -> None:
    frames = film(call(prompt, frames=1, width=width, height=height))
    assert frames.shape == (1, height, width, 3)
    assert frames.std() > 4


def test_figures_are_sorted_from_far_to_near() -> None:
    near = [sprite.actor.near for sprite in set_scene("three sheep in a forest", 1, 160, 90).sprites]
    assert near == sorted(near)
    assert len(near) > 3


@pytest.mark.parametrize("style", list(STYLES))
def test_figures_act_in_every_style(style: str) -> None:
    asked = f"a man walks through a field at noon, {STILL}"
    plain, drawn = (film(call(asked, frames=8, width=320, height=180, style=one)) for one in (None, style))
    assert apart(plain[0], drawn[0]) > 1.0
    moved = [np.abs(frames[7].astype(int) - frames[0]).max(axis=2) > 24 for frames in (plain, drawn)]
    assert moved[1].sum() > 0.3 * moved[0].sum() > 10
    assert np.array_equal(drawn[0][:40], drawn[7][:40])
