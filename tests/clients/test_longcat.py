"""LongCat-Video through a real server and runner and the official client: all eight endpoints, from tiny weights.

On a CPU a film of 720p is the autoencoder's work, whose attention grows with the square of the pixels: half a second
for each of its latent frames, however tiny the weights. So these films are as short as may be asked for.
"""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import av
import fal_client
import httpx
import pytest
from PIL import Image

from rushes.families.longcat import ENDPOINTS
from tests.server import KEY, start_server

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

ROOT = "fal-ai/longcat-video"
FRAMES = 17  # the fewest that may be asked for


class Case(NamedTuple):
    """An endpoint's path, what it is asked, and the container, codec, size and rate of the film that is to come."""

    path: str
    given: dict[str, Any]
    kind: tuple[str, str, tuple[int, int]]
    fps: int


class Serving(NamedTuple):
    url: str
    key: str
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One runner with one set of weights on the CPU, and a LoRA of the operator's own."""
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from safetensors.torch import save_file

    from tests.engines.longcat import tiny

    root = tmp_path_factory.mktemp("longcat")
    folder = tiny.write_model(root / "tiny-longcat", tiny.QUICK, tiny.quick_vae())
    save_file(tiny.lora(tiny.network(tiny.QUICK), 9), root / "house-style.safetensors")
    mine = {
        "engine": "network",
        "network": "longcat",
        "model": str(folder),
        "device": "cpu",
        "loras": {str(root / "house-style.safetensors"): 0.5},
    }
    told = {"deployments": json.dumps({"mine": mine}), "routes": json.dumps({f"{ROOT}/*": ["mine"]})}
    with pytest.MonkeyPatch.context() as around:
        # The C library gives each tensor's pages back at once and asks for them anew: a quarter of a film's time here.
        for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"):
            around.setenv(name, str(2**32))
        with start_server(root / "data", **told) as started:
            yield Serving(started.url, KEY, root / "data.log")


class Film(NamedTuple):
    container: str
    codec: str
    size: tuple[int, int]
    frames: int
    rate: Fraction | None


def film(content: bytes) -> Film:
    with av.open(io.BytesIO(content)) as opened:
        stream = opened.streams.video[0]
        frames = sum(1 for _ in opened.decode(stream))
        kind = opened.format.name.partition(",")[0]
        return Film(kind, stream.codec_context.name, (stream.width, stream.height), frames, stream.average_rate)


def picture(width: int, height: int) -> str:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((width, height)).convert("RGB").save(file, "PNG")
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def content_of(url: str) -> bytes:
    return base64.b64decode(url.partition(",")[2]) if url.startswith("data:") else httpx.get(url, timeout=60).content


def done(client: ModuleType, server: Serving, endpoint: str, request: Mapping[str, Any]) -> tuple[Any, str, list[str]]:
    """Return the output, the header that says who served it, and the log's lines."""
    ids: list[str] = []
    seen: list[Any] = []
    output = client.subscribe(endpoint, request, with_logs=True, on_enqueue=ids.append, on_queue_update=seen.append)
    answer = httpx.get(f"{server.url}/queue/{ROOT}/requests/{ids[0]}", headers={"authorization": f"Key {KEY}"})
    assert isinstance(seen[-1], fal_client.Completed)
    lines = [line["message"] for line in seen[-1].logs or []]
    return output, answer.headers["x-rushes-served-by"], lines


FEW: dict[str, Any] = {"num_frames": FRAMES, "num_inference_steps": 1}
REFINED: dict[str, Any] = {**FEW, "num_refine_inference_steps": 1}
SMALL = [
    Case("image-to-video/480p", {**FEW, "image_url": picture(300, 170)}, ("mov", "h264", (832, 480)), 15),
    Case(
        "text-to-video/480p",
        {**FEW, "aspect_ratio": "1:1", "video_output_type": "GIF (.gif)", "fps": 10},
        ("gif", "gif", (640, 640)),
        10,
    ),
    Case(
        "distilled/image-to-video/480p",
        {**FEW, "image_url": picture(100, 400), "video_output_type": "VP9 (.webm)", "sync_mode": True},
        ("matroska", "vp9", (320, 1280)),
        15,
    ),
    Case(
        "distilled/text-to-video/480p",
        {**FEW, "num_inference_steps": 2, "num_frames": 18, "aspect_ratio": "9:16", "fps": 24},
        ("mov", "h264", (480, 832)),
        24,
    ),
]
LARGE = [
    Case(
        "text-to-video/720p",
        {**REFINED, "video_output_type": "PRORES4444 (.mov)", "acceleration": "none"},
        ("mov", "prores", (1280, 704)),
        30,
    ),
    Case("image-to-video/720p", {**REFINED, "image_url": picture(200, 200)}, ("mov", "h264", (960, 960)), 30),
    Case("distilled/image-to-video/720p", {**REFINED, "image_url": picture(90, 160)}, ("mov", "h264", (704, 1280)), 30),
    Case(
        "distilled/text-to-video/720p",
        {**REFINED, "aspect_ratio": "1:1", "fps": 60, "num_frames": 18},
        ("mov", "h264", (960, 960)),
        60,
    ),
]


def test_the_cases_are_all_endpoints_there_are() -> None:
    assert sorted(f"{ROOT}/{one.path}" for one in (*SMALL, *LARGE)) == sorted(one.id for one in ENDPOINTS)


@pytest.mark.slow
@pytest.mark.parametrize("case", [*SMALL, *LARGE], ids=lambda case: case.path)
def test_each_endpoint_gives_the_film_that_was_asked_for(client: ModuleType, server: Serving, case: Case) -> None:
    request = {"prompt": "a fox", "seed": 7, **case.given}
    output, served_by, lines = done(client, server, f"{ROOT}/{case.path}", request)
    made = film(content_of(output["video"]["url"]))
    assert made == Film(*case.kind, case.given["num_frames"], Fraction(case.fps))
    assert output["video"]["url"].startswith("data:") == bool(case.given.get("sync_mode"))
    assert (output["seed"], output["prompt"]) == (7, "a fox")
    assert served_by.startswith("longcat/")
    assert "model=tiny-longcat+house-style; deployment=mine; seed=7" in served_by
    assert "stand-in" not in served_by
    steps = [line for line in lines if line.endswith(" steps")]
    assert steps == [f"{one} of {len(steps)} steps" for one in range(1, len(steps) + 1)]


@pytest.mark.slow
def test_a_film_of_two_passes_can_be_cancelled_after_the_first(client: ModuleType) -> None:
    case = LARGE[-1]
    handle = client.submit(f"{ROOT}/{case.path}", {"prompt": "a fox", "seed": 7, **case.given})
    lines: list[str] = []
    for status in handle.iter_events(with_logs=True, interval=0.05):
        lines = [line["message"] for line in getattr(status, "logs", None) or []]
        if "1 of 2 steps" in lines:
            break
    handle.cancel()
    (width, height), frames = case.kind[2], case.given["num_frames"]
    assert any(f"Making {width}x{height}, {frames} frames at {case.fps} fps" in line for line in lines), lines
    with pytest.raises(fal_client.FalClientHTTPError, match="cancel"):
        handle.get()


@pytest.mark.slow
def test_a_film_streams_its_steps_and_pictures_of_them(client: ModuleType) -> None:
    request = {"prompt": "a kite", **FEW, "num_inference_steps": 3, "guidance_scale": 1}
    *parts, last = client.stream(f"{ROOT}/text-to-video/480p", request)
    assert film(content_of(last["video"]["url"])).frames == FRAMES
    shares = [part["progress"] for part in parts if "progress" in part]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    previews = [part["preview"] for part in parts if "preview" in part]
    assert previews
    seen = Image.open(io.BytesIO(content_of(previews[0]["url"])))
    assert seen.width / seen.height == pytest.approx(832 / 480, rel=0.02)


@pytest.mark.slow
def test_nothing_went_wrong_at_the_server(client: ModuleType, server: Serving) -> None:
    assert not re.search(r"can't work|Traceback|ran out of memory", server.log.read_text())
