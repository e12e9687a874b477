from pathlib import Path

import numpy as np
import pytest

from rushes.calls import StillsCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.engine import Cancelled, Pictures, Progress
from tests.engines.animatic.asking import apart
from tests.engines.animatic.pictures import saved, textured


def drawn(**changes: object) -> list[Picture]:
    given: dict[str, object] = {"prompt": "a beach", "width": 160, "height": 90, "count": 3, "seed": 7, **changes}
    made = AnimaticEngine().generate(StillsCall(**given), lambda progress: None, lambda: False)  # type: ignore[arg-type]
    assert isinstance(made, Pictures)
    return list(made.pictures)


@pytest.mark.parametrize("count", [1, 4, 9])
@pytest.mark.parametrize(("width", "height"), [(160, 90), (90, 160), (128, 128), (101, 67)])
@pytest.mark.parametrize("subject", [True, False])
def test_pictures_come_in_the_number_and_size_asked_for(
    count: int, width: int, height: int, subject: bool, tmp_path: Path
) -> None:
    image = saved(textured(60, 90), tmp_path) if subject else None
    pictures = drawn(count=count, width=width, height=height, image=image)
    assert len(pictures) == count
    assert {(picture.shape, picture.dtype) for picture in pictures} == {((height, width, 3), np.dtype(np.uint8))}


def test_each_picture_is_another_and_the_same_call_draws_the_same(tmp_path: Path) -> None:
    for image in (None, saved(textured(60, 90), tmp_path)):
        pictures = drawn(image=image)
        assert len({picture.tobytes() for picture in pictures}) == 3
        assert all(map(np.array_equal, pictures, drawn(image=image)))
        assert not np.array_equal(pictures[0], drawn(image=image, seed=8)[0])


def test_a_subject_is_set_into_the_scene(tmp_path: Path) -> None:
    plain, with_subject = drawn()[0], drawn(image=saved(textured(60, 90), tmp_path))[0]
    assert apart(plain, with_subject) > 3.0
    assert apart(plain[:4], with_subject[:4]) < 3.0


def test_progress_counts_pictures_and_a_cancel_is_seen_between_them() -> None:
    told: list[Progress] = []
    looks = iter([False, False, True])
    made = AnimaticEngine().generate(StillsCall("a hill", 64, 64, 5, 1), told.append, lambda: next(looks))
    with pytest.raises(Cancelled):
        list(made.pictures)
    assert [(one.done, one.total, one.noun) for one in told] == [(1, 5, "pictures")]


@pytest.mark.parametrize("weather", ["heavy rain", "snowing heavily"])
def test_rain_and_snow_fall_in_pictures_too(weather: str) -> None:
    wet = drawn(prompt=f"a beach at night, {weather}", count=1, width=320, height=180)[0].astype(np.int16)
    upper = wet[:60].mean(axis=2)
    assert (np.abs(upper - np.median(upper, axis=1, keepdims=True)) > 25).mean() > 0.004
