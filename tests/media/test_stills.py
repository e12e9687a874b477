"""Pictures to files and back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes.media.stills import Still, write_still
from tests.media.films import moving


def test_a_png_is_exact(tmp_path: Path) -> None:
    pixels = moving(1)[0]
    still = write_still(pixels, tmp_path / "a.png")
    assert still == Still((tmp_path / "a.png").stat().st_size, 96, 64)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.format == "PNG"
        assert np.array_equal(np.asarray(picture), pixels)


def test_a_jpeg_is_close(tmp_path: Path) -> None:
    pixels = moving(1)[0]
    write_still(pixels, tmp_path / "a.jpg", "image/jpeg")
    with Image.open(tmp_path / "a.jpg") as picture:
        assert picture.format == "JPEG"
        assert np.abs(np.asarray(picture).astype(int) - pixels).mean() < 2


@pytest.mark.parametrize("shape", [(64, 96), (64, 96, 4), (0, 96, 3)])
def test_what_is_no_rgb_picture_is_refused(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must be uint8"):
        write_still(np.zeros(shape, np.uint8), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
