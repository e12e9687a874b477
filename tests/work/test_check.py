"""The checks of a job: where they are on, what a hit says, and what is looked at; with the real detector."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Endpoint, Media, MediaMap, Roles
from rushes.engines.engine import FinishedFile, Frames, Pictures
from rushes.errors import ModelError
from rushes.families import ENDPOINTS
from rushes.fields import VideoUrl, WireModel
from rushes.jobs.job import Outcome
from rushes.media.nudity import SIDE, nudity, shrink
from rushes.settings import Settings
from rushes.work.check import PictureCheck, is_checked
from rushes.work.perform import perform
from rushes.work.tools import Tools
from tests.work.parts import ENDPOINT, Shelf, TinyEngine, TinyInput, Told, job, png, tiny_call, tools

PICTURE = "data:image/png;base64," + base64.b64encode(png()).decode()
MOUNTAIN = Path(__file__).parents[2] / "examples" / "mountain-path.jpg"
ALWAYS = 1e-9  # a threshold at which whatever is looked at is a hit


class Asked(TinyInput):
    prompt: str = ""
    check: bool = True
    expand: bool = False


class Filmed(WireModel):
    video_url: VideoUrl


CHECKED = replace(ENDPOINT, input=Asked, roles=Roles(seed="seed", safety="check", expansion="expand"))


def performed(
    tmp_path: Path, told: Told | None = None, engine: TinyEngine | None = None, settings: Settings | None = None,
    endpoint: Endpoint = CHECKED, **asked: object,
) -> Outcome:  # fmt: skip
    given: Tools = tools(Shelf(tmp_path), told or Told(), engine, settings)
    return perform(job(json.dumps(asked)), replace(given, endpoints={ENDPOINT.id: endpoint}))


def refusal(make: Callable[[], object]) -> tuple[str, tuple[str | int, ...]]:
    with pytest.raises(ModelError) as caught:
        make()
    [problem] = caught.value.problems
    assert caught.value.failure().status == 422
    return problem.type, problem.loc


def test_a_bad_prompt_is_refused_at_its_field_before_anything_is_fetched_or_made(tmp_path: Path) -> None:
    engine, told = TinyEngine(), Told()
    found = refusal(
        lambda: performed(tmp_path, told, engine, prompt="a naked woman", image_url="http://10.0.0.1/never.png")
    )
    assert found == ("content_policy_violation", ("body", "prompt"))
    assert engine.made == 0
    assert told.lines == []


def test_the_caller_may_switch_it_off_where_the_endpoint_has_a_switch(tmp_path: Path) -> None:
    told = Told()
    performed(tmp_path, told, prompt="a naked woman", check=False)
    assert not any("checked" in line for line in told.messages)


@pytest.mark.parametrize(
    ("safety", "role", "checked"),
    [
        ("auto", "check", True),
        ("auto", True, True),
        ("auto", None, False),
        ("on", None, True),
        ("off", True, False),
        ("off", "check", False),
    ],
)
def test_the_endpoint_says_where_it_is_on_and_the_operator_may_overrule_it(
    safety: Literal["auto", "on", "off"], role: str | Literal[True] | None, checked: bool
) -> None:
    endpoint = replace(CHECKED, roles=Roles(safety=role))
    assert is_checked(endpoint, Asked(), Settings(safety=safety)) is checked


def test_every_switch_of_the_catalogue_is_a_field_of_its_endpoint() -> None:
    for endpoint in ENDPOINTS.values():
        fields = endpoint.input.model_fields
        assert endpoint.roles.safety in {None, True, *fields}, endpoint.id
        assert endpoint.roles.expansion in {None, *fields}, endpoint.id
        assert ("enable_safety_checker" in fields) == (endpoint.roles.safety == "enable_safety_checker"), endpoint.id
        for name in ("enable_prompt_expansion", "prompt_optimizer"):
            assert (name in fields) == (endpoint.roles.expansion == name), endpoint.id


def test_a_picture_is_refused_at_its_own_field_and_no_engine_runs(tmp_path: Path) -> None:
    engine = TinyEngine()
    found = refusal(lambda: performed(tmp_path, None, engine, Settings(safety_threshold=ALWAYS), tail_url=PICTURE))
    assert found == ("content_policy_violation", ("body", "tail_url"))
    assert engine.made == 0


def test_a_film_is_refused_as_a_whole_and_nothing_of_it_is_stored(tmp_path: Path) -> None:
    engine = TinyEngine()
    found = refusal(lambda: performed(tmp_path, None, engine, Settings(safety_threshold=ALWAYS)))
    assert found == ("content_policy_violation", ("body",))
    assert engine.closed
    assert [path.name for path in tmp_path.iterdir()] == ["job"]


def test_grey_frames_and_pictures_pass(tmp_path: Path) -> None:
    assert performed(tmp_path, image_url=PICTURE).files[0] == "output.mp4"


def test_the_expanded_prompt_is_what_the_family_is_asked_with(tmp_path: Path) -> None:
    told, seen = Told(), []

    def call(request: Asked, media: MediaMap, clip: Clip) -> AnimaticCall:
        seen.append(request.prompt)
        return tiny_call(request, media, clip)

    endpoint = replace(CHECKED, engines={"tiny": call})
    performed(tmp_path, told, endpoint=endpoint, prompt="a fox in the snow", expand=True)
    assert seen[0].startswith("a fox in the snow. ")
    assert f"Expanded the prompt: {seen[0]}" in told.messages


def test_only_a_few_frames_spread_over_the_film_are_looked_at() -> None:
    frames = np.zeros((250, 48, 64, 3), np.uint8)
    output = PictureCheck(ALWAYS).result(Frames(iter([frames[:50], frames[50:]])), Clip(64, 48, 250, 25), Told())
    assert isinstance(output, Frames)
    next(output.chunks)  # the first of ten seconds' four samples is frame 61
    with pytest.raises(ModelError):
        next(output.chunks)


def test_each_picture_is_looked_at_and_a_finished_file_is_said_not_to_be() -> None:
    picture, told = np.zeros((40, 30, 3), np.uint8), Told()
    output = PictureCheck(ALWAYS).result(Pictures(iter([picture])), None, told)
    assert isinstance(output, Pictures)
    with pytest.raises(ModelError):
        next(output.pictures)
    finished = FinishedFile("/nowhere.mp4", "video/mp4")
    assert PictureCheck(0.5).result(finished, None, told) is finished
    assert told.lines == [("The result is not checked here: its maker gave a finished file", "WARN", None)]


@pytest.mark.parametrize("shape", [(720, 1280), (1280, 64), (1, 1), (4000, 3000), (63, 4001)])
def test_pictures_of_any_shape_become_what_the_detector_takes(shape: tuple[int, int]) -> None:
    small = shrink(np.full((*shape, 3), 200, np.uint8))
    assert small.shape == (SIDE, SIDE, 3)
    assert small[0, 0].tolist() == [200, 200, 200]
    assert nudity(small, 0.5) is None


def test_a_landscape_is_no_nudity() -> None:
    picture = cv2.cvtColor(cv2.imread(str(MOUNTAIN)), cv2.COLOR_BGR2RGB)
    assert nudity(shrink(picture.astype(np.uint8)), 0.3) is None


def test_without_the_extra_the_log_says_how_to_install_it_and_prompts_are_still_checked() -> None:
    code = """
import sys
sys.modules["nudenet"] = None  # as where it is not installed
from rushes.settings import Settings
from rushes.work.check import PictureCheck
from tests.work.parts import Told
told = Told()
print(PictureCheck.installed(Settings(), told), told.lines)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("None [('Pictures and frames are not checked: the detector is not installed")
    assert 'pip install "rushes[safety]"' in done.stdout
    assert "'WARN'" in done.stdout


def test_samples_of_an_input_video_are_looked_at(tmp_path: Path) -> None:
    outcome = performed(tmp_path, check=False)
    video = Media("video", str(tmp_path / outcome.files[0]), "video/mp4", 1, 64, 48, 12, 12.0, 1.0)
    request = Filmed(video_url="https://example.com/film.mp4")
    PictureCheck(0.5).inputs(request, {"video_url": video}, Told())
    found = refusal(lambda: PictureCheck(ALWAYS).inputs(request, {"video_url": video}, Told()))
    assert found == ("content_policy_violation", ("body", "video_url"))
