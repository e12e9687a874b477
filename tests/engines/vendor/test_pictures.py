"""What pictures and recordings become before they travel: their shape, size, bytes and type, and what is refused."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from rushes.calls import Attachment
from rushes.engines.vendor.contract import PictureRules, RecordingRules
from rushes.engines.vendor.pictures import QUALITIES, encoded_picture, recording
from rushes.errors import ModelError

LOC = ("body", "image_url")
ROOMY = PictureRules()


def ramp(width: int, height: int) -> npt.NDArray[np.uint8]:
    """(height, width, 3): red grows to the right, green downwards."""
    pixels = np.full((height, width, 3), 64, np.uint8)
    pixels[..., 0] = np.linspace(0, 255, width)[None, :]
    pixels[..., 1] = np.linspace(0, 255, height)[:, None]
    return pixels


def attached(folder: Path, pixels: npt.NDArray[np.uint8], **more: Any) -> Attachment:
    path = folder / "picture.npy"
    np.save(path, pixels)
    return Attachment("image", str(folder / "as-it-came"), "image/webp", "base64", LOC, pixels=str(path), **more)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def encoded(folder: Path, pixels: npt.NDArray[np.uint8], rules: PictureRules = ROOMY, **more: Any) -> Image.Image:
    """Encode, hold the result to the rules, and open it."""
    data, content_type = encoded_picture(attached(folder, pixels, **more), rules)
    picture = opened(data)
    assert content_type in rules.types
    assert content_type == Image.MIME[picture.format or ""]
    assert len(data) <= rules.max_bytes
    if more.get("size") is None:
        assert rules.min_ratio <= picture.width / picture.height <= rules.max_ratio
        assert max(picture.size) <= rules.max_side
    return picture


def refusal(attachment: Attachment, rules: PictureRules) -> ModelError:
    with pytest.raises(ModelError) as refused:
        encoded_picture(attachment, rules)
    assert tuple(refused.value.problems[0].loc) == attachment.loc
    return refused.value


@pytest.mark.parametrize("size", [(640, 480), (64, 1280), (1280, 64), (1, 1), (1, 999), (333, 77)])
def test_what_fits_keeps_its_size_and_its_look(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = ramp(*size)
    picture = encoded(tmp_path, pixels)
    assert (picture.size, picture.mode, picture.format) == (size, "RGB", "JPEG")
    assert np.abs(np.asarray(picture).astype(int) - pixels).mean() < 4


@pytest.mark.parametrize("types", [("image/jpeg",), ("image/png",)])
def test_what_travels_says_nothing_of_place_and_owner_and_has_no_transparency(
    tmp_path: Path, types: tuple[str, ...]
) -> None:
    picture = encoded(tmp_path, ramp(320, 240), PictureRules(types=types))
    assert picture.mode == "RGB"
    assert not picture.getexif()
    assert not {"exif", "xmp", "comment", "icc_profile", "transparency"} & set(picture.info)


@pytest.mark.parametrize(("shape", "size"), [(16 / 9, (640, 360)), (1.0, (480, 480)), (9 / 16, (270, 480))])
def test_a_shape_is_cropped_at_the_centre(tmp_path: Path, shape: float, size: tuple[int, int]) -> None:
    picture = encoded(tmp_path, ramp(640, 480), shape=shape)
    assert picture.size == size
    found = np.asarray(picture).astype(float)
    assert found[..., 0].mean() == pytest.approx(127.5, abs=2), "as much is gone on the left as on the right"
    assert found[..., 1].mean() == pytest.approx(127.5, abs=2), "and above as below"
    share = size[0] / 640
    assert found[..., 0].max() - found[..., 0].min() == pytest.approx(255 * share, abs=8), "cropped, not squeezed"


@pytest.mark.parametrize("size", [(64, 1280), (1280, 64), (2, 3), (999, 1000), (401, 1000), (1000, 401), (5000, 10)])
@pytest.mark.parametrize(("low", "high"), [(0.4, 2.5), (0.5, 2.0), (1.0, 1.0), (1 / 3, 3.0)])
def test_ratios_are_held_to_the_last_pixel(tmp_path: Path, size: tuple[int, int], low: float, high: float) -> None:
    rules = PictureRules(min_ratio=low - 1e-12, max_ratio=high + 1e-12)
    picture = encoded(tmp_path, ramp(*size), rules)
    assert min(picture.size) == min(size), "no more is cut than needed"


@pytest.mark.parametrize("size", [(3000, 1000), (1000, 3000), (64, 1280), (4001, 4000)])
def test_a_larger_one_is_scaled_to_the_longest_side_in_its_shape(tmp_path: Path, size: tuple[int, int]) -> None:
    picture = encoded(tmp_path, ramp(*size), PictureRules(max_side=500))
    assert max(picture.size) == 500
    assert min(picture.size) == pytest.approx(min(size) * 500 / max(size), abs=1)


def test_scaling_and_ratios_hold_together(tmp_path: Path) -> None:
    rules = PictureRules(max_side=1_000, min_ratio=0.4, max_ratio=2.5)
    for size in ((64, 1280), (5000, 700), (1999, 801), (2001, 800)):
        encoded(tmp_path, ramp(*size), rules)


@pytest.mark.parametrize("size", [(1, 1), (64, 1280), (299, 400)])
def test_one_that_is_too_small_is_refused_at_its_field_with_what_would_do(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    refused = refusal(attached(tmp_path, ramp(*size)), PictureRules(min_side=300))
    problem = refused.problems[0]
    assert (problem.type, problem.ctx) == ("image_too_small", {"min_width": 300, "min_height": 300})
    assert f"{size[0]}x{size[1]}" in problem.msg


def test_what_a_crop_leaves_too_small_is_refused_with_the_size_that_is_used(tmp_path: Path) -> None:
    refused = refusal(attached(tmp_path, ramp(4_000, 320)), PictureRules(min_side=321, max_ratio=2.0))
    assert "640x320" in refused.problems[0].msg


def noise(side: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (side, side, 3), dtype=np.uint8)


def sizes_by_quality(pixels: npt.NDArray[np.uint8]) -> list[int]:
    found = []
    for quality in QUALITIES:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=0 if quality > 90 else 2)
        found.append(file.tell())
    return found


@pytest.mark.parametrize("step", range(len(QUALITIES)))
def test_bytes_are_held_by_the_first_quality_that_fits(tmp_path: Path, step: int) -> None:
    pixels = noise(256)
    sizes = sizes_by_quality(pixels)
    rules = PictureRules(types=("image/jpeg",), max_bytes=sizes[step])
    data, _ = encoded_picture(attached(tmp_path, pixels), rules)
    assert len(data) == sizes[step]
    assert opened(data).size == (256, 256)


def test_where_no_quality_fits_it_is_scaled_and_begins_anew_with_the_best(tmp_path: Path) -> None:
    pixels = noise(256)
    last = sizes_by_quality(pixels)[-1]
    picture = encoded(tmp_path, pixels, PictureRules(types=("image/jpeg",), max_bytes=last - 1))
    assert picture.size == (204, 204)


def test_where_it_would_become_too_small_to_fit_it_is_refused_with_the_most(tmp_path: Path) -> None:
    rules = PictureRules(types=("image/jpeg",), max_bytes=3_000, min_side=200)
    problem = refusal(attached(tmp_path, noise(256)), rules).problems[0]
    assert (problem.type, problem.ctx) == ("file_too_large", {"max_size": 3_000})
    assert "3000" in problem.msg


def test_a_vendor_of_pngs_alone_is_never_sent_another_kind_and_large_ones_are_refused(tmp_path: Path) -> None:
    rules = PictureRules(types=("image/png",), max_bytes=50_000)
    assert encoded(tmp_path, ramp(64, 64), rules).format == "PNG"
    assert refusal(attached(tmp_path, noise(256)), rules).problems[0].type == "file_too_large"


def test_a_mask_travels_without_loss_and_keeps_its_hard_edges(tmp_path: Path) -> None:
    mask = np.zeros((128, 96, 3), np.uint8)
    mask[40:90, 20:70] = 255
    picture = encoded(tmp_path, mask, lossless=True)
    assert picture.format == "PNG"
    assert np.array_equal(np.asarray(picture), mask)
    stretched = encoded(tmp_path, mask, lossless=True, size=(333, 517))
    assert stretched.size == (333, 517)
    assert set(np.unique(np.asarray(stretched))) == {0, 255}
    assert (np.asarray(stretched)[..., 0] > 0).mean() == pytest.approx((mask[..., 0] > 0).mean(), abs=0.01)


@pytest.mark.parametrize("given", [(64, 1280), (1, 1), (1280, 720)])
def test_a_size_that_is_asked_for_is_exactly_that(tmp_path: Path, given: tuple[int, int]) -> None:
    assert encoded(tmp_path, ramp(*given), size=(640, 360), shape=640 / 360).size == (640, 360)


# Recordings


def recorded(folder: Path, kind: Any = "video", size_bytes: int = 10, **more: Any) -> Attachment:
    path = folder / "recording"
    path.write_bytes(base64.b64encode(bytes(size_bytes))[:size_bytes])
    loc = ("body", f"{kind}_url")
    return Attachment(kind, str(path), more.pop("content_type", f"{kind}/mp4"), "bytes", loc, **more)


def test_a_recording_that_fits_travels_as_it_came(tmp_path: Path) -> None:
    rules = RecordingRules(types=("video/mp4",), max_bytes=10, min_s=1, max_s=5, min_side=64, max_side=1_280)
    given = recorded(tmp_path, duration_s=5.0, width=64, height=1_280)
    assert recording(given, rules) == (Path(given.path).read_bytes(), "video/mp4")


@pytest.mark.parametrize(
    ("more", "rules", "kind", "ctx"),
    [
        ({"duration_s": 5.01}, {"max_s": 5}, "video_duration_too_long", {"max_duration": 5}),
        ({"duration_s": 0.04}, {"min_s": 2}, "video_duration_too_short", {"min_duration": 2}),
        ({"size_bytes": 11}, {"max_bytes": 10}, "file_too_large", {"max_size": 10}),
        (
            {"content_type": "video/webm"},
            {"types": ("video/mp4", "video/quicktime")},
            "unsupported_video_format",
            {"supported_formats": ["video/mp4", "video/quicktime"]},
        ),
        ({"width": 64, "height": 1_280}, {"min_side": 65}, "unsupported_video_format", None),
        ({"width": 64, "height": 1_280}, {"max_side": 1_279}, "unsupported_video_format", None),
        (
            {"kind": "audio", "content_type": "audio/ogg"},
            {"types": ("audio/mpeg",)},
            "unsupported_audio_format",
            {"supported_formats": ["audio/mpeg"]},
        ),
        ({"kind": "audio", "duration_s": 60.5}, {"max_s": 60}, "audio_duration_too_long", {"max_duration": 60}),
    ],
)
def test_a_recording_beyond_a_limit_is_refused_at_its_field_with_what_is_taken(
    tmp_path: Path, more: dict[str, Any], rules: dict[str, Any], kind: str, ctx: dict[str, Any] | None
) -> None:
    given = recorded(tmp_path, **more)
    with pytest.raises(ModelError) as refused:
        recording(given, RecordingRules(**rules))
    problem = refused.value.problems[0]
    assert (problem.type, tuple(problem.loc)) == (kind, given.loc)
    if ctx is not None:
        assert problem.ctx == ctx


def test_a_recording_whose_measures_nobody_knows_is_held_to_its_bytes_alone(tmp_path: Path) -> None:
    rules = RecordingRules(min_s=2, max_s=5, min_side=300, max_bytes=10)
    assert recording(recorded(tmp_path), rules)[1] == "video/mp4"


@pytest.mark.parametrize(
    ("content_type", "max_bytes"), [("audio/ogg", 1_000_000), ("audio/wav", 5_000)], ids=["kind", "bytes"]
)
def test_a_sound_that_cannot_travel_as_it_came_is_written_anew(
    tmp_path: Path, content_type: str, max_bytes: int
) -> None:
    samples = tmp_path / "samples.npy"
    np.save(samples, np.zeros((4_800, 2), np.int16))
    given = recorded(tmp_path, "audio", 9_000, content_type=content_type, pixels=str(samples))
    data, found = recording(given, RecordingRules(types=("audio/wav",), max_bytes=max_bytes))
    assert (data[:4], found, len(data)) == (b"RIFF", "audio/wav", 44 + 2 * 2_400)
