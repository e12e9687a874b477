"""Whole endpoints, encoded and decoded again: a film begins and ends on the pictures it was given; a loop closes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from rushes.calls import AnimaticCall
from rushes.endpoint import Media
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.shot import cropped
from rushes.families import ENDPOINTS
from rushes.media.encode import encode_video
from tests.engines.animatic.pictures import landscape, textured

ENDS: Mapping[str, tuple[str, str]] = {
    "fal-ai/kling-video/v1/standard/image-to-video": ("image_url", "tail_image_url"),
    "fal-ai/kling-video/v1.6/pro/image-to-video": ("image_url", "tail_image_url"),
    "fal-ai/pixverse/v4.5/transition": ("first_image_url", "last_image_url"),
    "fal-ai/luma-dream-machine/image-to-video": ("image_url", "end_image_url"),
    "fal-ai/bytedance/seedance/v1/lite/image-to-video": ("image_url", "end_image_url"),
}
LOOPS = [
    "fal-ai/luma-dream-machine/image-to-video",
    "fal-ai/luma-dream-machine/ray-2-flash/image-to-video",
    "fal-ai/luma-dream-machine",
]
FRAMES = 8


def tall_portrait() -> Picture:
    picture = np.full((480, 360, 3), (70, 78, 96), np.uint8)
    cv2.ellipse(picture, (180, 190), (80, 110), 0, 0, 360, (206, 160, 130), -1, cv2.LINE_AA)
    return picture


def drawing() -> Picture:
    picture = np.full((360, 480, 3), 248, np.uint8)
    cv2.rectangle(picture, (140, 120), (340, 300), (20, 20, 30), 2, cv2.LINE_AA)
    cv2.circle(picture, (400, 70), 34, (20, 20, 30), 2, cv2.LINE_AA)
    return picture


PICTURES = {
    "landscape": landscape(640, 360),
    "texture": textured(500, 500),
    "portrait": tall_portrait(),
    "d": drawing(),
}


def asked(name: str, folder: Path, pictures: Mapping[str, Picture], **more: Any) -> AnimaticCall:
    """Return the call that an endpoint makes for these pictures, with fewer frames."""
    endpoint = ENDPOINTS[name]
    media = {}
    for field, picture in pictures.items():
        path = folder / f"{field}.npy"
        np.save(path, picture)
        media[field] = Media("image", str(path), "image/png", 1, picture.shape[1], picture.shape[0])
    given = {field: "https://example.com/picture.png" for field in pictures}
    request = endpoint.input.model_validate({"prompt": "orbit left, snow falls", "seed": 3} | given | more)
    clip = endpoint.clip(request, media) if endpoint.clip else None
    call = endpoint.engines["animatic"](request, media, clip)
    assert isinstance(call, AnimaticCall)
    # half the size: the pictures are small, and encoding them is what takes the time
    return replace(call, frames=FRAMES, width=call.width // 4 * 2, height=call.height // 4 * 2)


def encoded(call: AnimaticCall, folder: Path) -> list[Picture]:
    output = AnimaticEngine().generate(call, lambda progress: None, lambda: False)
    to = folder / "film.mp4"
    encode_video(output.chunks, to, width=call.width, height=call.height, fps=call.fps, frames=call.frames)
    with av.open(str(to)) as file:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in file.decode(video=0)]


def likeness(one: Picture, other: Picture) -> float:
    """Return SSIM (Wang et al. 2004) of brightness, with its usual window and constants."""
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (one, other))

    def mean(values: Any) -> Any:
        return cv2.GaussianBlur(values, (11, 11), 1.5)

    mean_a, mean_b = mean(a), mean(b)
    spread_a, spread_b = mean(a * a) - mean_a**2, mean(b * b) - mean_b**2
    common = mean(a * b) - mean_a * mean_b
    light = (2 * mean_a * mean_b + 6.5025) / (mean_a**2 + mean_b**2 + 6.5025)
    return float((light * (2 * common + 58.5225) / (spread_a + spread_b + 58.5225)).mean())


def apart(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(np.int16) - other.astype(np.int16)).mean())


@pytest.mark.parametrize("name", list(ENDS))
@pytest.mark.parametrize(("first", "last"), [("landscape", "portrait"), ("texture", "d")])
def test_a_film_begins_and_ends_on_its_pictures(name: str, first: str, last: str, tmp_path: Path) -> None:
    begin, end = ENDS[name]
    call = asked(name, tmp_path, {begin: PICTURES[first], end: PICTURES[last]})
    frames = encoded(call, tmp_path)
    assert len(frames) == FRAMES
    assert likeness(frames[0], cropped(PICTURES[first], call.width, call.height)) >= 0.95
    assert likeness(frames[-1], cropped(PICTURES[last], call.width, call.height)) >= 0.95


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize("prompt", ["slow push in", "orbit right, handheld"])
def test_a_loop_closes_after_encoding_too(name: str, prompt: str, tmp_path: Path) -> None:
    field = {} if name.endswith("dream-machine") else {"image_url": PICTURES["landscape"]}
    call = replace(asked(name, tmp_path, field, loop=True, prompt=prompt), frames=36)
    frames = encoded(call, tmp_path)
    neighbours = [apart(one, other) for one, other in pairwise(frames)]
    assert apart(frames[-1], frames[0]) <= 1.05 * max(neighbours)
