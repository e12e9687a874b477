"""Inference servers end to end: a real server and runner, the real client, each pretended server over loopback HTTP."""

from __future__ import annotations

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
import pytest

from rushes.fakes.servers import MODEL
from rushes.fakes.vendors import SERVERS
from tests.acceptance.test_vendor_kills import crowd_pids, vendors
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

WAN, LTX = "fal-ai/wan-i2v", "fal-ai/ltx-video/image-to-video"
LUCY, LONGCAT = "fal-ai/decart/lucy-5b/image-to-video", "fal-ai/longcat-video/image-to-video/480p"
PHOTOGRAPH = Path(__file__).parent.parent.parent / "examples" / "mountain-path.jpg"
CLIENT = """
import json, sys, fal_client, rushes
rushes.connect(sys.argv[1], key=sys.argv[2])
picture = fal_client.upload_file(sys.argv[5])
print(json.dumps(fal_client.subscribe(sys.argv[3], {**json.loads(sys.argv[4]), "image_url": picture})))
"""
HEADERS = {"authorization": f"Key {KEY}"}


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    with vendors(list(SERVERS)) as said:
        yield said


@pytest.fixture(scope="module")
def server(told: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    def one(dialect: str, weights: str, **more: Any) -> dict[str, Any]:
        url = f"{told['url']}/{dialect}"
        base = {"engine": "server", "dialect": dialect, "url": url, "model": MODEL, "weights": weights}
        return {**base, "poll_s": 0.1, "patience_s": 1, **more}

    i2v = "WanImageToVideoPipeline"
    deployments = {name: one(name, i2v) for name in SERVERS} | {
        "ltx": one("sglang", "LTXImageToVideoPipeline"),
        "small": one("vllm-omni", f"{i2v}+expand_timesteps"),
        "long": one("fastvideo", "LongCat-Video", network="longcat"),
        "gone": one("sglang", "LTXImageToVideoPipeline", url="http://127.0.0.1:9"),
    }
    routes = {
        WAN: [*SERVERS],
        LTX: ["gone", "ltx"],
        LUCY: ["small"],
        LONGCAT: ["long"],
    }
    data = tmp_path_factory.mktemp("servers") / "data"
    with start_server(data, deployments=json.dumps(deployments), routes=json.dumps(routes)) as started:
        yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, headers=HEADERS, timeout=60, trust_env=False) as client:
        yield client


def facts(film: bytes, path: Path) -> tuple[int, int, int, float]:
    """Width, height, frames and rate of a film."""
    path.write_bytes(film)
    with av.open(str(path)) as opened:
        stream = opened.streams.video[0]
        count = sum(1 for _ in opened.decode(stream))
        return stream.width, stream.height, count, float(stream.average_rate or 0)


def ask(client: httpx2.Client, endpoint: str, body: dict[str, Any], **wishes: str) -> tuple[str, str]:
    """Submit by the queue; return the id and the base of its addresses."""
    headers = {f"x-rushes-{name}": value for name, value in wishes.items()}
    taken = client.post(f"/queue/{endpoint}", json=body, headers=headers)
    assert taken.status_code == 200, taken.text
    request_id = taken.json()["request_id"]
    return request_id, f"/queue/{'/'.join(endpoint.split('/')[:2])}/requests/{request_id}"


def ended(client: httpx2.Client, base: str, within_s: float = 90.0) -> tuple[httpx2.Response, list[Any]]:
    give_up_at = time.monotonic() + within_s
    while (status := client.get(f"{base}/status?logs=1").json())["status"] != "COMPLETED":
        assert time.monotonic() < give_up_at, status
        time.sleep(0.1)
    return client.get(base), status["logs"]


@pytest.fixture(scope="module")
def uploaded(server: Server) -> str:
    """The address of a picture on our server."""
    code = (
        "import sys, fal_client, rushes; rushes.connect(sys.argv[1], key=sys.argv[2]); "
        "print(fal_client.upload_file(sys.argv[3]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, server.url, KEY, str(PHOTOGRAPH)], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def tasks(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx2.get(f"{told['url']}/{name}/_fake/tasks", trust_env=False).json()
    return found


@pytest.mark.parametrize("name", list(SERVERS))
def test_the_real_client_gets_its_film_from_each_server(
    name: str, uploaded: str, client: httpx2.Client, tmp_path: Path
) -> None:
    body = {"prompt": "a path", "image_url": uploaded, "resolution": "480p", "num_frames": 82, "seed": 5,
            "aspect_ratio": "1:1", "frames_per_second": 12, "acceleration": "none"}  # fmt: skip
    _, base = ask(client, WAN, body, deployment=name)
    answer, logs = ended(client, base)
    assert answer.status_code == 200, (answer.text, logs)
    assert answer.headers["x-rushes-served-by"].startswith(f"{name}/")
    assert f"model={MODEL}" in answer.headers["x-rushes-served-by"]
    assert "stand-in" not in answer.headers["x-rushes-served-by"]
    output = answer.json()
    assert output["seed"] == 5
    film = client.get(output["video"]["url"]).content
    assert facts(film, tmp_path / "film.mp4") == (624, 624, 82, 12.0)


@pytest.mark.parametrize(
    ("endpoint", "body", "expected", "who"),
    [
        (LTX, {"prompt": "a path"}, (768, 512, 121, 24.0), "sglang"),
        (LUCY, {"prompt": "a path", "sync_mode": False}, (1280, 704, 125, 25.0), "vllm-omni"),
        (LONGCAT, {"prompt": "a path", "num_frames": 50, "fps": 20}, (832, 480, 50, 20.0), "fastvideo"),
    ],
)
def test_what_else_servers_run_comes_through_the_official_client(  # noqa: PLR0917
    endpoint: str, body: dict[str, Any], expected: tuple[Any, ...], who: str, server: Server, client: httpx2.Client,
    tmp_path: Path,
) -> None:  # fmt: skip
    command = [sys.executable, "-c", CLIENT, server.url, KEY, endpoint, json.dumps(body), str(PHOTOGRAPH)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    url = json.loads(done.stdout)["video"]["url"]
    assert facts(client.get(url).content, tmp_path / "film.mp4") == expected
    item = client.get("/v1/models/requests/by-endpoint", params={"endpoint_id": endpoint}).json()["items"][0]
    answer = client.get(f"/queue/{'/'.join(endpoint.split('/')[:2])}/requests/{item['request_id']}")
    served_by = answer.headers["x-rushes-served-by"]
    assert served_by.startswith(f"{who}/")
    assert ("stand-in" in served_by) == (endpoint == LUCY)


def test_a_killed_runner_goes_on_with_the_same_task(
    told: dict[str, Any], server: Server, uploaded: str, client: httpx2.Client
) -> None:
    body = {"prompt": "mark-k fake:looks=12", "image_url": uploaded, "resolution": "480p",
            "aspect_ratio": "1:1", "acceleration": "none"}  # fmt: skip
    _, base = ask(client, WAN, body, deployment="lightx2v")
    mine: list[dict[str, Any]] = []
    give_up_at = time.monotonic() + 60
    while not (mine and mine[0]["looks"] > 2):
        assert time.monotonic() < give_up_at
        mine = [one for one in tasks(told, "lightx2v") if "mark-k" in json.dumps(one["asked"])]
        time.sleep(0.05)
    for pid in crowd_pids(server):
        os.kill(pid, 9)
    answer, logs = ended(client, base)
    assert answer.status_code == 200, (answer.text, logs)
    assert any("Going on with the task" in line["message"] for line in logs)
    assert len([one for one in tasks(told, "lightx2v") if "mark-k" in json.dumps(one["asked"])]) == 1


@pytest.mark.parametrize("name", ["sglang", "lightx2v"])
def test_a_callers_cancel_reaches_the_server(
    name: str, told: dict[str, Any], uploaded: str, client: httpx2.Client
) -> None:
    body = {"prompt": f"mark-{name} fake:looks=5000", "image_url": uploaded, "resolution": "480p",
            "acceleration": "none"}  # fmt: skip
    _, base = ask(client, WAN, body, deployment=name)
    mine: list[dict[str, Any]] = []
    give_up_at = time.monotonic() + 60
    while not (mine and (mine[0]["looks"] > 2 or mine[0]["cancelled"])):
        assert time.monotonic() < give_up_at
        mine = [one for one in tasks(told, name) if f"mark-{name}" in json.dumps(one["asked"])]
        time.sleep(0.05)
    assert client.put(f"{base}/cancel").status_code < 300
    while not mine[0]["cancelled"]:
        assert time.monotonic() < give_up_at
        mine = [one for one in tasks(told, name) if f"mark-{name}" in json.dumps(one["asked"])]
        time.sleep(0.05)


def test_a_server_that_is_gone_leaves_the_job_to_the_next_deployment(uploaded: str, client: httpx2.Client) -> None:
    _, base = ask(client, LTX, {"prompt": "a path", "image_url": uploaded})
    answer, logs = ended(client, base)
    assert answer.status_code == 200, answer.text
    assert "deployment=ltx" in answer.headers["x-rushes-served-by"]
    assert any("gone could not do it" in line["message"] for line in logs)
    assert not any("127.0.0.1:9" in line["message"] for line in logs), "a caller learns no address"


def test_progress_is_seen_in_the_log(uploaded: str, client: httpx2.Client) -> None:
    body = {"prompt": "a path fake:looks=12", "image_url": uploaded, "resolution": "480p",
            "acceleration": "none"}  # fmt: skip
    _, base = ask(client, WAN, body, deployment="sglang")
    answer, logs = ended(client, base)
    assert answer.status_code == 200, answer.text
    shares = [float(line["labels"]["progress"]) for line in logs if "progress" in (line.get("labels") or {})]
    assert shares == sorted(shares)
    assert any(0 < share < 1 for share in shares)
