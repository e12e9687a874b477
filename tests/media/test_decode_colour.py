"""Colour of decoded pictures, measured: profiles in Delta E, 16 bits in levels; and the turns that AVIF keeps."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.video.stream import VideoStream
from PIL import Image

from tests.media import profiles
from tests.media.hostile_media import chunk
from tests.media.test_decode import decode, distance, saved, scene

Deep = npt.NDArray[np.uint16]


def patches() -> npt.NDArray[np.uint8]:
    """Colours that lie within sRGB in the wider spaces too: 8 a channel from dark to light, none of them vivid."""
    levels = np.linspace(60, 190, 8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(16, 32, 3)
    muted: npt.NDArray[np.uint8] = (cube * 0.5 + cube.mean(-1, keepdims=True) * 0.5).round().astype(np.uint8)
    return muted


def delta_e(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """CIE 1976."""
    apart: npt.NDArray[np.float64] = np.linalg.norm(a - b, axis=-1)
    return apart


@pytest.mark.parametrize("space", ["DISPLAY_P3", "ADOBE_RGB"])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "JPEG"])
def test_wide_colours_look_the_same_in_srgb(space: str, format: str, tmp_path: Path) -> None:
    primaries, gamma = getattr(profiles, space), 563 / 256
    choices: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    profile = profiles.matrix_profile(primaries, gamma)
    _, pixels = decode(
        saved(Image.fromarray(patches()), format, icc_profile=profile, **choices.get(format, {})), tmp_path
    )
    meant = profiles.lab((patches() / 255) ** gamma, primaries)
    apart = delta_e(meant, profiles.lab(profiles.linear(pixels / 255), profiles.SRGB))
    assert apart.mean() < (1.2 if format == "JPEG" else 0.6)
    assert delta_e(meant, profiles.lab(profiles.linear(patches() / 255), profiles.SRGB)).mean() > 2, "it matters"


def test_a_grey_profiles_gamma_is_honoured(tmp_path: Path) -> None:
    grey = np.tile(np.arange(0, 256, 8, dtype=np.uint8), (32, 1))
    _, pixels = decode(saved(Image.fromarray(grey), "PNG", icc_profile=profiles.grey_profile(1.0)), tmp_path)
    assert np.abs(profiles.linear(pixels[..., 0] / 255) - grey / 255).max() < 0.01


def deep_png(values: Deep, colour: int, *before: bytes) -> bytes:
    height, width = values.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def deep(channels: int) -> Deep:
    """Every value from black to white, and a full alpha where there is one."""
    values = np.linspace(0, 65_535, 32 * 48 * channels).round().astype(np.uint16).reshape(32, 48, channels)
    if channels in (2, 4):
        values[..., -1] = 65_535
    return values


@pytest.mark.parametrize(("channels", "colour"), [(1, 0), (2, 4), (3, 2), (4, 6)])
def test_sixteen_bits_in_png_are_rounded_to_the_nearest_level(channels: int, colour: int, tmp_path: Path) -> None:
    values = deep(channels)
    _, pixels = decode(deep_png(values, colour), tmp_path)
    seen = pixels[..., : channels - 1] if channels in (2, 4) else pixels[..., :channels]
    assert np.abs(seen - values[..., : seen.shape[-1]] / 257).max() <= 0.5


@pytest.mark.parametrize("form", ["rgb48le", "rgba64le"])
def test_sixteen_bits_in_tiff_are_rounded_to_the_nearest_level(form: str, tmp_path: Path) -> None:
    values = deep(3 if form == "rgb48le" else 4)
    with av.open(str(tmp_path / "deep.tiff"), "w", format="image2", options={"update": "1"}) as file:
        write_one(file, "tiff", form, values)
    _, pixels = decode((tmp_path / "deep.tiff").read_bytes(), tmp_path)
    assert np.abs(pixels - values[..., :3] / 257).max() <= 0.5


def write_one(file: Any, codec: str, form: str, values: npt.NDArray[Any], **options: str) -> None:
    stream = file.add_stream(codec, rate=1, options=options)
    assert isinstance(stream, VideoStream)
    stream.height, stream.width = values.shape[:2]
    stream.pix_fmt = form
    frame = av.VideoFrame.from_ndarray(values, format=form if values.dtype == np.uint16 else "rgb24")
    file.mux(stream.encode(frame.reformat(format=form)))
    file.mux(stream.encode(None))


def test_a_grey_of_16_bits_that_means_transparent_shows_the_ground(tmp_path: Path) -> None:
    values = np.full((32, 32), 20_000, np.uint16)
    values[:, 16:] = 20_001  # only the low byte tells them apart
    _, pixels = decode(deep_png(values, 0, chunk(b"tRNS", struct.pack(">H", 20_000))), tmp_path)
    assert pixels[0, 0].min() > 215
    assert pixels[0, 20].tolist() == [78] * 3


@pytest.mark.parametrize("tag", range(1, 9))
def test_avif_turns_and_mirrors_by_its_own_properties(tag: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = tag
    jpeg = saved(scene(), "JPEG", exif=exif, quality=100, subsampling=0)
    stored = saved(scene(), "AVIF", exif=exif, quality=100, subsampling="4:4:4")
    assert (b"irot" in stored or b"imir" in stored) is (tag > 1), "the writer has moved it out of EXIF"
    turned, by_exif = decode(stored, tmp_path), decode(jpeg, tmp_path)
    assert turned[0].width == by_exif[0].width
    assert distance(turned[1], Image.fromarray(by_exif[1])) <= 25


def test_avif_of_10_bits_is_read(tmp_path: Path) -> None:
    pixels = np.asarray(scene(64, 48))
    with av.open(str(tmp_path / "ten.avif"), "w", format="avif") as file:
        write_one(file, "libsvtav1", "yuv420p10le", pixels, crf="5", preset="10")
    picture, back = decode((tmp_path / "ten.avif").read_bytes(), tmp_path)
    assert (picture.width, picture.height, picture.content_type) == (64, 48, "image/avif")
    assert np.abs(back.astype(int) - pixels).mean() < 4


def test_a_first_page_is_the_picture(tmp_path: Path) -> None:
    second = Image.new("RGB", (100, 100), "red")
    for format in ("TIFF", "AVIF"):
        _, pixels = decode(
            saved(scene(), format, save_all=True, append_images=[scene()] * (format == "AVIF") or [second]), tmp_path
        )
        assert distance(pixels, scene()) <= (0 if format == "TIFF" else 90)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palettes_of_few_colours(bits: int, tmp_path: Path) -> None:
    few = scene().quantize(2**bits)
    for format in ("PNG", "GIF", "BMP"):
        options = {"bits": bits} if format == "PNG" else {}
        assert distance(decode(saved(few, format, **options), tmp_path)[1], few) == 0


def test_ycck_and_inverted_inks_are_read(tmp_path: Path) -> None:
    """Adobe's JPEGs hold inks inverted; Pillow writes them so too, with the Adobe marker."""
    inks = Image.merge("CMYK", [Image.new("L", (32, 32), value) for value in (0, 255, 0, 64)])
    file = io.BytesIO()
    inks.save(file, "JPEG", quality=100)
    assert b"Adobe" in file.getvalue()
    assert np.abs(decode(file.getvalue(), tmp_path)[1][9, 9].astype(int) - [191, 0, 191]).max() <= 4
