"""Pictures: every format and colour model as upright RGB, and every bad one with its message."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageCms

from rushes.errors import ModelError, Problem
from rushes.media.decode import EXTENSIONS, Picture, PictureLimits, decode_picture

LOC = ("body", "image_url")
LIMITS = PictureLimits(max_width=4096, max_height=2048, max_pixels=4_000_000)
Pixels = npt.NDArray[np.uint8]


def scene(width: int = 48, height: int = 32) -> Image.Image:
    """A smooth picture without symmetry: red grows to the right, green downwards, blue is a corner."""
    y, x = np.mgrid[0:height, 0:width]
    blue = 200 * ((x < width // 4) & (y < height // 4))
    return Image.fromarray(np.stack([x * 255 // width, y * 255 // height, blue], -1).astype(np.uint8))


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def decode(data: bytes, tmp_path: Path, limits: PictureLimits = LIMITS) -> tuple[Picture, Pixels]:
    (tmp_path / "input").write_bytes(data)
    picture = decode_picture(tmp_path / "input", tmp_path / "out.npy", limits, LOC)
    pixels: Pixels = np.load(tmp_path / "out.npy")
    (tmp_path / "out.npy").unlink()
    assert pixels.dtype == np.uint8
    assert pixels.shape == (picture.height, picture.width, 3)
    return picture, pixels


def problem(data: bytes, tmp_path: Path, limits: PictureLimits = LIMITS) -> Problem:
    with pytest.raises(ModelError) as caught:
        decode(data, tmp_path, limits)
    (only,) = caught.value.problems
    assert only.loc == LOC
    assert not (tmp_path / "out.npy").exists()
    return only


def distance(a: Pixels, b: Image.Image) -> int:
    return int(np.abs(a.astype(int) - np.asarray(b.convert("RGB")).astype(int)).max())


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *more: bytes, pixels: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("format", "options", "content_type", "off_by"),
    [
        ("PNG", {}, "image/png", 0),
        ("PNG", {"interlace": 1}, "image/png", 0),
        ("JPEG", {"quality": 95, "subsampling": 0}, "image/jpeg", 40),
        ("JPEG", {"quality": 95, "progressive": True, "subsampling": 0}, "image/jpeg", 40),
        ("WEBP", {"lossless": True}, "image/webp", 0),
        ("WEBP", {"quality": 95}, "image/webp", 90),
        ("AVIF", {"quality": 100, "subsampling": "4:4:4"}, "image/avif", 12),
        ("BMP", {}, "image/bmp", 0),
        ("TIFF", {}, "image/tiff", 0),
        ("TIFF", {"compression": "tiff_lzw"}, "image/tiff", 0),
    ],
)
def test_formats_are_read_by_content(
    format: str, options: dict[str, Any], content_type: str, off_by: int, tmp_path: Path
) -> None:
    picture, pixels = decode(saved(scene(), format, **options), tmp_path)
    assert picture == Picture(48, 32, content_type)
    assert distance(pixels, scene()) <= off_by


@pytest.mark.parametrize("mode", ["L", "1", "P"])
def test_modes_become_rgb(mode: str, tmp_path: Path) -> None:
    source = scene().convert(mode)
    assert distance(decode(saved(source, "PNG"), tmp_path)[1], source) == 0


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (20, 20), "red"), Image.new("RGB", (20, 20), "blue")
    for format in ("GIF", "WEBP", "PNG"):
        data = saved(red, format, save_all=True, append_images=[blue], lossless=True)
        assert decode(data, tmp_path)[1][10, 10].tolist() in ([255, 0, 0], [254, 0, 0])


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_pictures_are_turned_upright(tag: int, format: str, tmp_path: Path) -> None:
    # Store the picture in such a way that the tag, applied, gives the scene back.
    stored = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[tag]
    source = scene() if stored is None else scene().transpose(stored)
    exif = Image.Exif()
    exif[0x0112] = tag
    options = {"quality": 100, "subsampling": 0} if format == "JPEG" else {"lossless": True} if format == "WEBP" else {}
    picture, pixels = decode(saved(source, format, exif=exif, **options), tmp_path)
    assert (picture.width, picture.height) == (48, 32)
    assert distance(pixels, scene()) <= (20 if format == "JPEG" else 0)


def test_transparency_is_blended_with_straight_colours(tmp_path: Path) -> None:
    pixels = np.zeros((20, 20, 4), np.uint8)
    pixels[:, :10] = (200, 100, 0, 128)
    pixels[:, 10:] = (13, 14, 15, 0)
    for format in ("PNG", "TIFF", "WEBP"):
        options = {"lossless": True, "exact": True} if format == "WEBP" else {}
        _, flat = decode(saved(Image.fromarray(pixels), format, **options), tmp_path)
        ground = flat[0, 19].astype(int)
        assert ground.min() > 215
        assert np.abs(flat[0, 0].astype(int) - (np.array([200, 100, 0]) + ground) / 2).max() <= 3


def test_transparent_palettes_and_greys_are_laid_on_a_light_ground(tmp_path: Path) -> None:
    palette = Image.new("P", (20, 20), 1)
    palette.putpalette([0, 0, 0, 255, 0, 0])
    palette.paste(0, (0, 0, 10, 20))
    for format in ("PNG", "GIF"):
        _, flat = decode(saved(palette, format, transparency=0), tmp_path)
        assert flat[5, 5].min() > 215
        assert flat[5, 15].tolist() == [255, 0, 0]
    grey = Image.merge("LA", (Image.new("L", (20, 20), 100), Image.new("L", (20, 20), 51)))
    assert 200 < decode(saved(grey, "PNG"), tmp_path)[1][0, 0, 0] < 215


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(format: str, tmp_path: Path) -> None:
    values = np.linspace(0, 65_535, 32 * 48).reshape(32, 48).astype(np.uint16)
    _, pixels = decode(saved(Image.fromarray(values), format), tmp_path)
    assert np.abs(pixels[..., 0] - values / 257).max() <= 0.51


def test_floats_are_read_as_zero_to_one(tmp_path: Path) -> None:
    values = np.linspace(0, 1, 32 * 48).reshape(32, 48).astype(np.float32)
    _, pixels = decode(saved(Image.fromarray(values), "TIFF"), tmp_path)
    assert np.abs(pixels[..., 0] - values * 255).max() <= 0.51


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    ink = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    for format, options in (("JPEG", {"quality": 100}), ("TIFF", {})):
        assert np.abs(decode(saved(ink, format, **options), tmp_path)[1][9, 9].astype(int) - [255, 0, 0]).max() <= 3


def test_an_embedded_profile_is_honoured(tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert distance(decode(saved(scene(), "PNG", icc_profile=lab), tmp_path)[1], scene()) == 0  # not for RGB: ignored
    assert distance(decode(saved(scene(), "PNG", icc_profile=b"rubbish"), tmp_path)[1], scene()) == 0
    swapped = swap_red_and_green(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    _, pixels = decode(saved(Image.new("RGB", (32, 32), (255, 0, 0)), "PNG", icc_profile=swapped), tmp_path)
    assert pixels[9, 9].tolist() == pytest.approx([0, 255, 0], abs=3)


def swap_red_and_green(profile: bytes) -> bytes:
    """Exchange two primaries of an RGB profile and its name, which makes a profile nobody could overlook."""
    return (profile.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")).replace(
        "sRGB".encode("utf-16-be"), "xRGB".encode("utf-16-be")
    )


def test_a_header_of_30000_by_30000_is_refused_before_decoding(tmp_path: Path) -> None:
    found = problem(png(30_000, 30_000), tmp_path, PictureLimits())
    assert (found.type, found.ctx) == ("image_too_large", {"max_width": 16_384, "max_height": 16_384})
    assert "30000x30000" in found.msg


@pytest.mark.parametrize(("width", "height"), [(4097, 16), (16, 2049), (4000, 2000)])
def test_each_limit_of_size_counts(width: int, height: int, tmp_path: Path) -> None:
    assert problem(png(width, height), tmp_path).type == "image_too_large"


def test_tiny_pictures_are_refused(tmp_path: Path) -> None:
    found = problem(saved(scene(15, 300), "PNG"), tmp_path)
    assert (found.type, found.ctx) == ("image_too_small", {"min_width": 16, "min_height": 16})
    assert "15x300" in found.msg
    assert decode(saved(scene(16, 16), "PNG"), tmp_path)[0].width == 16


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"hello, this is not a picture", "this is text"),
        ("grüße".encode(), "this is text"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html>", "a web page"),
        (b'{"error": "no such file"}', "JSON"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04" + bytes(50), "ZIP"),
        (bytes(1000), "no known format"),
        (b"\x93\x00\xff\x7f" * 99, "no known format"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, says: str, tmp_path: Path) -> None:
    found = problem(data, tmp_path)
    assert found.type == "image_load_error"
    assert says in found.msg


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom", "MP4"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC"),
        (b"\x1aE\xdf\xa3" + bytes(40), "WebM"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x00\x00\x01\x00\x01\x00", "icon"),
    ],
)
def test_other_pictures_and_videos_are_unsupported(data: bytes, says: str, tmp_path: Path) -> None:
    found = problem(data, tmp_path)
    assert (found.type, found.ctx) == ("unsupported_image_format", {"supported_formats": list(EXTENSIONS)})
    assert says in found.msg


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("part", [0.1, 0.3, 0.6, 0.9, 0.97])
def test_truncated_pictures_are_load_errors(format: str, part: float, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), format)
    found = problem(data[: int(len(data) * part)], tmp_path)
    assert found.type == "image_load_error"
    assert "ends too early" in found.msg or "damaged" in found.msg
    assert str(tmp_path) not in found.msg, "our paths are nobody's business"


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "TIFF"])
def test_flipped_bytes_give_a_picture_or_a_model_error(format: str, tmp_path: Path) -> None:
    data = saved(scene(), format)
    dice = np.random.default_rng(7)
    for _ in range(12):
        broken = bytearray(data)
        for at in dice.integers(0, len(data), 6):
            broken[at] = dice.integers(0, 256)
        try:
            decode(bytes(broken), tmp_path)
        except ModelError as error:
            assert error.problems[0].type.startswith(("image_", "unsupported_image"))  # noqa: PT017


def bomb_in(name: bytes, lead: bytes) -> Callable[[], bytes]:
    return lambda: png(64, 64, chunk(name, lead + zlib.compress(bytes(80_000_000), 9)), pixels=bytes(64 * 193))


@pytest.mark.parametrize(
    "make",
    [bomb_in(b"zTXt", b"a\0\0"), bomb_in(b"iCCP", b"a\0\0"), bomb_in(b"iTXt", b"a\0\1\0\0\0")],
    ids=["zTXt", "iCCP", "iTXt"],
)
def test_bombs_in_side_chunks_are_defused(make: Callable[[], bytes], tmp_path: Path) -> None:
    found = problem(make(), tmp_path)
    assert found.type == "image_load_error"


def test_memory_and_time_limits_are_told(tmp_path: Path) -> None:
    large = saved(Image.new("RGB", (2000, 2000)), "PNG")
    tight = PictureLimits(memory_bytes=215 * 2**20)
    assert "more memory" in problem(large, tmp_path, tight).msg


def test_a_polyglot_is_what_its_first_bytes_say(tmp_path: Path) -> None:
    page = b"<html><script>alert(1)</script>"
    assert decode(saved(scene(), "PNG") + page + b"PK\x03\x04", tmp_path)[0].content_type == "image/png"
    assert problem(page + saved(scene(), "PNG"), tmp_path).type == "image_load_error"


def test_ticks_may_end_the_decoding(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def tick() -> None:
        raise Stop

    (tmp_path / "input").write_bytes(saved(scene(), "PNG"))
    with pytest.raises(Stop):
        decode_picture(tmp_path / "input", tmp_path / "out.npy", LIMITS, LOC, tick)
    assert not (tmp_path / "out.npy").exists()
