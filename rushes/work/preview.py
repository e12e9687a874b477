"""A small JPEG of the newest frame, for those who watch a job being done; made only when somebody wants one.

How often that is, the report decides: it wants one for each beat that a watcher is waiting for.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rushes.jobs.protocol import PREVIEW_MAX_BYTES, PREVIEW_MAX_SIDE
from rushes.work.tools import Report

Pixels = npt.NDArray[np.uint8]

QUALITIES = (75, 40)  # the second one for noise, which hardly compresses
_RGB_OF_BGR = (2, 1, 0)


def show_newest(report: Report, pixels: Pixels) -> None:
    """Give the report a preview of (H, W, 3) RGB pixels, or of the last of (N, H, W, 3), if it wants one."""
    if report.wants_preview() and pixels.size:
        jpeg = small_jpeg(pixels if pixels.ndim == 3 else pixels[-1])
        if jpeg is not None:
            report.show(jpeg)


def small_jpeg(picture: Pixels) -> bytes | None:
    """Return (H, W, 3) RGB pixels as a JPEG with a long side of at most PREVIEW_MAX_SIDE.

    None where even the lower quality needs more than PREVIEW_MAX_BYTES.
    """
    height, width = picture.shape[:2]
    scale = min(1.0, PREVIEW_MAX_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)[..., _RGB_OF_BGR]
    for quality in QUALITIES:
        fine, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(small), (cv2.IMWRITE_JPEG_QUALITY, quality))
        if fine and jpeg.size <= PREVIEW_MAX_BYTES:
            return jpeg.tobytes()
    return None
