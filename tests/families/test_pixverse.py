"""The pixverse family: the page's rules, sizes and prices, and what the engine is asked for each kind of work."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Made, Media
from rushes.families import ENDPOINTS
from rushes.families.pixverse import AMBIENCES, LINES, MOST_EXTREME, SHAPE, frame_size
from rushes.fields import File
from rushes.gateway.intake import take

ROOT = "fal-ai/pixverse"
MAIN = f"{ROOT}/v4.5/image-to-video"
PICTURE = Media("image", "/tmp/a.npy", "image/png", 10, width=1000, height=1000)
LAST = Media("image", "/tmp/b.npy", "image/png", 10, width=640, height=480)
VOICE = Media("audio", "/tmp/voice.npy", "audio/mpeg", 10, duration_s=3)


def video(width: int = 1920, height: int = 1080, frames: int = 90, fps: float = 30, sound: str | None = None) -> Media:
    length = frames / fps
    return Media(
        "video", "/tmp/v.mp4", "video/mp4", 10, width, height, frames, fps, length, has_audio=bool(sound), sound=sound
    )


def asked(endpoint_id: str, **values: Any) -> Any:
    endpoint = ENDPOINTS[endpoint_id]
    return endpoint.input.model_validate({**endpoint.example, **values})


def plan(endpoint_id: str, request: Any, media: dict[str, Media]) -> Clip:
    planner = ENDPOINTS[endpoint_id].clip
    assert planner is not None
    wanted = planner(request, media)
    assert isinstance(wanted, Clip)
    return wanted


def call(endpoint_id: str, request: Any, media: dict[str, Media]) -> AnimaticCall:
    wanted = plan(endpoint_id, request, media)
    made = ENDPOINTS[endpoint_id].engines["animatic"](request, media, wanted)
    assert isinstance(made, AnimaticCall)
    assert (made.width, made.height, made.frames, made.fps) == (wanted.width, wanted.height, wanted.frames, wanted.fps)
    return made


def problems(endpoint_id: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    failure = take(ENDPOINTS[endpoint_id], json.dumps(body).encode()).failure
    if failure is None:
        return []
    assert failure.status == 422
    detail: list[dict[str, Any]] = json.loads(failure.body)["detail"]
    return detail


@pytest.mark.parametrize("path", ["v4.5/image-to-video", "v4.5/text-to-video", "v4.5/transition", "extend"])
def test_1080p_is_refused_with_8_seconds_and_the_error_names_the_duration(path: str) -> None:
    body = {**ENDPOINTS[f"{ROOT}/{path}"].example, "resolution": "1080p", "duration": "8"}
    (problem,) = problems(f"{ROOT}/{path}", body)
    assert problem["loc"] == ["body", "duration"]
    assert problem["type"] == "one_of"
    assert problem["ctx"] == {"expected": ["5"]}
    assert "1080p" in problem["msg"]


@pytest.mark.parametrize(("resolution", "duration"), [("1080p", "5"), ("720p", "8"), ("360p", 8), ("1080p", 5.0)])
def test_other_pairs_of_size_and_length_are_taken_as_text_or_number(resolution: str, duration: object) -> None:
    request = asked(MAIN, resolution=resolution, duration=duration)
    assert request.duration in ("5", "8")


def test_a_bad_size_and_a_bad_length_are_two_problems() -> None:
    body = {**ENDPOINTS[MAIN].example, "resolution": "4k", "duration": "6"}
    assert [problem["loc"] for problem in problems(MAIN, body)] == [["body", "resolution"], ["body", "duration"]]


@pytest.mark.parametrize("path", ["v4.5/image-to-video/fast", "v4.5/text-to-video/fast", "extend/fast"])
def test_the_fast_mode_has_no_1080p(path: str) -> None:
    endpoint = ENDPOINTS[f"{ROOT}/{path}"]
    (problem,) = problems(endpoint.id, {**endpoint.example, "resolution": "1080p"})
    assert problem["loc"] == ["body", "resolution"]


@pytest.mark.parametrize(
    ("resolution", "ratio", "expected"),
    [
        ("360p", "16:9", (640, 360)),
        ("540p", "16:9", (960, 540)),
        ("720p", "16:9", (1280, 720)),
        ("1080p", "16:9", (1920, 1080)),
        ("720p", "4:3", (960, 720)),
        ("1080p", "1:1", (1080, 1080)),
        ("540p", "3:4", (540, 720)),
        ("720p", "9:16", (720, 1280)),
    ],
)
def test_the_resolution_names_the_short_side(resolution: str, ratio: str, expected: tuple[int, int]) -> None:
    wanted = plan(MAIN, asked(MAIN, resolution=resolution, aspect_ratio=ratio), {"image_url": PICTURE})
    assert (wanted.width, wanted.height) == expected


@given(st.sampled_from(sorted(LINES)), st.integers(1, 16384), st.integers(1, 16384))
def test_every_source_gives_an_even_size_near_its_shape(resolution: str, width: int, height: int) -> None:
    wide, high = frame_size(resolution, width, height)
    assert wide % 2 == 0 == high % 2
    assert min(wide, high) == LINES[resolution]
    assert wide >= high if width >= height else wide <= high  # a square where the picture nearly is one
    shape = min(max(width, height) / min(width, height), MOST_EXTREME)
    assert abs(max(wide, high) - LINES[resolution] * shape) <= 1


@pytest.mark.parametrize(
    ("path", "values", "frames", "units"),
    [
        ("v4.5/image-to-video", {}, 120, 1.0),
        ("v4.5/image-to-video", {"duration": "8"}, 192, 2.0),
        ("v4.5/image-to-video", {"resolution": "1080p"}, 120, 1.0),
        ("v4.5/text-to-video", {"duration": "8"}, 192, 2.0),
        ("v4.5/transition", {"duration": "8"}, 192, 2.0),
        ("v4.5/text-to-video/fast", {}, 120, 1.0),
        ("v4.5/image-to-video/fast", {}, 120, 1.0),
        ("v4/image-to-video/fast", {}, 120, 1.0),
    ],
)
def test_five_seconds_are_a_unit_and_eight_cost_double(
    path: str, values: dict[str, Any], frames: int, units: float
) -> None:
    request = asked(f"{ROOT}/{path}", **values)
    wanted = plan(f"{ROOT}/{path}", request, {"image_url": PICTURE})
    assert (wanted.frames, wanted.fps, wanted.audio) == (frames, 24, False)
    assert ENDPOINTS[f"{ROOT}/{path}"].units(request, wanted) == units


def test_a_picture_a_style_and_a_seed_reach_the_engine() -> None:
    made = call(MAIN, asked(MAIN, prompt="a boat", style="clay", seed=7), {"image_url": PICTURE})
    assert (made.prompt, made.image, made.end_image, made.style, made.seed) == (
        "a boat",
        "/tmp/a.npy",
        None,
        "clay",
        7,
    )


def test_a_transition_begins_on_the_first_picture_and_ends_on_the_last() -> None:
    path = f"{ROOT}/v4.5/transition"
    made = call(path, asked(path), {"first_image_url": PICTURE, "last_image_url": LAST})
    assert (made.image, made.end_image) == ("/tmp/a.npy", "/tmp/b.npy")


def test_text_alone_has_no_picture() -> None:
    path = f"{ROOT}/v4.5/text-to-video"
    assert call(path, asked(path), {}).image is None


@pytest.mark.parametrize("written", ["clay", "day"])
def test_extending_takes_both_spellings_of_clay(written: str) -> None:
    path = f"{ROOT}/extend"
    request = asked(path, style=written)
    assert request.style == "day"
    assert call(path, request, {"video_url": video()}).style == "clay"


def test_extending_knows_no_other_spelling_and_shows_the_pages() -> None:
    path = f"{ROOT}/extend"
    (problem,) = problems(path, {**ENDPOINTS[path].example, "style": "mud"})
    assert problem["ctx"]["expected"] == ["anime", "3d_animation", "day", "cyberpunk", "comic"]


@given(
    st.integers(1, 600),
    st.sampled_from([5, 12, 23.976, 24, 25, 29.97, 30, 50, 60]),
    st.sampled_from(["5", "8"]),
    st.booleans(),
)
def test_an_extended_video_is_the_source_and_the_new_part(
    frames: int, fps: float, duration: str, has_sound: bool
) -> None:
    path = f"{ROOT}/extend"
    source = video(frames=frames, fps=fps, sound="/tmp/s.npy" if has_sound else None)
    request = asked(path, duration=duration)
    wanted = plan(path, request, {"video_url": source})
    made = call(path, request, {"video_url": source})
    assert (made.video, made.keep, made.sound) == ("/tmp/v.mp4", frames, source.sound)
    assert wanted.fps == fps
    assert wanted.audio is has_sound
    assert abs(wanted.duration_s - frames / fps - int(duration)) <= 0.5 / fps + 1e-9
    assert ENDPOINTS[path].units(request, wanted) == (2.0 if duration == "8" else 1.0)


def test_an_extended_video_keeps_its_shape_in_the_size_asked_for() -> None:
    path = f"{ROOT}/extend/fast"
    wanted = plan(path, asked(path, resolution="540p"), {"video_url": video(1080, 1920)})
    assert (wanted.width, wanted.height, wanted.frames) == (540, 960, 90 + 150)


@pytest.mark.parametrize(("switch", "sound"), [(True, "/tmp/s.npy"), (False, None), (None, None)])
def test_sound_effects_keep_the_pictures_and_the_sound_only_if_asked(switch: bool | None, sound: str | None) -> None:
    path = f"{ROOT}/sound-effects"
    request = asked(path, prompt="waves", original_sound_switch=switch)
    made = call(path, request, {"video_url": video(641, 361, 77, 25, "/tmp/s.npy")})
    assert (made.video, made.keep, made.frames, made.fps) == ("/tmp/v.mp4", 77, 77, 25)
    assert (made.width, made.height) == (640, 360)
    assert (made.foley, made.sound) == ("waves", sound)


def test_sound_effects_without_a_prompt_are_made_up_and_stay_the_same() -> None:
    path = f"{ROOT}/sound-effects"
    body = {"video_url": "https://example.com/v.mp4"}
    request = ENDPOINTS[path].input.model_validate(body)
    first, second = (call(path, request, {"video_url": video()}).foley for _ in range(2))
    assert first == second
    assert first in AMBIENCES


def test_a_recording_is_spoken_for_as_long_as_the_video() -> None:
    path = f"{ROOT}/lipsync"
    request = ENDPOINTS[path].input.model_validate({"video_url": "https://a/v.mp4", "audio_url": "https://a/a.mp3"})
    made = call(path, request, {"video_url": video(frames=50, fps=25), "audio_url": VOICE})
    assert (made.lipsync, made.sound, made.speech) == (True, "/tmp/voice.npy", None)
    assert (made.video, made.keep, made.frames) == ("/tmp/v.mp4", None, 50)
    assert plan(path, request, {"video_url": video(), "audio_url": VOICE}).audio


@pytest.mark.parametrize(("voice", "expected"), [("Auto", ""), ("Harper", "Harper")])
def test_a_text_is_read_by_the_voice_that_was_named(voice: str, expected: str) -> None:
    path = f"{ROOT}/lipsync"
    made = call(path, asked(path, text="Good day", voice_id=voice), {"video_url": video()})
    assert made.lipsync
    assert made.sound is None
    assert made.speech is not None
    assert (made.speech.text, made.speech.voice) == ("Good day", expected)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"text": ""},
        {"text": "  "},
    ],
)
def test_lipsync_needs_a_recording_or_a_text_and_names_both(given: dict[str, str]) -> None:
    (problem,) = problems(f"{ROOT}/lipsync", {"video_url": "https://example.com/v.mp4", **given})
    assert problem["loc"] == ["body", "text"]
    assert problem["type"] == "value_error"
    assert "audio_url" in problem["msg"]
    assert "text" in problem["msg"]


def test_a_recording_of_the_wrong_type_is_one_problem_only() -> None:
    (problem,) = problems(f"{ROOT}/lipsync", {"video_url": "https://example.com/v.mp4", "audio_url": 3})
    assert problem["loc"] == ["body", "audio_url"]


@pytest.mark.parametrize(
    ("frames", "fps", "units"), [(1, 30, 1.0), (90, 30, 3.0), (91, 30, 4.0), (150, 29.97, 5.0), (125, 25, 5.0)]
)
def test_each_second_begun_is_a_unit_of_sound(frames: int, fps: float, units: float) -> None:
    for path in ("sound-effects", "lipsync"):
        request = asked(f"{ROOT}/{path}")
        wanted = plan(f"{ROOT}/{path}", request, {"video_url": video(frames=frames, fps=fps)})
        assert ENDPOINTS[f"{ROOT}/{path}"].units(request, wanted) == units


@pytest.mark.parametrize("endpoint_id", [name for name in ENDPOINTS if name.startswith(ROOT)])
def test_every_reply_is_the_video(endpoint_id: str) -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp4"),), seed=9)
    reply = ENDPOINTS[endpoint_id].reply(asked(endpoint_id), made)
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}


def test_every_shape_is_offered_and_known() -> None:
    for ratio in SHAPE:
        assert asked(MAIN, aspect_ratio=ratio).aspect_ratio == ratio


def test_a_recording_is_spoken_where_a_text_is_given_as_well() -> None:
    path = f"{ROOT}/lipsync"
    request = asked(path, text="Good day", audio_url="https://example.com/a.mp3")
    recording = Media("audio", "/tmp/a.npy", "audio/mpeg", 10, duration_s=3.0, has_audio=True)
    made = call(path, request, {"video_url": video(), "audio_url": recording})
    assert (made.sound, made.speech) == ("/tmp/a.npy", None)
