"""What an endpoint says of itself."""

from dataclasses import replace
from functools import partial

import pytest

from rushes.endpoint import Clip, Delivery, Endpoint, Media, ServedBy
from rushes.families import ENDPOINTS, served

ECHO = ENDPOINTS["rushes/echo"]


def by_rate(rate: float, request: object, clip: Clip | None) -> float:
    """A second costs
    the rate.

    What only readers of the code need.
    """
    return rate


def test_the_price_rule_is_the_first_paragraph_of_its_function() -> None:
    assert replace(ECHO, units=partial(by_rate, 1.0)).price_rule == "A second costs the rate."
    assert replace(ECHO, units=lambda request, clip: 1.0).price_rule == ""


@pytest.mark.parametrize("endpoint", served(test_endpoints=False).values(), ids=lambda one: one.id)
def test_every_endpoint_says_what_it_costs(endpoint: Endpoint) -> None:
    assert endpoint.price_rule.endswith(".")
    assert "partial(" not in endpoint.price_rule


def test_what_served_a_request_is_one_line() -> None:
    real = ServedBy("diffusers", "mine", "a/b", "0.42", stand_in=False)
    assert real.header() == "diffusers/0.42; model=a/b; deployment=mine"
    assert replace(real, stand_in=True, seed=0).header() == (
        "diffusers/0.42; model=a/b; deployment=mine; stand-in; seed=0"
    )


def test_only_what_travels_in_the_answer_alone_is_not_stored() -> None:
    assert [Delivery(form=form).stored for form in ("url", "hex", "data_uri")] == [True, True, False]


def test_a_file_without_a_picture_has_no_size() -> None:
    assert Media("image", "/a.npy", "image/png", 1, 640, 480).size == (640, 480)
    with pytest.raises(LookupError, match="no picture size"):
        Media("audio", "/a.npy", "audio/mpeg", 1).size  # noqa: B018  # asking is what raises


@pytest.mark.parametrize(
    ("media", "path", "pixels"),
    [
        (Media("image", "/a.npy", "image/png", 1, 640, 480, source="/a"), "/a", "/a.npy"),
        (Media("image", "/a.npy", "image/png", 1, 640, 480), "/a.npy", "/a.npy"),
        (Media("audio", "/a.npy", "audio/mpeg", 1, duration_s=2.0, source="/a"), "/a", "/a.npy"),
        (Media("video", "/a.mp4", "video/mp4", 1, 640, 480, duration_s=2.0, source="/a"), "/a", None),
    ],
)
def test_a_vendor_gets_the_file_as_it_came_and_what_it_was_decoded_to(
    media: Media, path: str, pixels: str | None
) -> None:
    sent = media.attached("upload", ("body", "x"), 1.5)
    assert (sent.path, sent.pixels, sent.shape, sent.form) == (path, pixels, 1.5, "upload")
    assert (sent.kind, sent.width, sent.height, sent.duration_s) == (
        media.kind,
        media.width,
        media.height,
        media.duration_s,
    )
