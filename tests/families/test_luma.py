"""The luma family: sizes, prices, loops and pictures to end on, videos reframed and made over, and what is refused."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.errors import ModelError
from rushes.families import ENDPOINTS
from rushes.families.luma import AREA, MODES, ReframeVideoRequest, film_size, seen, video_size
from rushes.fields import File, media_inputs

ROOT = "fal-ai/luma-dream-machine"
FLASH_PICTURE = f"{ROOT}/ray-2-flash/image-to-video"
RAY_TEXT = [f"{ROOT}/ray-2-flash", f"{ROOT}/ray-2"]
FIRST_PICTURE = f"{ROOT}/image-to-video"
NEW = [FLASH_PICTURE, *RAY_TEXT, ROOT, FIRST_PICTURE]
REFRAME = [f"{ROOT}/ray-2-flash/reframe", f"{ROOT}/ray-2/reframe"]
MODIFY = [f"{ROOT}/ray-2-flash/modify", f"{ROOT}/ray-2/modify"]
SHAPES = ["1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"]
START, END = {"image_url": "https://example.com/a.png"}, {"end_image_url": "https://example.com/b.png"}
VIDEO_URL = "https://example.com/v.mp4"


def ask(name: str, **fields: object) -> BaseModel:
    model = ENDPOINTS[name].input
    given: dict[str, object] = {"prompt": "a lighthouse"}
    given |= {} if "video_url" not in model.model_fields else {"video_url": VIDEO_URL}
    given |= {"aspect_ratio": "9:16"} if name in REFRAME else {}
    given |= START if name in (FIRST_PICTURE, FLASH_PICTURE) else {}
    return model.model_validate({**given, **fields})


def picture(key: str) -> dict[str, Media]:
    return {key: Media("image", f"/tmp/{key}.npy", "image/png", 10, width=640, height=480)}


def video(width: int = 1280, height: int = 720, frames: int | None = 150, fps: float | None = 30) -> dict[str, Media]:
    return {"video_url": Media("video", "/tmp/v.mp4", "video/mp4", 10, width, height, frames, fps)}


def film(name: str, request: BaseModel, media: dict[str, Media]) -> Clip:
    clip = ENDPOINTS[name].clip
    assert clip is not None
    plan = clip(request, media)
    assert isinstance(plan, Clip)
    return plan


def call_for(name: str, request: BaseModel, media: dict[str, Media]) -> AnimaticCall:
    call = ENDPOINTS[name].engines["animatic"](request, media, film(name, request, media))
    assert isinstance(call, AnimaticCall)
    return call


def reframing(**fields: object) -> ReframeVideoRequest:
    return ReframeVideoRequest.model_validate({"video_url": VIDEO_URL, "aspect_ratio": "1:1", **fields})


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        (FLASH_PICTURE, ["prompt", "image_url"]),
        *((name, ["prompt"]) for name in (*RAY_TEXT, ROOT)),
        (FIRST_PICTURE, ["prompt", "image_url"]),
        *((name, ["video_url", "aspect_ratio"]) for name in REFRAME),
        *((name, ["video_url"]) for name in MODIFY),
    ],
)
def test_each_says_what_it_cannot_do_without(name: str, needed: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[name].input.model_validate({})
    assert [error["loc"] for error in caught.value.errors()] == [(field,) for field in needed]


@pytest.mark.parametrize("pictures", [START, END, {**START, **END}])
def test_a_picture_at_either_end_is_enough(pictures: dict[str, str]) -> None:
    request = ENDPOINTS[FLASH_PICTURE].input.model_validate({"prompt": "a lighthouse", **pictures})
    assert {found.key for found in media_inputs(request)} == set(pictures)


@pytest.mark.parametrize("field", ["image_url", "end_image_url"])
def test_a_wrong_picture_is_one_problem_not_two(field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[FLASH_PICTURE].input.model_validate({"prompt": "a lighthouse", field: 5})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("nulls", [{}, {"image_url": None}, {"image_url": None, "end_image_url": None}])
def test_a_missing_picture_is_missed_where_it_usually_stands(nulls: dict[str, None]) -> None:
    with pytest.raises(ValidationError) as caught:
        ENDPOINTS[FLASH_PICTURE].input.model_validate({**nulls, "prompt": "a lighthouse", "duration": "9s"})
    assert [(error["type"], error["loc"]) for error in caught.value.errors()] == [
        ("missing", ("image_url",)),
        ("literal_error", ("duration",)),
    ]


def test_null_for_the_picture_to_begin_on_is_fine_beside_one_to_end_on() -> None:
    request = ENDPOINTS[FLASH_PICTURE].input.model_validate({"prompt": "a", "image_url": None, **END})
    assert [found.key for found in media_inputs(request)] == ["end_image_url"]


@pytest.mark.parametrize(
    ("name", "field", "bad"),
    [
        *((name, "aspect_ratio", "1:1") for name in NEW),
        *((name, "loop", "perhaps") for name in NEW),
        (FLASH_PICTURE, "resolution", "4k"),
        (FLASH_PICTURE, "duration", "9s"),
        *((name, "duration", "10s") for name in RAY_TEXT),
        *((name, "aspect_ratio", "2:1") for name in REFRAME),
        *((name, field, -1) for name in REFRAME for field in ("x_start", "y_start", "x_end", "y_end")),
        *((name, field, -1) for name in REFRAME for field in ("grid_position_x", "grid_position_y")),
        *((name, "x_end", 0) for name in REFRAME),
        *((name, "mode", "flex_4") for name in MODIFY),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_name(name: str, field: str, bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        ask(name, **{field: bad})
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [
        ("16:9", [(960, 540), (1280, 720), (1920, 1080)]),
        ("9:16", [(540, 960), (720, 1280), (1080, 1920)]),
        ("4:3", [(832, 624), (1112, 834), (1664, 1248)]),
        ("3:4", [(624, 832), (834, 1112), (1248, 1664)]),
        ("21:9", [(1092, 468), (1470, 630), (2184, 936)]),
        ("9:21", [(468, 1092), (630, 1470), (936, 2184)]),
        ("1:1", [(720, 720), (960, 960), (1440, 1440)]),
    ],
)
def test_a_shape_has_its_size_in_each_class(shape: str, sizes: list[tuple[int, int]]) -> None:
    assert [film_size(resolution, shape) for resolution in ("540p", "720p", "1080p")] == sizes


@pytest.mark.parametrize("resolution", AREA)
@pytest.mark.parametrize("shape", SHAPES)
def test_sizes_are_even_of_exactly_the_shape_and_near_the_area(resolution: str, shape: str) -> None:
    width, height = film_size(resolution, shape)
    wide, high = map(int, shape.split(":"))
    assert width % 2 == 0 == height % 2
    assert width * high == height * wide
    assert width * height == pytest.approx(AREA[resolution], rel=0.03)


@pytest.mark.parametrize(
    ("duration", "resolution", "frames", "units"),
    [
        ("5s", "540p", 120, 1),
        ("5s", "720p", 120, 2),
        ("5s", "1080p", 120, 4),
        ("9s", "540p", 216, 2),
        ("9s", "720p", 216, 4),
        ("9s", "1080p", 216, 8),
    ],
)
@pytest.mark.parametrize("name", RAY_TEXT)
def test_length_and_price_are_the_pages(name: str, duration: str, resolution: str, frames: int, units: float) -> None:
    request = ask(name, duration=duration, resolution=resolution)
    made = film(name, request, {})
    assert (made.frames, made.fps, made.audio) == (frames, 24, False)
    assert ENDPOINTS[name].units(request, made) == units


@pytest.mark.parametrize("name", [ROOT, FIRST_PICTURE])
def test_the_first_model_makes_five_seconds_of_720p_at_one_price(name: str) -> None:
    request = ask(name, aspect_ratio="9:16")
    made = film(name, request, {})
    assert made == Clip(720, 1280, 120, 24)
    assert ENDPOINTS[name].units(request, made) == 1


def test_the_film_begins_and_ends_on_its_pictures() -> None:
    media = picture("image_url") | picture("end_image_url")
    call = call_for(FLASH_PICTURE, ask(FLASH_PICTURE, **END), media)
    assert call == AnimaticCall(
        prompt="a lighthouse",
        width=960,
        height=540,
        frames=120,
        fps=24,
        seed=0,
        image="/tmp/image_url.npy",
        end_image="/tmp/end_image_url.npy",
    )


@pytest.mark.parametrize("name", NEW)
@pytest.mark.parametrize(("loop", "expected"), [(None, False), (False, False), (True, True)])
def test_a_film_loops_when_asked(name: str, loop: bool | None, expected: bool) -> None:
    assert call_for(name, ask(name, loop=loop), {}).loop is expected


@pytest.mark.parametrize("name", [FLASH_PICTURE, FIRST_PICTURE])
def test_a_picture_to_end_on_and_a_loop_are_both_asked_for(name: str) -> None:
    call = call_for(name, ask(name, loop=True, **END), picture("image_url") | picture("end_image_url"))
    assert (call.loop, call.end_image) == (True, "/tmp/end_image_url.npy")


@pytest.mark.parametrize("name", [*REFRAME, *MODIFY])
@given(frames=st.integers(1, 900), fps=st.sampled_from([12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 60.0]))
def test_a_video_keeps_its_length_and_is_paid_by_it(name: str, frames: int, fps: float) -> None:
    request = ask(name)
    made = film(name, request, video(frames=frames, fps=fps))
    assert (made.frames, made.fps) == (frames, fps)
    assert ENDPOINTS[name].units(request, made) == pytest.approx(2 * frames / fps / 5, abs=1e-4)


@pytest.mark.parametrize("name", [*REFRAME, *MODIFY])
@pytest.mark.parametrize(("frames", "fps"), [(None, 24.0), (10, None), (0, 24.0)])
def test_a_video_without_length_is_refused(name: str, frames: int | None, fps: float | None) -> None:
    with pytest.raises(ModelError) as caught:
        film(name, ask(name), video(frames=frames, fps=fps))
    assert (caught.value.problems[0].type, caught.value.problems[0].loc) == ("video_load_error", ("body", "video_url"))


@pytest.mark.parametrize(("name", "seconds"), [(name, 30 if "flash" in name else 10) for name in (*REFRAME, *MODIFY)])
def test_how_long_a_video_may_be_depends_on_the_model(name: str, seconds: float) -> None:
    (found,) = media_inputs(ask(name))
    assert (found.field.kind, found.field.max_bytes, found.field.max_s) == ("video", 100_000_000, seconds)


@pytest.mark.parametrize("name", REFRAME)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_reframed_video_has_the_new_shape_at_720p(name: str, shape: str) -> None:
    made = film(name, ask(name, aspect_ratio=shape), video())
    assert (made.width, made.height) == film_size("720p", shape)


@pytest.mark.parametrize("name", REFRAME)
def test_reframing_films_the_whole_video_anew(name: str) -> None:
    request = ask(name, prompt=None, x_start=320, x_end=960)
    assert call_for(name, request, video() | picture("image_url")) == AnimaticCall(
        prompt="",
        width=720,
        height=1280,
        frames=150,
        fps=30,
        seed=0,
        image="/tmp/image_url.npy",
        video="/tmp/v.mp4",
        keep=None,
        window=(0.25, 0.0, 0.75, 1.0),
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"x_start": 0, "y_start": 0, "x_end": 1600, "y_end": 800}, None),
        ({"x_start": 400}, (0.25, 0, 1, 1)),
        ({"x_end": 400, "y_end": 400}, (0, 0, 0.25, 0.5)),
        ({"x_end": 99999}, None),
        ({"grid_position_x": 0}, (0, 0, 0.5, 1)),
        ({"grid_position_x": 200}, (0.125, 0, 0.625, 1)),
        ({"grid_position_x": 99999}, (0.5, 0, 1, 1)),
        ({"grid_position_y": 99999}, (0.25, 0, 0.75, 1)),
        ({"x_start": 400, "x_end": 1200, "y_end": 400, "grid_position_x": 100}, (0.3125, 0, 0.5625, 0.5)),
    ],
)
def test_what_is_seen_follows_edges_and_grid_position(
    fields: dict[str, int], expected: tuple[float, float, float, float] | None
) -> None:
    assert seen(reframing(**fields), 1600, 800) == expected


@pytest.mark.parametrize(("start", "end"), [("x_start", "x_end"), ("y_start", "y_end")])
def test_an_edge_that_does_not_lie_before_its_end_is_refused(start: str, end: str) -> None:
    with pytest.raises(ValidationError) as caught:
        reframing(**{start: 300, end: 300})
    (error,) = caught.value.errors()
    assert (error["type"], error["loc"]) == ("less_than", (start,))
    assert error["msg"] == f"Input should be less than {end}, which is 300; got 300"


def test_edges_outside_the_video_are_refused_all_at_once() -> None:
    with pytest.raises(ModelError) as caught:
        film(REFRAME[0], ask(REFRAME[0], x_start=1280, y_start=5000), video())
    assert [problem.loc for problem in caught.value.problems] == [("body", "x_start"), ("body", "y_start")]
    assert caught.value.problems[0].msg == "Input should lie within the video, which is 1280 pixels wide; got 1280"


PIXELS = st.none() | st.integers(0, 5000)


@given(
    st.tuples(st.integers(2, 4000), st.integers(2, 4000)),
    st.sampled_from(SHAPES),
    st.tuples(PIXELS, PIXELS),
    st.tuples(PIXELS, PIXELS),
)
def test_whatever_is_seen_lies_within_the_video(
    size: tuple[int, int], shape: str, grid: tuple[int | None, int | None], edges: tuple[int | None, int | None]
) -> None:
    (width, height), (x, y), (start, end) = size, grid, edges
    request = reframing(
        aspect_ratio=shape,
        grid_position_x=x,
        grid_position_y=y,
        x_start=None if start is None else start % width,
        y_end=None if end is None else end + 1,
    )
    window = seen(request, width, height)
    if window is not None:
        left, top, right, bottom = window
        assert 0 <= left < right <= 1
        assert 0 <= top < bottom <= 1


@pytest.mark.parametrize("name", [*REFRAME, *MODIFY])
@pytest.mark.parametrize("sound", ["/tmp/v.npy", None])
def test_a_video_keeps_its_sound(name: str, sound: str | None) -> None:
    media = {"video_url": replace(video()["video_url"], sound=sound)}
    request = ask(name)
    assert film(name, request, media).audio is (sound is not None)
    assert call_for(name, request, media).sound == sound


def test_modes_go_evenly_from_the_least_change_to_the_most() -> None:
    strengths = [call_for(MODIFY[0], ask(MODIFY[0], mode=mode), video()).strength for mode in MODES]
    assert strengths == sorted(strengths)
    assert (strengths[0], strengths[-1], len(set(strengths))) == (1 / 9, 1.0, 9)


@pytest.mark.parametrize("name", MODIFY)
def test_modifying_films_the_whole_video_anew(name: str) -> None:
    call = call_for(name, ask(name), video() | picture("image_url"))
    assert call == AnimaticCall(
        prompt="a lighthouse",
        width=1280,
        height=720,
        frames=150,
        fps=30,
        seed=0,
        image="/tmp/image_url.npy",
        video="/tmp/v.mp4",
        keep=None,
        strength=4 / 9,
    )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ((1280, 720), (1280, 720)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((641, 361), (640, 360)),
        ((3840, 2160), (1280, 720)),
        ((1, 1), (16, 16)),
    ],
)
def test_a_modified_video_keeps_its_size_up_to_720p(source: tuple[int, int], expected: tuple[int, int]) -> None:
    assert video_size(*source) == expected


@given(st.integers(64, 8192), st.integers(64, 8192))
def test_a_modified_video_is_even_no_larger_than_720p_and_of_its_shape(width: int, height: int) -> None:
    wide, high = video_size(width, height)
    assert wide % 2 == 0 == high % 2
    assert wide * high <= AREA["720p"]
    assert wide <= width
    assert high <= height
    assert abs(wide / high - width / height) <= 3 * max(wide / high, width / height) / min(wide, high)


@pytest.mark.parametrize("name", [*NEW, *REFRAME, *MODIFY])
def test_the_reply_carries_the_video(name: str) -> None:
    reply = ENDPOINTS[name].reply(ask(name), Made(files=(File(url="rushes-file:/a/b.mp4"),)))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}


@pytest.mark.parametrize("name", [*NEW, *REFRAME, *MODIFY])
def test_there_is_no_seed_and_no_switch(name: str) -> None:
    roles = ENDPOINTS[name].roles
    assert (roles.prompt, roles.seed, roles.safety, roles.expansion) == ("prompt", None, None, None)
