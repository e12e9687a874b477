"""`rushes endpoints`: the list and one endpoint, for people and for machines."""

import json
import re
import subprocess
import sys

import pytest

from rushes.families import ENDPOINTS, served
from tests.cli.words import rushes

SPEECH = "fal-ai/minimax/speech-02-hd"


def test_the_list_has_a_heading_for_each_category_and_a_line_for_each_endpoint() -> None:
    lines = rushes("endpoints").stdout.splitlines()
    every = served(test_endpoints=False).values()
    films = [one for one in every if one.category == "image-to-video"]
    assert f"image-to-video ({len(films)})" in lines
    (line,) = [line for line in lines if line.split()[:1] == ["fal-ai/wan-i2v"]]
    assert line.split() == ["fal-ai/wan-i2v", "Wan", "2.1", "image", "to", "video", "per", "video"]
    assert len([line for line in lines if line.startswith("  ")]) == len(every)


def test_one_category_alone() -> None:
    shown = rushes("endpoints", "--category", "text-to-speech", "--json")
    assert {one["category"] for one in json.loads(shown.stdout)} == {"text-to-speech"}


def test_a_category_that_is_none_says_so() -> None:
    done = rushes("endpoints", "--category", "text-to-tea")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no category 'text-to-tea'; there are audio-to-video, image-to-image" in done.stderr


def test_the_list_as_json() -> None:
    every = json.loads(rushes("endpoints", "--json").stdout)
    assert {"id", "category", "unit", "engines"} <= set(every[0])
    assert "rushes/echo" not in [one["id"] for one in every]
    assert every[0]["unit_price_usd"] is None


def test_test_endpoints_show_when_they_are_on() -> None:
    done = rushes("endpoints", "--json", environment={"RUSHES_TEST_ENDPOINTS": "1"})
    assert "rushes/echo" in [one["id"] for one in json.loads(done.stdout)]


def test_prices_show_where_they_are_set() -> None:
    prices = {"RUSHES_UNIT_PRICE_USD": '{"fal-ai/wan-i2v": 0.4}'}
    assert "0.4 USD per video" in rushes("endpoints", environment=prices).stdout
    told = json.loads(rushes("endpoints", "fal-ai/wan-i2v", "--json", environment=prices).stdout)
    assert told["unit_price_usd"] == 0.4


def test_one_endpoint_shows_its_price_rule_and_its_fields() -> None:
    shown = rushes("endpoints", "fal-ai/wan-i2v").stdout
    assert "Price per video. 480p is half a unit" in shown
    assert "  num_frames  (integer, 81 to 100, default 81)\n" in shown
    assert re.search(r"^  prompt  \(string, .*required\)$", shown, re.MULTILINE)
    assert "  image_url  (string, a picture, required)\n" in shown
    assert "  resolution  (480p | 720p, default " in shown


def test_nested_fields_and_voices_are_shown() -> None:
    shown = rushes("endpoints", SPEECH).stdout
    assert "  voice_setting.speed  (float, 0.5 to 2, default 1)\n" in shown
    assert "Voices: " in shown


def test_one_endpoint_as_json_has_both_schemas() -> None:
    told = json.loads(rushes("endpoints", "fal-ai/wan-i2v", "--json").stdout)
    assert told["input_schema"]["required"] == ["prompt", "image_url"]
    assert "video" in told["output_schema"]["properties"]
    assert told["price_rule"].startswith("480p is half a unit")


def test_an_unknown_one_fails_with_the_nearest() -> None:
    done = rushes("endpoints", "wan-i2v")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rushes: there is no endpoint 'wan-i2v'; did you mean fal-ai/wan-i2v?\n"


@pytest.mark.parametrize("words", [["endpoints"], ["endpoints", SPEECH]])
def test_showing_loads_nothing_heavy(words: list[str]) -> None:
    code = f"import sys; from rushes.cli.main import build; build({words!r})({words!r}, standalone_mode=False)"
    listed = f"{code}; print(sorted({{n.partition('.')[0] for n in sys.modules}}), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stderr.strip().replace("'", '"')))
    assert not loaded & {"torch", "numpy", "cv2", "av", "PIL", "diffusers", "uvicorn", "sqlalchemy"}
    assert len(ENDPOINTS) > 70
