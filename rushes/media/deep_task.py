"""The part of `decode_task` for pictures of more than 8 bits a channel: scales them down with right rounding.

Pillow reads colour of 16 bits by dropping the low byte, which darkens by up to a level and shifts gradients. Here the
same bytes are read twice, once for the high and once for the low bytes (the "other byte order" of Pillow's unpackers is
just that), and v / 257 is rounded exactly. Greys and floats come from Pillow whole. Runs in the sandbox only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image

_SWAPPED = {"B": "L", "L": "B", "N": "B" if np.little_endian else "L"}
_DEEP_MODES = {"RGB": "RGB;16", "RGBA": "RGBA;16", "RGBX": "RGBX;16"}
_BAND_ROWS = 256

Channel = npt.NDArray[np.uint8]


def loaded(picture: Image.Image, reopen: Callable[[], Image.Image]) -> Image.Image:
    """Load the picture's pixels as 8 bits a channel; `reopen` opens the same file once more."""
    raw = _raw_mode(picture)
    if raw == "LA;16B":
        return _grey_with_alpha(picture)
    if raw is None or raw[:-1] != _DEEP_MODES.get(picture.mode):
        picture.load()
        return picture if not picture.mode.startswith(("I", "F")) else _grey(picture)
    with reopen() as again:
        _read_as(again, raw[:-1] + _SWAPPED[raw[-1]])
        picture.load()
        again.load()
        _round_up(picture, again)
    return picture


def _raw_mode(picture: Image.Image) -> str | None:
    """How the bytes lie in the file, in Pillow's words, when that is one for the whole picture."""
    tiles = getattr(picture, "tile", None) or []
    modes = {tile[3] if isinstance(tile[3], str) else tile[3][0] for tile in tiles if tile[3]}
    only = modes.pop() if len(modes) == 1 else None
    return only if isinstance(only, str) else None


def _read_as(picture: Image.Image, raw: str) -> None:
    """Have the picture's bytes read in another way."""
    tiles = picture.tile  # type: ignore[attr-defined]  # a file's picture has tiles
    for number, tile in enumerate(tiles):
        args = raw if isinstance(tile[3], str) else (raw, *tile[3][1:])
        tiles[number] = type(tile)(tile[0], tile[1], tile[2], args)


def _round_up(high: Image.Image, low: Image.Image) -> None:
    """Replace the high bytes by round(v / 257): v = 257 high + (low - high), so that only the distance counts."""
    for top in range(0, high.height, _BAND_ROWS):
        box = (0, top, high.width, min(top + _BAND_ROWS, high.height))
        above = np.asarray(high.crop(box)).astype(np.int16)
        apart = np.asarray(low.crop(box)).astype(np.int16) - above
        above += (apart > 128).astype(np.int16) - (apart < -128)
        high.paste(Image.fromarray(above.astype(np.uint8), high.mode), box)


def _grey_with_alpha(picture: Image.Image) -> Image.Image:
    """Read high and low bytes of grey and alpha as if they were four channels."""
    _read_as(picture, picture.mode)
    picture.load()
    pairs = np.asarray(picture).astype(np.int32)
    grey, alpha = (Image.fromarray(_by_257(pairs[..., at] * 256 + pairs[..., at + 1])) for at in (0, 2))
    return _like(picture, Image.merge("LA", (grey, alpha)))


def _grey(picture: Image.Image) -> Image.Image:
    """Bring greys of 16 or 32 bits and floats down by scaling; Pillow's own conversion would clip them to white."""
    values = np.asarray(picture)
    # Floats are light from 0 to 1 or levels as they are, and no tag says which: the largest does.
    if picture.mode == "F":
        values = np.nan_to_num(values)
        scaled = np.clip(values * (255 if values.max() <= 1 else 1), 0, 255).round().astype(np.uint8)
    # Some programs write plain 8-bit greys as 32-bit numbers.
    elif picture.mode == "I" and values.max() <= 255:
        scaled = np.clip(values, 0, 255).astype(np.uint8)
    else:
        scaled = _by_257(np.clip(values, 0, 65_535).astype(np.int32))
    grey = Image.fromarray(scaled)
    see_through = picture.info.get("transparency")
    if isinstance(see_through, int):
        alpha = Image.fromarray(np.where(values == see_through, 0, 255).astype(np.uint8))
        grey = Image.merge("LA", (grey, alpha))
    return _like(picture, grey)


def _by_257(values: npt.NDArray[np.int32]) -> Channel:
    # round(v / 257) for every v of 16 bits, without a division.
    scaled: Channel = ((values.astype(np.uint32) * 255 + 32_895) >> 16).astype(np.uint8)
    return scaled


def _like(picture: Image.Image, made: Image.Image) -> Image.Image:
    """Keep what else the file says (profile, orientation), but no colour that stands for transparency."""
    made.info = {key: value for key, value in picture.info.items() if key != "transparency"}
    return made
