"""Which deployments serve an endpoint, in which order, and what is wrong with names."""

import pytest

from rushes.routing import VendorDeployment, is_remote, route_of, routed, unknown_names

MINE = {
    "kling-eu": VendorDeployment.model_validate({"engine": "vendor", "vendor": "kling", "key": "a-key"}),
    "upstream": VendorDeployment.model_validate({"engine": "vendor", "vendor": "fal", "key": "a-key"}),
}
KLING, ANIMATIC = "fal-ai/kling-video/v1/standard/text-to-video", ("animatic", "kling")


def test_the_first_pattern_that_fits_counts() -> None:
    routes = {"fal-ai/kling-video/*": ("kling-eu",), "*": ("animatic",)}
    assert routed(KLING, routes) == ("kling-eu",)
    assert routed("fal-ai/wan-i2v", routes) == ("animatic",)
    assert routed("fal-ai/wan-i2v", {}) == ()


def test_only_those_that_can_serve_it_are_on_the_route() -> None:
    routes = {"*": ("kling-eu", "upstream", "animatic")}
    assert route_of(KLING, ANIMATIC, routes, MINE) == ("kling-eu", "upstream", "animatic")
    assert route_of("fal-ai/wan-i2v", ("animatic",), routes, MINE) == ("upstream", "animatic")
    assert route_of("fal-ai/wan-i2v", ("animatic",), {}, MINE) == ("animatic",)


def test_vendors_are_remote_and_what_is_built_in_is_not() -> None:
    assert is_remote("kling-eu", MINE)
    assert not is_remote("animatic", MINE)


def test_a_name_that_is_none_is_told_with_those_that_are() -> None:
    (line,) = unknown_names({"a/*": ("klng", "kling-eu")}, MINE)
    assert "'klng'" in line
    assert "kling-eu" in line


def test_a_deployment_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no key"):
        VendorDeployment.model_validate({"engine": "vendor", "vendor": "kling"})
