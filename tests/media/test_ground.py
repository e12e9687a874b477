"""Pictures with transparency on their ground, and masks whose paint lies on nothing."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from rushes.media.decode import PictureLimits, decode_picture

SIZE = (160, 120)
Pixels = npt.NDArray[np.uint8]


def disc(colour: tuple[int, int, int], ground: tuple[int, int, int, int] = (0, 0, 0, 0)) -> Image.Image:
    picture = Image.new("RGBA", SIZE, ground)
    ImageDraw.Draw(picture).ellipse((50, 30, 110, 90), fill=(*colour, 255))
    return picture


def decoded(picture: Image.Image, tmp_path: Path, *, mask: bool = False) -> Pixels:
    file = io.BytesIO()
    picture.save(file, "PNG")
    (tmp_path / "input").write_bytes(file.getvalue())
    decode_picture(tmp_path / "input", tmp_path / "out.npy", PictureLimits(), ("body", "image_url"), mask=mask)
    pixels: Pixels = np.load(tmp_path / "out.npy")
    return pixels


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (40, 90, 200), (128, 128, 128), (250, 240, 90)])
def test_a_subject_of_any_colour_stands_out_from_its_ground(colour: tuple[int, int, int], tmp_path: Path) -> None:
    pixels = decoded(disc(colour), tmp_path).astype(int)
    assert pixels[60, 80].tolist() == list(colour)
    assert np.abs(pixels[5, 80] - pixels[60, 80]).max() > 40


def test_the_ground_is_soft_and_even(tmp_path: Path) -> None:
    pixels = decoded(disc((180, 40, 30)), tmp_path).astype(int)
    rim = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert 2 <= np.ptp(rim, axis=0).max() <= 12
    assert np.abs(np.diff(pixels[2], axis=0)).max() <= 1
    assert rim[:, 0].mean() > rim[:, 2].mean(), "a trace of the subject's red"


def test_a_picture_whose_transparency_hides_nothing_is_left_alone(tmp_path: Path) -> None:
    picture = disc((10, 200, 30), (250, 250, 250, 255))
    assert np.array_equal(decoded(picture, tmp_path), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (220, 30, 30), (128, 128, 128)])
def test_paint_on_nothing_is_the_mask_whatever_its_colour(colour: tuple[int, int, int], tmp_path: Path) -> None:
    pixels = decoded(disc(colour), tmp_path, mask=True)
    assert pixels[60, 80].tolist() == [255, 255, 255]
    assert pixels[5, 5].tolist() == [0, 0, 0]


def test_of_black_and_white_paint_on_nothing_the_white_is_the_mask(tmp_path: Path) -> None:
    picture = disc((255, 255, 255))
    ImageDraw.Draw(picture).rectangle((0, 0, 40, 119), fill=(0, 0, 0, 255))
    pixels = decoded(picture, tmp_path, mask=True)
    assert pixels[60, 80].tolist() == [255, 255, 255]
    assert pixels[60, 20].tolist() == pixels[5, 150].tolist() == [0, 0, 0]


def test_a_photograph_with_a_hole_stands_for_the_hole(tmp_path: Path) -> None:
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    picture = Image.fromarray(np.stack([x, y, x // 2 + 40, np.full_like(x, 255)], -1).astype(np.uint8))
    ImageDraw.Draw(picture).ellipse((50, 30, 110, 90), fill=(0, 0, 0, 0))
    pixels = decoded(picture, tmp_path, mask=True)
    assert pixels[60, 80].tolist() == [255, 255, 255]
    assert pixels[5, 5].tolist() == [0, 0, 0]


def test_a_mask_without_transparency_is_read_as_it_is(tmp_path: Path) -> None:
    picture = disc((255, 255, 255), (0, 0, 0, 255))
    assert np.array_equal(decoded(picture, tmp_path, mask=True), np.asarray(picture.convert("RGB")))
