import itertools
import math
from dataclasses import astuple

import pytest

from rushes.engines.animatic.camera import Move, read_camera
from rushes.engines.animatic.path import Pose, plan

SIGNS = [
    ("pan right", "pan", 1),
    ("pan left", "pan", -1),
    ("tilt up", "tilt", 1),
    ("zoom in", "zoom", 1),
    ("zoom out", "zoom", -1),
    ("push in", "forward", 1),
    ("pull out", "forward", -1),
    ("truck left", "right", -1),
    ("pedestal down", "up", -1),
    ("roll clockwise", "roll", 1),
    ("orbit left", "right", -1),
]


def gap(one: Pose, other: Pose) -> float:
    return math.dist(astuple(one), astuple(other))


@pytest.mark.parametrize(("prompt", "part", "sign"), SIGNS)
def test_a_move_ends_where_its_name_says(prompt: str, part: str, sign: int) -> None:
    end = plan(read_camera(prompt, 1), 5.0, 1).at(1.0)
    assert getattr(end, part) * sign > 0.05


@pytest.mark.parametrize("prompt", [row[0] for row in SIGNS] + ["handheld", "", "pan left, then tilt up"])
def test_every_clip_begins_at_rest_with_the_photograph(prompt: str) -> None:
    path = plan(read_camera(prompt, 1), 5.0, 1)
    assert path.at(0.0) == Pose()
    assert gap(path.at(0.001), Pose()) < 1e-4


@pytest.mark.parametrize(
    "prompt", ["push in", "pan left, then tilt up", "[Truck left], [Zoom in], [Pan right]", "handheld"]
)
def test_there_is_no_jerk_anywhere(prompt: str) -> None:
    path = plan(read_camera(prompt, 1), 5.0, 1)
    steps = [gap(path.at(i / 400), path.at((i + 1) / 400)) for i in range(400)]
    changes = [abs(b - a) for a, b in itertools.pairwise(steps)]
    assert max(changes) < 0.15 * max(steps)


def test_moves_in_sequence_do_not_stop_at_the_join() -> None:
    path = plan(read_camera("pan left, then tilt up", 1), 5.0, 1)
    steps = [gap(path.at(i / 100), path.at((i + 1) / 100)) for i in range(100)]
    assert min(steps[30:70]) > 0.05 * max(steps)


def test_an_orbit_turns_against_its_travel() -> None:
    end = plan(read_camera("orbit right", 1), 5.0, 1).at(1.0)
    assert end.right > 0 > end.pan


def test_a_short_clip_goes_a_shorter_way_at_a_higher_speed() -> None:
    moves = (Move("truck", 1, 1.0),)
    short, long = (abs(plan(moves, seconds, 1).at(1.0).right) for seconds in (2.0, 5.0))
    assert 2.0 / 5.0 < short / long < 1.0


def test_a_pan_goes_further_over_a_wider_picture() -> None:
    moves = (Move("pan", 1, 1.0),)
    narrow, wide = plan(moves, 5.0, 1), plan(moves, 5.0, 1, slack=(0.4, 0.0))
    assert wide.at(1.0).pan > 2 * narrow.at(1.0).pan


def test_the_seed_decides_how_the_hand_trembles() -> None:
    moves = read_camera("handheld", 1)
    assert plan(moves, 5.0, 1).at(0.5) == plan(moves, 5.0, 1).at(0.5)
    assert gap(plan(moves, 5.0, 1).at(0.5), plan(moves, 5.0, 2).at(0.5)) > 1e-4


def test_no_moves_is_no_motion_at_all() -> None:
    path = plan((), 5.0, 1)
    assert path.still
    assert {path.at(i / 10) for i in range(11)} == {Pose()}
