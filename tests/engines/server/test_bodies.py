"""What each dialect is sent for each kind of call, compared whole, and what comes back of it."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rushes.calls import DiffusersCall, Lora
from rushes.engines.engine import Unable
from rushes.fakes.servers import MODEL, fastvideo, picture_of
from tests.engines.server.rehearsal import DIALECTS, I2V, call_for, rehearsing, run
from tests.engines.vendor.rehearsal import Trip

WAN, LTX, LUCY = "fal-ai/wan-i2v", "fal-ai/ltx-video/image-to-video", "fal-ai/decart/lucy-5b/image-to-video"
LONGCAT = "fal-ai/longcat-video/image-to-video/480p"
PICTURE = {"image_url": "https://example.com/a.png"}
BODY = {
    "prompt": "the rider leans in",
    "negative_prompt": "blur",
    "resolution": "480p",
    "num_frames": 82,
    "frames_per_second": 12,
    "num_inference_steps": 20,
    "seed": 7,
    **PICTURE,
}
JOB = {
    "prompt": "the rider leans in",
    "negative_prompt": "blur",
    "size": "832x480",
    "num_frames": 85,
    "fps": 12,
    "num_inference_steps": 20,
    "guidance_scale": 5.0,
    "seed": 7,
}


def form(body: dict[str, Any]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else str(value).lower() for name, value in body.items()}


def wan(folder: Path, size: tuple[int, int] = (1600, 900), **more: Any) -> Any:
    return call_for(WAN, "diffusers", {**BODY, **more}, folder, size)


def sent(asked: dict[str, Any], member: str) -> dict[str, Any]:
    """The body without its picture, which has to be a PNG of the film's size."""
    assert Image.open(io.BytesIO(picture_of(asked))).format == "PNG"
    return {name: value for name, value in asked.items() if name != member}


EXPECTED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "fastvideo": ("/v1/videos/generations", "input_reference", {**JOB, "enable_teacache": True}),
    "sglang": ("/v1/videos", "input_reference", form({**JOB, "enable_teacache": True, "flow_shift": 5.0})),
    "vllm-omni": ("/v1/videos", "input_reference", form({**JOB, "flow_shift": 5.0, "model": MODEL})),
    "lightx2v": (
        "/v1/tasks/video/",
        "image_path",
        {
            "prompt": "the rider leans in",
            "negative_prompt": "blur",
            "infer_steps": 20,
            "seed": 7,
            "target_video_length": 85,
            "target_fps": 16,
            "target_shape": [480, 832],
        },
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_the_body_is_the_one_that_the_reference_has(name: str, tmp_path: Path) -> None:
    path, member, expected = EXPECTED[name]
    with rehearsing(name) as rehearsal:
        film = run(rehearsal, wan(tmp_path / "in"), Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
        first = rehearsal.fake.seen[0]
    assert (first.method, first.path) == ("POST", path)
    assert "authorization" not in first.headers
    body = sent(asked, member)
    assert Image.open(io.BytesIO(picture_of(asked))).size == (832, 480)
    if name == "lightx2v":
        task = body.pop("task_id")
        assert task.startswith("job-1-")
        assert body.pop("save_result_path") == f"{task}.mp4"
    assert body == expected
    assert (film.width, film.height, film.frames) == (832, 480, 82)


@pytest.mark.parametrize("name", DIALECTS)
def test_a_key_goes_along_and_a_wrong_one_is_the_operators_to_mend(name: str, tmp_path: Path) -> None:
    with rehearsing(name, key="rehearsal-key") as rehearsal:
        rehearsal.server.needs_key = True
        run(rehearsal, wan(tmp_path / "in"), Trip(tmp_path / "out"))
        assert {seen.headers["authorization"] for seen in rehearsal.fake.seen} == {"Bearer rehearsal-key"}
    with rehearsing(name, key="another-key") as rehearsal:
        rehearsal.server.needs_key = True
        with pytest.raises(Unable) as unable:
            run(rehearsal, wan(tmp_path / "in"), Trip(tmp_path / "out"))
    assert unable.value.blame == "key"
    assert "another-key" not in f"{unable.value}{unable.value.error}"


def test_a_newer_fastvideo_has_jobs_and_the_way_is_remembered(tmp_path: Path) -> None:
    with rehearsing("fastvideo", app=lambda fake: fastvideo(fake, has_jobs=True)) as rehearsal:
        for _ in range(2):
            run(rehearsal, wan(tmp_path / "in"), Trip(tmp_path / "out"))
        posts = [seen.path for seen in rehearsal.fake.seen if seen.method == "POST"]
        assert sent(rehearsal.posted()[0], "input_reference") == form({**JOB, "enable_teacache": True})
    assert posts == ["/v1/videos", "/v1/videos"]  # what was tried first has no route, and is not remembered


@pytest.mark.parametrize(("name", "member"), [("sglang", "diffusers_kwargs"), ("vllm-omni", "extra_params")])
def test_weights_of_diffusers_own_pipelines_are_told_their_noise_level(name: str, member: str, tmp_path: Path) -> None:
    call = call_for(LTX, "diffusers", {"prompt": "a diver", "seed": 3, **PICTURE}, tmp_path / "in", (900, 900))
    with rehearsing(name, weights="LTXImageToVideoPipeline") as rehearsal:
        rehearsal.server.step = 8
        film = run(rehearsal, call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert asked[member] == '{"decode_timestep": 0.05, "decode_noise_scale": 0.025}'
    assert (asked["size"], asked["num_frames"], asked["fps"]) == ("768x512", "121", "24")
    assert "flow_shift" not in asked
    assert Image.open(io.BytesIO(asked["input_reference"])).size == (768, 512)
    assert film.frames == 121


@pytest.mark.parametrize("name", ["vllm-omni", "lightx2v"])
def test_the_stand_in_of_five_billion_parameters(name: str, tmp_path: Path) -> None:
    weights = "WanImageToVideoPipeline+expand_timesteps"
    call = call_for(LUCY, "diffusers", {"prompt": "a fox", **PICTURE}, tmp_path / "in", (600, 900))
    with rehearsing(name, weights=weights) as rehearsal:
        rehearsal.server.side = 32
        receipt = rehearsal.engine.run_errand(call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    size = asked.get("size") or "{1}x{0}".format(*asked["target_shape"])
    assert size == "704x1280"
    assert int(asked.get("num_frames") or asked["target_video_length"]) == 125
    assert receipt.maker.layout == weights
    assert (receipt.maker.engine, receipt.maker.model) == (name, MODEL)


def test_a_model_with_a_network_of_its_own_is_asked_for_the_whole_film_at_once(tmp_path: Path) -> None:
    body = {"prompt": "a fox", "seed": 1, "num_frames": 162, "num_inference_steps": 40, "acceleration": "none"}
    call = call_for(LONGCAT, "longcat", {**body, **PICTURE}, tmp_path / "in", (800, 500))
    with rehearsing("fastvideo", weights="LongCat-Video", network="longcat") as rehearsal:
        film = run(rehearsal, call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert asked["num_frames"] == 165
    assert (asked["fps"], asked["guidance_scale"], asked["num_inference_steps"]) == (15, 4.0, 40)
    assert asked["enable_teacache"] is False
    assert (film.frames, f"{film.width}x{film.height}") == (162, asked["size"])


@pytest.mark.parametrize(
    ("endpoint", "options", "words"),
    [
        ("fal-ai/longcat-video/image-to-video/720p", {}, "second pass"),
        ("fal-ai/longcat-video/distilled/image-to-video/480p", {}, "distilled weights"),
        (LONGCAT, {"distilled": "yes"}, "started with distilled ones"),
    ],
)
def test_what_its_server_can_not_do_is_refused_before_anything_is_sent(
    endpoint: str, options: dict[str, str], words: str, tmp_path: Path
) -> None:
    call = call_for(endpoint, "longcat", {"prompt": "a fox", **PICTURE}, tmp_path / "in", (800, 500))
    with rehearsing("fastvideo", network="longcat", weights=None, options=options) as rehearsal:
        with pytest.raises(Unable, match=words) as unable:
            run(rehearsal, call, Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    assert "feature_not_supported" in str(unable.value.error.failure())


def test_distilled_weights_serve_the_distilled_endpoints(tmp_path: Path) -> None:
    body = {"prompt": "a fox", "num_frames": 33, **PICTURE}
    call = call_for("fal-ai/longcat-video/distilled/image-to-video/480p", "longcat", body, tmp_path / "in", (800, 500))
    with rehearsing("fastvideo", network="longcat", options={"distilled": "yes"}) as rehearsal:
        run(rehearsal, call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert (asked["num_inference_steps"], asked["guidance_scale"]) == (12, 1.0)


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("fastvideo", {"shift": 3}, "noise shift of 3"),
        ("lightx2v", {"shift": 3}, "noise shift of 3"),
        ("lightx2v", {"guide_scale": 6}, "guidance of 6"),
    ],
)
def test_what_a_server_was_started_with_can_not_be_asked_otherwise(
    name: str, more: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with rehearsing(name) as rehearsal:
        with pytest.raises(Unable, match=words):
            run(rehearsal, wan(tmp_path / "in", **more), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    options = {"shift": "3", "guidance": "6"} if name == "lightx2v" else {"shift": "3"}
    fitting: dict[str, Any] = {"shift": 3, "guide_scale": 6} if name == "lightx2v" else {"shift": 3}
    with rehearsing(name, options=options) as rehearsal:
        run(rehearsal, wan(tmp_path / "in", **fitting), Trip(tmp_path / "out"))


@pytest.mark.parametrize("name", ["vllm-omni", "lightx2v"])
def test_caching_that_is_chosen_at_the_start_is_never_silently_other_than_asked(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, wan(tmp_path / "in", acceleration="regular"), trip)
        assert any("Not used" in line and "acceleration" in line for line in trip.lines)
    with rehearsing(name, options={"caching": "yes"}) as rehearsal:
        trip = Trip(tmp_path / "out2")
        run(rehearsal, wan(tmp_path / "in", acceleration="regular"), trip)
        assert not any("Not used" in line for line in trip.lines)
        with pytest.raises(Unable, match="started with caching on"):
            run(rehearsal, wan(tmp_path / "in", acceleration="none"), Trip(tmp_path / "out3"))


def test_a_server_that_caches_in_every_film_is_not_asked_to_as_well(tmp_path: Path) -> None:
    with rehearsing("sglang", options={"caching": "yes"}) as rehearsal:
        run(rehearsal, wan(tmp_path / "in", acceleration="regular"), Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
        with pytest.raises(Unable, match="started with caching on"):
            run(rehearsal, wan(tmp_path / "in", acceleration="none"), Trip(tmp_path / "out2"))
    assert asked["enable_teacache"] == "false"


@pytest.mark.parametrize("name", DIALECTS)
def test_few_step_weights_take_their_own_steps_and_that_is_declared(name: str, tmp_path: Path) -> None:
    with rehearsing(name, options={"steps": "4"}) as rehearsal:
        trip = Trip(tmp_path / "out")
        receipt = rehearsal.engine.run_errand(wan(tmp_path / "in"), trip)
        (asked,) = rehearsal.posted()
    assert int(asked.get("num_inference_steps") or asked["infer_steps"]) == 4
    assert float(asked.get("guidance_scale", 1)) == 1.0
    assert any("steps and guidance" in line for line in trip.lines)
    assert receipt.maker.model == f"{MODEL}+4-steps"


def test_a_recipe_is_made_at_its_own_rate_and_finished_here(tmp_path: Path) -> None:
    body = {"prompt": "a dancer", "seed": 2, **PICTURE}
    call = call_for("fal-ai/wan-pro/image-to-video", "diffusers", body, tmp_path / "in", (1600, 900))
    with rehearsing("vllm-omni", weights=I2V) as rehearsal:
        film = run(rehearsal, call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert (asked["size"], asked["num_frames"], asked["fps"], asked["num_inference_steps"]) == (
        "1280x720",
        "97",
        "16",
        "40",
    )
    assert (film.width, film.height, film.frames) == (1280, 720, 97)


def test_an_empty_negative_prompt_is_not_left_out_of_a_form(tmp_path: Path) -> None:
    with rehearsing("sglang") as rehearsal:
        run(rehearsal, wan(tmp_path / "in", negative_prompt=""), Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert asked["negative_prompt"] == " "


def test_a_huge_seed_is_brought_into_range_and_told(tmp_path: Path) -> None:
    with rehearsing("sglang") as rehearsal:
        receipt = rehearsal.engine.run_errand(wan(tmp_path / "in", seed=2**40 + 9), Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert (asked["seed"], receipt.seed) == ("9", 9)


def test_members_can_be_renamed_left_out_and_added_for_a_servers_version(tmp_path: Path) -> None:
    rename = {"target_video_length": "num_frames", "target_fps": "", "infer_steps": ""}
    with rehearsing("lightx2v", rename=rename, extra={"resize_mode": "fixed_shape"}) as rehearsal:
        rehearsal.server.members = {**rehearsal.server.members, "num_frames": int}
        trip = Trip(tmp_path / "out")
        run(rehearsal, wan(tmp_path / "in"), trip)
        (asked,) = rehearsal.posted()
    assert any("not sent: infer_steps, target_fps" in line for line in trip.lines)
    assert (asked["num_frames"], asked["resize_mode"]) == (85, "fixed_shape")
    assert not {"target_video_length", "target_fps", "infer_steps"} & set(asked)


@pytest.mark.parametrize(
    ("change", "words"), [({"last_image": "x.npy"}, "last frame"), ({"loras": (Lora("x"),)}, "LoRAs")]
)
def test_inputs_that_no_server_takes_are_refused(change: dict[str, Any], words: str, tmp_path: Path) -> None:
    call = DiffusersCall("p", "", 832, 480, 81, 81, 16, 30, 5.0, 1, **change)
    with rehearsing("sglang") as rehearsal, pytest.raises(Unable, match=words):
        run(rehearsal, call, Trip(tmp_path / "out"))


def test_text_alone_goes_as_json_where_a_form_must_have_a_file(tmp_path: Path) -> None:
    call = DiffusersCall("p", "", 832, 480, 17, 17, 16, 30, 5.0, 1, shift=5.0)
    with rehearsing("sglang", weights="WanPipeline") as rehearsal:
        run(rehearsal, call, Trip(tmp_path / "out"))
        (asked,) = rehearsal.posted()
    assert asked == {
        "prompt": "p", "negative_prompt": "", "size": "832x480", "num_frames": 17, "fps": 16,
        "num_inference_steps": 30, "guidance_scale": 5.0, "seed": 1, "enable_teacache": False, "flow_shift": 5.0,
    }  # fmt: skip


def test_a_size_off_the_weights_grid_is_made_larger_and_cropped(tmp_path: Path) -> None:
    call = DiffusersCall("p", "", 848, 464, 5, 5, 16, 30, 5.0, 1)
    with rehearsing("sglang", weights="WanPipeline+expand_timesteps") as rehearsal:
        film = run(rehearsal, call, Trip(tmp_path / "out"))
    assert (film.width, film.height) == (864, 480)
    (frames,) = film.then(iter([np.zeros((5, 480, 864, 3), np.uint8)]))
    assert frames.shape == (5, 464, 848, 3)
