import pytest

from rushes.conformance.schema import last_named, pascal


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["NestedInput", "BoatInput", "BoatOutput"], "BoatInput"),
        (["BoatInput", "QueueInput"], "BoatInput"),
        (["TextToVideoRequest", "File"], "TextToVideoRequest"),
        (["File"], ""),
    ],
)
def test_the_last_schema_named_so_is_taken_but_for_the_queues(names: list[str], found: str) -> None:
    assert last_named(dict.fromkeys(names), ("input", "request")) == found


@pytest.mark.parametrize(("endpoint", "name"), [("fal-ai/wan-i2v", "WanI2v"), ("a/b/v1.5/c", "BV15C"), ("a/b", "B")])
def test_a_type_is_named_after_the_endpoint_without_its_owner(endpoint: str, name: str) -> None:
    assert pascal(endpoint) == name
