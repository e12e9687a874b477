"""A request for an engine that speaks the endpoint's own schema: what was given, with its files as they came."""

from rushes.calls import Attachment, VendorCall
from rushes.endpoint import Media
from rushes.routing import ANY_ENDPOINT
from rushes.work.as_given import as_given, put
from tests.work.parts import ENDPOINT, TinyInput

PICTURE = Media("image", "decoded.npy", "image/png", 10, 64, 48, source="input-0")


def test_only_what_was_given_is_asked_for_with_files_as_they_came() -> None:
    request = TinyInput.model_validate({"image_url": "https://a.example/x.png", "frames": 24})
    call = as_given(ENDPOINT, request, {"image_url": PICTURE})
    attached = Attachment("image", "input-0", "image/png", "upload", ("body", "image_url"))
    assert call == VendorCall(ANY_ENDPOINT, "test/tiny", "test/tiny", {"image_url": attached, "frames": 24}, voice=None)


def test_a_voice_is_made_only_where_one_is() -> None:
    request = TinyInput.model_validate({})
    assert as_given(ENDPOINT, request, {}).voice is None
    assert as_given(ENDPOINT, request, {}, makes_voice=True).voice == ""


def test_a_member_is_set_however_deep_it_stands() -> None:
    body = {"scenes": [{"url": "a"}, {"url": "b"}]}
    put(body, ("scenes", 1, "url"), "c")
    assert body == {"scenes": [{"url": "a"}, {"url": "c"}]}
