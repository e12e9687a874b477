"""MiniMax's answers, one by one: what each code means and names, and what is made of what no documentation has."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from rushes.calls import VendorCall
from rushes.engines.vendor.contract import Account, Content, Done, Follow, Link, Response, Trouble, Waiting
from rushes.engines.vendor.refused import TABLE
from rushes.engines.vendor.vendors.minimax import CODES, VENDOR, accepted, read, uploaded
from rushes.families.minimax_speech import USUAL_AUDIO, USUAL_VOICE, TextToSpeechHDRequest
from rushes.families.minimax_vendor import speech

ACCOUNT = Account("a-secret-key", VENDOR.url)
FILM = VendorCall("minimax", "film", "T2V-01", {"prompt": "Waves", "prompt_optimizer": True}, {})
PICTURES = VendorCall("minimax", "pictures", "image-01", {"prompt": "A tower", "n": 2}, {"n": ("body", "num_images")})
CLONE = VendorCall("minimax", "clone", "speech-02-hd", {"file_id": 1, "text": "Hi"}, {}, voice="voice-1")
DELETE = VendorCall("minimax", "delete", "", {"voice_type": "voice_cloning", "voice_id": "voice-1"}, {})
SPEECH = speech("speech-02-hd", TextToSpeechHDRequest(text="Hi there"), USUAL_VOICE, USUAL_AUDIO, None)


def answer(found: Any, code: int | None = 0, message: str = "success", status: int = 200) -> Response:
    base = {} if code is None else {"base_resp": {"status_code": code, "status_msg": message}}
    return Response(status, {}, json.dumps({**found, **base}).encode())


def trouble(call: VendorCall, response: Response) -> Trouble:
    with pytest.raises(Trouble) as caught:
        accepted(call, response)
    return caught.value


def look(response: Response) -> Any:
    return read(ACCOUNT, "1", response)


@pytest.mark.parametrize(("code", "kind"), CODES.items())
def test_every_code_has_its_kind_and_shows(code: int, kind: str) -> None:
    found = trouble(FILM, answer({}, code, "words"))
    assert (found.kind, found.code, found.text) == (kind, code, "words")
    assert kind in TABLE or kind in ("invalid", "moderated")


def test_a_code_that_nobody_knows_is_unknown_and_shows() -> None:
    assert (trouble(FILM, answer({}, 4711, "new")).kind, trouble(FILM, answer({}, 4711)).code) == ("unknown", 4711)


@pytest.mark.parametrize(
    ("call", "message", "member"),
    [
        (FILM, "invalid params, prompt: too long", "prompt"),
        (FILM, "invalid params", None),
        (FILM, "the weather is bad", None),
        (PICTURES, "invalid params, n: at most 9", "n"),
        (SPEECH, "invalid params, audio_setting.sample_rate: 7 is not allowed", "audio_setting.sample_rate"),
        (SPEECH, "invalid params, pronunciation_dict.tone.0: no pronunciation", "pronunciation_dict"),
        (SPEECH, "voice_id Nobody not exist", "voice_id"),
        (DELETE, "invalid params, voice_type", "voice_type"),
    ],
)
def test_a_refused_parameter_is_found_in_the_words(call: VendorCall, message: str, member: str | None) -> None:
    assert trouble(call, answer({}, 2013, message)).member == member


def test_a_recording_too_short_for_the_vendor_is_the_uploads() -> None:
    assert (trouble(CLONE, answer({}, 2037)).kind, trouble(CLONE, answer({}, 2037)).member) == ("invalid", "file_id")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "key"), (403, "access"), (404, "unknown"), (429, "busy"), (500, "server"), (503, "server")],
)
def test_a_status_without_a_code_is_told_by_itself(status: int, kind: str) -> None:
    found = trouble(FILM, answer({}, None, status=status))
    assert (found.kind, found.code) == (kind, status)


def test_a_page_that_is_no_answer_is_unknown() -> None:
    found = trouble(FILM, Response(200, {}, b"<html>Welcome</html>"))
    assert found.kind == "unknown"
    assert "Welcome" in found.text


@pytest.mark.parametrize("word", ["Preparing", "Queueing", "Processing"])
def test_the_words_for_waiting(word: str) -> None:
    assert look(answer({"task_id": "1", "status": word, "file_id": ""})) == Waiting(word)


def test_a_film_that_is_made_is_a_file_then_a_link() -> None:
    state = look(answer({"task_id": "1", "status": "Success", "file_id": 377}))
    assert isinstance(state, Follow)
    assert (state.request.method, state.request.url) == ("GET", "https://api.minimax.io/v1/files/retrieve?file_id=377")
    state = look(answer({"file": {"file_id": 377, "download_url": "https://example.com/film.mp4"}}))
    assert state == Done((Link("https://example.com/film.mp4"),), {"videos": 1.0})


@pytest.mark.parametrize(
    ("found", "code", "kind", "member"),
    [
        ({"status": "Fail"}, 0, "server", "task"),
        ({"status": "Fail"}, 1000, "server", "task"),
        ({"status": "Fail"}, 1002, "busy", "task"),
        ({"status": "Fail"}, 1026, "moderated", None),
        ({"status": "Fail"}, 1027, "moderated", None),
        ({"status": "Fail"}, 2013, "invalid", None),
        ({"status": "Fail"}, 4711, "unknown", "task"),
        ({"status": "Pondering"}, 0, "unknown", None),
        ({"status": "Success", "file_id": ""}, 0, "unknown", None),
        ({"file": {}}, 0, "unknown", None),
        ({}, 0, "unknown", None),
        ({}, 2013, "gone", None),
        ({}, 1000, "server", None),
        ({}, 2049, "key", None),
    ],
)
def test_what_a_look_can_find_instead(found: dict[str, Any], code: int, kind: str, member: str | None) -> None:
    with pytest.raises(Trouble) as caught:
        look(answer(found, code, "words"))
    assert (caught.value.kind, caught.value.member) == (kind, member)
    assert "a-secret-key" not in str(caught.value)


def test_speech_comes_in_hex_or_as_an_address_in_the_format_that_was_asked_for() -> None:
    told = {"extra_info": {"usage_characters": 9}}
    done = accepted(SPEECH, answer({"data": {"audio": "494433", "status": 2}, **told}))
    assert done == Done((Content(b"ID3", "audio/mpeg"),), {"characters": 9.0})
    done = accepted(SPEECH, answer({"data": {"audio": "https://example.com/a"}, "extra_info": None}))
    assert done == Done((Link("https://example.com/a", content_type="audio/mpeg"),), {"characters": 8.0})


@pytest.mark.parametrize("data", [None, {}, {"audio": ""}, {"audio": "no hex"}])
def test_speech_without_a_sound_is_not_understood(data: Any) -> None:
    assert trouble(SPEECH, answer({"data": data})).kind == "unknown"


def test_pictures_come_as_addresses_or_in_base64_and_count_as_they_came() -> None:
    done = accepted(PICTURES, answer({"data": {"image_urls": ["https://example.com/1"]}}))
    assert done == Done((Link("https://example.com/1"),), {"pictures": 1.0})
    both = [base64.b64encode(one).decode() for one in (b"one", b"two")]
    done = accepted(PICTURES, answer({"data": {"image_base64": both}}))
    assert done == Done((Content(b"one"), Content(b"two")), {"pictures": 2.0})
    assert trouble(PICTURES, answer({"data": {"image_base64": ["%"]}})).kind == "unknown"


def test_no_picture_at_all_is_moderation_where_all_were_held_back() -> None:
    held = {"data": {"image_urls": []}, "metadata": {"success_count": "0", "failed_count": "2"}}
    assert trouble(PICTURES, answer(held)).kind == "moderated"
    assert trouble(PICTURES, answer({"data": {}})).kind == "unknown"


def test_a_voice_has_our_id_and_a_recording_can_be_refused() -> None:
    done = accepted(CLONE, answer({"input_sensitive": False, "demo_audio": "https://example.com/demo.mp3"}))
    assert isinstance(done, Done)
    assert done.profile == {"voice_id": "voice-1"}
    refused = answer({"input_sensitive": True, "input_sensitive_type": 3, "demo_audio": ""})
    assert (trouble(CLONE, refused).kind, trouble(CLONE, refused).code) == ("moderated", "3")


@pytest.mark.parametrize(
    ("code", "message"), [(2013, "voice_id does not exist"), (20132, "invalid samples or voice_id")]
)
def test_a_voice_that_is_gone_is_deleted(code: int, message: str) -> None:
    assert accepted(DELETE, answer({}, code, message)) == Done()


@pytest.mark.parametrize("found", [{}, {"file": None}, {"file": {"file_id": "x"}}])
def test_an_upload_without_an_id_is_not_understood(found: dict[str, Any]) -> None:
    with pytest.raises(Trouble, match="unknown"):
        uploaded(None, answer(found))  # type: ignore[arg-type]
