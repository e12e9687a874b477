"""How the families are gathered, and what a mistyped id is told."""

import pytest

from rushes.families import ENDPOINTS, collect, nearest, served


def test_an_id_that_two_families_claim_is_refused() -> None:
    one = next(iter(ENDPOINTS.values()))
    with pytest.raises(ValueError, match=one.id):
        collect([[one], [one]])


@pytest.mark.parametrize("typed", ["fal-ai/wan-i2w", "fal-ai/wani2v", "wan-i2v", "fal-ai/WAN-I2V", "fal-ai/wan-i2v/"])
def test_a_mistyped_id_is_told_its_nearest(typed: str) -> None:
    assert nearest(typed)[0] == "fal-ai/wan-i2v"


def test_an_id_near_nothing_gets_no_suggestion() -> None:
    assert nearest("somebody/qqqqqqqq") == ()


@pytest.mark.parametrize("typed", ["fal-ai/veo2", "veo2", "fal-ai/Veo2/"])
def test_the_name_of_a_folder_is_told_what_lies_below_it(typed: str) -> None:
    assert nearest(typed)[0] == "fal-ai/veo2/image-to-video"
    assert nearest("fal-ai/kling-video/v1.6") == nearest("kling-video/v1.6")
    assert all(one.startswith("fal-ai/kling-video/v1.6/") for one in nearest("kling-video/v1.6"))


def test_an_owner_alone_means_nothing_in_particular() -> None:
    assert not [one for one in nearest("fal-ai") if "kling" in one]


def test_test_endpoints_are_served_only_when_asked_for() -> None:
    assert not any(endpoint.test_only for endpoint in served(test_endpoints=False).values())
    assert set(served(test_endpoints=True)) == set(ENDPOINTS)
