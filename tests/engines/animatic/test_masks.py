import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from rushes.calls import Mask
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.masks import outlined, painted_region
from tests.engines.animatic.asking import apart, call
from tests.engines.animatic.pictures import film, textured

WIDE, TALL = 320, 180
RED = (230, 20, 20)
BALL = (80, 90)


def ground() -> Picture:
    """A calm ground in greens and blues, on which a red ball can be told anywhere."""
    picture = textured(WIDE, TALL, seed=3)
    picture[..., 0] = 40
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 2), dtype=np.uint8)


def with_ball(at: tuple[int, int] = BALL, radius: int = 16) -> Picture:
    picture = ground()
    cv2.circle(picture, at, radius, RED, -1, cv2.LINE_AA)
    return picture


def disc(at: tuple[int, int] = BALL, radius: int = 19, size: tuple[int, int] = (WIDE, TALL)) -> Picture:
    """A mask of the picture's shape, painted at any size."""
    mask = np.zeros((size[1], size[0], 3), np.uint8)
    share = size[0] / WIDE
    cv2.circle(mask, (round(at[0] * share), round(at[1] * share)), round(radius * share), (255, 255, 255), -1)
    return mask


def kept(picture: Picture, folder: Path, name: str) -> str:
    np.save(folder / f"{name}.npy", picture)
    return str(folder / f"{name}.npy")


def filmed(folder: Path, *masks: Mask, prompt: str = "", picture: Picture | None = None, **more: object) -> Picture:
    image = kept(with_ball() if picture is None else picture, folder, "image")
    size: dict[str, object] = {"width": WIDE, "height": TALL, **more}
    return film(call(prompt, image, masks=masks, **size))


def shares(*points: tuple[float, float]) -> tuple[tuple[float, float], ...]:
    return tuple((x / WIDE, y / TALL) for x, y in points)


def where(frame: Picture) -> tuple[float, float]:
    """The centre of what is red."""
    red = (frame[..., 0].astype(int) > 130) & (frame[..., 1] < 110)
    y, x = np.nonzero(red)
    return float(x.mean()), float(y.mean())


@pytest.mark.parametrize("size", [(WIDE, TALL), (640, 360), (64, 36), (500, 500)])
def test_a_region_travels_along_its_path(size: tuple[int, int], tmp_path: Path) -> None:
    painted = disc() if size == (500, 500) else disc(size=size)
    mask = kept(cv2.resize(painted, size), tmp_path, "mask")
    path = [(80.0, 90.0), (160.0, 40.0), (240.0, 120.0)]
    frames = filmed(tmp_path, Mask(mask, shares(*path)), frames=25)
    seen = [where(frame) for frame in frames]
    assert seen[0] == pytest.approx(path[0], abs=1.0)
    assert seen[-1] == pytest.approx(path[-1], abs=2.0)
    assert min(np.hypot(x - 160, y - 40) for x, y in seen) < 8.0
    assert all(b[0] >= a[0] - 0.5 for a, b in itertools.pairwise(seen))


def test_the_first_frame_is_the_picture_and_the_background_is_filled_in(tmp_path: Path) -> None:
    frames = filmed(tmp_path, Mask(kept(disc(), tmp_path, "mask"), shares(BALL, (240, 90))))
    assert np.array_equal(frames[0], with_ball())
    behind = frames[-1][70:110, 60:100].astype(int)
    assert (behind[..., 0] < 120).all()  # nothing of the ball is left
    assert abs(behind.mean(axis=(0, 1)) - ground()[70:110, 60:100].mean(axis=(0, 1))).max() < 25
    assert apart(frames[-1][:40], with_ball()[:40]) == 0.0


def test_two_regions_travel_each_along_its_own_path(tmp_path: Path) -> None:
    picture = with_ball()
    cv2.circle(picture, (240, 60), 14, (40, 250, 250), -1, cv2.LINE_AA)
    one = Mask(kept(disc(), tmp_path, "one"), shares(BALL, (80, 140)))
    two = Mask(kept(disc((240, 60), 17), tmp_path, "two"), shares((240, 60), (200, 60)))
    last = filmed(tmp_path, one, two, picture=picture)[-1]
    assert where(last) == pytest.approx((80, 140), abs=2.0)
    assert last[60, 200].tolist() == pytest.approx([40, 250, 250], abs=12)


def test_a_path_counted_from_the_bottom_is_understood_by_where_it_begins(tmp_path: Path) -> None:
    picture = with_ball((80, 40))
    mask = Mask(kept(disc((80, 40)), tmp_path, "mask"), shares((80, 140), (80, 100)))
    assert where(filmed(tmp_path, mask, picture=picture)[-1]) == pytest.approx((80, 80), abs=2.0)


def test_a_region_may_leave_the_frame(tmp_path: Path) -> None:
    frames = filmed(tmp_path, Mask(kept(disc(), tmp_path, "mask"), shares(BALL, (900, -400))))
    assert (frames[-1][..., 0] < 120).all()


@pytest.mark.parametrize("level", [0, 255])
@pytest.mark.parametrize("path", [(), shares((10, 10), (20, 20))])
def test_empty_and_full_masks_still_give_a_film(
    level: int, path: tuple[tuple[float, float], ...], tmp_path: Path
) -> None:
    mask = kept(np.full((40, 60, 3), level, np.uint8), tmp_path, "mask")
    frames = filmed(tmp_path, Mask(mask, path), prompt="push in")
    assert len(frames) == 24
    still = all(np.array_equal(frame, frames[0]) for frame in frames)
    assert still == (level == 255 and not path)


@pytest.mark.parametrize("prompt", ["push in", "pan left", "truck right, handheld", "roll clockwise", "zoom out"])
def test_what_is_masked_still_does_not_change_while_the_camera_moves(prompt: str, tmp_path: Path) -> None:
    mask = disc(radius=30)
    frames = filmed(tmp_path, Mask(kept(mask, tmp_path, "mask")), prompt=prompt)
    inside = mask[..., 0] > 0
    assert all(np.array_equal(frame[inside], frames[0][inside]) for frame in frames)
    assert apart(frames[-1][:, 220:], frames[0][:, 220:]) > 2.0


def test_nothing_tears_beside_what_stays_still(tmp_path: Path) -> None:
    frames = filmed(tmp_path, Mask(kept(disc(radius=30), tmp_path, "mask")), prompt="push in")
    ring = (disc(radius=36)[..., 0] > 0) & (disc(radius=24)[..., 0] == 0)
    assert np.abs(frames[-1][ring].astype(int) - frames[0][ring]).mean() < 2.0


def test_a_traveller_passes_behind_what_stays_still(tmp_path: Path) -> None:
    still = np.zeros((TALL, WIDE, 3), np.uint8)
    still[:, 150:190] = 255
    moving = Mask(kept(disc(), tmp_path, "mask"), shares(BALL, (250, 90)))
    frames = filmed(tmp_path, Mask(kept(still, tmp_path, "still")), moving)
    assert all(np.array_equal(frame[:, 152:188], frames[0][:, 152:188]) for frame in frames)
    assert where(frames[-1]) == pytest.approx((250, 90), abs=2.0)


def test_a_traveller_follows_the_camera_that_the_prompt_asks_for(tmp_path: Path) -> None:
    mask = Mask(kept(disc(), tmp_path, "mask"), shares(BALL, (80, 60)))
    here, panned = (where(filmed(tmp_path, mask, prompt=words)[-1]) for words in ("", "pan right"))
    assert here == pytest.approx((80, 60), abs=2.0)
    assert panned[0] < here[0] - 5.0


def test_a_mask_may_be_painted_in_colour() -> None:
    for paper in (0, 255):
        mask = np.full((40, 60, 3), paper, np.uint8)
        mask[10:20, 10:30] = (20, 200, 60)
        region = painted_region(mask)
        assert region[15, 20] == 1.0
        assert region[30, 50] == 0.0


def test_masks_of_a_picture_that_is_cropped_lie_where_they_were_painted(tmp_path: Path) -> None:
    mask = Mask(kept(disc((160, 90)), tmp_path, "mask"), shares((160, 90), (160, 40)))
    frames = filmed(tmp_path, mask, picture=with_ball((160, 90)), width=180, height=180)
    assert where(frames[0]) == pytest.approx((90, 90), abs=1.5)
    assert where(frames[-1]) == pytest.approx((90, 40), abs=2.0)


def test_the_end_is_the_end_picture_with_masks_too(tmp_path: Path) -> None:
    mask = Mask(kept(disc(), tmp_path, "mask"), shares(BALL, (240, 90)))
    frames = filmed(tmp_path, mask, Mask(mask.image), end_image=kept(ground(), tmp_path, "end"))
    assert np.array_equal(frames[0], with_ball())
    assert np.array_equal(frames[-1], ground())


def test_a_roughly_painted_region_is_cut_along_the_outline_that_colours_show() -> None:
    rough = (disc(radius=19)[..., 0] / 255).astype(np.float32)
    exact, wide = disc(radius=15)[..., 0] > 0, disc(radius=18)[..., 0] > 0
    cut = outlined(rough, with_ball(radius=16))
    assert cut[exact].mean() > 0.95
    assert cut[wide & ~(disc(radius=17)[..., 0] > 0)].mean() < 0.3
    even = np.full((TALL, WIDE, 3), 90, np.uint8)
    assert np.array_equal(outlined(rough, even), rough)
