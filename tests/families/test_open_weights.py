"""The mapping from requests to open weights, row by row, and what must hold of it for every request."""

from math import sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.calls import DiffusersCall, Finish
from rushes.endpoint import Clip, Endpoint, Media
from rushes.families import ENDPOINTS
from rushes.families.wan import NEGATIVE_PROMPT
from rushes.families.wan_weights import on_grid, pro_frames

WAN, LTX = ENDPOINTS["fal-ai/wan-i2v"], ENDPOINTS["fal-ai/ltx-video/image-to-video"]
LUCY = ENDPOINTS["fal-ai/decart/lucy-5b/image-to-video"]
PRO, PRO_TEXT = ENDPOINTS["fal-ai/wan-pro/image-to-video"], ENDPOINTS["fal-ai/wan-pro/text-to-video"]
AREA = {"480p": 480 * 832, "720p": 720 * 1280}
SIDES = st.integers(16, 16_384)
SEEDS = st.integers(-(2**63), 2**64 - 1)
QUICK = settings(max_examples=60, deadline=None)


def call_of(endpoint: Endpoint, size: tuple[int, int] = (1920, 1080), **members: Any) -> DiffusersCall:
    """Return what the open weights are asked for a picture of that size."""
    asked = {"prompt": "a boat", "image_url": "https://example.com/a.png", **members}
    request = endpoint.input.model_validate(asked)
    media = {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=size[0], height=size[1])}
    if "image_url" not in endpoint.input.model_fields:
        media = {}
    assert endpoint.clip is not None
    plan = endpoint.clip(request, media)
    assert isinstance(plan, Clip)
    call = endpoint.engines["diffusers"](request, media, plan)
    assert isinstance(call, DiffusersCall)
    assert call.variant in ("", *endpoint.variants)
    return call


def test_wans_defaults_are_the_pages() -> None:
    expected = DiffusersCall(
        prompt="a boat",
        negative_prompt=NEGATIVE_PROMPT,
        width=1280,
        height=720,
        frames=81,
        made=81,
        fps=16,
        steps=30,
        guidance=5,
        seed=0,
        image="/tmp/a.npy",
        shift=5,
        acceleration="regular",
        variant="720p",
    )
    assert call_of(WAN) == expected


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"resolution": "480p"}, {"width": 832, "height": 480, "variant": "480p"}),
        ({"aspect_ratio": "9:16"}, {"width": 720, "height": 1280}),
        ({"aspect_ratio": "1:1", "resolution": "480p"}, {"width": 624, "height": 624}),
        ({"num_frames": 81}, {"frames": 81, "made": 81}),
        ({"num_frames": 82}, {"frames": 82, "made": 85}),
        ({"num_frames": 85}, {"frames": 85, "made": 85}),
        ({"num_frames": 100}, {"frames": 100, "made": 101}),
        ({"frames_per_second": 5}, {"fps": 5, "made": 81}),
        ({"frames_per_second": 24}, {"fps": 24, "made": 81}),
        ({"num_inference_steps": 1}, {"steps": 1}),
        ({"num_inference_steps": 100}, {"steps": 100}),
        ({"guide_scale": 0}, {"guidance": 0}),
        ({"guide_scale": 7.25}, {"guidance": 7.25}),
        ({"shift": 0.1}, {"shift": 0.1}),
        ({"shift": 16}, {"shift": 16}),
        ({"negative_prompt": ""}, {"negative_prompt": ""}),
        ({"negative_prompt": "雨"}, {"negative_prompt": "雨"}),
        ({"acceleration": "none"}, {"acceleration": "none"}),
        ({"acceleration": "regular"}, {"acceleration": "regular"}),
        ({"seed": 2**64 - 1}, {"seed": 2**64 - 1}),
        ({"seed": 0}, {"seed": 0}),
    ],
)
def test_each_field_of_wan_reaches_the_weights(members: dict[str, Any], expected: dict[str, Any]) -> None:
    call = call_of(WAN, **members)
    assert {name: getattr(call, name) for name in expected} == expected


@QUICK
@given(
    SIDES,
    SIDES,
    st.sampled_from(["480p", "720p"]),
    st.integers(81, 100),
    st.integers(5, 24),
    st.integers(1, 100),
    st.floats(0, 100),
    st.floats(0.001, 100),
    SEEDS,
)
def test_every_request_of_wan_is_asked_as_it_stands(  # noqa: PLR0917
    width: int,
    height: int,
    resolution: str,
    frames: int,
    rate: int,
    steps: int,
    guidance: float,
    shift: float,
    seed: int,
) -> None:
    call = call_of(
        WAN,
        (width, height),
        resolution=resolution,
        num_frames=frames,
        frames_per_second=rate,
        num_inference_steps=steps,
        guide_scale=guidance,
        shift=shift,
        seed=seed,
    )
    assert call.width % 16 == 0 == call.height % 16
    assert call.width * call.height <= AREA[resolution] * 1.001
    if max(width, height) <= 8 * min(width, height) and width * 9 != height * 16 and width * 16 != height * 9:
        ratio = height / width
        sides = (round(sqrt(AREA[resolution] / ratio)), round(sqrt(AREA[resolution] * ratio)))
        assert (call.width, call.height) == (sides[0] // 16 * 16, sides[1] // 16 * 16)
    assert call.made % 4 == 1
    assert frames == call.frames <= call.made < frames + 4
    assert (call.fps, call.steps, call.guidance, call.shift, call.seed) == (rate, steps, guidance, shift, seed)
    assert call.finish is None


def test_ltx_is_asked_as_its_authors_have_it() -> None:
    call = call_of(LTX, num_inference_steps=40, guidance_scale=4.5, negative_prompt="", seed=9)
    assert call == DiffusersCall(
        prompt="a boat",
        negative_prompt="",
        width=768,
        height=512,
        frames=121,
        made=121,
        fps=24,
        steps=40,
        guidance=4.5,
        seed=9,
        image="/tmp/a.npy",
        decode_timestep=0.05,
        decode_noise=0.025,
    )


@QUICK
@given(SIDES, SIDES, st.integers(1, 100), st.floats(0, 100), SEEDS)
def test_every_request_of_ltx_is_on_the_grid(width: int, height: int, steps: int, guidance: float, seed: int) -> None:
    call = call_of(LTX, (width, height), num_inference_steps=steps, guidance_scale=guidance, seed=seed)
    assert call.width % 32 == 0 == call.height % 32
    assert call.made % 8 == 1
    assert call.made == call.frames
    assert call.fps == 24
    assert (call.steps, call.guidance, call.seed, call.shift) == (steps, guidance, seed, None)


def test_lucys_stand_in_is_asked_as_published() -> None:
    assert call_of(LUCY) == DiffusersCall(
        prompt="a boat",
        negative_prompt="",
        width=1280,
        height=704,
        frames=125,
        made=125,
        fps=25,
        steps=50,
        guidance=5,
        seed=0,
        image="/tmp/a.npy",
        shift=5,
    )


@QUICK
@given(SIDES, SIDES)
def test_lucys_film_is_on_the_stand_ins_grid(width: int, height: int) -> None:
    call = call_of(LUCY, (width, height))
    assert call.width % 32 == 0 == call.height % 32
    assert call.made % 4 == 1
    assert (call.width > call.height) == (width >= height)


def test_pro_is_97_frames_at_720p_brought_to_six_seconds_of_1080p() -> None:
    call = call_of(PRO, seed=7)
    assert (call.width, call.height, call.frames, call.made, call.fps) == (1280, 720, 97, 97, 16)
    assert (call.steps, call.guidance, call.shift, call.seed) == (40, 5, 5, 7)
    assert call.finish == Finish(1920, 1080, 180, 30)
    assert call_of(PRO_TEXT).image is None


@QUICK
@given(SIDES, SIDES)
def test_pros_two_sizes_have_one_shape(width: int, height: int) -> None:
    call = call_of(PRO, (width, height))
    assert call.finish is not None
    made, finished = call.width / call.height, call.finish.width / call.finish.height
    assert made == pytest.approx(finished, rel=0.08)


@given(st.integers(1, 10_000))
def test_frames_are_rounded_up_to_the_grid(frames: int) -> None:
    assert on_grid(frames) % 4 == 1
    assert frames <= on_grid(frames) < frames + 4


@given(st.integers(1, 1_000), st.sampled_from([16, 24, 30, 60]))
def test_enough_frames_are_made_for_the_finished_films_last(frames: int, rate: int) -> None:
    made = pro_frames(Finish(64, 64, frames, rate))
    assert (made - 1) / 16 >= (frames - 1) / rate
    assert made % 4 == 1


@pytest.mark.parametrize(
    ("endpoint", "layout", "stands_in"),
    [
        (WAN, "WanImageToVideoPipeline", False),
        (WAN, "WanImageToVideoPipeline+boundary_ratio", True),
        (WAN, "WanImageToVideoPipeline+expand_timesteps", True),
        (LTX, "LTXImageToVideoPipeline", False),
        (LTX, "LTXConditionPipeline", False),
        (LUCY, "WanImageToVideoPipeline+expand_timesteps", True),
        (PRO, "WanImageToVideoPipeline", True),
        (PRO_TEXT, "WanPipeline", True),
    ],
)
def test_which_weights_stand_in_is_declared(endpoint: Endpoint, layout: str, stands_in: bool) -> None:
    assert endpoint.weights[layout] is stands_in


def test_weights_for_two_pictures_fit_no_endpoint_that_has_one() -> None:
    assert not any("WanImageToVideoPipeline+last_image" in one.weights for one in ENDPOINTS.values())
