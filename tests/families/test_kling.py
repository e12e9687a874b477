"""Kling from prompts and pictures: shapes, lengths, prices, camera moves, masks, and what the engine is asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall, Mask, Move
from rushes.endpoint import Clip, Made, Media
from rushes.families import kling
from rushes.families.kling import ENDPOINTS, FULL_HD, HD, MOST_EXTREME, V1ImageToVideoRequest, frame_size
from rushes.fields import File, media_inputs
from tests.families.reference import our_type, reference_type

PAGE = "fal-ai/kling-video/v2.1/standard/image-to-video"
BY_ID = {endpoint.id: endpoint for endpoint in ENDPOINTS}
FROM_PICTURE = [endpoint.id for endpoint in ENDPOINTS if endpoint.category == "image-to-video"]
FROM_TEXT = [endpoint.id for endpoint in ENDPOINTS if endpoint.category == "text-to-video"]
SHAPED_BY_PICTURE = [name for name in FROM_PICTURE if "aspect_ratio" not in BY_ID[name].input.model_fields]
SHAPED_BY_NAME = [name for name in BY_ID if "aspect_ratio" in BY_ID[name].input.model_fields]
PICTURE = "https://example.com/a.png"
MASK = {"mask_url": "https://example.com/m.png", "trajectories": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}


def endpoint_id(path: str) -> str:
    return f"{kling.ROOT}/{path}"


def asked(name: str, **more: Any) -> dict[str, Any]:
    """The least that an endpoint can be asked with, and more."""
    least = {"prompt": "a boat"} | ({"image_url": PICTURE} if name in FROM_PICTURE else {})
    return least | more


def media(width: int = 1920, height: int = 1080, *more: str) -> dict[str, Media]:
    return {
        key: Media("image", f"/tmp/{key}.npy", "image/png", 10, width=width, height=height)
        for key in ("image_url", *more)
    }


def planned(name: str, found: dict[str, Media] | None = None, **more: Any) -> Clip:
    endpoint = BY_ID[name]
    assert endpoint.clip is not None
    plan = endpoint.clip(endpoint.input.model_validate(asked(name, **more)), found if found is not None else media())
    assert isinstance(plan, Clip)
    return plan


def called(name: str, found: dict[str, Media] | None = None, **more: Any) -> AnimaticCall:
    endpoint = BY_ID[name]
    found = found if found is not None else media()
    request = endpoint.input.model_validate(asked(name, **more))
    call = endpoint.engines["animatic"](request, found, planned(name, found, **more))
    assert isinstance(call, AnimaticCall)
    return call


def refused(name: str, **more: Any) -> list[tuple[str, tuple[int | str, ...]]]:
    """Types and places of what is wrong with a request."""
    with pytest.raises(ValidationError) as caught:
        BY_ID[name].input.model_validate(asked(name, **more))
    return [(error["type"], error["loc"]) for error in caught.value.errors()]


@pytest.mark.parametrize("model", [kling.CameraControl, kling.DynamicMask, kling.Trajectory, File])
def test_nested_types_are_the_references(model: type[File]) -> None:
    expected = reference_type(PAGE, model.page_name())
    assert our_type(model, expected) == expected


@pytest.mark.parametrize("name", BY_ID)
def test_prompt_and_picture_are_what_it_cannot_do_without(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        BY_ID[name].input.model_validate({})
    assert [error["loc"][0] for error in caught.value.errors()] == list(asked(name))


@pytest.mark.parametrize("name", BY_ID)
@pytest.mark.parametrize(
    ("field", "bad", "error_type"),
    [
        ("duration", "7", "literal_error"),
        ("duration", True, "literal_error"),
        ("cfg_scale", 1.01, "less_than_equal"),
        ("cfg_scale", -0.1, "greater_than_equal"),
        ("cfg_scale", float("nan"), "finite_number"),
        ("prompt", "x" * 2_501, "string_too_long"),
        ("negative_prompt", "x" * 2_501, "string_too_long"),
    ],
)
def test_a_value_outside_its_range_is_refused(name: str, field: str, bad: object, error_type: str) -> None:
    assert refused(name, **{field: bad}) == [(error_type, (field,))]


@pytest.mark.parametrize("duration", ["10", 10, 10.0])
def test_a_length_can_be_sent_as_text_or_number(duration: object) -> None:
    assert planned(PAGE, duration=duration).duration_s == 10


@pytest.mark.parametrize(
    ("path", "size", "fps"),
    [
        ("v2.1/standard/image-to-video", (1280, 720), 24),
        ("v2.1/pro/image-to-video", (1920, 1080), 24),
        ("v2.1/master/image-to-video", (1920, 1080), 24),
        ("v2.1/master/text-to-video", (1920, 1080), 24),
        ("v2/master/image-to-video", (1920, 1080), 24),
        ("v2/master/text-to-video", (1920, 1080), 24),
        ("v1.6/standard/image-to-video", (1280, 720), 30),
        ("v1.6/standard/text-to-video", (1280, 720), 30),
        ("v1.6/pro/image-to-video", (1920, 1080), 30),
        ("v1.6/pro/text-to-video", (1920, 1080), 30),
        ("v1.5/pro/image-to-video", (1920, 1080), 30),
        ("v1.5/pro/text-to-video", (1920, 1080), 30),
        ("v1/standard/image-to-video", (1280, 720), 30),
        ("v1/standard/text-to-video", (1280, 720), 30),
    ],
)
@pytest.mark.parametrize("seconds", [5, 10])
def test_version_and_tier_say_size_and_rate(path: str, size: tuple[int, int], fps: int, seconds: int) -> None:
    assert planned(endpoint_id(path), duration=str(seconds)) == Clip(*size, seconds * fps, fps)


@pytest.mark.parametrize("name", SHAPED_BY_NAME)
def test_a_named_shape_counts_whatever_the_picture(name: str) -> None:
    large = "1080" if planned(name).height == 1080 else "720"
    sizes = {"720": ((720, 1280), (960, 960)), "1080": ((1080, 1920), (1440, 1440))}[large]
    found = media(500, 400, "tail_image_url")
    upright, square = planned(name, found, aspect_ratio="9:16"), planned(name, found, aspect_ratio="1:1")
    assert ((upright.width, upright.height), (square.width, square.height)) == sizes
    assert refused(name, aspect_ratio="4:3") == [("literal_error", ("aspect_ratio",))]


@pytest.mark.parametrize("name", SHAPED_BY_PICTURE)
@pytest.mark.parametrize(("size", "shape"), [((800, 600), 4 / 3), ((600, 800), 3 / 4), ((512, 512), 1.0)])
def test_without_a_named_shape_the_video_has_the_pictures(name: str, size: tuple[int, int], shape: float) -> None:
    clip = planned(name, media(*size))
    assert clip.width / clip.height == pytest.approx(shape, rel=0.003)


def test_eight_endpoints_start_from_a_picture_and_six_from_text() -> None:
    assert (len(FROM_PICTURE), len(FROM_TEXT), len(SHAPED_BY_PICTURE)) == (8, 6, 6)


@given(st.sampled_from([HD, FULL_HD]), st.integers(16, 16384), st.integers(16, 16384))
def test_every_picture_gives_an_even_size_of_its_shape_and_the_grades_area(area: int, width: int, height: int) -> None:
    wide, high = frame_size(area, width / height)
    shape = min(max(width / height, 1 / MOST_EXTREME), MOST_EXTREME)
    assert wide % 2 == 0 == high % 2
    assert wide / high == pytest.approx(shape, rel=0.004)
    assert wide * high == pytest.approx(area, rel=0.004)


@pytest.mark.parametrize(
    ("path", "five", "ten"),
    [
        ("v1/standard/text-to-video", 1.0, 2.0),
        ("v2.1/standard/image-to-video", 1.0, 2.0),
        ("v1.5/pro/image-to-video", 1.75, 3.5),
        ("v2.1/pro/image-to-video", 1.75, 3.5),
        ("v2/master/text-to-video", 5.0, 10.0),
        ("v2.1/master/image-to-video", 5.0, 10.0),
    ],
)
def test_ten_seconds_cost_double_and_better_tiers_more(path: str, five: float, ten: float) -> None:
    endpoint = BY_ID[endpoint_id(path)]
    requests = [endpoint.input.model_validate(asked(endpoint.id, duration=length)) for length in ("5", "10")]
    assert [endpoint.units(request, None) for request in requests] == [five, ten]


CAMERA = endpoint_id("v1/standard/text-to-video")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("horizontal", "truck"),
        ("vertical", "pedestal"),
        ("pan", "pan"),
        ("tilt", "tilt"),
        ("roll", "roll"),
        ("zoom", "zoom"),
    ],
)
@given(value=st.integers(-10, 10))
def test_a_single_move_goes_to_the_engine_in_its_words(word: str, kind: Any, value: int) -> None:
    call = called(CAMERA, {}, advanced_camera_control={"movement_type": word, "movement_value": value})
    assert call.camera == (Move(kind, value / 10),)
    assert -1 <= call.camera[0].amount <= 1


@pytest.mark.parametrize(
    ("preset", "kinds"),
    [
        ("down_back", {"pedestal": -1, "dolly": -1}),
        ("forward_up", {"pedestal": 1, "dolly": 1}),
        ("right_turn_forward", {"pan": 1, "dolly": 1}),
        ("left_turn_forward", {"pan": -1, "dolly": 1}),
    ],
)
def test_a_named_move_is_a_combination(preset: str, kinds: dict[str, int]) -> None:
    moves = called(CAMERA, {}, camera_control=preset).camera
    assert {move.kind: (1 if move.amount > 0 else -1) for move in moves} == kinds


def test_a_single_move_counts_before_a_named_one() -> None:
    single = {"movement_type": "roll", "movement_value": -5}
    assert called(CAMERA, {}, camera_control="down_back", advanced_camera_control=single).camera == (
        Move("roll", -0.5),
    )


def test_without_parameters_the_camera_is_left_to_the_prompt() -> None:
    assert all(called(name).camera == () for name in BY_ID)


@pytest.mark.parametrize(
    ("control", "error_type", "where"),
    [
        ({"movement_type": "pan", "movement_value": 11}, "less_than_equal", "movement_value"),
        ({"movement_type": "pan", "movement_value": -11}, "greater_than_equal", "movement_value"),
        ({"movement_type": "pan", "movement_value": 0.5}, "int_from_float", "movement_value"),
        ({"movement_type": "dolly", "movement_value": 1}, "literal_error", "movement_type"),
        ({"movement_type": "pan"}, "missing", "movement_value"),
    ],
)
def test_a_wrong_move_is_refused_at_its_place(control: dict[str, Any], error_type: str, where: str) -> None:
    assert refused(CAMERA, advanced_camera_control=control) == [(error_type, ("advanced_camera_control", where))]


def test_an_unknown_named_move_is_refused() -> None:
    assert refused(CAMERA, camera_control="up_up") == [("literal_error", ("camera_control",))]


MASKED = endpoint_id("v1/standard/image-to-video")


def test_masks_are_inputs_to_be_fetched() -> None:
    request = V1ImageToVideoRequest.model_validate(
        asked(
            MASKED,
            tail_image_url="https://example.com/end.png",
            static_mask_url="https://example.com/s.png",
            dynamic_masks=[MASK, MASK],
        )
    )
    found = {given.key: given.field.kind for given in media_inputs(request)}
    assert found == dict.fromkeys(
        ("image_url", "tail_image_url", "static_mask_url", "dynamic_masks.0.mask_url", "dynamic_masks.1.mask_url"),
        "image",
    )


def test_masks_reach_the_engine_with_their_paths_in_shares_of_the_picture() -> None:
    keys = ("static_mask_url", "dynamic_masks.0.mask_url", "dynamic_masks.1.mask_url")
    free = {"mask_url": "https://example.com/n.png"}
    call = called(
        MASKED, media(100, 50, *keys), static_mask_url="https://example.com/s.png", dynamic_masks=[MASK, free]
    )
    assert call.masks == (
        Mask("/tmp/static_mask_url.npy"),
        Mask("/tmp/dynamic_masks.0.mask_url.npy", ((0.01, 0.04), (0.03, 0.08))),
    )
    assert called(MASKED).masks == ()


@given(st.integers(0, 9), st.integers(0, 100))
def test_there_are_at_most_six_masks_with_paths_of_2_to_77_points(masks: int, points: int) -> None:
    path = [{"x": n, "y": n} for n in range(points)]
    request = asked(MASKED, dynamic_masks=[MASK | {"trajectories": path}] * masks)
    allowed = masks == 0 or (masks <= 6 and 2 <= points <= 77)
    try:
        V1ImageToVideoRequest.model_validate(request)
        accepted = True
    except ValidationError:
        accepted = False
    assert accepted == allowed


def test_too_many_masks_or_points_are_named() -> None:
    assert refused(MASKED, dynamic_masks=[MASK] * 7) == [("too_long", ("dynamic_masks",))]
    long = MASK | {"trajectories": [{"x": 0, "y": 0}] * 78}
    assert refused(MASKED, dynamic_masks=[MASK, long]) == [("too_long", ("dynamic_masks", 1, "trajectories"))]


@pytest.mark.parametrize("far", [100_001, -100_001, 10**400], ids=["beyond", "before", "huge"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_point_far_from_any_picture_is_refused_at_its_place(far: int, axis: str) -> None:
    path = [{"x": 1, "y": 2}, {"x": 3, "y": 4, axis: far}]
    place = ("dynamic_masks", 0, "trajectories", 1, axis)
    error_type = "less_than_equal" if far > 0 else "greater_than_equal"
    assert refused(MASKED, dynamic_masks=[MASK | {"trajectories": path}]) == [(error_type, place)]


@pytest.mark.parametrize("name", BY_ID)
@pytest.mark.parametrize("duration", ["5", "10"])
def test_the_engine_is_asked_for_exactly_the_clip(name: str, duration: str) -> None:
    found = media() if name in FROM_PICTURE else {}
    clip, call = planned(name, found, duration=duration), called(name, found, duration=duration)
    assert (call.width, call.height, call.frames, call.fps) == (clip.width, clip.height, clip.frames, clip.fps)
    assert (call.prompt, call.end_image, call.sound, call.speech) == ("a boat", None, None, None)
    assert call.image == ("/tmp/image_url.npy" if name in FROM_PICTURE else None)


@pytest.mark.parametrize("path", ["v1/standard", "v1.5/pro", "v1.6/pro"])
def test_the_film_ends_on_the_tail_picture(path: str) -> None:
    name = endpoint_id(f"{path}/image-to-video")
    call = called(name, media(1920, 1080, "tail_image_url"), tail_image_url="https://example.com/end.png")
    assert (call.image, call.end_image) == ("/tmp/image_url.npy", "/tmp/tail_image_url.npy")


def test_the_reply_carries_the_file() -> None:
    endpoint = BY_ID[PAGE]
    reply = endpoint.reply(endpoint.input.model_validate(asked(PAGE)), Made(files=(File(url="rushes-file:/a/b.mp4"),)))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}
