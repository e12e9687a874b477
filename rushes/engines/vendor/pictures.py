"""Input files as a vendor takes them, before anything is paid: pictures cropped, scaled and encoded anew, others held
to the limits.

A picture is always encoded from the decoded pixels: upright, in sRGB, without transparency and without what its file
says of place and owner. What can't be made to fit is a ModelError at the input's place that says what would.
"""

from __future__ import annotations

import io
from math import floor
from pathlib import Path

import numpy as np
from PIL import Image

from rushes.calls import Attachment
from rushes.engines.vendor.contract import PictureRules, RecordingRules
from rushes.engines.vendor.sounds import WAV, as_wav
from rushes.errors import ModelError

QUALITIES = (95, 90, 85, 75, 60)  # JPEG's, until the bytes fit
ANY = PictureRules()
_TINY = 1e-9  # what a ratio such as 0.4 may be off by as a binary number
_SHRINK = 0.8  # of the sides, where even the last quality is too large


def encoded_picture(attachment: Attachment, rules: PictureRules) -> tuple[bytes, str]:
    """Return a picture's bytes and type within the rules. Raises ModelError at its place."""
    pixels = np.load(attachment.pixels or attachment.path, allow_pickle=False)
    picture = Image.fromarray(pixels)
    if attachment.size is None:
        picture = _scaled(_cropped(picture, attachment.shape, rules), rules)
        picture = _cropped(picture, None, rules)  # sides were rounded
    else:
        # A mask's edges stay hard: shades between inside and outside mean nothing.
        filter_ = Image.Resampling.NEAREST if attachment.lossless else Image.Resampling.LANCZOS
        picture = _cropped(picture, attachment.shape, ANY).resize(attachment.size, filter_)
    width, height = picture.size
    if min(width, height) < rules.min_side:
        least = rules.min_side
        msg = f"the picture has {width}x{height} pixels where it is used; each side must have {least} or more"
        ctx = {"min_width": least, "min_height": least}
        raise ModelError("image_too_small", msg, loc=attachment.loc, ctx=ctx)
    if attachment.lossless and "image/png" in rules.types:
        found = _png(picture)
        if len(found) <= rules.max_bytes:
            return found, "image/png"
    if "image/jpeg" in rules.types:
        return _jpeg_within(picture, attachment, rules), "image/jpeg"
    found = _png(picture)
    if len(found) > rules.max_bytes:
        raise _too_large(attachment, len(found), rules.max_bytes)
    return found, "image/png"


def recording(attachment: Attachment, rules: RecordingRules) -> tuple[bytes, str]:
    """Return a video's or a sound's bytes and type as they came, or a sound as WAV where only so it is taken.

    Raises ModelError where the vendor takes no such.
    """
    loc, kind = attachment.loc, attachment.kind
    can_write = kind == "audio" and attachment.pixels is not None and WAV in rules.types
    fits = not rules.types or attachment.content_type in rules.types
    if not fits and not can_write:
        msg = f"{attachment.content_type} is not taken here; use one of {', '.join(rules.types)}"
        raise ModelError(f"unsupported_{kind}_format", msg, loc=loc, ctx={"supported_formats": list(rules.types)})
    _check_length(attachment, rules)
    _check_sides(attachment, rules)
    data, content_type = b"", attachment.content_type
    if fits:
        data = Path(attachment.path).read_bytes()
    if can_write and attachment.pixels is not None and (not fits or len(data) > rules.max_bytes):
        data, content_type = as_wav(Path(attachment.pixels)), WAV
    if len(data) > rules.max_bytes:
        raise _too_large(attachment, len(data), rules.max_bytes)
    return data, content_type


def _check_length(attachment: Attachment, rules: RecordingRules) -> None:
    seconds, kind, loc = attachment.duration_s, attachment.kind, attachment.loc
    if seconds is not None and seconds > rules.max_s:
        msg = f"it is {seconds:.2f} s long; at most {rules.max_s:g} s are taken here"
        raise ModelError(f"{kind}_duration_too_long", msg, loc=loc, ctx={"max_duration": rules.max_s})
    if seconds is not None and seconds < rules.min_s:
        msg = f"it is {seconds:.2f} s long; at least {rules.min_s:g} s are needed here"
        raise ModelError(f"{kind}_duration_too_short", msg, loc=loc, ctx={"min_duration": rules.min_s})


def _cropped(picture: Image.Image, shape: float | None, rules: PictureRules) -> Image.Image:
    """Crop at the centre to the shape that is asked for, and to the ratios that are taken."""
    width, height = picture.size
    ratio = min(max(shape or width / height, rules.min_ratio), rules.max_ratio)
    wide, high = (round(height * ratio), height) if width / height > ratio else (width, round(width / ratio))
    # A picture of the very last shape that is taken must not be a pixel beyond it.
    wide = max(min(wide, floor(min(width, height * rules.max_ratio + _TINY))), 1)
    high = max(min(high, floor(min(height, width / rules.min_ratio + _TINY) if rules.min_ratio else height)), 1)
    if (wide, high) == (width, height):
        return picture
    left, top = (width - wide) // 2, (height - high) // 2
    return picture.crop((left, top, left + wide, top + high))


def _scaled(picture: Image.Image, rules: PictureRules) -> Image.Image:
    factor = rules.max_side / max(picture.size)
    return picture if factor >= 1 else _by(picture, factor)


def _by(picture: Image.Image, factor: float) -> Image.Image:
    width, height = picture.size
    return picture.resize((max(int(width * factor), 1), max(int(height * factor), 1)), Image.Resampling.LANCZOS)


def _jpeg_within(picture: Image.Image, attachment: Attachment, rules: PictureRules) -> bytes:
    while True:
        for quality in QUALITIES:
            found = io.BytesIO()
            picture.save(found, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
            if found.tell() <= rules.max_bytes:
                return found.getvalue()
        smaller = _by(picture, _SHRINK)
        if min(smaller.size) < rules.min_side:
            raise _too_large(attachment, found.tell(), rules.max_bytes)
        picture = smaller


def _png(picture: Image.Image) -> bytes:
    found = io.BytesIO()
    picture.save(found, "PNG")
    return found.getvalue()


def _check_sides(attachment: Attachment, rules: RecordingRules) -> None:
    if attachment.width is None or attachment.height is None:
        return
    low, high = sorted((attachment.width, attachment.height))
    if low < rules.min_side or high > rules.max_side:
        msg = (
            f"the {attachment.kind} has {attachment.width}x{attachment.height} pixels; each side must have "
            f"{rules.min_side} to {rules.max_side}"
        )
        raise ModelError("unsupported_video_format", msg, loc=attachment.loc)


def _too_large(attachment: Attachment, size: int, most: int) -> ModelError:
    msg = f"the file has {size} bytes where it is to be sent; at most {most} are taken there"
    return ModelError("file_too_large", msg, loc=attachment.loc, ctx={"max_size": most})
