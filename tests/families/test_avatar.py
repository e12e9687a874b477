"""The avatar family: segments and their price, sizes, the sound that moves the lips, what the engine is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rushes.calls import AnimaticCall, UpstreamCall
from rushes.endpoint import Clip, Delivery, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.avatar import SIZES, SIZES_720P, frame_count
from rushes.fields import File, media_inputs

SOUND = "fal-ai/longcat-single-avatar/audio-to-video"
PICTURED = "fal-ai/longcat-single-avatar/image-audio-to-video"
BOTH = [SOUND, PICTURED]
URLS = {"audio_url": "https://example.com/a.mp3", "image_url": "https://example.com/a.png"}


def ask(name: str, **fields: object) -> BaseModel:
    return ENDPOINTS[name].input.model_validate({**URLS, "prompt": "a baker explains", **fields})


def fetched(name: str, size: tuple[int, int] = (1000, 1000)) -> dict[str, Media]:
    sound = {"audio_url": Media("audio", "/tmp/s.npy", "audio/mpeg", 10, duration_s=3.0, has_audio=True)}
    if name == SOUND:
        return sound
    return {**sound, "image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=size[0], height=size[1])}


def film(name: str, size: tuple[int, int] = (1000, 1000), **fields: object) -> Clip:
    endpoint = ENDPOINTS[name]
    assert endpoint.clip is not None
    plan = endpoint.clip(ask(name, **fields), fetched(name, size))
    assert isinstance(plan, Clip)
    return plan


@pytest.mark.parametrize(
    ("name", "needed"), [(SOUND, [("audio_url",)]), (PICTURED, [("image_url",), ("audio_url",), ("prompt",)])]
)
def test_each_cannot_do_without_its_files_and_the_pictured_one_not_without_a_prompt(
    name: str, needed: list[tuple[str]]
) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[name].input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == needed


@pytest.mark.parametrize("name", BOTH)
@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("num_segments", 0),
        ("num_segments", 11),
        ("num_segments", "many"),
        ("num_inference_steps", 0),
        ("num_inference_steps", 101),
        ("text_guidance_scale", -1),
        ("text_guidance_scale", float("inf")),
        ("audio_guidance_scale", 21),
        ("resolution", "1080p"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ask(name, **{field: bad})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(("name", "kinds"), [(SOUND, ["audio"]), (PICTURED, ["image", "audio"])])
def test_sound_and_picture_are_fetched(name: str, kinds: list[str]) -> None:
    assert [found.field.kind for found in media_inputs(ask(name))] == kinds


@pytest.mark.parametrize(("segments", "frames", "seconds"), [(1, 93, 5.8125), (2, 173, 10.8125), (10, 813, 50.8125)])
@pytest.mark.parametrize("name", BOTH)
def test_the_first_segment_is_5_8_seconds_and_each_further_one_5(
    name: str, segments: int, frames: int, seconds: float
) -> None:
    made = film(name, num_segments=segments)
    assert (made.frames, made.fps, made.duration_s) == (frames, 16, seconds)


@pytest.mark.parametrize("name", BOTH)
def test_the_film_has_sound(name: str) -> None:
    assert film(name).audio


@pytest.mark.parametrize(
    ("resolution", "segments", "expected"),
    [("480p", 1, 5.8125), ("480p", 2, 10.8125), ("720p", 1, 23.25), ("720p", 3, 63.25)],
)
@pytest.mark.parametrize("name", BOTH)
def test_the_price_is_the_pages(name: str, resolution: str, segments: int, expected: float) -> None:
    request = ask(name, resolution=resolution, num_segments=segments)
    assert ENDPOINTS[name].units(request, None) == expected


@pytest.mark.parametrize(("resolution", "per_second"), [("480p", 1), ("720p", 4)])
@given(segments=st.integers(1, 10))
def test_what_is_paid_for_is_what_is_made(resolution: str, per_second: int, segments: int) -> None:
    made = film(SOUND, resolution=resolution, num_segments=segments)
    request = ask(SOUND, resolution=resolution, num_segments=segments)
    assert ENDPOINTS[SOUND].units(request, made) == pytest.approx(made.duration_s * per_second)
    assert made.frames == frame_count(segments)


@pytest.mark.parametrize(("resolution", "expected"), [("480p", (832, 480)), ("720p", (1280, 768))])
def test_without_a_picture_the_film_is_lying(resolution: str, expected: tuple[int, int]) -> None:
    made = film(SOUND, resolution=resolution)
    assert (made.width, made.height) == expected


@pytest.mark.parametrize(
    ("source", "small", "large"),
    [
        ((1920, 1080), (832, 480), (1312, 704)),
        ((1080, 1920), (480, 832), (736, 1248)),
        ((800, 800), (640, 608), (960, 960)),
        ((1600, 1200), (736, 544), (1120, 832)),
        ((9000, 100), (1216, 320), (1920, 480)),
        ((100, 9000), (320, 1280), (480, 1920)),
    ],
)
def test_with_a_picture_the_film_has_its_shape(
    source: tuple[int, int], small: tuple[int, int], large: tuple[int, int]
) -> None:
    for resolution, expected in (("480p", small), ("720p", large)):
        made = film(PICTURED, source, resolution=resolution)
        assert (made.width, made.height) == expected


def test_the_720p_table_goes_from_wide_to_tall_in_steps_of_32() -> None:
    slopes = [height / width for width, height in SIZES_720P]
    assert slopes == sorted(slopes)
    assert len(SIZES_720P) == 31
    assert all(width % 32 == 0 == height % 32 for width, height in SIZES_720P)


@given(st.sampled_from(["480p", "720p"]), st.integers(16, 16384), st.integers(16, 16384))
def test_any_picture_gives_a_size_of_the_table(resolution: str, width: int, height: int) -> None:
    made = film(PICTURED, (width, height), resolution=resolution)
    assert (made.width, made.height) in SIZES[resolution]


@pytest.mark.parametrize("name", BOTH)
def test_the_sound_moves_the_lips(name: str) -> None:
    endpoint, media = ENDPOINTS[name], fetched(name)
    wanted = film(name, num_segments=2)
    request = ask(name, num_segments=2, seed=7)
    assert endpoint.engines["animatic"](request, media, wanted) == AnimaticCall(
        prompt="a baker explains",
        width=wanted.width,
        height=wanted.height,
        frames=173,
        fps=16,
        seed=7,
        image="/tmp/a.npy" if name == PICTURED else None,
        sound="/tmp/s.npy",
        lipsync=True,
    )


@pytest.mark.parametrize("name", BOTH)
def test_the_reply_carries_the_film_and_the_seed(name: str) -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9)
    reply = ENDPOINTS[name].reply(ask(name), made)
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}, "seed": 9}


@pytest.mark.parametrize("name", BOTH)
def test_it_can_be_checked_but_not_expanded_and_comes_as_a_stored_file(name: str) -> None:
    endpoint = ENDPOINTS[name]
    assert (endpoint.roles.safety, endpoint.roles.expansion) == ("enable_safety_checker", None)
    assert endpoint.delivery(ask(name)) == Delivery()


@pytest.mark.parametrize("name", BOTH)
def test_the_models_own_program_gets_every_dial_as_it_is(name: str) -> None:
    dials = {"num_inference_steps": 12, "text_guidance_scale": 3.5, "audio_guidance_scale": 5, "resolution": "720p",
             "num_segments": 3, "seed": 2**40 + 5, "negative_prompt": "no hats"}  # fmt: skip
    told = ENDPOINTS[name].engines["upstream"](ask(name, **dials), fetched(name), film(name, **dials))
    assert isinstance(told, UpstreamCall)
    assert told.task == ("ai2v" if name == PICTURED else "at2v")
    assert (told.frames, told.made, told.fps, told.segments) == (253, 253, 16, 3)
    assert (told.steps, told.text_guidance, told.audio_guidance, told.resolution) == (12, 3.5, 5, "720p")
    assert (told.seed, told.negative_prompt, told.sound) == (5, "no hats", "/tmp/s.npy")
    assert (told.image is not None) == (name == PICTURED)


@pytest.mark.parametrize("size", [*SIZES["480p"], *SIZES["720p"]], ids=str)
def test_every_size_is_one_that_the_models_own_program_divides(size: tuple[int, int]) -> None:
    assert size[0] % 16 == 0
    assert size[1] % 16 == 0
