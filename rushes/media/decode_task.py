"""The part of `decode` that touches untrusted bytes; runs in the sandbox only.

Everything ends as upright 8-bit sRGB on white. Order: size from the header, pixels, colour by the embedded profile,
transparency, orientation. Transparent pixels are blended after the profile and with straight (not premultiplied)
colours, as browsers do; what colour a fully transparent pixel hides then does not matter. White, since that is the
page behind most pictures with transparency.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

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
_BAND_ROWS = 256


def decode(
    *, source: str, to: str, formats: list[str], max_width: int, max_height: int, max_pixels: int, min_side: int
) -> dict[str, Any]:
    """Decode `source` into the NumPy file `to`; answers the size, or with `problem` why the size is not allowed."""
    Image.MAX_IMAGE_PIXELS = None  # the limits below are stricter, and say more
    with _opened(source, formats) as picture:
        width, height = picture.size
        seen = {"width": width, "height": height, "format": picture.format}
        if width > max_width or height > max_height or width * height > max_pixels:
            return {**seen, "problem": "too large"}
        if width < min_side or height < min_side:
            return {**seen, "problem": "too small"}
        picture.load()
        turn = _UPRIGHT.get(_orientation(picture))
        rgb = _to_srgb(picture)
    if turn is not None:
        rgb = rgb.transpose(turn)
    _save(rgb, Path(to))
    return {**seen, "width": rgb.width, "height": rgb.height}


def _opened(source: str, formats: list[str]) -> Image.Image:
    """Open the picture; Pillow's own words for one it does not know would show the caller our path."""
    try:
        return Image.open(source, formats=formats)
    except UnidentifiedImageError:
        raise ValueError("its first part is broken or missing") from None


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001  a picture with damaged EXIF is still a picture; Pillow's parser raises many types
        return 1


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    picture = _to_8_bits(picture)
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("LA" if picture.mode in ("LA", "La") else "RGBA")
        alpha = picture.getchannel("A")
        picture = picture.convert("L" if picture.mode == "LA" else "RGB")
    rgb = _by_profile(picture, profile)
    if alpha is None:
        return rgb
    flat = Image.new("RGB", rgb.size, "white")
    flat.paste(rgb, mask=alpha)
    return flat


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Bring greys of 16 or 32 bits and floats down by scaling; Pillow's own conversion would clip them to white."""
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture)
    if picture.mode == "F":
        values = np.nan_to_num(values)
        scaled = np.clip(values * (255 if values.max() <= 1 else 1), 0, 255).round()
    elif picture.mode == "I" and values.max() <= 255:
        scaled = np.clip(values, 0, 255)
    else:
        scaled = (np.clip(values, 0, 65_535).astype(np.uint32) * 255 + 32_895) >> 16  # / 257, rounded
    return Image.fromarray(scaled.astype(np.uint8))


def _by_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB by the embedded profile; a profile that is damaged or for another colour space is ignored."""
    if picture.mode not in _PROFILE_SPACES:
        picture = picture.convert("RGB")
    if not profile:
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if source.profile.xcolor_space.strip() != _PROFILE_SPACES[picture.mode] or _is_srgb(source):
            return picture.convert("RGB")
        converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture.convert("RGB")
    return converted if converted is not None else picture.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Most profiles are sRGB itself, where the conversion would cost time and a rounding step."""
    return "srgb" in (profile.profile.profile_description or "").lower()


def _save(rgb: Image.Image, to: Path) -> None:
    """Write the .npy in bands, since a whole second copy would not fit beside the largest picture allowed."""
    header = {"descr": "|u1", "fortran_order": False, "shape": (rgb.height, rgb.width, 3)}
    with to.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for top in range(0, rgb.height, _BAND_ROWS):
            file.write(rgb.crop((0, top, rgb.width, min(top + _BAND_ROWS, rgb.height))).tobytes())
