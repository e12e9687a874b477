"""Previews on their way from a runner to those who watch its job: checked here, shown as image objects.

A runner is trusted with results but may be broken: what is no small JPEG is refused, so that no watcher gets garbage.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from rushes.errors import Rejection
from rushes.jobs.job import Preview
from rushes.jobs.protocol import PREVIEW_MAX_BYTES, PREVIEW_MAX_SIDE

# SOI with the first byte of the marker that has to follow, and EOI.
_START, _END = b"\xff\xd8\xff", b"\xff\xd9"
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOF0 to SOF15; those three are tables


def read_preview(text: str) -> Preview:
    """Return a beat's preview. Raises Rejection(422) for what is no JPEG within the protocol's bounds."""
    try:
        jpeg = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Rejection(422, "Beat: preview: expected a JPEG in base64") from None
    size = jpeg_size(jpeg) if len(jpeg) <= PREVIEW_MAX_BYTES else None
    if size is None or not 0 < max(size) <= PREVIEW_MAX_SIDE or not min(size):
        wanted = f"at most {PREVIEW_MAX_BYTES} bytes and {PREVIEW_MAX_SIDE} pixels a side"
        raise Rejection(422, f"Beat: preview: expected a JPEG of {wanted}, got {len(jpeg)} bytes, size {size}")
    return Preview(text, *size)


def jpeg_size(jpeg: bytes) -> tuple[int, int] | None:
    """Return width and height as the frame header says; None for what is no complete JPEG (ITU-T T.81, annex B)."""
    if not jpeg.startswith(_START) or not jpeg.endswith(_END):
        return None
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if marker in _FRAME_HEADERS:
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + max(length, 2)  # a length counts its own two bytes; less would be no step forward
    return None


def image_object(preview: Preview) -> dict[str, Any]:
    """Return it as fal's image object, the picture itself in the URL."""
    url = f"data:image/jpeg;base64,{preview.jpeg}"
    return {"url": url, "content_type": "image/jpeg", "width": preview.width, "height": preview.height}
