"""Models that run as their makers' own programs, end to end: real server, runner and client, stubs for the models."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx2
import numpy as np
import pytest
from PIL import Image

from tests.acceptance.test_vendor_routes import CLIENT
from tests.engines.upstream.standing import Standing, is_alive, ours, stand
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

PICTURE, TEXT = "fal-ai/magi-distilled/image-to-video", "fal-ai/magi-distilled"
EXTEND = "fal-ai/magi-distilled/extend-video"
SPOKEN = "fal-ai/longcat-single-avatar/audio-to-video"
PORTRAIT = "fal-ai/longcat-single-avatar/image-audio-to-video"
SMALL = {"resolution": "480p", "aspect_ratio": "1:1", "enable_safety_checker": False}


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Standing:
    return stand(tmp_path_factory.mktemp("standing"))


@pytest.fixture(scope="module")
def server(standing: Standing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    deployments = {"film": standing.table("magi-distilled"), "speaker": standing.table("longcat-avatar")}
    routes = {"fal-ai/magi-distilled*": ["film"], "fal-ai/longcat-single-avatar/*": ["speaker"]}
    data = tmp_path_factory.mktemp("upstream") / "data"
    with start_server(data, deployments=json.dumps(deployments), routes=json.dumps(routes)) as started:
        yield started


@pytest.fixture
def client(server: Server, standing: Standing) -> Iterator[httpx2.Client]:
    standing.forget()
    headers = {"authorization": f"Key {KEY}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def uploaded(server: Server, path: Path) -> str:
    code = "import sys, fal_client, rushes\nrushes.connect(sys.argv[1], key=sys.argv[2])\n"
    code += "print(fal_client.upload_file(sys.argv[3]))"
    command = [sys.executable, "-c", code, server.url, KEY, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def made(server: Server, endpoint: str, **body: Any) -> dict[str, Any]:
    """Ask through the official client, and return its output."""
    command = [sys.executable, "-c", CLIENT, server.url, KEY, endpoint, json.dumps(body)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    output: dict[str, Any] = json.loads(done.stdout)
    return output


def frames(client: httpx2.Client, output: dict[str, Any]) -> tuple[list[Any], float, list[Any]]:
    """Return the frames' mean greys, the rate, and the sound's streams of a film."""
    content = client.get(output["video"]["url"]).content
    with av.open(io.BytesIO(content)) as film:
        rate, sounds = float(film.streams.video[0].average_rate or 0), list(film.streams.audio)
        return [frame.to_ndarray(format="rgb24")[..., 1] for frame in film.decode(video=0)], rate, sounds


def ask(client: httpx2.Client, endpoint: str, **body: Any) -> str:
    """Submit, and return the request's own address."""
    taken = client.post(f"/queue/{endpoint}", json=body)
    assert taken.status_code == 200, taken.text
    return f"/queue/{'/'.join(endpoint.split('/')[:2])}/requests/{taken.json()['request_id']}"


def ended(client: httpx2.Client, base: str) -> tuple[httpx2.Response, str]:
    """Wait for the end; return the answer and the log."""
    give_up_at = time.monotonic() + 100
    while (status := client.get(f"{base}/status?logs=1").json())["status"] != "COMPLETED":
        assert time.monotonic() < give_up_at, status
        time.sleep(0.1)
    return client.get(base), "\n".join(line["message"] for line in status["logs"])


def until(happens: Any, what: str) -> Any:
    give_up_at = time.monotonic() + 60
    while not (found := happens()):
        assert time.monotonic() < give_up_at, what
        time.sleep(0.05)
    return found


def clip(path: Path, count: int, rate: int) -> Path:
    """Write a film of 160x160 whose frame n has the grey 20 + 4 n."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 160, 160, "yuv420p"
        stream.options = {"crf": "4"}
        for number in range(count):
            grey = np.full((160, 160, 3), 20 + 4 * number, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        file.mux(stream.encode(None))
    return path


def speech(path: Path, seconds: float) -> Path:
    """Write a tone that begins loud and ends quiet."""
    times = np.arange(int(seconds * 44_100)) / 44_100
    wave = (np.sin(2 * np.pi * 220 * times) * np.linspace(0.5, 0.05, len(times)) * 32_000).astype("<i2")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("pcm_s16le", rate=44_100, layout="mono")
        frame = av.AudioFrame.from_ndarray(wave[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = 44_100
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def test_a_prompt_becomes_a_film_that_names_the_model(server: Server, client: httpx2.Client) -> None:
    base = ask(client, TEXT, prompt="a boat", num_frames=100, num_inference_steps="4", seed=2**40 + 3, **SMALL)
    answer, log = ended(client, base)
    assert answer.status_code == 200, answer.text + log
    assert "model=MAGI-1 4.5B distilled fp8" in answer.headers["x-rushes-served-by"]
    assert "stand-in" not in answer.headers["x-rushes-served-by"]
    assert answer.json()["seed"] == 2**40 + 3
    assert "5 of 5 steps" in log
    pictures, rate, _ = frames(client, answer.json())
    assert (len(pictures), rate, pictures[0].shape) == (100, 24.0, (624, 624))
    assert pictures[99].mean() > pictures[0].mean()


def test_a_picture_is_cropped_and_comes_first(
    server: Server, client: httpx2.Client, standing: Standing, tmp_path: Path
) -> None:
    path = tmp_path / "wide.png"
    Image.linear_gradient("L").resize((700, 300)).convert("RGB").save(path)
    output = made(server, PICTURE, prompt="it moves", image_url=uploaded(server, path), **SMALL)
    assert len(frames(client, output)[0]) == 96
    ran = standing.record[0]
    assert (ran["mode"], ran["picture"][:3]) == ("i2v", [624, 624, 3])


def test_an_extension_keeps_what_was_and_shows_the_model_32_frames(
    server: Server, client: httpx2.Client, standing: Standing, tmp_path: Path
) -> None:
    rate, start = 30, 50
    url = uploaded(server, clip(tmp_path / "given.mp4", 56, rate))
    output = made(server, EXTEND, prompt="and on", video_url=url, start_frame=start, num_frames=96, **SMALL)
    pictures, came_at, _ = frames(client, output)
    assert (len(pictures), came_at) == (start + 96, rate)
    greys = np.array([one.mean() for one in pictures])
    assert np.abs(greys[:start] - (20 + 4 * np.arange(start))).max() < 3.9  # each is there, once, in its place
    assert abs(greys[start] - 40) < 3.9  # the first that the model made
    assert abs(greys[start + 95] - (40 + 95 * 24 // 30)) < 3.9  # which moves as fast as it was made, at 30 per second
    ran = standing.record[0]
    assert ran["prefix_size"] == [624, 624, 3]
    assert ran["prefix_fps"] == 24.0
    seen = np.array(ran["prefix"])
    assert len(seen) == 32
    assert np.abs(seen - [20 + 4 * (start - 40 + (number * 5) // 4) for number in range(32)]).max() < 3.9


def test_speech_becomes_somebody_who_speaks_with_the_sound_as_it_came(
    server: Server, client: httpx2.Client, standing: Standing, tmp_path: Path
) -> None:
    url = uploaded(server, speech(tmp_path / "speech.wav", 2.0))
    told = {"negative_prompt": "no hats", "seed": 11, "num_inference_steps": 5, "text_guidance_scale": 3.5}
    output = made(server, SPOKEN, audio_url=url, prompt="a man", enable_safety_checker=False, **told)
    pictures, rate, sounds = frames(client, output)
    assert (len(pictures), rate, len(sounds)) == (93, 16.0, 1)
    assert pictures[0].shape == (480, 832)
    ran = standing.record[0]
    assert (ran["seed"], ran["negative"], ran["heard"][:3]) == (11, "no hats", [1, 16_000, 93_000])
    asked = [ran["args"][name] for name in ("stage_1", "num_inference_steps", "text_guidance_scale", "num_segments")]
    assert asked == ["at2v", 5, 3.5, 1]
    assert ran["args"]["context_parallel_size"] == 2


def test_a_portrait_speaks_for_several_segments_and_two_lost_frames_are_held(
    server: Server, client: httpx2.Client, standing: Standing, tmp_path: Path
) -> None:
    path = tmp_path / "portrait.png"
    Image.linear_gradient("L").resize((300, 520)).convert("RGB").save(path)
    sound = uploaded(server, speech(tmp_path / "speech.wav", 15.0))
    output = made(server, PORTRAIT, image_url=uploaded(server, path), audio_url=sound, prompt="she speaks stub:short=2",
                  num_segments=2, num_inference_steps=4, enable_safety_checker=False)  # fmt: skip
    pictures, _, sounds = frames(client, output)
    assert (len(pictures), len(sounds)) == (173, 1)
    ran = standing.record[0]
    assert ran["args"]["stage_1"] == "ai2v"
    assert ran["picture"][:2] == list(pictures[0].shape)
    assert ran["heard"][2] == 173_000


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ("oom", "too little memory"),
        ("corrupt", "something else than was asked for"),
        ("short=1", "something else than was asked for"),
    ],
)
def test_what_fails_is_told_without_paths_and_the_next_job_comes_through(
    server: Server, client: httpx2.Client, order: str, words: str
) -> None:
    failed = ask(client, TEXT, prompt=f"a boat stub:wordy stub:{order}", **SMALL)
    answer, log = ended(client, failed)
    assert answer.status_code >= 500
    assert words in answer.text
    assert "/srv" not in answer.text + log
    assert "/tmp" not in answer.text + log


def test_cancel_ends_the_program_and_what_it_started(server: Server, client: httpx2.Client, standing: Standing) -> None:
    base = ask(client, TEXT, prompt="a boat stub:fork stub:slow=8", **SMALL)
    left = until(lambda: [ran["left"] for ran in standing.record if "left" in ran], "the stub began")
    until(lambda: "1 of 4 steps" in str(client.get(f"{base}/status?logs=1").json()), "it told how far it was")
    assert client.put(f"{base}/cancel").status_code < 300
    ended(client, base)
    until(lambda: not any(map(is_alive, left)), "what it started was ended")
    assert not ours(standing.folder)
    after, log = ended(client, ask(client, TEXT, prompt="a boat", **SMALL))
    assert after.status_code == 200, log


def test_a_killed_runner_leaves_nothing_behind_and_its_job_is_done_by_the_next(
    server: Server, client: httpx2.Client, standing: Standing
) -> None:
    base = ask(client, TEXT, prompt="a boat stub:fork stub:deaf stub:slow=4", **SMALL)
    first = until(lambda: [ran for ran in standing.record if "left" in ran], "the stub began")[0]
    server.kill_runners()
    until(lambda: not is_alive(first["left"]) and not is_alive(first["pid"]), "nothing of it is left")
    answer, log = ended(client, base)
    assert answer.status_code == 200, log
    assert len([ran for ran in standing.record if "mode" in ran]) == 2
    until(lambda: not os.path.exists(first["cwd"]), "its folder is gone")


def test_what_is_not_prepared_is_told_at_the_start(standing: Standing, tmp_path: Path) -> None:
    deployments = json.dumps({"film": {"engine": "upstream", "recipe": "magi-distilled"}})
    variables = {**os.environ, "RUSHES_DEPLOYMENTS": deployments, "RUSHES_KEY": KEY}
    command = [sys.executable, "-m", "rushes.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=60, check=False)
    assert done.returncode != 0
    assert "deployments.film" in done.stderr
    assert "rushes runner prepare film" in done.stderr
