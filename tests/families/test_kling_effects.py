"""Kling's elements, effects and lipsync: how many pictures, which voices, how long, what it costs, what is asked."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rushes.calls import AnimaticCall, SpeechCall
from rushes.endpoint import Clip, Endpoint, Made, Media
from rushes.families.kling import ROOT
from rushes.families.kling_effects import ENDPOINTS, PAIRS, WHAT_HAPPENS, VideoEffectsRequest
from rushes.fields import File
from rushes.gateway.intake import take

BY_PATH = {endpoint.id.removeprefix(f"{ROOT}/"): endpoint for endpoint in ENDPOINTS}
ELEMENTS = [BY_PATH["v1.6/standard/elements"], BY_PATH["v1.6/pro/elements"]]
EFFECTS = [endpoint for endpoint in ENDPOINTS if endpoint.id.endswith("effects")]
FROM_SOUND, FROM_WORDS = BY_PATH["lipsync/audio-to-video"], BY_PATH["lipsync/text-to-video"]
SINGLE = sorted(set(WHAT_HAPPENS) - PAIRS)
SPEAKER = {"video_url": "https://example.com/a.mp4"}
SOUND = SPEAKER | {"audio_url": "https://example.com/a.mp3"}
WORDS = SPEAKER | {"text": "Good morning"}


def urls(count: int) -> list[str]:
    return [f"https://example.com/{number}.png" for number in range(count)]


def pictures(*sizes: tuple[int, int]) -> dict[str, Media]:
    return {
        f"input_image_urls.{number}": Media(
            "image", f"/tmp/{number}.npy", "image/png", 10, width=size[0], height=size[1]
        )
        for number, size in enumerate(sizes)
    }


def speaker(
    width: int = 1280, height: int = 720, frames: int | None = 120, fps: float | None = 24.0
) -> dict[str, Media]:
    video = Media(
        "video", "/tmp/v.mp4", "video/mp4", 10, width=width, height=height, frames=frames, fps=fps, duration_s=5.0
    )
    return {"video_url": video, "audio_url": Media("audio", "/tmp/a.npy", "audio/mpeg", 10, duration_s=9.0)}


def made_of(endpoint: Endpoint, asked: dict[str, Any], media: dict[str, Media]) -> tuple[Clip, AnimaticCall]:
    """The clip that is planned, and the call for it."""
    request = endpoint.input.model_validate(asked)
    assert endpoint.clip is not None
    clip = endpoint.clip(request, media)
    assert isinstance(clip, Clip)
    call = endpoint.engines["animatic"](request, media, clip)
    assert isinstance(call, AnimaticCall)
    assert (call.width, call.height, call.frames, call.fps) == (clip.width, clip.height, clip.frames, clip.fps)
    return clip, call


def cost(endpoint: Endpoint, asked: dict[str, Any], clip: Clip | None = None) -> float:
    return endpoint.units(endpoint.input.model_validate(asked), clip)


def answered(endpoint: Endpoint, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """What the door answers to a wrong request."""
    failure = take(endpoint, json.dumps(asked).encode()).failure
    assert failure is not None
    assert failure.status == 422
    problems: list[dict[str, Any]] = json.loads(failure.body)["detail"]
    return problems


def where(endpoint: Endpoint, asked: dict[str, Any]) -> list[tuple[str, list[Any]]]:
    return [(problem["type"], problem["loc"]) for problem in answered(endpoint, asked)]


def accepts(model: type[VideoEffectsRequest], asked: dict[str, Any]) -> bool:
    try:
        model.model_validate(asked)
    except ValidationError:
        return False
    return True


# Elements


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_one_to_four_pictures_are_composed(count: int) -> None:
    asked = {"prompt": "they dance", "input_image_urls": urls(count)}
    _, call = made_of(ELEMENTS[0], asked, pictures(*[(500, 500)] * count))
    assert call.pictures == tuple(f"/tmp/{number}.npy" for number in range(count))
    assert (call.prompt, call.image, call.effect) == ("they dance", None, None)


@pytest.mark.parametrize("endpoint", ELEMENTS, ids=lambda e: e.id)
@pytest.mark.parametrize(("count", "error_type"), [(0, "sequence_too_short"), (5, "sequence_too_long")])
def test_no_or_five_element_pictures_are_refused(endpoint: Endpoint, count: int, error_type: str) -> None:
    asked = {"prompt": "they dance", "input_image_urls": urls(count)}
    assert where(endpoint, asked) == [(error_type, ["body", "input_image_urls"])]


@pytest.mark.parametrize(
    ("ratio", "standard", "pro"),
    [
        ("16:9", (1280, 720), (1920, 1080)),
        ("9:16", (720, 1280), (1080, 1920)),
        ("1:1", (960, 960), (1440, 1440)),
    ],
)
@pytest.mark.parametrize("seconds", [5, 10])
def test_elements_have_the_shape_and_length_asked_for(
    ratio: str, standard: tuple[int, int], pro: tuple[int, int], seconds: int
) -> None:
    asked = {"prompt": "x", "input_image_urls": urls(1), "aspect_ratio": ratio, "duration": seconds}
    clips = [made_of(endpoint, asked, pictures((900, 500)))[0] for endpoint in ELEMENTS]
    assert clips == [Clip(*size, seconds * 30, 30) for size in (standard, pro)]
    assert [cost(endpoint, asked) for endpoint in ELEMENTS] == [seconds / 5, 1.75 * seconds / 5]


def test_elements_need_a_prompt_and_pictures() -> None:
    assert where(ELEMENTS[0], {}) == [("missing", ["body", "prompt"]), ("missing", ["body", "input_image_urls"])]


# Effects


@given(st.sampled_from(sorted(WHAT_HAPPENS)), st.integers(0, 5))
def test_a_scene_takes_as_many_pictures_as_it_has_players(scene: str, count: int) -> None:
    asked = {"effect_scene": scene, "input_image_urls": urls(count)}
    assert accepts(VideoEffectsRequest, asked) == (count == (2 if scene in {"hug", "kiss", "heart_gesture"} else 1))


@pytest.mark.parametrize("endpoint", EFFECTS, ids=lambda e: e.id)
@pytest.mark.parametrize(
    ("scene", "count", "error_type"),
    [
        ("hug", 1, "sequence_too_short"),
        ("kiss", 3, "sequence_too_long"),
        ("heart_gesture", 0, "sequence_too_short"),
        ("squish", 2, "sequence_too_long"),
        ("dizzydizzy", 0, "sequence_too_short"),
    ],
)
def test_a_wrong_number_of_pictures_names_the_pictures(
    endpoint: Endpoint, scene: str, count: int, error_type: str
) -> None:
    [problem] = answered(endpoint, {"effect_scene": scene, "input_image_urls": urls(count)})
    assert (problem["type"], problem["loc"]) == (error_type, ["body", "input_image_urls"])
    wanted = 2 if scene in PAIRS else 1
    assert problem["ctx"] == {"min_length" if count < wanted else "max_length": wanted}
    assert scene in problem["msg"]
    assert f"exactly {wanted}" in problem["msg"]
    assert problem["input"] == urls(count)


def test_the_number_of_pictures_is_told_beside_all_other_problems() -> None:
    asked = {"effect_scene": "hug", "input_image_urls": urls(1), "duration": "7"}
    assert where(EFFECTS[0], asked) == [
        ("sequence_too_short", ["body", "input_image_urls"]),
        ("one_of", ["body", "duration"]),
    ]
    assert answered(EFFECTS[0], asked)[1]["ctx"] == {"expected": ["5", "10"]}


NEVER = [("sequence_too_long", "input_image_urls"), ("one_of", "effect_scene")]  # no scene takes three


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, [("missing", "input_image_urls"), ("missing", "effect_scene")]),
        ({"effect_scene": "wave", "input_image_urls": urls(2)}, [("one_of", "effect_scene")]),
        ({"effect_scene": "wave", "input_image_urls": urls(3)}, NEVER),
        ({"effect_scene": ["hug"], "input_image_urls": urls(3)}, NEVER),
        ({"effect_scene": "hug", "input_image_urls": "one"}, [("list_type", "input_image_urls")]),
    ],
)
def test_what_cannot_be_counted_is_refused_for_what_it_is(
    asked: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert where(EFFECTS[0], asked) == [(error_type, ["body", field]) for error_type, field in expected]


def test_a_stored_request_reads_back_the_same() -> None:
    asked = {"effect_scene": "kiss", "input_image_urls": urls(2), "duration": 10}
    assert VideoEffectsRequest.model_validate_json(json.dumps(asked)) == VideoEffectsRequest.model_validate(asked)


@pytest.mark.parametrize("scene", SINGLE)
def test_a_scene_for_one_opens_on_the_picture(scene: str) -> None:
    asked = {"effect_scene": scene, "input_image_urls": urls(1)}
    _, call = made_of(EFFECTS[0], asked, pictures((640, 480)))
    assert (call.effect, call.image, call.pictures) == (scene, "/tmp/0.npy", ())
    assert call.prompt


@pytest.mark.parametrize("scene", sorted(PAIRS))
def test_a_scene_for_two_is_composed_of_both_pictures(scene: str) -> None:
    asked = {"effect_scene": scene, "input_image_urls": urls(2)}
    _, call = made_of(EFFECTS[0], asked, pictures((640, 480), (100, 900)))
    assert (call.effect, call.image, call.pictures) == (scene, None, ("/tmp/0.npy", "/tmp/1.npy"))
    assert call.prompt


@pytest.mark.parametrize(
    ("path", "size", "price"),
    [
        ("v1/standard/effects", (1280, 720), 1.0),
        ("v1.5/pro/effects", (1920, 1080), 1.75),
        ("v1.6/standard/effects", (1280, 720), 1.0),
        ("v1.6/pro/effects", (1920, 1080), 1.75),
    ],
)
@pytest.mark.parametrize("seconds", [5, 10])
def test_effects_have_the_tiers_size_the_first_pictures_shape_and_the_length_asked_for(
    path: str, size: tuple[int, int], price: float, seconds: int
) -> None:
    asked = {"effect_scene": "hug", "input_image_urls": urls(2), "duration": str(seconds)}
    endpoint = BY_PATH[path]
    assert made_of(endpoint, asked, pictures((1600, 900), (300, 300)))[0] == Clip(*size, seconds * 30, 30)
    upright, _ = made_of(endpoint, asked, pictures((900, 1600), (300, 300)))
    assert (upright.height, upright.width) == size
    assert cost(endpoint, asked) == price * seconds / 5


# Lipsync


@given(st.integers(2, 4096), st.integers(2, 4096), st.integers(1, 900), st.sampled_from([12.5, 24.0, 29.97, 60.0]))
def test_lipsync_is_as_long_and_as_large_as_its_video(width: int, height: int, frames: int, fps: float) -> None:
    media = speaker(width, height, frames, fps)
    for endpoint, asked in ((FROM_SOUND, SOUND), (FROM_WORDS, WORDS)):
        clip, _ = made_of(endpoint, asked, media)
        assert clip == Clip(width - width % 2, height - height % 2, frames, fps, audio=True)


def test_a_video_that_does_not_say_its_frames_is_counted_by_its_length() -> None:
    assert made_of(FROM_SOUND, SOUND, speaker(frames=None, fps=25.0))[0].frames == 125
    assert made_of(FROM_SOUND, SOUND, speaker(frames=None, fps=None))[0].duration_s == 5.0


def test_lipsync_from_sound_gives_the_sound_to_the_lips() -> None:
    _, call = made_of(FROM_SOUND, SOUND, speaker())
    assert (call.video, call.keep, call.sound, call.speech) == ("/tmp/v.mp4", None, "/tmp/a.npy", None)
    assert call.lipsync
    assert call.strength == 0


def test_lipsync_from_text_lets_the_words_be_spoken() -> None:
    asked = WORDS | {"voice_id": "uk_boy1", "voice_language": "zh", "voice_speed": 1.5}
    media = {"video_url": speaker()["video_url"]}
    _, call = made_of(FROM_WORDS, asked, media)
    assert (call.video, call.keep, call.sound, call.lipsync) == ("/tmp/v.mp4", None, None, True)
    assert call.speech == SpeechCall(text="Good morning", voice="uk_boy1", speed=1.5, language="Chinese")


def test_words_alone_are_spoken_in_english_at_natural_speed() -> None:
    _, call = made_of(FROM_WORDS, WORDS, speaker())
    assert call.speech == SpeechCall(text="Good morning", voice="", speed=1.0, language="English")


@pytest.mark.parametrize(
    ("field", "bad", "error_type"),
    [
        ("text", "x" * 121, "string_too_long"),
        ("text", "", "string_too_short"),
        ("text", " \n\u3000", "value_error"),
        ("voice_speed", 0.79, "greater_than_equal"),
        ("voice_speed", 2.01, "less_than_equal"),
        ("voice_language", "de", "one_of"),
        ("voice_id", "nobody", "one_of"),
    ],
)
def test_words_outside_the_limits_are_refused(field: str, bad: object, error_type: str) -> None:
    assert where(FROM_WORDS, WORDS | {field: bad}) == [(error_type, ["body", field])]


@given(st.text(min_size=1, max_size=120).filter(str.strip), st.floats(0.8, 2.0))
def test_any_words_within_the_limits_are_taken(text: str, speed: float) -> None:
    assert cost(FROM_WORDS, WORDS | {"text": text, "voice_speed": speed}) == 1


def test_lipsync_needs_a_video_and_what_is_to_be_said() -> None:
    assert where(FROM_SOUND, {}) == [("missing", ["body", "video_url"]), ("missing", ["body", "audio_url"])]
    assert where(FROM_WORDS, {}) == [("missing", ["body", "video_url"]), ("missing", ["body", "text"])]


@pytest.mark.parametrize(
    ("frames", "price"), [(1, 1), (24 * 5, 1), (24 * 5 + 1, 2), (24 * 10, 2), (24 * 10 + 1, 3), (24 * 60, 12)]
)
def test_lipsync_costs_a_unit_for_each_started_five_seconds(frames: int, price: float) -> None:
    clip, _ = made_of(FROM_SOUND, SOUND, speaker(frames=frames))
    assert cost(FROM_SOUND, SOUND, clip) == price


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda e: e.id)
def test_the_reply_carries_the_file(endpoint: Endpoint) -> None:
    request = endpoint.input.model_validate(endpoint.example)
    reply = endpoint.reply(request, Made(files=(File(url="rushes-file:/a/b.mp4"),)))
    assert reply.model_dump(exclude_none=True) == {"video": {"url": "rushes-file:/a/b.mp4"}}
