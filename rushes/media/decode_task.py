"""The part of `decode` that touches untrusted bytes; runs in the sandbox only.

Everything ends as upright 8-bit sRGB without transparency. Order: size from the header, pixels, colour by the embedded
profile, transparency, orientation. Transparent pixels are blended after the profile and with straight (not
premultiplied) colours, as browsers do; what colour a fully transparent pixel hides then does not matter. What they are
laid on is `ground_task`'s choice.
"""

from __future__ import annotations

import io
import os
import re
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from rushes.media.deep_task import loaded
from rushes.media.ground_task import laid_down, painted

__all__ = ["decode"]

_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PROFILE_SPACES = {"RGB": "RGB", "L": "GRAY", "CMYK": "CMYK", "LAB": "Lab"}
_TWELVE_BITS = re.compile(rb"\xff[\xc0-\xc2]\x00[\x0b\x11\x14]\x0c")  # start of frame, its length, the precision
_MAX_SCANNED = 3_000_000_000  # pixels times scans: cameras write ten scans; this is about two seconds' work
_BAND_BYTES = 96 * 1024  # small enough for malloc to give the same memory again and again
_WARM_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def decode(
    *,
    source: str,
    to: str,
    formats: list[str],
    max_width: int,
    max_height: int,
    max_pixels: int,
    min_side: int,
    mask: bool = False,
) -> dict[str, Any]:
    """Decode `source` into the NumPy file `to`; answers the size, or with `problem` why the size is not allowed.

    Of a `mask` with transparency the painted region is written, in white on black.
    """
    Image.MAX_IMAGE_PIXELS = None  # the limits below are stricter, and say more
    with _opened(source, formats) as picture:
        width, height = picture.size
        seen = {"width": width, "height": height, "format": picture.format}
        if width > max_width or height > max_height or width * height > max_pixels:
            return {**seen, "problem": "too large"}
        if width < min_side or height < min_side:
            return {**seen, "problem": "too small"}
        _check_scans(picture, source)
        pixels = loaded(picture, partial(_opened, source, formats))
        turn = _UPRIGHT.get(_orientation(picture))  # after loading, since that turns some pictures and says so here
        rgb = _to_srgb(pixels, mask=mask)
    if turn is not None:
        rgb = rgb.transpose(turn)
    _save(rgb, Path(to))
    return {**seen, "width": rgb.width, "height": rgb.height}


def _opened(source: str, formats: list[str]) -> Image.Image:
    """Open the picture; Pillow's own words for one it does not know would show the caller our path."""
    try:
        return Image.open(source, formats=formats)
    except UnidentifiedImageError:
        # Profiles and previews, which may be large, stand before the head that tells the precision.
        with open(source, "rb") as file:
            if formats == ["JPEG"] and _TWELVE_BITS.search(file.read(1 << 20)):
                raise ValueError("it has 12 bits a channel; save it with 8") from None
        raise ValueError("its first part is broken or missing") from None


def _check_scans(picture: Image.Image, source: str) -> None:
    """Refuse a JPEG that is to be refined again and again: a few bytes a time, a whole picture's work each."""
    if picture.info.get("progressive"):
        scans = Path(source).read_bytes().count(b"\xff\xda")
        if scans * picture.width * picture.height > _MAX_SCANNED:
            raise ValueError(f"its pixels are refined {scans} times")


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001  a picture with damaged EXIF is still a picture; Pillow's parser raises many types
        return 1


def _to_srgb(picture: Image.Image, *, mask: bool) -> Image.Image:
    profile = picture.info.get("icc_profile")
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("LA" if picture.mode in ("LA", "La") else "RGBA")
        alpha = picture.getchannel("A")
        picture = picture.convert("L" if picture.mode == "LA" else "RGB")
    rgb = _by_profile(picture, profile)
    if alpha is None:
        return rgb
    return painted(rgb, alpha) if mask else laid_down(rgb, alpha)


def _by_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB by the embedded profile; a profile that is damaged or for another colour space is ignored."""
    if picture.mode not in _PROFILE_SPACES:
        picture = picture.convert("RGB")
    if not profile:
        return _plain(picture)
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # ICC pads its names of four letters with spaces.
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[picture.mode] or _is_srgb(source):
            return _plain(picture)
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return _plain(picture)
    return converted if converted is not None else _plain(picture)


def _plain(picture: Image.Image) -> Image.Image:
    """Convert without a profile, and without the copy that Pillow makes of what is RGB already."""
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Most profiles are sRGB itself, where the conversion would cost time and a rounding step."""
    return "srgb" in (profile.profile.profile_description or "").lower()


def _save(rgb: Image.Image, to: Path) -> None:
    """Write the .npy in bands, since a whole second copy would not fit beside the largest picture allowed."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rgb.height, rgb.width, 3)}
    rows = max(1, _BAND_BYTES // (rgb.width * 4))  # Pillow keeps four bytes for each pixel
    with to.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for top in range(0, rgb.height, rows):
            file.write(rgb.crop((0, top, rgb.width, min(top + rows, rgb.height))).tobytes())


def warm() -> None:
    """Decode a small picture of our own in each format, so that no child pays for a decoder's first use."""
    with tempfile.TemporaryDirectory() as folder:
        for name in _WARM_FORMATS:
            source = os.path.join(folder, name)
            Image.new("RGB", (32, 32), "teal").save(source, name)
            decode(
                source=source,
                to=source + ".npy",
                formats=[name],
                max_width=32,
                max_height=32,
                max_pixels=1024,
                min_side=1,
            )
