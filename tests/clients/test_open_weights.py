"""Open weights through a real server, a real runner and the official client: films of full size from tiny weights."""

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

from tests.server import KEY, start_server

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

WAN, LTX = "fal-ai/wan-i2v", "fal-ai/ltx-video/image-to-video"
LUCY, PRO = "fal-ai/decart/lucy-5b/image-to-video", "fal-ai/wan-pro/image-to-video"
ROUTES = {WAN: ["wan"], LTX: ["rated"], LUCY: ["five"], PRO: ["five"]}
ORIENTATION = 0x0112  # the EXIF tag


class Serving(NamedTuple):
    url: str
    key: str
    log: Path


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One runner with three weights on the CPU, of which one has a variant."""
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from tests.engines.diffusers import tiny, tiny_large

    root = tmp_path_factory.mktemp("open")
    folders = {
        "wan": tiny_large.picture_model(root / "large-picture"),
        "rated": tiny.rated_model(root / "tiny-rated"),
        "five": tiny_large.expanding_model(root / "large-expanding"),
    }
    deployments: dict[str, dict[str, Any]] = {
        name: {"engine": "diffusers", "model": str(folder), "device": "cpu"} for name, folder in folders.items()
    }
    deployments["wan"]["variants"] = {"480p": str(tiny.variant(root / "large-480p", folders["wan"], 30))}
    deployments["five"]["distilled"] = {"steps": 2}
    told = {"deployments": json.dumps(deployments), "routes": json.dumps(ROUTES), "safety": "off"}
    with start_server(root / "data", **told) as started:
        yield Serving(started.url, KEY, root / "data.log")


class Film(NamedTuple):
    size: tuple[int, int]
    frames: int
    rate: Fraction | None
    seconds: float


def film(content: bytes) -> Film:
    with av.open(io.BytesIO(content)) as opened:
        stream = opened.streams.video[0]
        frames = [packet.pts for packet in opened.demux(stream) if packet.size]  # all but decoded, which takes long
        assert frames == sorted(frames)
        opened.seek(0)
        assert next(opened.decode(stream)).width == stream.width
        length = float(opened.duration or 0) / av.time_base
        return Film((stream.width, stream.height), len(frames), stream.average_rate, length)


def data_uri(picture: Image.Image, kind: str, **more: Any) -> str:
    file = io.BytesIO()
    picture.save(file, kind, **more)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"


def see_through(width: int, height: int) -> str:
    """A PNG whose upper half can be seen through."""
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((width, height)))
    return data_uri(picture, "PNG")


def turned(width: int, height: int) -> str:
    """A JPEG that lies on its side, and says so."""
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    return data_uri(Image.linear_gradient("L").resize((height, width)).convert("RGB"), "JPEG", exif=exif)


def done(client: ModuleType, server: Serving, endpoint: str, request: Mapping[str, Any]) -> tuple[Any, str, list[str]]:
    """Return the output, the header that says who served it, and the log's lines."""
    ids: list[str] = []
    seen: list[Any] = []
    output = client.subscribe(endpoint, request, with_logs=True, on_enqueue=ids.append, on_queue_update=seen.append)
    owner = "/".join(endpoint.split("/")[:2])
    answer = httpx.get(
        f"{server.url}/queue/{owner}/requests/{ids[0]}", headers={"authorization": f"Key {KEY}"}, timeout=30
    )
    assert isinstance(seen[-1], fal_client.Completed)
    lines = [line["message"] for line in seen[-1].logs or []]
    return output, answer.headers["x-rushes-served-by"], lines


def test_a_film_streams_its_steps_and_pictures_of_them(client: ModuleType) -> None:
    request = {
        "prompt": "a kite over dunes",
        "image_url": see_through(500, 300),
        "resolution": "480p",
        "num_frames": 82,
        "frames_per_second": 20,
        "num_inference_steps": 3,
        "seed": 2**40 + 5,
    }
    *parts, last = client.stream(WAN, request)
    assert last["seed"] == 2**40 + 5
    made = film(httpx.get(last["video"]["url"]).content)
    assert made == Film((816, 480), 82, Fraction(20), pytest.approx(4.1, abs=0.01))
    shares = [part["progress"] for part in parts if "progress" in part]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    previews = [part["preview"] for part in parts if "preview" in part]
    assert previews
    looked = Image.open(io.BytesIO(base64.b64decode(previews[-1]["url"].partition(",")[2])))
    assert looked.width > looked.height


def test_each_resolution_is_made_with_the_weights_that_were_trained_for_it(client: ModuleType, server: Serving) -> None:
    request = {"prompt": "a tram", "image_url": turned(64, 64), "num_inference_steps": 1, "guide_scale": 1, "seed": 4}
    for resolution, model, side in (("720p", "large-picture", 960), ("480p", "large-480p", 624)):
        output, served_by, lines = done(client, server, WAN, {**request, "resolution": resolution})
        assert film(httpx.get(output["video"]["url"]).content).size == (side, side)
        assert f"model={model}; deployment=wan; seed=4" in served_by
        assert [line for line in lines if line.startswith(f"Served by the diffusers engine ({model}, ")]


def test_a_turned_photograph_becomes_five_seconds(client: ModuleType, server: Serving) -> None:
    request = {"prompt": "a diver", "image_url": turned(300, 400), "num_inference_steps": 1, "guidance_scale": 1}
    output, served_by, lines = done(client, server, LTX, request)
    assert film(httpx.get(output["video"]["url"]).content) == Film(
        (768, 512), 121, Fraction(24), pytest.approx(5.04, abs=0.01)
    )
    assert served_by.startswith("diffusers/")
    assert "model=tiny-rated; deployment=rated" in served_by
    assert "stand-in" not in served_by
    assert served_by.endswith(f"seed={output['seed']}")
    assert [line for line in lines if line == "1 of 1 steps"]
    assert [line for line in lines if line.startswith("Served by the diffusers engine (tiny-rated")]


def test_a_stand_in_says_so_and_puts_the_film_into_the_answer(client: ModuleType, server: Serving) -> None:
    output, served_by, lines = done(client, server, LUCY, {"prompt": "a fox", "image_url": turned(64, 900)})
    kind, _, content = output["video"]["url"].partition(";base64,")
    assert kind == "data:video/mp4"
    assert film(base64.b64decode(content)) == Film((704, 1280), 125, Fraction(25), pytest.approx(5, abs=0.01))
    assert "model=large-expanding+distilled-2-steps; deployment=five; stand-in" in served_by
    assert [line for line in lines if "a stand-in: large-expanding" in line]


def test_a_film_is_brought_to_six_seconds_of_1080p(client: ModuleType, server: Serving) -> None:
    output, served_by, _ = done(
        client, server, PRO, {"prompt": "a dancer", "image_url": see_through(160, 90), "seed": 3}
    )
    made = film(httpx.get(output["video"]["url"]).content)
    assert made == Film((1920, 1080), 180, Fraction(30), pytest.approx(6, abs=0.01))
    assert "model=large-expanding" in served_by
    assert "stand-in; seed=3" in served_by


def test_nothing_of_the_disk_is_told_to_callers_and_no_weights_were_complained_of(server: Serving) -> None:
    log = server.log.read_text()
    assert not re.search(r"can't work|Traceback", log)
