"""`rushes endpoints`: the list and the fields, for people and for machines."""

import json

from tests.cli.words import rushes


def test_the_list_has_a_header_and_a_line_each() -> None:
    header, *lines = rushes("endpoints").stdout.splitlines()
    assert header.split() == ["ENDPOINT", "CATEGORY", "UNIT", "ENGINES"]
    assert ["fal-ai/wan-i2v", "image-to-video", "video", "animatic"] in [line.split() for line in lines]


def test_the_list_as_json() -> None:
    every = json.loads(rushes("endpoints", "--json").stdout)
    assert {"id", "category", "unit", "engines"} <= set(every[0])
    assert "rushes/echo" not in [one["id"] for one in every]


def test_test_endpoints_show_when_they_are_on() -> None:
    done = rushes("endpoints", "--json", environment={"RUSHES_TEST_ENDPOINTS": "1"})
    assert "rushes/echo" in [one["id"] for one in json.loads(done.stdout)]


def test_one_endpoint_shows_its_fields() -> None:
    shown = rushes("endpoints", "fal-ai/wan-i2v").stdout
    assert "  num_frames  (integer 81–100, default 81)\n" in shown
    assert "  prompt  (string, required)\n" in shown


def test_one_endpoint_as_json_has_both_schemas() -> None:
    told = json.loads(rushes("endpoints", "fal-ai/wan-i2v", "--json").stdout)
    assert told["input_schema"]["required"] == ["prompt", "image_url"]
    assert "video" in told["output_schema"]["properties"]


def test_an_unknown_one_fails_with_the_nearest() -> None:
    done = rushes("endpoints", "wan-i2v")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rushes: there is no endpoint 'wan-i2v'; did you mean fal-ai/wan-i2v?\n"
