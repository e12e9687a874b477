"""Tests of how a picture's surface moves by itself."""

from itertools import pairwise

import numpy as np
import pytest

from rushes.engines.animatic.elements import read_elements
from rushes.engines.animatic.regions import regions_of
from rushes.engines.animatic.stir import Stir
from tests.engines.animatic.test_ambience import meadow

WIDE, TALL = 640, 360


@pytest.mark.parametrize("seconds", [2.0, 5.0, 10.0, 30.0])
@pytest.mark.parametrize("looped", [True, False])
def test_clouds_go_on_to_the_end_and_tear_nothing(seconds: float, looped: bool) -> None:
    elements = read_elements("fast clouds drift heavily")
    period = seconds if looped else None
    unit = float(np.sqrt(WIDE * TALL))
    regions = regions_of(meadow(WIDE, TALL), None)
    stir = Stir(elements, regions, (WIDE, TALL), unit=unit, seed=1, seconds=seconds, period=period)
    x, y = (plane.astype(np.float32) for plane in np.meshgrid(np.arange(0, WIDE, 4), np.arange(0, TALL, 4)))
    ways = [stir.at(x, y, share * seconds).x - x for share in (0.1, 0.25, 0.5, 0.75, 1.0)]
    assert max(float(np.abs(way).max()) for way in ways) > 4.0
    assert all((np.diff(x + way, axis=1) > 0.0).all() for way in ways)
    if not looped:
        assert all(np.abs(later).max() > np.abs(way).max() for way, later in pairwise(ways))
