import struct
from contextlib import closing

import pytest

from rushes.conformance.probe import Probe
from rushes.conformance.rules import NotApplicable
from rushes.conformance.target import PICTURE, PICTURE_URI, Target, app_of, guess
from tests.conformance import careless
from tests.conformance.serving import serving


@pytest.mark.parametrize(
    ("endpoint", "app"),
    [
        ("a/b", "a/b"),
        ("a/b/c/d", "a/b"),
        ("workflows/u/w", "workflows/u/w"),
        ("comfy/u/w/deep", "comfy/u/w"),
    ],
)
def test_an_app_is_two_segments_or_three_in_a_namespace(endpoint: str, app: str) -> None:
    assert app_of(endpoint) == app


def test_values_are_guessed_from_name_then_from_schema() -> None:
    assert guess("image_url", {"type": "string"}).startswith("data:image/png;base64,")
    assert guess("prompt", {"type": "string"})
    assert guess("mode", {"enum": ["a", "b"]}) == "a"
    assert guess("steps", {"type": "integer", "minimum": 3}) == 3
    assert guess("audio_url", {"type": "string"}) is None
    assert guess("anything", {"type": "string"}) is None


def test_the_picture_is_a_png_of_its_size() -> None:
    assert PICTURE.startswith(b"\x89PNG")
    assert struct.unpack(">II", PICTURE[16:24]) == (512, 512)


def test_an_endpoint_is_chosen_by_what_its_schema_takes_and_given_the_least_it_needs() -> None:
    with serving(careless.app) as url, closing(Probe(url, "some:key")) as probe:
        target = Target(probe)
        endpoint, made = target.with_member("image_url", "sync_mode")
        assert (endpoint, made) == (careless.MODEL, {"prompt": guess("prompt", {}), "image_url": PICTURE_URI})
        with pytest.raises(NotApplicable, match="image_url and nothing_of_the_kind"):
            target.with_member("image_url", "nothing_of_the_kind")
        assert target.strict == (careless.MODEL, made, "prompt")
