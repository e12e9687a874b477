"""The gallery shows every endpoint: its page, its previews and its requests belong together and can be used."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from docs.gallery.drawn import DRAWINGS, balloon_mask
from docs.gallery.make import ENDPOINTS
from docs.gallery.material import ASKED, NAMES
from docs.gallery.page import PAGE, PICTURES, material_of, picture_of
from docs.gallery.previews import MOST_BYTES, TALLEST, WIDTH, Facts, Film, animated, with_sound
from docs.gallery.shots import CLONED, SHOTS

IN_ALL_BYTES = 3_000_000
ENTRY = re.compile(r"^### `(?P<id>[^`]+)`\n(?P<rest>.*?)^```json\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
SHOWN = {found["id"]: found for found in ENTRY.finditer(PAGE.read_text())}


def body_of(endpoint: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(SHOWN[endpoint]["body"])
    return body


def files_in(value: Any) -> list[str]:
    if isinstance(value, dict | list):
        return [name for one in (value.values() if isinstance(value, dict) else value) for name in files_in(one)]
    return [value[1:]] if isinstance(value, str) and value.startswith("@") else []


def test_every_endpoint_is_shown() -> None:
    assert set(SHOWN) == set(ENDPOINTS) == set(SHOTS)


@pytest.mark.parametrize("endpoint", SHOTS)
def test_the_request_is_the_code_s_and_one_that_the_endpoint_takes(endpoint: str) -> None:
    body = body_of(endpoint)
    assert body == SHOTS[endpoint], "run `make gallery`"
    assert ENDPOINTS[endpoint].input.model_validate(body)
    assert set(files_in(body)) <= set(NAMES)


@pytest.mark.parametrize("endpoint", SHOTS)
def test_what_can_be_seeded_is(endpoint: str) -> None:
    seed = ENDPOINTS[endpoint].roles.seed
    assert seed is None or SHOTS[endpoint][seed] >= 0


@pytest.mark.parametrize("endpoint", [name for name, body in SHOTS.items() if CLONED not in body.values()])
def test_the_preview_is_small_and_whole(endpoint: str) -> None:
    path = picture_of(endpoint)
    assert f"]({path.relative_to(PAGE.parent)})" in SHOWN[endpoint]["rest"]
    assert path.stat().st_size <= MOST_BYTES
    check(path, moving=", video" in SHOWN[endpoint]["rest"])


@pytest.mark.parametrize("name", NAMES)
def test_what_was_given_is_shown(name: str) -> None:
    assert str(material_of(name).relative_to(PAGE.parent)) in PAGE.read_text()
    check(material_of(name), moving=False)  # one film holds quite still


def check(path: Path, *, moving: bool) -> None:
    with Image.open(path) as picture:
        assert picture.format == "WEBP"
        assert picture.width <= WIDTH
        assert picture.height <= TALLEST + 30
        frames = getattr(picture, "n_frames", 1)
        assert frames >= 8 or not moving
        for number in range(frames):
            picture.seek(number)
            assert picture.convert("RGB").getextrema() != ((0, 0), (0, 0), (0, 0))


def test_no_picture_is_left_over_and_all_are_small_together() -> None:
    known = {*map(picture_of, SHOTS), *map(material_of, NAMES)}
    found = set(PICTURES.iterdir())
    assert found <= known
    assert sum(path.stat().st_size for path in found) <= IN_ALL_BYTES


@pytest.mark.parametrize("asked", ASKED, ids=lambda one: one.name)
def test_material_is_asked_for_as_its_endpoint_wants_and_after_what_it_needs(asked: Any) -> None:
    assert ENDPOINTS[asked.endpoint].input.model_validate(asked.body)
    before = NAMES[: NAMES.index(asked.name)]
    assert set(files_in(asked.body)) <= set(before)


def test_drawings_are_the_same_each_time_and_differ() -> None:
    drawn = {name: draw() for name, draw in DRAWINGS.items()}
    assert all(np.array_equal(drawn[name], draw()) for name, draw in DRAWINGS.items())
    assert len({picture.tobytes() for picture in drawn.values()}) == len(drawn)
    covered = balloon_mask()[..., 0] > 127
    assert 0.03 < covered.mean() < 0.2


def test_a_film_that_is_hard_to_encode_becomes_fewer_and_smaller_frames() -> None:
    dice = np.random.default_rng(1)
    noise = Film(Facts("video", "h264"), tuple(dice.integers(0, 255, (24, 180, 320, 3), dtype=np.uint8)), None)
    written = animated(noise)
    assert len(written) <= MOST_BYTES
    assert written == animated(noise)
    with Image.open(BytesIO(written)) as picture:
        assert picture.width < WIDTH
        assert getattr(picture, "n_frames", 1) >= 8


def test_a_film_that_is_easy_keeps_all_its_frames() -> None:
    still = np.full((180, 320, 3), 90, np.uint8)
    framed = []
    for number in range(24):
        framed.append(still.copy())
        framed[-1][60:90, 10 * number : 10 * number + 30] = 220
    with Image.open(BytesIO(animated(Film(Facts("video", "h264"), tuple(framed), None)))) as picture:
        assert (picture.width, getattr(picture, "n_frames", 1)) == (WIDTH, 24)


def test_the_mark_in_the_sound_goes_from_left_to_right() -> None:
    still = np.zeros((180, 320, 3), np.uint8)
    framed = list(with_sound([still] * 5, np.full(640, 0.5)))
    places = [int((frame[182] == 255).all(-1).argmax()) for frame in framed]
    assert places == sorted(places)
    assert (places[0], places[-1]) == (0, 318)
