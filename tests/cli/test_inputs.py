"""name=value words become the request that the endpoint's own types describe."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from rushes.cli.inputs import files_named, parse, wire
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from rushes.fields import ImageUrl, WireModel

ECHO = ENDPOINTS["rushes/echo"]
VIDEO = ENDPOINTS["fal-ai/wan-i2v"]
SPEECH = ENDPOINTS["fal-ai/minimax/speech-02-hd"]
URL = "image_url=https://example.com/a.png"


class Point(BaseModel):
    x: int
    y: int


class Shape(WireModel):
    mask_url: ImageUrl | None = None
    path: list[Point] | None = None
    name: str = ""


class Many(WireModel):
    image_urls: list[ImageUrl] | None = None
    tags: list[str] | None = None
    at: Point | None = None
    flag: bool = False
    scale: float | None = None
    size: Point | str = "square"
    points: list[Shape] | None = None


MANY = replace(ECHO, id="test/many", input=Many)


def sent(endpoint: Endpoint, *words: str) -> dict[str, Any]:
    return wire(parse(endpoint, words), upload=lambda path: f"https://files.example/{path.name}")


def test_values_take_the_field_s_type() -> None:
    words = ["prompt=81", URL, "num_frames=90", "guide_scale=2.5", "enable_safety_checker=true", "aspect_ratio=16:9"]
    assert sent(VIDEO, *words) == {
        "prompt": "81",
        "image_url": "https://example.com/a.png",
        "num_frames": 90,
        "guide_scale": 2.5,
        "enable_safety_checker": True,
        "aspect_ratio": "16:9",
    }


def test_only_what_was_given_is_sent() -> None:
    assert sent(VIDEO, "prompt=a", URL) == {"prompt": "a", "image_url": "https://example.com/a.png"}


@pytest.mark.parametrize("text", ["a=b=c", "@someone", "[not a list]", "", "true", '{"a": 1}', "grüße 🎬"])
def test_a_string_stays_as_it_is(text: str) -> None:
    assert sent(VIDEO, f"prompt={text}", URL)["prompt"] == text


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("[1, null]", [1, None]), ('"x"', "x"), ("x y", "x y"), ("null", None), ("{", "{")]
)
def test_a_field_of_any_type_takes_json_or_else_text(text: str, value: object) -> None:
    assert sent(ECHO, f"payload={text}") == {"payload": value}


def test_lists_are_json_or_a_repeated_name() -> None:
    assert sent(MANY, 'tags=["a", "b=c"]') == {"tags": ["a", "b=c"]}
    assert sent(MANY, "tags=a", "tags=b=c") == {"tags": ["a", "b=c"]}


def test_objects_are_json() -> None:
    assert sent(MANY, 'at={"x": 1, "y": 2}') == {"at": {"x": 1, "y": 2}}
    assert sent(MANY, "size=wide") == {"size": "wide"}
    assert sent(MANY, 'size={"x": 1, "y": 2}') == {"size": {"x": 1, "y": 2}}


def test_a_nested_field_is_given_by_its_dotted_name() -> None:
    assert sent(MANY, "at.x=1", "at.y=2") == {"at": {"x": 1, "y": 2}}
    assert sent(MANY, 'at={"x": 1, "y": 9}', "at.y=2") == {"at": {"x": 1, "y": 2}}
    assert sent(MANY, "tags.0=a", "tags.1=b", "tags.0=c") == {"tags": ["c", "b"]}
    assert sent(MANY, "points.0.name=a", "points.1.name=b", "points.0.path.0.x=1", "points.0.path.0.y=2") == {
        "points": [{"name": "a", "path": [{"x": 1, "y": 2}]}, {"name": "b"}]
    }
    assert sent(SPEECH, "text=hi", "voice_setting.speed=1.2", "voice_setting.voice_id=mine") == {
        "text": "hi",
        "voice_setting": {"speed": 1.2, "voice_id": "mine"},
    }


def test_a_list_inside_a_nested_field_takes_its_name_again() -> None:
    said = ["pronunciation_dict.tone_list=omg/(oh my god)", "pronunciation_dict.tone_list=btw/(by the way)"]
    assert sent(SPEECH, "text=hi", *said)["pronunciation_dict"] == {
        "tone_list": ["omg/(oh my god)", "btw/(by the way)"]
    }


def test_a_file_may_stand_inside_json_and_behind_a_dotted_name(tmp_path: Path) -> None:
    (tmp_path / "m.png").touch()
    expected = {"points": [{"mask_url": "https://files.example/m.png"}]}
    assert sent(MANY, f"points.0.mask_url=@{tmp_path}/m.png") == expected
    assert sent(MANY, f'points=[{{"mask_url": "@{tmp_path}/m.png"}}]') == expected


def test_files_are_uploaded_wherever_media_stand(tmp_path: Path) -> None:
    one, two = tmp_path / "one.png", tmp_path / "t w=o.png"
    one.touch()
    two.touch()
    uploads: list[Path] = []

    def upload(path: Path) -> str:
        uploads.append(path)
        return f"https://files.example/{len(uploads)}"

    request = parse(MANY, [f"image_urls=@{one}", f"image_urls=@{two}", f"image_urls=@{one}"])
    assert files_named(request) == {f"@{one}": one, f"@{two}": two}
    urls = ["https://files.example/1", "https://files.example/2", "https://files.example/1"]
    assert wire(request, upload) == {"image_urls": urls}
    assert uploads == [one, two]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["prompt"], "'prompt' is not name=value"),
        (["promt=x"], "did you mean prompt"),
        ([URL], "prompt is required: give prompt=…"),
        (["prompt=x", URL, "num_frames=7"], "num_frames: Input should be greater than or equal to 81, got '7'"),
        (["num_frames=x", "shift=y"], "prompt is required.*image_url is required.*num_frames.*shift"),
        (["prompt=x", URL, "resolution=4k"], "resolution: Input should be '480p' or '720p', got '4k'"),
    ],
)
def test_what_is_wrong_is_said_with_exit_code_2(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as caught:
        parse(VIDEO, words)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["at.zebra=1"], r"test/many has no field 'at\.zebra'; it has at\.x, at\.y"),
        (["points.0.mask=@a"], r"no field 'points\.0\.mask'; did you mean points\.0\.mask_url"),
        (["flag.x=1"], r"no field 'flag\.x'; it has no fields of its own"),
        (["tags.2=b"], r"tags\.2: item 2 comes after 0 given; items are counted from 0"),
        (["size=wide", "size.x=1"], r"size\.x: what holds it was given before, as 'wide'; give it once"),
        (["at.x=1"], r"at\.y is required: give at\.y=…"),
        (["at.x=one", "at.y=2"], r"at\.x: Input should be a valid integer.*, got 'one'"),
    ],
)
def test_what_is_wrong_with_a_nested_field_is_said_with_its_dotted_name(words: list[str], complaint: str) -> None:
    with pytest.raises(CommandError, match=complaint) as caught:
        parse(MANY, words)
    assert caught.value.exit_code == 2


def test_broken_json_says_where() -> None:
    with pytest.raises(CommandError, match="at: not valid JSON at character 7"):
        parse(MANY, ['at={"x": }'])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"there is no file '.*nothing.png'"):
        files_named(parse(VIDEO, ["prompt=x", f"image_url=@{tmp_path}/nothing.png"]))


@pytest.mark.parametrize("given", ["", ".", "/"])
def test_what_is_no_file_gets_no_hint_to_upload_it(given: str) -> None:
    with pytest.raises(CommandError, match="is no URL; give one, or @file"):
        files_named(parse(VIDEO, ["prompt=x", f"image_url={given}"]))


def test_a_path_without_the_at_sign_gets_a_hint(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(CommandError, match=f"write image_url=@{tmp_path}/a.png to upload that file"):
        files_named(parse(VIDEO, ["prompt=x", f"image_url={tmp_path}/a.png"]))
