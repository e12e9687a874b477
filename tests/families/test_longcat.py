"""The longcat family: sizes from the model's tables, bounds, prices, how films are delivered, what engines get."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rushes.calls import AnimaticCall, LongCatCall, RefinePass
from rushes.endpoint import Clip, Delivery, Endpoint, Made, Media, VideoFormat
from rushes.families import ENDPOINTS
from rushes.families.longcat import SIZES_480P, SIZES_REFINED, film_size, nearest_size
from rushes.fields import File

ROOT = "fal-ai/longcat-video"
FROM_PICTURE = [f"{ROOT}/{way}image-to-video/{size}" for way in ("", "distilled/") for size in ("480p", "720p")]
FROM_TEXT = [name.replace("image-to-video", "text-to-video") for name in FROM_PICTURE]
ALL = [*FROM_PICTURE, *FROM_TEXT]
REFINED = [name for name in ALL if name.endswith("720p")]
DISTILLED = [name for name in ALL if "distilled" in name]
FULL = [name for name in ALL if "distilled" not in name]


def ask(name: str, **fields: object) -> BaseModel:
    given = {"prompt": "a fox"} | ({"image_url": "https://example.com/a.png"} if name in FROM_PICTURE else {})
    return ENDPOINTS[name].input.model_validate({**given, **fields})


def picture(width: int, height: int) -> dict[str, Media]:
    return {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=width, height=height)}


def clip_of(endpoint: Endpoint, request: BaseModel, media: dict[str, Media]) -> Clip:
    assert endpoint.clip is not None
    plan = endpoint.clip(request, media)
    assert isinstance(plan, Clip)
    return plan


def film(name: str, source: tuple[int, int] = (1920, 1080), **fields: object) -> Clip:
    return clip_of(ENDPOINTS[name], ask(name, **fields), picture(*source) if name in FROM_PICTURE else {})


@pytest.mark.parametrize("name", FROM_TEXT)
def test_text_to_video_cannot_do_without_its_prompt(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[name].input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("prompt",)]


@pytest.mark.parametrize("name", FROM_PICTURE)
def test_image_to_video_cannot_do_without_its_picture_but_has_a_prompt_of_its_own(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[name].input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [("image_url",)]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("num_frames", 16),
        ("num_frames", 962),
        ("num_inference_steps", 0),
        ("num_inference_steps", 101),
        ("fps", 0),
        ("fps", 61),
        ("seed", "lucky"),
        ("video_output_type", "mp4"),
        ("video_quality", "best"),
        ("video_write_mode", "slow"),
        ("sync_mode", "perhaps"),
        ("enable_safety_checker", None),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ask(name, **{field: bad})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("name", "field", "bad"),
    [
        *((name, "guidance_scale", bad) for name in FULL for bad in (-0.1, 20.1, float("nan"))),
        *((name, "acceleration", "high") for name in FULL),
        *((name, "num_refine_inference_steps", 0) for name in REFINED),
        *((name, "aspect_ratio", "4:3") for name in FROM_TEXT),
    ],
)
def test_what_only_some_have_is_bounded_too(name: str, field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ask(name, **{field: bad})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[FROM_TEXT[1]].input.model_validate({"num_frames": 0, "fps": 0, "aspect_ratio": "2:1"})
    assert {error["loc"] for error in caught.value.errors()} == {
        ("prompt",),
        ("num_frames",),
        ("fps",),
        ("aspect_ratio",),
    }


@pytest.mark.parametrize("name", DISTILLED)
def test_distilled_models_know_neither_guidance_nor_acceleration(name: str) -> None:
    fields = ENDPOINTS[name].input.model_fields
    assert {"guidance_scale", "negative_prompt", "acceleration"}.isdisjoint(fields)


@pytest.mark.parametrize(
    ("name", "shape", "expected"),
    [
        *((name, "16:9", (832, 480)) for name in FROM_TEXT if name.endswith("480p")),
        *((name, "9:16", (480, 832)) for name in FROM_TEXT if name.endswith("480p")),
        *((name, "1:1", (640, 640)) for name in FROM_TEXT if name.endswith("480p")),
        *((name, "16:9", (1280, 704)) for name in FROM_TEXT if name.endswith("720p")),
        *((name, "9:16", (704, 1280)) for name in FROM_TEXT if name.endswith("720p")),
        *((name, "1:1", (960, 960)) for name in FROM_TEXT if name.endswith("720p")),
    ],
)
def test_from_text_each_shape_has_its_size(name: str, shape: str, expected: tuple[int, int]) -> None:
    made = film(name, aspect_ratio=shape)
    assert (made.width, made.height) == expected


@pytest.mark.parametrize(
    ("source", "small", "large"),
    [
        ((1920, 1080), (832, 480), (1280, 704)),
        ((1080, 1920), (480, 832), (704, 1280)),
        ((1600, 1200), (736, 544), (1088, 832)),
        ((1200, 1600), (544, 736), (832, 1088)),
        ((500, 500), (640, 608), (960, 960)),
        ((3000, 2000), (768, 512), (1216, 768)),
        ((4000, 1000), (1216, 320), (1792, 512)),
        ((16, 4000), (320, 1280), (512, 1920)),
    ],
)
def test_from_a_picture_the_nearest_size_of_the_table_is_taken(
    source: tuple[int, int], small: tuple[int, int], large: tuple[int, int]
) -> None:
    for name in FROM_PICTURE:
        made = film(name, source)
        assert (made.width, made.height) == (small if name.endswith("480p") else large)


def test_the_tables_go_from_wide_to_tall_on_their_grids() -> None:
    assert (len(SIZES_480P), len(SIZES_REFINED)) == (26, 21)
    for table, grid in ((SIZES_480P, 32), (SIZES_REFINED, 64)):
        slopes = [height / width for width, height in table]
        assert slopes == sorted(slopes)
        assert all(width % grid == 0 == height % grid for width, height in table)


@given(st.sampled_from(["480p", "720p"]), st.integers(1, 16384), st.integers(1, 16384))
def test_any_picture_gives_a_size_of_the_table(resolution: str, width: int, height: int) -> None:
    size = film_size(resolution, nearest_size(SIZES_480P, width, height))
    assert size in (SIZES_480P if resolution == "480p" else SIZES_REFINED)


@given(st.sampled_from(SIZES_480P))
def test_a_picture_that_has_a_size_of_the_table_keeps_it(size: tuple[int, int]) -> None:
    assert nearest_size(SIZES_480P, *size) == size


@given(st.sampled_from(ALL), st.integers(17, 961), st.integers(1, 60))
def test_frames_and_rate_are_the_ones_asked_for(name: str, frames: int, fps: int) -> None:
    made = film(name, num_frames=frames, fps=fps)
    assert (made.frames, made.fps, made.audio) == (frames, fps, False)


@pytest.mark.parametrize(
    ("name", "frames", "expected"),
    [
        (f"{ROOT}/image-to-video/480p", 162, 10.8),
        (f"{ROOT}/text-to-video/480p", 150, 10.0),
        (f"{ROOT}/image-to-video/720p", 162, 10.8),
        (f"{ROOT}/text-to-video/720p", 300, 20.0),
        (f"{ROOT}/distilled/text-to-video/480p", 150, 2.5),
        (f"{ROOT}/distilled/image-to-video/720p", 300, 5.0),
    ],
)
def test_the_price_counts_seconds_at_the_models_rate(name: str, frames: int, expected: float) -> None:
    assert ENDPOINTS[name].units(ask(name, num_frames=frames), None) == expected


@given(st.sampled_from(ALL), st.integers(17, 960), st.integers(1, 60), st.integers(1, 60))
def test_a_longer_film_costs_more_at_whatever_rate_it_is_played(name: str, frames: int, fps: int, other: int) -> None:
    units = ENDPOINTS[name].units
    assert units(ask(name, num_frames=frames, fps=fps), None) < units(ask(name, num_frames=frames + 1, fps=other), None)


@pytest.mark.parametrize(
    ("asked", "container"),
    [("X264 (.mp4)", "mp4"), ("VP9 (.webm)", "webm"), ("PRORES4444 (.mov)", "mov"), ("GIF (.gif)", "gif")],
)
@pytest.mark.parametrize("quality", ["low", "medium", "high", "maximum"])
@pytest.mark.parametrize("mode", ["fast", "balanced", "small"])
def test_the_file_is_written_as_asked(asked: str, container: str, quality: str, mode: str) -> None:
    for name in ALL:
        request = ask(name, video_output_type=asked, video_quality=quality, video_write_mode=mode)
        delivery = ENDPOINTS[name].delivery(request)
        assert delivery == Delivery(video=VideoFormat(container, quality, mode))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ALL)
def test_by_default_it_is_a_stored_mp4_and_sync_mode_makes_it_a_data_uri(name: str) -> None:
    deliver = ENDPOINTS[name].delivery
    assert deliver(ask(name)) == deliver(ask(name, sync_mode=False)) == Delivery()
    assert deliver(ask(name, sync_mode=True)) == Delivery(form="data_uri")


@pytest.mark.parametrize("name", ALL)
def test_the_animatic_engine_is_asked_for_exactly_the_clip(name: str) -> None:
    endpoint = ENDPOINTS[name]
    request, media = ask(name, num_frames=40, fps=20, seed=7), picture(720, 1280) if name in FROM_PICTURE else {}
    wanted = clip_of(endpoint, request, media)
    assert endpoint.engines["animatic"](request, media, wanted) == AnimaticCall(
        prompt="a fox",
        width=wanted.width,
        height=wanted.height,
        frames=40,
        fps=20,
        seed=7,
        image="/tmp/a.npy" if media else None,
    )


@pytest.mark.parametrize("name", ALL)
def test_the_reply_has_the_prompt_and_the_seed_that_were_used(name: str) -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9, prompt="a fox in the snow")
    assert ENDPOINTS[name].reply(ask(name), made).model_dump(exclude_none=True) == {
        "prompt": "a fox in the snow",
        "seed": 9,
        "video": {"url": "rushes-file:/a/b.mp4"},
    }


@pytest.mark.parametrize("name", ALL)
def test_shared_code_finds_the_switches(name: str) -> None:
    roles = ENDPOINTS[name].roles
    assert (roles.prompt, roles.seed) == ("prompt", "seed")
    assert (roles.safety, roles.expansion) == ("enable_safety_checker", "enable_prompt_expansion")


def asked(name: str, source: tuple[int, int] = (1920, 1080), **fields: object) -> LongCatCall:
    endpoint, request = ENDPOINTS[name], ask(name, **fields)
    media = picture(*source) if name in FROM_PICTURE else {}
    call = endpoint.engines["longcat"](request, media, clip_of(endpoint, request, media))
    assert isinstance(call, LongCatCall)
    return call


@pytest.mark.parametrize("name", ALL)
def test_the_model_gets_frames_seed_steps_and_the_size_of_its_first_pass(name: str) -> None:
    call = asked(name, num_frames=100, seed=5, num_inference_steps=7, fps=24)
    assert (call.prompt, call.frames, call.seed, call.steps) == ("a fox", 100, 5, 7)
    assert (call.width, call.height) == (832, 480)
    assert call.image == ("/tmp/a.npy" if name in FROM_PICTURE else None)


@pytest.mark.parametrize("name", FULL)
def test_the_full_model_gets_guidance_negative_prompt_and_acceleration(name: str) -> None:
    call = asked(name, guidance_scale=6, negative_prompt="grey", acceleration="none")
    assert (call.guidance, call.negative_prompt, call.accelerated, call.distilled) == (6, "grey", False, False)
    assert asked(name).accelerated


@pytest.mark.parametrize("name", DISTILLED)
def test_the_distilled_model_gets_none_of_these(name: str) -> None:
    call = asked(name)
    assert (call.guidance, call.negative_prompt, call.accelerated, call.distilled) == (1, "", False, True)
    assert call.steps == 12


@pytest.mark.parametrize("name", ALL)
def test_only_720p_is_refined_to_the_size_that_the_film_has(name: str) -> None:
    refine = asked(name).refine
    if name not in REFINED:
        assert refine is None
        return
    assert refine == RefinePass(1280, 704, 12 if name in DISTILLED else 40)
    assert asked(name, num_refine_inference_steps=3).refine == RefinePass(1280, 704, 3)


def test_a_tall_picture_has_a_tall_first_pass_and_a_tall_film() -> None:
    call = asked(REFINED[0], source=(900, 1600))
    assert (call.width, call.height) == (480, 832)
    assert call.refine is not None
    assert (call.refine.width, call.refine.height) == (704, 1280)
