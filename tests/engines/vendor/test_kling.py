"""Kling: what it is sent for every endpoint, what its words mean, and that no task is paid twice."""

import base64
import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.staticfiles import StaticFiles

from rushes.calls import Course, VendorCall
from rushes.endpoint import Media
from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.asking import Time
from rushes.engines.vendor.contract import Account, Done, Request, Response, Trouble, Waiting
from rushes.engines.vendor.courses import course_points
from rushes.engines.vendor.engine import VendorEngine
from rushes.engines.vendor.task import Task
from rushes.engines.vendor.vendors import kling
from rushes.errors import ModelError
from rushes.fakes.content import mp3, mp4
from rushes.fakes.serving import running
from rushes.families import ENDPOINTS
from rushes.families.kling import NEGATIVE_PROMPT
from rushes.routing import VendorDeployment
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

ROOT = "fal-ai/kling-video"
SECRET = "rehearsal-secret"
WORDS = {"prompt": "a boat", "negative_prompt": NEGATIVE_PROMPT, "duration": "5"}
URL = "https://example.com/a"


@pytest.fixture
def rehearsal() -> Iterator[Rehearsal]:
    with rehearsing("kling", now=time.time) as one:
        yield one


@contextmanager
def shared(folder: Path) -> Iterator[Trip]:
    """Return a trip whose shared files can be fetched."""
    folder.mkdir(exist_ok=True)
    app = Starlette()
    app.mount("/", StaticFiles(directory=folder))
    with running(app) as url:
        yield Trip(folder, share_at=url)


def recording(folder: Path, name: str, content: bytes, content_type: str, **about: Any) -> Media:
    path = folder / name
    path.write_bytes(content)
    kind: Any = content_type.partition("/")[0]
    return Media(kind, str(path), content_type, len(content), source=str(path), **about)


def film(folder: Path, seconds: float = 5.0, width: int = 1280, height: int = 720) -> Media:
    about = {"width": width, "height": height, "frames": round(seconds * 24), "fps": 24.0, "duration_s": seconds}
    return recording(folder, "film.mp4", mp4(width, height, seconds, 1.0), "video/mp4", **about)


def shown(value: Any) -> Any:
    """Return a body with each picture as its form and size, and each sound as its first letters."""
    if isinstance(value, Mapping):
        return {name: shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    if isinstance(value, str) and len(value) > 200:
        content = base64.b64decode(value, validate=True)
        if content[:3] == b"ID3":
            return "sound"
        with Image.open(io.BytesIO(content)) as found:
            return found.format, found.size
    return value


def still(body: Mapping[str, Any], *path: str | int) -> np.ndarray[Any, Any]:
    value: Any = body
    for step in path:
        value = value[step]
    with Image.open(io.BytesIO(base64.b64decode(value))) as found:
        return np.asarray(found.convert("RGB"))


def submitted(rehearsal: Rehearsal) -> list[Any]:
    return [one for one in rehearsal.fake.seen if one.method == "POST"]


def asked(rehearsal: Rehearsal) -> dict[str, Any]:
    """Return the one body that was submitted, as `shown`, without our name for the task."""
    (post,) = submitted(rehearsal)
    body = shown(post.body)
    assert body.pop("external_task_id").startswith("job-1-")
    return {"at": post.path, **body}


def issuer(authorization: str) -> str:
    """Return whom a token says that it is of."""
    claims = json.loads(base64.urlsafe_b64decode(authorization.split(".")[1] + "=="))
    return str(claims["iss"])


def call(endpoint: str, body: Mapping[str, Any], media: Mapping[str, Media] | None = None) -> VendorCall:
    return call_for(f"{ROOT}/{endpoint}", "kling", body, media or {})


def text_call(prompt: str = "a boat", **more: Any) -> VendorCall:
    return call("v1.6/standard/text-to-video", {"prompt": prompt, **more})


def task_call(ending: str) -> VendorCall:
    return text_call(f"a boat fake:{ending}")


# What is sent


@pytest.mark.parametrize(
    ("grade", "model"),
    [
        ("v2.1/standard", {"model_name": "kling-v2-1", "mode": "std"}),
        ("v2.1/pro", {"model_name": "kling-v2-1", "mode": "pro"}),
        ("v2.1/master", {"model_name": "kling-v2-1-master"}),
        ("v2/master", {"model_name": "kling-v2-master"}),
        ("v1.6/standard", {"model_name": "kling-v1-6", "mode": "std", "cfg_scale": 0.5}),
        ("v1/standard", {"model_name": "kling-v1", "mode": "std", "cfg_scale": 0.5}),
    ],
)
def test_a_picture_is_set_in_motion_by_the_model_of_the_path(
    rehearsal: Rehearsal, tmp_path: Path, grade: str, model: dict[str, str]
) -> None:
    media = {"image_url": picture(tmp_path)}
    found = run(
        rehearsal, call(f"{grade}/image-to-video", {"prompt": "a boat", "image_url": URL}, media), Trip(tmp_path)
    )
    assert asked(rehearsal) == {"at": "/v1/videos/image2video", **model, **WORDS, "image": ("JPEG", (640, 480))}
    assert isinstance(found.output, FinishedFiles)
    assert Path(found.output.files[0].path).read_bytes()[4:8] == b"ftyp"
    assert (found.usage, found.seed) == ({"videos": 1.0, "seconds": 5.0}, None)


@pytest.mark.parametrize(("grade", "model"), [("v1.6/pro", "kling-v1-6"), ("v1.5/pro", "kling-v1-5")])
def test_pro_pictures_are_cropped_to_the_shape_that_is_asked_for(
    rehearsal: Rehearsal, tmp_path: Path, grade: str, model: str
) -> None:
    media = {
        "image_url": picture(tmp_path, 1200, 900, "one"),
        "tail_image_url": picture(tmp_path, 900, 1800, "two"),
    }
    body = {"image_url": URL, "tail_image_url": URL, "aspect_ratio": "9:16", "duration": "10", "cfg_scale": 0.25}
    run(rehearsal, call(f"{grade}/image-to-video", {"prompt": "a boat", **body}, media), Trip(tmp_path))
    assert asked(rehearsal) == {
        "at": "/v1/videos/image2video",
        "model_name": model,
        "mode": "pro",
        **WORDS,
        "duration": "10",
        "cfg_scale": 0.25,
        "image": ("JPEG", (506, 900)),
        "image_tail": ("JPEG", (900, 1600)),
    }


@pytest.mark.parametrize(
    ("grade", "model"),
    [
        ("v2.1/master", {"model_name": "kling-v2-1-master"}),
        ("v2/master", {"model_name": "kling-v2-master"}),
        ("v1.6/standard", {"model_name": "kling-v1-6", "mode": "std", "cfg_scale": 1.0}),
        ("v1.6/pro", {"model_name": "kling-v1-6", "mode": "pro", "cfg_scale": 1.0}),
        ("v1.5/pro", {"model_name": "kling-v1-5", "mode": "pro", "cfg_scale": 1.0}),
        ("v1/standard", {"model_name": "kling-v1", "mode": "std", "cfg_scale": 1.0}),
    ],
)
def test_a_prompt_is_filmed_by_the_model_of_the_path(
    rehearsal: Rehearsal, tmp_path: Path, grade: str, model: dict[str, Any]
) -> None:
    body = {"prompt": "a boat", "negative_prompt": "fog", "duration": "10", "aspect_ratio": "1:1", "cfg_scale": 1}
    found = run(rehearsal, call(f"{grade}/text-to-video", body), Trip(tmp_path))
    assert asked(rehearsal) == {
        "at": "/v1/videos/text2video",
        **model,
        **{"prompt": "a boat", "negative_prompt": "fog", "duration": "10", "aspect_ratio": "1:1"},
    }
    assert found.usage == {"videos": 1.0, "seconds": 10.0}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"camera_control": "down_back"}, {"type": "down_back"}),
        ({"camera_control": "left_turn_forward"}, {"type": "left_turn_forward"}),
        (
            {"advanced_camera_control": {"movement_type": "zoom", "movement_value": -10}},
            {"type": "simple", "config": {"zoom": -10}},
        ),
        (
            {
                "camera_control": "forward_up",
                "advanced_camera_control": {"movement_type": "horizontal", "movement_value": 3},
            },
            {"type": "simple", "config": {"horizontal": 3}},
        ),
        ({"advanced_camera_control": {"movement_type": "pan", "movement_value": 0}}, None),
    ],
)
def test_the_camera_is_led_as_the_reference_says(
    rehearsal: Rehearsal, tmp_path: Path, given: dict[str, Any], sent: dict[str, Any] | None
) -> None:
    run(rehearsal, call("v1/standard/text-to-video", {"prompt": "a boat", **given}), Trip(tmp_path))
    assert asked(rehearsal).get("camera_control") == sent


def test_several_subjects_travel_as_a_list(rehearsal: Rehearsal, tmp_path: Path) -> None:
    media = {f"input_image_urls.{number}": picture(tmp_path, 400 + number, 400, str(number)) for number in range(4)}
    body = {"prompt": "a boat", "input_image_urls": [URL] * 4, "aspect_ratio": "9:16"}
    run(rehearsal, call("v1.6/standard/elements", body, media), Trip(tmp_path))
    assert asked(rehearsal) == {
        "at": "/v1/videos/multi-image2video",
        "model_name": "kling-v1-6",
        "mode": "std",
        **WORDS,
        "aspect_ratio": "9:16",
        "image_list": [{"image": ("JPEG", (400 + number, 400))} for number in range(4)],
    }


@pytest.mark.parametrize(
    ("grade", "model"),
    [
        ("v1/standard", {"model_name": "kling-v1", "mode": "std"}),
        ("v1.5/pro", {"model_name": "kling-v1-5", "mode": "pro"}),
        ("v1.6/standard", {"model_name": "kling-v1-6", "mode": "std"}),
        ("v1.6/pro", {"model_name": "kling-v1-6", "mode": "pro"}),
    ],
)
def test_a_scene_is_played_by_one_or_by_a_pair(
    rehearsal: Rehearsal, tmp_path: Path, grade: str, model: dict[str, str]
) -> None:
    media = {f"input_image_urls.{number}": picture(tmp_path, 400 + number, 400, str(number)) for number in range(2)}
    pair = {"input_image_urls": [URL, URL], "effect_scene": "hug", "duration": "10"}
    run(rehearsal, call(f"{grade}/effects", pair, media), Trip(tmp_path))
    images = [("JPEG", (400, 400)), ("JPEG", (401, 400))]
    assert asked(rehearsal) == {
        "at": "/v1/videos/effects",
        "effect_scene": "hug",
        "input": {**model, "images": images, "duration": "10"},
    }
    rehearsal.fake.seen.clear()
    alone = {"input_image_urls": [URL], "effect_scene": "squish"}
    run(rehearsal, call(f"{grade}/effects", alone, media), Trip(tmp_path))
    assert asked(rehearsal)["input"] == {**model, "image": images[0], "duration": "5"}


def test_lips_follow_a_sound_in_a_film_that_the_vendor_fetches(rehearsal: Rehearsal, tmp_path: Path) -> None:
    media = {"video_url": film(tmp_path), "audio_url": recording(tmp_path, "a.mp3", mp3(2), "audio/mpeg")}
    with shared(tmp_path / "shared") as trip:
        body = {"video_url": URL, "audio_url": URL}
        found = run(rehearsal, call("lipsync/audio-to-video", body, media), trip)
        sent = asked(rehearsal)
        assert sent["input"].pop("video_url").startswith(f"{trip.share_at}/")
    assert sent == {
        "at": "/v1/videos/lip-sync",
        "input": {"mode": "audio2video", "audio_type": "file", "audio_file": "sound"},
    }
    assert found.usage["seconds"] == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"voice_id": "oversea_male1", "voice_language": "en", "voice_speed": 1.0}),
        (
            {"voice_language": "zh", "voice_speed": 0.8},
            {"voice_id": "genshin_vindi2", "voice_language": "zh", "voice_speed": 0.8},
        ),
        ({"voice_id": "uk_man2"}, {"voice_id": "uk_man2", "voice_language": "en", "voice_speed": 1.0}),
    ],
)
def test_lips_say_a_text(rehearsal: Rehearsal, tmp_path: Path, given: dict[str, Any], sent: dict[str, Any]) -> None:
    with shared(tmp_path / "shared") as trip:
        body = {"video_url": URL, "text": "hello", **given}
        run(rehearsal, call("lipsync/text-to-video", body, {"video_url": film(tmp_path)}), trip)
        found = asked(rehearsal)["input"]
    assert found.pop("video_url").startswith("http://")
    assert found == {"mode": "text2video", "text": "hello", **sent}


def test_every_endpoint_of_the_family_can_be_served() -> None:
    of_family = [one for name, one in ENDPOINTS.items() if name.startswith(f"{ROOT}/")]
    assert len(of_family) == 22
    assert all("kling" in one.engines for one in of_family)


# Masks and their paths


def painted(folder: Path, name: str, size: tuple[int, int], box: tuple[int, int, int, int]) -> Media:
    """Make a mask: white in a box (left, top, right, bottom), black elsewhere."""
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    pixels[box[1] : box[3], box[0] : box[2]] = 255
    np.save(folder / f"{name}.npy", pixels)
    return Media("image", str(folder / f"{name}.npy"), "image/png", 1, *size)


def masked(folder: Path, size: tuple[int, int], masks: dict[str, Media], body: dict[str, Any]) -> VendorCall:
    media = {"image_url": picture(folder, *size), **masks}
    return call("v1/standard/image-to-video", {"prompt": "a boat", "image_url": URL, **body}, media)


def led(*points: tuple[int, int]) -> dict[str, Any]:
    return {"mask_url": URL, "trajectories": [{"x": x, "y": y} for x, y in points]}


@pytest.mark.parametrize(
    ("first", "told"),
    [
        # The region is in the upper half: counted from the top the path begins on it.
        (((100, 60), (300, 60)), [{"x": 100, "y": 340}, {"x": 300, "y": 340}]),
        # Counted from the bottom, as Kling itself does, it comes to the same path.
        (((100, 340), (300, 340)), [{"x": 100, "y": 340}, {"x": 300, "y": 340}]),
    ],
)
def test_masks_are_sent_without_loss_and_paths_from_the_bottom_left(
    rehearsal: Rehearsal, tmp_path: Path, first: tuple[tuple[int, int], ...], told: list[dict[str, int]]
) -> None:
    masks = {
        "static_mask_url": painted(tmp_path, "still", (300, 200), (0, 100, 300, 200)),
        "dynamic_masks.0.mask_url": painted(tmp_path, "led", (600, 400), (80, 40, 140, 90)),
    }
    body = {"static_mask_url": URL, "dynamic_masks": [led(*first)]}
    run(rehearsal, masked(tmp_path, (600, 400), masks, body), Trip(tmp_path))
    assert asked(rehearsal) == {
        "at": "/v1/videos/image2video",
        "model_name": "kling-v1",
        "mode": "std",
        **WORDS,
        "cfg_scale": 0.5,
        "image": ("JPEG", (600, 400)),
        "static_mask": ("PNG", (600, 400)),
        "dynamic_masks": [{"mask": ("PNG", (600, 400)), "trajectories": told}],
    }
    sent = submitted(rehearsal)[0].body
    assert set(np.unique(still(sent, "static_mask"))) == {0, 255}, "no shades at an edge"
    assert still(sent, "static_mask")[300].min() == 255
    assert still(sent, "static_mask")[:199].max() == 0


@pytest.mark.parametrize(("size", "sent"), [((1600, 400), (1000, 400)), ((400, 4000), (400, 1000))])
def test_of_a_long_picture_its_masks_show_the_same_part(
    rehearsal: Rehearsal, tmp_path: Path, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    wide, high = size
    left, top = (wide - sent[0]) // 2, (high - sent[1]) // 2
    box = (left + 50, top + 60, left + 150, top + 160)
    half = tuple(value // 2 for value in box)
    masks = {"dynamic_masks.0.mask_url": painted(tmp_path, "led", (wide // 2, high // 2), half)}  # type: ignore[arg-type]
    body = {"dynamic_masks": [led((left + 100, top + 110), (left - 50, top - 50))]}
    run(rehearsal, masked(tmp_path, size, masks, body), Trip(tmp_path))
    (mask,) = asked(rehearsal)["dynamic_masks"]
    assert (asked(rehearsal)["image"], mask["mask"]) == (("JPEG", sent), ("PNG", sent))
    assert mask["trajectories"] == [{"x": 100, "y": sent[1] - 110}, {"x": 0, "y": sent[1]}]
    region = still(submitted(rehearsal)[0].body, "dynamic_masks", 0, "mask")[..., 0] > 0
    rows, columns = np.nonzero(region)
    assert (columns.min(), rows.min()) == (pytest.approx(50, abs=2), pytest.approx(60, abs=2))
    assert (columns.max(), rows.max()) == (pytest.approx(149, abs=2), pytest.approx(159, abs=2))


def test_a_large_picture_with_masks_is_scaled_with_its_paths(rehearsal: Rehearsal, tmp_path: Path) -> None:
    masks = {"dynamic_masks.0.mask_url": painted(tmp_path, "led", (64, 64), (0, 0, 16, 16))}
    body = {"dynamic_masks": [led((300, 300), (4096, 3000))]}
    run(rehearsal, masked(tmp_path, (4096, 3000), masks, body), Trip(tmp_path))
    sent = asked(rehearsal)
    assert sent["image"] == ("JPEG", (2048, 1500))
    assert sent["dynamic_masks"] == [
        {"mask": ("PNG", (2048, 1500)), "trajectories": [{"x": 150, "y": 1350}, {"x": 2048, "y": 0}]}
    ]


def test_a_region_without_a_path_is_not_told(rehearsal: Rehearsal, tmp_path: Path) -> None:
    masks = {f"dynamic_masks.{n}.mask_url": painted(tmp_path, str(n), (64, 64), (0, 0, 16, 16)) for n in range(2)}
    wanted = masked(tmp_path, (640, 640), masks, {"dynamic_masks": [{"mask_url": URL}, led((80, 80), (500, 80))]})
    run(rehearsal, wanted, Trip(tmp_path))
    assert len(asked(rehearsal)["dynamic_masks"]) == 1
    assert wanted.fields["dynamic_masks.0.mask"] == ("body", "dynamic_masks", 1, "mask_url")


def test_nothing_painted_leaves_a_path_as_it_was_told(tmp_path: Path) -> None:
    mask = painted(tmp_path, "none", (32, 32), (0, 0, 0, 0))
    course = Course(((0.25, 0.25), (0.5, 1.0)), mask.path, (0.0, 0.0, 1.0, 1.0), (400, 400))
    assert course_points(course) == [{"x": 100, "y": 300}, {"x": 200, "y": 0}]


# What is refused before anything is sent


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"static_mask_url": URL, "tail_image_url": URL}, ("body", "static_mask_url")),
        ({"tail_image_url": URL, "duration": "10"}, ("body", "duration")),
        ({"static_mask_url": URL, "duration": "10"}, ("body", "duration")),
        ({"dynamic_masks": [led((1, 1), (2, 2))], "duration": "10"}, ("body", "duration")),
    ],
)
def test_what_goes_not_together_is_refused_for_nothing(
    rehearsal: Rehearsal, tmp_path: Path, body: dict[str, Any], where: tuple[str, ...]
) -> None:
    names = ("static_mask_url", "tail_image_url", "dynamic_masks.0.mask_url")
    media = {name: picture(tmp_path, 400, 400, name) for name in names if name.partition(".")[0] in body}
    with pytest.raises(ModelError) as refused:
        run(rehearsal, masked(tmp_path, (400, 400), media, body), Trip(tmp_path))
    assert refused.value.problems[0].loc == where
    assert not rehearsal.fake.seen


def test_a_camera_is_led_for_five_seconds_only(rehearsal: Rehearsal, tmp_path: Path) -> None:
    body = {"prompt": "a boat", "camera_control": "down_back", "duration": "10"}
    with pytest.raises(ModelError, match="only 5 seconds") as refused:
        run(rehearsal, call("v1/standard/text-to-video", body), Trip(tmp_path))
    assert refused.value.problems[0].loc == ("body", "duration")
    assert not rehearsal.fake.seen


def test_a_scene_for_one_lasts_five_seconds(tmp_path: Path) -> None:
    body = {"input_image_urls": [URL], "effect_scene": "squish", "duration": "10"}
    with pytest.raises(ModelError, match="5 seconds only, not 10") as refused:
        call("v1.6/pro/effects", body, {"input_image_urls.0": picture(tmp_path)})
    assert refused.value.problems[0].loc == ("body", "duration")


@pytest.mark.parametrize("endpoint", ["v1.6/pro/text-to-video", "v1.6/pro/elements"])
def test_a_blank_prompt_is_refused_where_one_is_needed(rehearsal: Rehearsal, tmp_path: Path, endpoint: str) -> None:
    body: dict[str, Any] = {"prompt": " \n"} | ({"input_image_urls": [URL]} if "elements" in endpoint else {})
    with pytest.raises(ModelError) as refused:
        run(rehearsal, call(endpoint, body, {"input_image_urls.0": picture(tmp_path)}), Trip(tmp_path))
    assert refused.value.problems[0].loc == ("body", "prompt")
    assert not rehearsal.fake.seen


def test_a_small_picture_is_refused_and_a_long_one_cropped(rehearsal: Rehearsal, tmp_path: Path) -> None:
    body = {"prompt": "a boat", "image_url": URL}
    media = {"image_url": picture(tmp_path, 64, 1280, "thin")}
    with pytest.raises(ModelError) as refused:
        run(rehearsal, call("v2.1/pro/image-to-video", body, media), Trip(tmp_path))
    assert (refused.value.problems[0].type, refused.value.problems[0].loc) == (
        "image_too_small",
        ("body", "image_url"),
    )
    assert not rehearsal.fake.seen
    media = {"image_url": picture(tmp_path, 400, 3000, "long")}
    run(rehearsal, call("v2.1/pro/image-to-video", body, media), Trip(tmp_path))
    assert asked(rehearsal)["image"] == ("JPEG", (400, 1000))


@pytest.mark.parametrize(
    ("about", "kind"),
    [
        ({"seconds": 1.0}, "video_duration_too_short"),
        ({"seconds": 11.0}, "video_duration_too_long"),
        ({"width": 640, "height": 360}, "unsupported_video_format"),
    ],
)
def test_a_film_beyond_the_limits_is_refused_for_nothing(
    rehearsal: Rehearsal, tmp_path: Path, about: dict[str, Any], kind: str
) -> None:
    media = {"video_url": film(tmp_path, **about)}
    with pytest.raises(ModelError) as refused:
        run(rehearsal, call("lipsync/text-to-video", {"video_url": URL, "text": "hi"}, media), Trip(tmp_path))
    assert (refused.value.problems[0].type, refused.value.problems[0].loc) == (kind, ("body", "video_url"))
    assert not rehearsal.fake.seen


def test_a_sound_of_another_kind_or_too_large_is_refused(rehearsal: Rehearsal, tmp_path: Path) -> None:
    for name, content, kind, error in (
        ("a.ogg", b"OggS", "audio/ogg", "unsupported_audio_format"),
        ("a.wav", bytes(5_000_001), "audio/wav", "file_too_large"),
    ):
        media = {"video_url": film(tmp_path), "audio_url": recording(tmp_path, name, content, kind)}
        with shared(tmp_path / "shared") as trip, pytest.raises(ModelError) as refused:
            run(rehearsal, call("lipsync/audio-to-video", {"video_url": URL, "audio_url": URL}, media), trip)
        assert (refused.value.problems[0].type, refused.value.problems[0].loc) == (error, ("body", "audio_url"))
    assert not rehearsal.fake.seen


# Another model in place of one that is named


def test_a_successor_keeps_the_mode_and_leaves_out_what_it_does_not_take(tmp_path: Path) -> None:
    for successor, model in (
        ("kling-v2-5-turbo", {"model_name": "kling-v2-5-turbo", "mode": "std"}),
        ("kling-v2-6/pro", {"model_name": "kling-v2-6", "mode": "pro"}),
        ("kling-v2-1-master", {"model_name": "kling-v2-1-master"}),
    ):
        with rehearsing("kling", now=time.time, models={"kling-v1-6/std": successor}) as one:
            found = run(one, text_call(cfg_scale=0.9), Trip(tmp_path))
            assert asked(one) == {"at": "/v1/videos/text2video", **model, **WORDS, "aspect_ratio": "16:9"}
        assert (found.maker.model, found.maker.stand_in) == (successor, True)


def test_a_successor_that_lacks_what_is_asked_for_refuses_it_by_our_field(tmp_path: Path) -> None:
    with rehearsing("kling", now=time.time, models={"kling-v1/std": "kling-v2-1/std"}) as one:
        body = {"prompt": "a", "advanced_camera_control": {"movement_type": "zoom", "movement_value": 1}}
        with pytest.raises(ModelError) as refused:
            run(one, call("v1/standard/text-to-video", body), Trip(tmp_path))
        assert not one.fake.seen
    problem = refused.value.problems[0]
    assert (problem.type, problem.loc) == ("feature_not_supported", ("body", "advanced_camera_control"))


def test_the_price_of_a_model_and_mode_comes_to_the_books(tmp_path: Path) -> None:
    with rehearsing("kling", now=time.time, prices={"kling-v1-6/std:seconds": 0.056, "seconds": 9.0}) as one:
        assert run(one, text_call(duration="10"), Trip(tmp_path)).cost_usd == pytest.approx(0.56)


# The key


def test_every_request_is_signed_with_the_time(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, text_call(), Trip(tmp_path))
    signed = {one.headers["authorization"].removeprefix("Bearer ") for one in rehearsal.fake.seen}
    for token in signed:
        head, claims, _ = token.split(".")
        said = json.loads(base64.urlsafe_b64decode(claims + "=="))
        assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"alg": "HS256", "typ": "JWT"}
        assert (said["iss"], said["exp"] - said["nbf"]) == ("rehearsal-access", 1805)
        assert abs(said["nbf"] + 5 - time.time()) < 30


def test_the_token_is_the_one_that_the_standard_gives() -> None:
    token = kling.token(Account("access:secret", "", now=1_700_000_000.9))
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims == {"iss": "access", "exp": 1_700_001_800, "nbf": 1_699_999_995}
    assert token == kling.token(Account("access:secret", "", now=1_700_000_000.0)), "nothing but key and time"


@pytest.mark.parametrize("key", ["no-colon", ":secret", "access:"])
def test_half_a_key_is_the_operators_to_mend(tmp_path: Path, key: str) -> None:
    with rehearsing("kling", now=time.time, key=key) as one, pytest.raises(Unable) as unable:
        run(one, text_call(), Trip(tmp_path))
    assert unable.value.blame == "key"
    assert "colon" in unable.value.remedy
    assert key not in unable.value.remedy
    assert not one.fake.seen


def test_a_dead_key_rests_and_another_goes_on(tmp_path: Path) -> None:
    keys = {"key": "dead:wrong", "keys": [f"rehearsal-access:{SECRET}"]}
    with rehearsing("kling", now=time.time, **keys) as one:
        with suppress(Unable):  # whether the same job goes on with another key is the engine's to say
            run(one, text_call(), Trip(tmp_path))
        run(one, text_call(), Trip(tmp_path))
        issuers = [issuer(post.headers["authorization"]) for post in submitted(one)]
        assert issuers.count("dead") == 1
        assert len(one.fake.tasks) == issuers.count("rehearsal-access") >= 1


# What comes of a task


@pytest.mark.parametrize(
    ("word", "state"), [("submitted", Waiting("submitted")), ("processing", Waiting("processing"))]
)
def test_each_status_word_is_understood(word: str, state: Waiting) -> None:
    assert kling.read("text2video/1", _answer({"task_id": "1", "task_status": word})) == state


def test_a_film_that_came_is_counted_by_what_the_vendor_says() -> None:
    videos = [{"id": "1", "url": "https://example.com/v.mp4", "duration": "5.1"}]
    done = kling.read("text2video/1", _answer({"task_status": "succeed", "task_result": {"videos": videos}}))
    assert isinstance(done, Done)
    assert done.usage == {"videos": 1.0, "seconds": 5.1}
    videos[0]["duration"] = "long"
    done = kling.read("text2video/1", _answer({"task_status": "succeed", "task_result": {"videos": videos}}))
    assert isinstance(done, Done)
    assert done.usage == {"videos": 1.0}


@pytest.mark.parametrize(
    "data", [None, [], {}, {"task_status": 3}, {"task_status": "succeed"}, {"task_status": "succeed", "task_result": 1}]
)
def test_an_answer_that_is_not_as_documented_is_shown_as_such(data: Any) -> None:
    with pytest.raises(Trouble) as trouble:
        kling.read("text2video/1", _answer(data))
    assert trouble.value.kind == "unknown"


@pytest.mark.parametrize(
    ("ticket", "reason", "kind", "member"),
    [
        ("text2video/1", "Failure to pass the risk control system", "moderated", None),
        ("text2video/1", "Internal error of the model", "server", "task"),
        ("lip-sync/1", "No face was detected in the video", "invalid", "input.video_url"),
        ("image2video/1", "No face was detected in the video", "server", "task"),
        ("lip-sync/1", "surface error", "server", "task"),
        ("image2video/1", None, "server", "task"),
    ],
)
def test_a_failed_task_says_whose_fault_it_is(ticket: str, reason: str | None, kind: str, member: str | None) -> None:
    with pytest.raises(Trouble) as trouble:
        kling.read(ticket, _answer({"task_status": "failed", "task_status_msg": reason}))
    assert (trouble.value.kind, trouble.value.member) == (kind, member)


def _answer(data: Any, status: int = 200, code: int = 0, message: str = "") -> Response:
    return Response(status, {}, json.dumps({"code": code, "message": message, "data": data}).encode())


@pytest.mark.parametrize(
    ("ending", "error", "loc"),
    [
        ("end_moderated", "content_policy_violation", ("body",)),
        ("moderated", "content_policy_violation", ("body",)),
        ("invalid", "value_error", ("body", "prompt")),
    ],
)
def test_the_callers_fault_names_the_field(
    rehearsal: Rehearsal, tmp_path: Path, ending: str, error: str, loc: tuple[str, ...]
) -> None:
    trip = Trip(tmp_path)
    with pytest.raises(ModelError) as refused:
        run(rehearsal, task_call(ending), trip)
    assert (refused.value.problems[0].type, refused.value.problems[0].loc) == (error, loc)
    assert SECRET not in str(refused.value.problems) + str(trip.lines)


@pytest.mark.parametrize(
    ("ending", "blame", "shown_word"),
    [
        ("key", "key", None),
        ("balance", "balance", None),
        ("server_error", "server", None),
        ("unknown", "unknown", "teapot"),
        ("end_unknown", "unknown", "paused"),
        ("end_failed", "server", None),
        ("end_lost", "gone", None),
        ("end_link_expired", "gone", None),
        ("poll_key", "key", None),
    ],
)
def test_what_is_no_fault_of_the_request_is_told_without_secrets(
    rehearsal: Rehearsal, tmp_path: Path, ending: str, blame: str, shown_word: str | None
) -> None:
    trip = Trip(tmp_path)
    with pytest.raises(Unable) as unable:
        run(rehearsal, task_call(ending), trip)
    assert unable.value.blame == blame
    said = str(unable.value.error.failure().body)
    assert (shown_word or "") in said
    assert SECRET not in said + unable.value.remedy + str(trip.lines) + str(trip.notes)
    assert len(rehearsal.fake.tasks) <= 1


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        *[(401, code, "key") for code in range(1000, 1005)],
        *[(429, code, "balance") for code in range(1100, 1103)],
        (403, 1103, "access"),
        (400, 1200, "invalid"),
        (400, 1201, "invalid"),
        (404, 1202, "access"),
        (404, 1203, "retired"),
        (400, 1300, "moderated"),
        (400, 1301, "moderated"),
        (429, 1302, "busy"),
        (429, 1303, "busy"),
        (429, 1304, "access"),
        (403, 1304, "access"),
        (500, 5000, "server"),
        (503, 5001, "server"),
        (504, 5002, "server"),
        (400, 1299, "unknown"),
        (500, 5999, "unknown"),
        (200, 1301, "moderated"),
    ],
)
def test_every_code_has_its_meaning_at_a_submit(status: int, code: int, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        kling.accepted(text_call(), _answer(None, status, code, "why"))
    assert (trouble.value.kind, trouble.value.code, trouble.value.text) == (kind, code, "why")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, "key"),
        (429, "busy"),
        (503, "server"),
        (502, "server"),
        (521, "server"),
        (418, "unknown"),
        (200, "unknown"),
    ],
)
def test_an_answer_of_something_else_goes_by_its_status(status: int, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        kling.accepted(text_call(), Response(status, {"retry-after": "7"}, b"<html>"))
    assert (trouble.value.kind, trouble.value.code, trouble.value.retry_after_s) == (kind, status, 7.0)


@pytest.mark.parametrize(
    ("message", "loc"),
    [
        ("prompt: too long", ("body", "prompt")),
        ("the image is broken", ("body", "image_url")),
        ("image_tail: 200x300 pixels", ("body", "tail_image_url")),
        ("dynamic_masks.0.mask: broken", ("body", "dynamic_masks", 0, "mask_url")),
        ("dynamic_masks[0].trajectories is wrong", ("body", "dynamic_masks", 0, "trajectories")),
        ("images are bad", ("body",)),
        ("cfg_scale out of range", ("body", "cfg_scale")),
        ("something is wrong", ("body",)),
    ],
)
def test_a_refusal_is_told_at_our_own_field(tmp_path: Path, message: str, loc: tuple[str | int, ...]) -> None:
    names = ("tail_image_url", "dynamic_masks.0.mask_url")
    media = {name: picture(tmp_path, 400, 400, name) for name in names}
    wanted = masked(tmp_path, (400, 400), media, {"dynamic_masks": [led((1, 1), (2, 2))]})
    with pytest.raises(Trouble) as trouble:
        kling.accepted(wanted, _answer(None, 400, 1201, message))
    member = trouble.value.member
    assert (wanted.fields.get(member, ("body", member)) if member else ("body",)) == loc


def test_a_refusal_of_what_we_chose_ourselves_is_no_fault_of_the_caller() -> None:
    with pytest.raises(Trouble) as trouble:
        kling.accepted(text_call(), _answer(None, 400, 1201, "model_name: value is invalid"))
    assert trouble.value.kind == "retired"


@pytest.mark.parametrize("fault", ["rate", "concurrency"])
def test_too_many_tasks_wait_and_are_paid_once(rehearsal: Rehearsal, tmp_path: Path, fault: Any) -> None:
    rehearsal.fake.plan.submits.extend([fault, fault])
    rehearsal.fake.plan.retry_after_s = 7
    run(rehearsal, text_call(), Trip(tmp_path))
    assert len(submitted(rehearsal)) == 3
    assert len(rehearsal.fake.tasks) == 1
    assert rehearsal.clock.at > 1_014


def test_a_cancel_ends_the_waiting_without_a_word_to_the_vendor(rehearsal: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path, cancel_when=lambda: any(one.looks for one in rehearsal.fake.tasks.values()))
    with pytest.raises(Cancelled):
        run(rehearsal, text_call(), trip)
    assert {one.method for one in rehearsal.fake.seen} == {"POST", "GET"}


# Never paid twice


@pytest.mark.parametrize("kept", [True, False])
def test_a_lost_answer_is_looked_up_by_our_name(rehearsal: Rehearsal, tmp_path: Path, kept: bool) -> None:
    rehearsal.fake.plan.submits.append("hang_up")
    rehearsal.fake.plan.keeps_lost = kept
    run(rehearsal, text_call(), Trip(tmp_path))
    assert len(rehearsal.fake.tasks) == 1
    assert len(submitted(rehearsal)) == (1 if kept else 2)
    assert len({one.body["external_task_id"] for one in submitted(rehearsal)}) == 1


def test_a_note_without_a_ticket_finds_the_task_again(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, text_call(), first)
    before_ticket = next(note for note in first.notes if json.loads(note)["ticket"] is None)
    run(rehearsal, text_call(), Trip(tmp_path, saved=before_ticket))
    assert len(rehearsal.fake.tasks) == 1


def test_a_note_with_a_ticket_goes_on_with_the_task(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, text_call(), first)
    rehearsal.fake.seen.clear()
    found = run(rehearsal, text_call(), Trip(tmp_path, saved=first.notes[-1]))
    assert found.usage["seconds"] == 5.0
    assert not submitted(rehearsal)


def test_a_name_that_the_vendor_knows_already_leads_to_its_task(rehearsal: Rehearsal, tmp_path: Path) -> None:
    """A task that can't be found at once is sent again, refused for its name, and found then."""
    looks: list[str] = []

    def late(account: Account, wanted: VendorCall, name: str) -> tuple[Request, ...]:
        looks.append(name)
        return kling.look_up(account, wanted, name) if len(submitted(rehearsal)) > 1 else ()

    key = f"rehearsal-access:{SECRET}"
    given = {"engine": "vendor", "vendor": "kling", "key": key, "url": rehearsal.url}
    setting = VendorDeployment.model_validate(given)
    times = Time(time.time, rehearsal.clock.now, rehearsal.clock.sleep)
    engine = VendorEngine("rehearsed", replace(kling.VENDOR, look_up=late), setting, (key,), times=times)
    rehearsal.fake.plan.submits.append("hang_up")
    rehearsal.fake.plan.keeps_lost = True
    engine.run_errand(text_call(), Trip(tmp_path))
    assert (len(submitted(rehearsal)), len(rehearsal.fake.tasks)) == (2, 1)
    assert len(set(looks)) == 1


@pytest.mark.parametrize("fault", ["rate", "server_error"])
def test_a_look_up_waits_for_a_vendor_that_is_busy(rehearsal: Rehearsal, tmp_path: Path, fault: Any) -> None:
    rehearsal.fake.plan.submits.append("hang_up")
    rehearsal.fake.plan.keeps_lost = True
    rehearsal.fake.plan.polls.extend([fault, fault])
    run(rehearsal, text_call(), Trip(tmp_path))
    assert (len(submitted(rehearsal)), len(rehearsal.fake.tasks)) == (1, 1)


def test_a_task_is_found_in_the_list_where_names_are_not_looked_up() -> None:
    listed = [
        {"task_id": "7", "task_info": {}},
        {"task_id": "8", "task_info": {"external_task_id": "mine"}},
        {"task_id": "9"},
    ]
    assert kling.found(text_call(), "mine", _answer(listed)) == "text2video/8"
    assert kling.found(text_call(), "another", _answer(listed)) is None
    assert kling.found(text_call(), "mine", _answer(None, 404, 1203)) is None


def test_lip_sync_that_is_not_found_is_never_sent_again(rehearsal: Rehearsal, tmp_path: Path) -> None:
    rehearsal.fake.plan.submits.append("hang_up")
    wanted = call("lipsync/text-to-video", {"video_url": URL, "text": "hello"}, {"video_url": film(tmp_path)})
    with shared(tmp_path / "shared") as trip, pytest.raises(Unable) as unable:
        run(rehearsal, wanted, trip)
    assert unable.value.blame == "lost"
    assert len(submitted(rehearsal)) == 1


def test_a_link_that_breaks_off_is_fetched_again_and_then_given_up(rehearsal: Rehearsal, tmp_path: Path) -> None:
    with pytest.raises(Unable) as unable:
        run(rehearsal, task_call("end_link_broken"), Trip(tmp_path))
    assert unable.value.blame == "gone"
    assert len(rehearsal.fake.tasks) == 1


def test_an_unknown_task_id_never_leaves_the_path(rehearsal: Rehearsal) -> None:
    ticket = kling.accepted(text_call(), _answer({"task_id": "../x?y=1"}))
    assert kling.poll(Account("a:b", "https://h"), ticket).url == "https://h/v1/videos/text2video/..%2Fx%3Fy%3D1"
    assert kling.found(replace(text_call()), "n", _answer({"task_id": 5})) == "text2video/5"
    with pytest.raises(Trouble):
        kling.accepted(text_call(), _answer({"task_id": None}))


def test_notes_tell_no_secret(rehearsal: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path)
    run(rehearsal, text_call(), trip)
    assert SECRET not in "".join(trip.notes + trip.lines)
    found = Task.read(trip.notes[-1], "rehearsed")
    assert found is not None
    assert found.ticket is not None
    assert found.ticket.startswith("text2video/8")
