"""MiniMax's voices: limits of text and voice, formats as text, pronunciations, cloned and forgotten voices."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from rushes.calls import CloneCall, ForgetCall, SpeechCall
from rushes.endpoint import AudioFormat, Delivery, Made, Media, Sound
from rushes.families import ENDPOINTS
from rushes.families.minimax_speech import PREVIEW, VOICE_KEY, VOICES, pronunciation, spoken_s
from rushes.fields import File, media_inputs
from rushes.gateway.intake import take

ROOT = "fal-ai/minimax"
HD, TURBO = f"{ROOT}/speech-02-hd", f"{ROOT}/speech-02-turbo"
CLONE, DELETE = f"{ROOT}/voice-clone", f"{ROOT}/voice-delete"


def asked(endpoint_id: str, **values: Any) -> Any:
    return ENDPOINTS[endpoint_id].input.model_validate(values)


def speech(request: Any, media: dict[str, Media] | None = None, endpoint_id: str = HD) -> SpeechCall:
    endpoint = ENDPOINTS[endpoint_id]
    assert endpoint.clip is not None
    call = endpoint.engines["animatic"](request, media or {}, endpoint.clip(request, media or {}))
    assert isinstance(call, SpeechCall)
    return call


def problems(endpoint_id: str, **values: Any) -> dict[str, str]:
    """Where and of what type."""
    failure = take(ENDPOINTS[endpoint_id], json.dumps(values).encode()).failure
    if failure is None:
        return {}
    assert failure.status == 422
    return {".".join(map(str, p["loc"][1:])): p["type"] for p in json.loads(failure.body)["detail"]}


@pytest.mark.parametrize("endpoint_id", [HD, TURBO])
def test_a_text_alone_is_spoken_by_the_default_voice(endpoint_id: str) -> None:
    call = speech(asked(endpoint_id, text="Hello"), endpoint_id=endpoint_id)
    assert call == SpeechCall(text="Hello", voice="Wise_Woman", sample_rate=32_000, channels=1)


def test_every_setting_reaches_the_engine() -> None:
    request = asked(
        HD,
        text="Hello",
        voice_setting={"voice_id": "Abbess", "speed": 1.5, "vol": 2, "pitch": -12, "emotion": "sad"},
        audio_setting={"sample_rate": "44100", "channel": "2"},
        language_boost="Polish",
        pronunciation_dict={"tone_list": ["omg/(oh my god)", "燕少飞/(yan4)(shao3)(fei1)"]},
    )
    assert speech(request) == SpeechCall(
        text="Hello",
        voice="Abbess",
        speed=1.5,
        volume=2,
        pitch=-12,
        emotion="sad",
        language="Polish",
        sample_rate=44_100,
        channels=2,
        pronunciations=(("omg", "oh my god"), ("燕少飞", "yan4 shao3 fei1")),
    )


@pytest.mark.parametrize(
    ("boost", "language"), [(None, None), ("auto", None), ("Chinese", "Chinese"), ("Chinese,Yue", "Cantonese")]
)
def test_languages_are_named_in_english_and_auto_is_none(boost: str | None, language: str | None) -> None:
    assert speech(asked(HD, text="Hello", language_boost=boost)).language == language


def test_voices_and_texts_have_limits_and_all_problems_come_at_once() -> None:
    assert problems(HD, text="a" * 5000, voice_setting={"speed": 0.5, "vol": 0, "pitch": 12}) == {}
    assert problems(
        HD, text="a" * 5001, voice_setting={"speed": 0.4, "vol": 10.1, "pitch": 13, "emotion": "bored"}
    ) == {
        "text": "string_too_long",
        "voice_setting.speed": "greater_than_equal",
        "voice_setting.vol": "less_than_equal",
        "voice_setting.pitch": "less_than_equal",
        "voice_setting.emotion": "one_of",
    }
    assert problems(HD, text="a", voice_setting={"pitch": 1.5}) == {"voice_setting.pitch": "int_from_float"}
    assert problems(HD, text=" \n") == {"text": "value_error"}
    assert problems(HD, text="a", voice_setting={"voice_id": "v" * 257}) == {
        "voice_setting.voice_id": "string_too_long"
    }
    assert problems(HD) == {"text": "missing"}


@pytest.mark.parametrize("bad", ["text", "text/pronunciation", "/(said)", "text/()", "a/(b", "a/(b) c", "a/b/(c)", ""])
def test_an_unreadable_pronunciation_is_named(bad: str) -> None:
    wrong = problems(HD, text="a", pronunciation_dict={"tone_list": ["omg/(oh my god)", bad]})
    assert wrong == {"pronunciation_dict.tone_list.1": "value_error"}
    with pytest.raises(PydanticCustomError) as caught:
        pronunciation(bad)
    assert repr(bad) in caught.value.message()


WORD = st.text(st.characters(exclude_characters="/()", exclude_categories=["Z", "C"]), min_size=1, max_size=8)


@given(WORD, st.lists(WORD, min_size=1, max_size=4))
def test_any_word_can_have_a_pronunciation(text: str, parts: list[str]) -> None:
    entry = f"{text}/" + "".join(f"({part})" for part in parts)
    assert pronunciation(entry) == (text, " ".join(parts))


@pytest.mark.parametrize("entry", [" " * 200_000, "a/" + "(" * 200_000, "a/" + "(b) " * 50_000 + "c"])
def test_a_long_unreadable_entry_is_refused_at_once_and_shown_in_part(entry: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        pronunciation(entry)
    assert len(caught.value.message()) < 400


@given(st.text(max_size=60))
def test_any_entry_is_read_or_refused_and_nothing_else_happens(entry: str) -> None:
    wrong = problems(HD, text="a", pronunciation_dict={"tone_list": [entry]})
    assert set(wrong.values()) <= {"value_error", "json_invalid"}
    if not wrong:
        assert all(pronunciation(entry))


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        (None, AudioFormat("mp3", 32_000, 128_000, 1)),
        ({"format": "flac", "sample_rate": 44100, "channel": 2}, AudioFormat("flac", 44_100, 128_000, 2)),
        ({"format": "pcm", "sample_rate": "8000", "bitrate": 256000}, AudioFormat("pcm", 8_000, 256_000, 1)),
    ],
)
@pytest.mark.parametrize("form", ["url", "hex"])
def test_the_format_is_as_asked_in_numbers_or_text(setting: Any, expected: AudioFormat, form: Any) -> None:
    request = asked(HD, text="Hello", audio_setting=setting, output_format=form)
    assert ENDPOINTS[HD].delivery(request) == Delivery(audio=expected, form=form)


def test_hex_is_the_default_and_other_numbers_are_refused() -> None:
    assert ENDPOINTS[HD].delivery(asked(HD, text="Hello")).form == "hex"
    wrong = {"sample_rate": 48000, "bitrate": "1", "format": "wav", "channel": 3}
    assert problems(HD, text="a", audio_setting=wrong) == {f"audio_setting.{name}": "one_of" for name in wrong}


def test_the_sounds_length_is_estimated_from_text_and_speed() -> None:
    endpoint = ENDPOINTS[HD]
    assert endpoint.clip is not None
    request = asked(HD, text="a" * 150, voice_setting={"speed": 2}, audio_setting={"sample_rate": "8000"})
    assert endpoint.clip(request, {}) == Sound(5.0, 8_000, 1)


@given(st.text(min_size=1, max_size=300), st.floats(0.5, 2))
def test_every_text_takes_some_time_and_less_when_spoken_faster(text: str, speed: float) -> None:
    assert 0.5 <= spoken_s(text, 2) <= spoken_s(text, speed) <= spoken_s(text, 0.5) <= 1 + len(text) / 2


def test_a_thousand_characters_are_a_unit() -> None:
    assert ENDPOINTS[HD].units(asked(HD, text="a" * 1250), None) == 1.25


def test_voices_are_found_in_a_request_and_the_built_in_ones_are_known() -> None:
    given_voice = asked(HD, text="Hello", voice_setting={"voice_id": "voice-1"})
    (found,) = media_inputs(given_voice)
    assert (found.key, found.url, found.field.kind) == (VOICE_KEY, "voice-1", "voice")
    assert list(media_inputs(asked(HD, text="Hello"))) == []
    for endpoint_id in (HD, TURBO):
        assert ENDPOINTS[endpoint_id].voices == VOICES
    assert "Wise_Woman" in VOICES
    assert len(set(VOICES)) == len(VOICES) == 17


def test_a_cloned_voice_speaks_from_its_profile() -> None:
    request = asked(HD, text="Hello", voice_setting={"voice_id": "voice-1"})
    call = speech(request, {VOICE_KEY: Media("voice", "/tmp/voice.json", "application/json", 10)})
    assert (call.voice, call.profile) == ("voice-1", "/tmp/voice.json")


@pytest.mark.parametrize(("measured", "expected"), [(1.2345, 1234), (2.0, 2000), (None, 500)])
def test_the_reply_tells_the_length_in_milliseconds(measured: float | None, expected: int) -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp3", file_data="ff"),), duration_s=measured)
    reply = ENDPOINTS[HD].reply(asked(HD, text="Hi"), made)
    assert reply.model_dump(exclude_none=True) == {
        "audio": {"url": "rushes-file:/a/b.mp3", "file_data": "ff"},
        "duration_ms": expected,
    }


def test_a_voice_is_cloned_from_ten_seconds_or_more() -> None:
    request = asked(CLONE, audio_url="https://example.com/a.mp3", noise_reduction=True)
    (sample,) = media_inputs(request)
    assert (sample.field.kind, sample.field.min_s) == ("audio", 10)
    media = {"audio_url": Media("audio", "/tmp/a.npy", "audio/mpeg", 10, duration_s=12)}
    endpoint = ENDPOINTS[CLONE]
    assert endpoint.clip is not None
    wanted = endpoint.clip(request, media)
    assert isinstance(wanted, Sound)
    call = endpoint.engines["animatic"](request, media, wanted)
    assert call == CloneCall("", "/tmp/a.npy", PREVIEW, noise_reduction=True, normalise_volume=False)
    assert endpoint.units(request, wanted) == 1.0


def test_a_blank_sample_text_stands_for_the_usual_one() -> None:
    media = {"audio_url": Media("audio", "/tmp/a.npy", "audio/mpeg", 10, duration_s=12)}
    request = asked(CLONE, audio_url="https://example.com/a.mp3", text=" ")
    call = ENDPOINTS[CLONE].engines["animatic"](request, media, None)
    assert isinstance(call, CloneCall)
    assert call.text == PREVIEW


def test_cloning_has_its_limits_too() -> None:
    assert problems(CLONE, audio_url="https://a/a.mp3", accuracy=1.1, model="speech-03") == {
        "accuracy": "less_than_equal",
        "model": "one_of",
    }
    assert problems(CLONE, audio_url="https://a/a.mp3", text="a" * 5001) == {"text": "string_too_long"}
    assert problems(CLONE) == {"audio_url": "missing"}


def test_the_clones_reply_has_the_id_and_the_sample() -> None:
    made = Made(files=(File(url="rushes-file:/a/b.mp3"),), voice_id="voice-1")
    reply = ENDPOINTS[CLONE].reply(asked(CLONE, audio_url="https://example.com/a.mp3"), made)
    assert reply.model_dump(exclude_none=True) == {
        "custom_voice_id": "voice-1",
        "audio": {"url": "rushes-file:/a/b.mp3"},
    }


def test_a_voice_is_deleted_for_nothing() -> None:
    endpoint = ENDPOINTS[DELETE]
    request = asked(DELETE, voice_id="voice-1")
    assert endpoint.clip is None
    assert endpoint.engines["animatic"](request, {}, None) == ForgetCall("voice-1")
    assert endpoint.roles.forgets_voice == "voice_id"
    assert endpoint.units(request, None) == 0.0
    assert endpoint.reply(request, Made()).model_dump() == {"status": "success", "voice_id": "voice-1"}
    assert problems(DELETE) == {"voice_id": "missing"}
    assert problems(DELETE, voice_id="") == {"voice_id": "string_too_short"}
    assert problems(DELETE, voice_id="v" * 257) == {"voice_id": "string_too_long"}
    assert problems(DELETE, voice_id="Wise_Woman") == {"voice_id": "feature_not_supported"}


def test_pronunciations_may_not_make_a_text_endless() -> None:
    wrong = problems(HD, text="a" * 5_000, pronunciation_dict={"tone_list": [f"a/({'b' * 300})"]})
    assert wrong == {"pronunciation_dict": "value_error"}
    assert problems(HD, text="a", pronunciation_dict={"tone_list": [f"a/({'b' * 300})"]}) == {}
