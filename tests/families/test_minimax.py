"""The minimax family: six seconds in the picture's shape, moves in brackets, pictures in MiniMax's sizes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.calls import AnimaticCall, StillsCall
from rushes.endpoint import Clip, Made, Media, Stills
from rushes.families import ENDPOINTS
from rushes.families.minimax import MOST_EXTREME, PICTURE_SIZE, frame_size
from rushes.fields import File
from rushes.gateway.intake import take

ROOT = "fal-ai/minimax"
HAILUO = f"{ROOT}/hailuo-02/pro/image-to-video"
FILMS = [
    HAILUO,
    *(
        f"{ROOT}/video-01{rest}"
        for rest in (
            "",
            "/image-to-video",
            "-live",
            "-live/image-to-video",
            "-director",
            "-director/image-to-video",
            "-subject-reference",
        )
    ),
]
PICTURES = [f"{ROOT}/image-01", f"{ROOT}/image-01/subject-reference"]


def picture(width: int = 1920, height: int = 1080, path: str = "/tmp/a.npy") -> Media:
    return Media("image", path, "image/png", 10, width=width, height=height)


def asked(endpoint_id: str, **values: Any) -> Any:
    endpoint = ENDPOINTS[endpoint_id]
    return endpoint.input.model_validate({**endpoint.example, **values})


def film(endpoint_id: str, media: dict[str, Media], **values: Any) -> tuple[Clip, AnimaticCall]:
    endpoint = ENDPOINTS[endpoint_id]
    assert endpoint.clip is not None
    request = asked(endpoint_id, **values)
    wanted = endpoint.clip(request, media)
    call = endpoint.engines["animatic"](request, media, wanted)
    assert isinstance(wanted, Clip)
    assert isinstance(call, AnimaticCall)
    assert (call.width, call.height, call.frames, call.fps) == (wanted.width, wanted.height, wanted.frames, wanted.fps)
    return wanted, call


def problems(endpoint_id: str, **values: Any) -> list[dict[str, Any]]:
    endpoint = ENDPOINTS[endpoint_id]
    failure = take(endpoint, json.dumps({**endpoint.example, **values}).encode()).failure
    if failure is None:
        return []
    assert failure.status == 422
    detail: list[dict[str, Any]] = json.loads(failure.body)["detail"]
    return detail


@pytest.mark.parametrize("endpoint_id", FILMS)
def test_every_film_lasts_six_seconds_and_costs_one_unit(endpoint_id: str) -> None:
    media = {"image_url": picture(), "subject_reference_image_url": picture()}
    wanted, _ = film(endpoint_id, media)
    expected = Clip(1920, 1080, 144, 24) if endpoint_id == HAILUO else Clip(1280, 720, 150, 25)
    assert wanted == expected
    assert wanted.duration_s == 6
    assert ENDPOINTS[endpoint_id].units(asked(endpoint_id), wanted) == 1.0


@pytest.mark.parametrize(
    ("endpoint_id", "size", "expected"),
    [
        (HAILUO, (1080, 1920), (1080, 1920)),
        (HAILUO, (500, 500), (1080, 1080)),
        (HAILUO, (4000, 3000), (1440, 1080)),
        (HAILUO, (9000, 1000), (2700, 1080)),
        (f"{ROOT}/video-01/image-to-video", (1080, 1920), (720, 1280)),
        (f"{ROOT}/video-01-live/image-to-video", (1000, 1000), (720, 720)),
        (f"{ROOT}/video-01-director/image-to-video", (3000, 2000), (1080, 720)),
    ],
)
def test_a_film_takes_its_shape_from_the_first_picture(
    endpoint_id: str, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    wanted, call = film(endpoint_id, {"image_url": picture(*size)})
    assert (wanted.width, wanted.height) == expected
    assert call.image == "/tmp/a.npy"


@given(st.sampled_from([720, 1080]), st.integers(1, 16384), st.integers(1, 16384))
def test_every_picture_gives_an_even_size_near_its_shape(lines: int, width: int, height: int) -> None:
    wide, high = frame_size(lines, width, height)
    assert wide % 2 == 0 == high % 2
    assert min(wide, high) == lines
    assert wide >= high if width >= height else wide <= high  # a square where the picture nearly is one
    assert abs(max(wide, high) - lines * min(max(width, height) / min(width, height), MOST_EXTREME)) <= 1


def test_a_subject_is_composed_in_and_is_not_the_first_picture() -> None:
    wanted, call = film(f"{ROOT}/video-01-subject-reference", {"subject_reference_image_url": picture(600, 800)})
    assert (wanted.width, wanted.height) == (1280, 720)
    assert (call.image, call.pictures) == (None, ("/tmp/a.npy",))


def test_camera_moves_stay_in_the_prompt() -> None:
    prompt = "[Truck left, Pan right, Zoom in] a ship, [Static shot] then [somebody, waves, at, us] goodbye"
    _, call = film(f"{ROOT}/video-01-director", {}, prompt=prompt)
    assert call.prompt == prompt


@pytest.mark.parametrize("path", ["video-01-director", "video-01-director/image-to-video"])
def test_more_than_three_moves_together_are_refused_with_the_bracket_shown(path: str) -> None:
    prompt = "a ship [truck left, Pan right, ZOOM IN , shake]"
    (problem,) = problems(f"{ROOT}/{path}", prompt=prompt)
    assert problem["loc"] == ["body", "prompt"]
    assert "[truck left, Pan right, ZOOM IN , shake] combines 4" in problem["msg"]


@pytest.mark.parametrize(
    "prompt",
    [
        "[Truck left][Pan right][Zoom in][Shake][Push in]",
        "[a, b, c, d, e]",
        "[Truck left, Pan right, Zoom in",
        "[[Truck left, Pan right, Zoom in], Shake]",
        "no brackets at all",
    ],
)
def test_brackets_that_are_not_four_moves_are_let_through(prompt: str) -> None:
    assert problems(f"{ROOT}/video-01-director", prompt=prompt) == []


@given(st.text(max_size=200))
def test_no_prompt_breaks_the_directors_check(prompt: str) -> None:
    director = ENDPOINTS[f"{ROOT}/video-01-director"].input
    assert director.model_validate({"prompt": f"[{prompt}]"})


@pytest.mark.parametrize("endpoint_id", [*FILMS, *PICTURES])
def test_the_prompt_optimizer_is_prompt_expansion(endpoint_id: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    assert endpoint.roles.expansion == "prompt_optimizer"
    assert asked(endpoint_id).prompt_optimizer is (None if endpoint_id in PICTURES else True)


@pytest.mark.parametrize("endpoint_id", [*FILMS, *PICTURES])
def test_nothing_works_without_a_prompt(endpoint_id: str) -> None:
    failure = take(ENDPOINTS[endpoint_id], b"{}").failure
    assert failure is not None
    assert json.loads(failure.body)["detail"][0]["loc"] == ["body", "prompt"]


@pytest.mark.parametrize("endpoint_id", PICTURES)
@pytest.mark.parametrize("ratio", PICTURE_SIZE)
def test_pictures_have_the_size_of_their_shape(endpoint_id: str, ratio: str) -> None:
    endpoint = ENDPOINTS[endpoint_id]
    assert endpoint.clip is not None
    request = asked(endpoint_id, aspect_ratio=ratio, num_images=9, prompt="a lighthouse")
    media = {"image_url": picture(path="/tmp/face.npy")} if endpoint_id.endswith("reference") else {}
    wanted = endpoint.clip(request, media)
    assert isinstance(wanted, Stills)
    across, down = map(int, ratio.split(":"))
    assert wanted.count == 9
    assert wanted.width % 16 == 0 == wanted.height % 16
    assert wanted.width / wanted.height == pytest.approx(across / down, rel=0.005)
    call = endpoint.engines["animatic"](request, media, wanted)
    face = "/tmp/face.npy" if media else None
    assert call == StillsCall("a lighthouse", wanted.width, wanted.height, 9, seed=0, image=face)
    assert endpoint.units(request, wanted) == 9.0


@pytest.mark.parametrize("endpoint_id", PICTURES)
def test_one_to_nine_pictures_from_up_to_1500_characters(endpoint_id: str) -> None:
    assert problems(endpoint_id, num_images=1, prompt="a" * 1500) == []
    wrong = problems(endpoint_id, num_images=10, prompt="a" * 1501, aspect_ratio="5:4")
    assert {problem["loc"][1]: problem["type"] for problem in wrong} == {
        "prompt": "string_too_long",
        "num_images": "less_than_equal",
        "aspect_ratio": "one_of",
    }
    assert problems(endpoint_id, num_images=0)[0]["type"] == "greater_than_equal"


def test_the_replies_carry_the_files() -> None:
    one = File(url="rushes-file:/a/b.mp4")
    two = (File(url="rushes-file:/a/1.jpg"), File(url="rushes-file:/a/2.jpg"))
    video = ENDPOINTS[HAILUO].reply(asked(HAILUO), Made(files=(one,)))
    images = ENDPOINTS[PICTURES[0]].reply(asked(PICTURES[0]), Made(files=two))
    assert video.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}
    assert images.model_dump(exclude_none=True) == {
        "images": [{"url": "rushes-file:/a/1.jpg"}, {"url": "rushes-file:/a/2.jpg"}]
    }
