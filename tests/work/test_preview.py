"""Previews for those who watch: small, of the newest frame, and none where nobody watches."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rushes.endpoint import Clip, Delivery, Stills
from rushes.engines.engine import Frames, Pictures, SoundTrack
from rushes.jobs.protocol import PREVIEW_MAX_BYTES
from rushes.work.preview import show_newest, small_jpeg
from rushes.work.products import make_products
from tests.work.parts import Told

RED = (220, 30, 20)


def picture(width: int, height: int, colour: tuple[int, int, int] = RED) -> npt.NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


def read(jpeg: bytes) -> npt.NDArray[np.uint8]:
    """Decode to RGB."""
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return pixels[..., ::-1].astype(np.uint8)


@pytest.mark.parametrize(
    ("size", "shown"),
    [((1280, 720), (320, 180)), ((480, 832), (185, 320)), ((64, 48), (64, 48)), ((9000, 1), (320, 1))],
)
def test_a_preview_is_small_and_keeps_shape_and_colours(size: tuple[int, int], shown: tuple[int, int]) -> None:
    jpeg = small_jpeg(picture(*size))
    assert jpeg is not None
    seen = read(jpeg)
    assert (seen.shape[1], seen.shape[0]) == shown
    assert np.abs(seen.astype(int) - RED).max() < 12


def test_even_noise_stays_within_the_bound() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (320, 320, 3), np.uint8)
    jpeg = small_jpeg(noise)
    assert jpeg is not None
    assert len(jpeg) <= PREVIEW_MAX_BYTES


def test_of_a_chunk_the_last_frame_is_shown() -> None:
    told = Told(watched=True)
    show_newest(told, np.stack([picture(8, 8, (0, 0, 0)), picture(8, 8, (250, 250, 250))]))
    assert read(told.previews[0]).min() > 240


def test_nothing_is_made_where_nobody_watches() -> None:
    told = Told()
    show_newest(told, picture(8, 8))
    assert told.previews == []


def test_films_and_stills_are_shown_and_sound_is_not(tmp_path: Path) -> None:
    told = Told(watched=True)
    chunks = iter([np.stack([picture(64, 48)] * 4)] * 3)
    make_products(Frames(chunks), Clip(64, 48, 12, 12), Delivery(), tmp_path, told)
    assert len(told.previews) == 3
    make_products(Pictures(iter([picture(64, 48)] * 2)), Stills(64, 48, 2), Delivery(), tmp_path, told)
    assert len(told.previews) == 5
    tone = SoundTrack(iter([np.zeros((4800, 1), np.float32)]), 48_000, 1)
    make_products(tone, None, Delivery(), tmp_path, told)
    assert len(told.previews) == 5
