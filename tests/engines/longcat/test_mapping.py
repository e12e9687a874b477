"""From a request to what the network is asked, through the family and the plan: every rule, and any request.

Sizes are (width, height).
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from rushes.calls import LongCatCall
from rushes.endpoint import Clip, Media
from rushes.engines.longcat.plan import KNOWN, STRETCH, first_frames, refine_stretches, stretches
from rushes.engines.longcat.schedule import distilled_sigmas, full_sigmas, refine_sigmas
from rushes.families import ENDPOINTS
from rushes.families.longcat import SIZES_480P, SIZES_REFINED

ROOT = "fal-ai/longcat-video"
ALL = sorted(name for name in ENDPOINTS if name.startswith(f"{ROOT}/"))
PICTURED = [name for name in ALL if "image-to-video" in name]
PLAIN = [name for name in ALL if name.endswith("480p")]
REFINED = [name for name in ALL if name.endswith("720p")]
TOKEN, CHUNK = 16, 64  # pixels on a side, of a token and of a chunk of attention


def asked(name: str, source: tuple[int, int] = (1920, 1080), **fields: object) -> tuple[LongCatCall, Clip]:
    endpoint, pictured = ENDPOINTS[name], name in PICTURED
    given_fields = {"prompt": "a fox"} | ({"image_url": "https://example.com/a.png"} if pictured else {}) | fields
    request = endpoint.input.model_validate(given_fields)
    picture = Media("image", "/tmp/a.npy", "image/png", 10, width=source[0], height=source[1])
    media = {"image_url": picture} if pictured else {}
    assert endpoint.clip is not None
    clip = endpoint.clip(request, media)
    assert isinstance(clip, Clip)
    call = endpoint.engines["longcat"](request, media, clip)
    assert isinstance(call, LongCatCall)
    return call, clip


def test_there_are_eight_and_all_take_these_weights_as_the_real_ones() -> None:
    assert len(ALL) == 8
    assert all(ENDPOINTS[name].weights == {"LongCat-Video": False} for name in ALL)


@pytest.mark.parametrize("name", PLAIN)
def test_the_usual_480p_film_is_93_frames_and_80_new_ones_from_the_last_13(name: str) -> None:
    call, clip = asked(name)
    assert (call.frames, clip.fps, call.refine) == (162, 15, None)
    assert [(part.frames, part.known, part.used) for part in stretches(call.frames)] == [(93, 0, 93), (93, 13, 69)]


@pytest.mark.parametrize("name", REFINED)
def test_the_usual_720p_film_is_81_frames_at_480p_refined_to_162(name: str) -> None:
    call, clip = asked(name)
    assert (call.frames, clip.fps) == (162, 30)
    assert [(part.frames, part.known) for part in stretches(first_frames(call.frames))] == [(81, 0)]
    assert [(part.start, part.stop, part.used) for part in refine_stretches(call.frames)] == [(0, 81, 162)]
    assert call.refine is not None
    assert (call.refine.width, call.refine.height) == (clip.width, clip.height)


@pytest.mark.parametrize(
    ("name", "steps", "evaluations"),
    [
        *((name, 40, 40) for name in PLAIN if "distilled" not in name),
        *((name, 12, 12) for name in PLAIN if "distilled" in name),
        *((name, 40, 40 + 21) for name in REFINED if "distilled" not in name),
        *((name, 12, 12 + 7) for name in REFINED if "distilled" in name),
    ],
)
def test_the_usual_steps_and_how_often_the_network_is_asked(name: str, steps: int, evaluations: int) -> None:
    call, _ = asked(name)
    assert call.steps == steps
    count = len(distilled_sigmas(call.steps) if call.distilled else full_sigmas(call.steps))
    if call.refine is not None:
        count += len(refine_sigmas(call.refine.steps, 0.5))
    assert count == evaluations


@pytest.mark.parametrize("fps", [1, 24, 60])
@pytest.mark.parametrize("name", ALL)
def test_the_rate_is_only_written(name: str, fps: int) -> None:
    assert asked(name, fps=fps)[0] == asked(name)[0]
    assert asked(name, fps=fps)[1].fps == fps


@pytest.mark.parametrize(
    ("source", "first", "refined"),
    [
        ((1280, 720), (832, 480), (1280, 704)),
        ((720, 1280), (480, 832), (704, 1280)),
        ((1000, 1000), (640, 608), (960, 960)),
        ((1024, 768), (736, 544), (1088, 832)),
        ((10_000, 16), (1216, 320), (1792, 512)),
        ((16, 10_000), (320, 1280), (512, 1920)),
    ],
)
def test_a_picture_finds_its_size_and_that_its_refined_one(
    source: tuple[int, int], first: tuple[int, int], refined: tuple[int, int]
) -> None:
    call, _ = asked(f"{ROOT}/image-to-video/720p", source)
    assert call.refine is not None
    assert ((call.width, call.height), (call.refine.width, call.refine.height)) == (first, refined)


@given(st.sampled_from(ALL), st.integers(17, 961), st.integers(1, 16_384), st.integers(1, 16_384))
def test_any_request_is_on_the_models_grid_and_gives_just_its_frames(
    name: str, frames: int, width: int, height: int
) -> None:
    call, clip = asked(name, (width, height), num_frames=frames)
    assert call.width % TOKEN == call.height % TOKEN == 0
    if name in PICTURED:
        assert (call.width, call.height) in SIZES_480P
    first = first_frames(frames) if call.refine else frames
    parts = stretches(first)
    assert sum(part.used for part in parts) == first
    assert all(part.frames % 4 == 1 and part.frames <= STRETCH for part in parts)
    assert all(part.known == KNOWN for part in parts[1:])
    if call.refine is None:
        assert (clip.width, clip.height) == (call.width, call.height)
        return
    assert (call.refine.width, call.refine.height) == (clip.width, clip.height)
    assert (clip.width, clip.height) in SIZES_REFINED
    assert clip.width % CHUNK == clip.height % CHUNK == 0
    assert sum(part.used for part in refine_stretches(frames)) == frames


@given(
    st.sampled_from([name for name in ALL if "distilled" not in name]),
    st.floats(0, 20),
    st.sampled_from(["none", "regular"]),
    st.text(max_size=20),
    st.integers(1, 100),
)
def test_the_full_model_gets_all_that_it_is_asked(
    name: str, guidance: float, acceleration: str, negative: str, steps: int
) -> None:
    call, _ = asked(
        name,
        guidance_scale=guidance,
        acceleration=acceleration,
        negative_prompt=negative,
        num_inference_steps=steps,
    )
    assert (call.guidance, call.accelerated, call.negative_prompt) == (guidance, acceleration == "regular", negative)
    assert (call.steps, call.distilled) == (steps, False)


@given(st.sampled_from([name for name in ALL if "distilled" in name]), st.integers(-1, 2**63 - 1), st.integers(1, 100))
def test_the_distilled_model_gets_no_more_than_seed_and_steps(name: str, seed: int, steps: int) -> None:
    call, _ = asked(name, seed=seed, num_inference_steps=steps)
    assert (call.guidance, call.accelerated, call.negative_prompt, call.distilled) == (1.0, False, "", True)
    assert (call.seed, call.steps) == (seed, steps)
