"""Films that vendors make of pictures, end to end with real processes and the real client: what comes and is said."""

import base64
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from tests.acceptance.test_vendor_kills import vendors
from tests.acceptance.test_vendor_routes import CLIENT, ask
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

VEO, LUCY = "fal-ai/veo2/image-to-video", "fal-ai/decart/lucy-5b/image-to-video"
PICTURED, TOLD = "fal-ai/wan-pro/image-to-video", "fal-ai/wan-pro/text-to-video"
VEO_2, VEO_3, LUCY_DEV = "veo-2.0-generate-001", "veo-3.1-generate-preview", "lucy-dev-i2v"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start a server with each vendor as the only way of its endpoints."""
    names = ["google", "dashscope", "decart"]
    more: dict[str, dict[str, Any]] = {
        "google": {"models": {VEO_2: VEO_3}, "prices": {f"{VEO_3}:seconds": 0.4}},
        "decart": {"models": {LUCY_DEV: LUCY_DEV}},
    }
    with vendors(names) as told:
        deployments = {
            name: {
                "engine": "vendor",
                "vendor": name,
                "key": told["keys"][name],
                "url": f"{told['url']}/{name}",
                "poll_s": 0.1,
                **more.get(name, {}),
            }
            for name in names
        }
        routes = {VEO: ["google"], "fal-ai/wan-pro/*": ["dashscope"], LUCY: ["decart"]}
        data = tmp_path_factory.mktemp("films") / "data"
        with start_server(data, deployments=json.dumps(deployments), routes=json.dumps(routes)) as started:
            yield started


@pytest.fixture
def client(server: Server) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {KEY}"}
    with httpx2.Client(base_url=server.url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def still(width: int = 800, height: int = 600) -> str:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def messages(logs: list[Any], level: str) -> str:
    return "\n".join(line["message"] for line in logs if line["level"] == level)


def test_a_successor_is_declared_and_its_longer_film_is_said(client: httpx2.Client) -> None:
    answer, logs = ask(client, VEO, {"prompt": "a boat", "image_url": still(), "duration": "5s"})
    assert answer.status_code == 200, answer.text
    assert f"model={VEO_3}" in answer.headers["x-rushes-served-by"]
    assert "stand-in" in answer.headers["x-rushes-served-by"]
    assert "6.00 s" in messages(logs, "WARN")
    assert "5.00 s" in messages(logs, "WARN")
    paid = next(one for one in client.get("/v1/costs").json()["costs"] if one["endpoint_id"] == VEO)
    assert paid["usage"]["seconds"] == 6.0
    assert paid["cost"] == pytest.approx(2.4)


def test_a_film_of_five_seconds_is_taken_for_six_and_said(client: httpx2.Client) -> None:
    answer, logs = ask(client, PICTURED, {"prompt": "a boat", "image_url": still(), "seed": 7})
    assert answer.status_code == 200, answer.text
    assert answer.json()["video"]["url"].startswith("http")
    assert "stand-in" not in answer.headers["x-rushes-served-by"]
    assert "5.00 s" in messages(logs, "WARN")
    assert "6.00 s" in messages(logs, "WARN")
    assert "the camera is calm" in messages(logs, "INFO")


def test_the_film_is_in_the_answer_where_that_is_asked_for(client: httpx2.Client) -> None:
    answer, logs = ask(client, LUCY, {"prompt": "a boat", "image_url": still(600, 800)})
    assert answer.status_code == 200, answer.text
    kind, _, content = answer.json()["video"]["url"].partition(";base64,")
    assert (kind, base64.b64decode(content)[4:8]) == ("data:video/mp4", b"ftyp")
    assert messages(logs, "WARN") == ""


@pytest.mark.parametrize(
    ("endpoint", "body", "type_", "field"),
    [
        (TOLD, {"prompt": "x" * 801}, "string_too_long", "prompt"),
        (PICTURED, {"prompt": "a boat", "image_url": still(64, 1280)}, "image_too_small", "image_url"),
        (VEO, {"prompt": "a boat fake:invalid", "image_url": still()}, "value_error", "duration"),
        (LUCY, {"prompt": "x" * 1001, "image_url": still()}, "string_too_long", "prompt"),
    ],
)
def test_what_the_caller_can_mend_names_the_field(
    client: httpx2.Client, endpoint: str, body: dict[str, str], type_: str, field: str
) -> None:
    answer, _ = ask(client, endpoint, body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()["detail"][0]
    assert (problem["type"], problem["loc"]) == (type_, ["body", field])


def test_the_real_client_gets_its_film(server: Server, client: httpx2.Client) -> None:
    command = [sys.executable, "-c", CLIENT, server.url, KEY, TOLD, json.dumps({"prompt": "a boat"})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    url = json.loads(done.stdout)["video"]["url"]
    assert client.get(url).content[4:8] == b"ftyp"
    assert Path(url).suffix == ".mp4"
