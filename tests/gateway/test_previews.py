"""What a runner may show: small JPEGs, checked before anybody sees them."""

import base64
import os

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import Rejection
from rushes.gateway.previews import jpeg_size, read_preview
from rushes.jobs.protocol import PREVIEW_MAX_BYTES


def jpeg(width: int, height: int, *, progressive: bool = False) -> bytes:
    options = (cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive))
    return cv2.imencode(".jpg", np.full((height, width, 3), 90, np.uint8), options)[1].tobytes()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (320, 180), (7, 320)])
def test_a_small_jpeg_is_taken_with_its_size(size: tuple[int, int], progressive: bool) -> None:
    text = base64.b64encode(jpeg(*size, progressive=progressive)).decode()
    preview = read_preview(text)
    assert (preview.jpeg, preview.width, preview.height) == (text, *size)


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a", jpeg(321, 10), jpeg(4, 4)[:-2], jpeg(4, 4)[2:], os.urandom(500), b"\xff\xd8\xff\xd9"],
    ids=["nothing", "gif", "too wide", "cut short", "no start", "noise", "empty"],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Rejection, match="expected a JPEG"):
        read_preview(base64.b64encode(data).decode())


def test_one_that_is_too_large_or_no_base64_is_refused() -> None:
    padded = jpeg(4, 4)[:-2] + b"\0" * PREVIEW_MAX_BYTES + b"\xff\xd9"
    with pytest.raises(Rejection, match="65536 bytes"):
        read_preview(base64.b64encode(padded).decode())
    with pytest.raises(Rejection, match="base64"):
        read_preview("<script>")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    size = jpeg_size(b"\xff\xd8\xff" + data + b"\xff\xd9")
    assert size is None or (len(size) == 2 and min(size) >= 0)
