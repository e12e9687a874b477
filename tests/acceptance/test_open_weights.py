"""Open weights that fail, are killed or make room for each other, in real processes: the queue moves on."""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import httpx2
import pytest
from PIL import Image

from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(900)]

LTX = "fal-ai/ltx-video/image-to-video"
QUEUE = f"/queue/{LTX}"
REQUESTS = "/queue/fal-ai/ltx-video/requests"
PATIENCE_S = 300.0
MANY = 60  # steps: the runner is killed in one of them
ONE_OF_TWO_GB = 0.0015  # the weights take 1.05 MB


class Setup(NamedTuple):
    server: Server
    log: Path


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from tests.engines.diffusers import tiny_large

    return tiny_large.rated_model(tmp_path_factory.mktemp("weights") / "large-rated")


@pytest.fixture(scope="module")
def setup(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """One runner that holds two deployments in turn, one of broken numbers, and one that has no room."""
    import torch
    from safetensors.torch import load_file, save_file

    root = tmp_path_factory.mktemp("trouble")
    broken = Path(shutil.copytree(weights, root / "broken"))
    (path,) = (broken / "transformer").glob("*.safetensors")
    tensors = {name: torch.full_like(one, float("nan")) for name, one in load_file(path).items()}
    save_file(tensors, path, metadata={"format": "pt"})
    folders = {"first": weights, "second": weights, "broken": broken, "tight": weights}
    limits = {"first": ONE_OF_TWO_GB, "second": ONE_OF_TWO_GB, "broken": None, "tight": 0.0001}
    deployments = {
        name: {"engine": "diffusers", "model": str(folder), "device": "cpu", "memory_gb": limits[name]}
        for name, folder in folders.items()
    }
    told = {"deployments": json.dumps(deployments), "routes": json.dumps({LTX: list(deployments)}), "safety": "off"}
    with start_server(root / "data", **told) as server:
        yield Setup(server, root / "data.log")


@pytest.fixture
def client(setup: Setup) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {KEY}", "x-rushes-fallback": "no"}
    with httpx2.Client(base_url=setup.server.url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def picture() -> str:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((96, 64)).convert("RGB").save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def submit(client: httpx2.Client, deployment: str, **members: Any) -> str:
    body = {"prompt": "a kite", "image_url": picture(), "num_inference_steps": 1, "seed": 5, **members}
    answer = client.post(QUEUE, json=body, headers={"x-rushes-deployment": deployment})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["request_id"])


def status(client: httpx2.Client, request_id: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"{REQUESTS}/{request_id}/status", params={"logs": 1}).json()
    return told


def wait(client: httpx2.Client, request_id: str) -> tuple[httpx2.Response, list[str]]:
    """Return the answer to a request once it has ended, and its log."""
    give_up_at = time.monotonic() + PATIENCE_S
    while (told := status(client, request_id))["status"] != "COMPLETED":
        assert time.monotonic() < give_up_at, told
        time.sleep(0.2)
    return client.get(f"{REQUESTS}/{request_id}"), [line["message"] for line in told["logs"]]


def wait_for_step(client: httpx2.Client, request_id: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not any(f" of {MANY} steps" in line["message"] for line in status(client, request_id).get("logs") or []):
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def frames(client: httpx2.Client, answer: httpx2.Response) -> bytes:
    """Return a film's decoded pixels, having seen that it is whole."""
    assert answer.status_code == 200, answer.text
    with av.open(io.BytesIO(client.get(answer.json()["video"]["url"]).content)) as film:
        whole = list(film.decode(video=0))
    assert len(whole) == 121
    pictures = [one.to_ndarray(format="rgb24") for one in whole[::40]]
    assert pictures[0].shape == (512, 768, 3)
    return b"".join(one.tobytes() for one in pictures)


@pytest.mark.parametrize(
    ("deployment", "told", "remedy"),
    [
        ("broken", "NaN or infinity", "verify the weights' checksums"),
        ("tight", "too little memory", "set offload, quantisation or tiling"),
    ],
)
def test_what_cannot_be_made_is_told_and_the_operator_reads_why(
    setup: Setup, client: httpx2.Client, deployment: str, told: str, remedy: str
) -> None:
    answer, lines = wait(client, submit(client, deployment))
    assert answer.status_code == 500
    problem = answer.json()["detail"][0]
    assert problem["type"] == "internal_server_error"
    assert told in problem["msg"]
    assert "/" not in problem["msg"]
    assert not [line for line in lines if "/large-rated" in line or "/broken" in line]
    assert [
        line
        for line in setup.log.read_text().splitlines()
        if f"by the deployment {deployment}" in line and remedy in line
    ]


@pytest.mark.parametrize(("deployment", "number"), [("first", signal.SIGKILL), ("second", signal.SIGTERM)])
def test_a_job_whose_runner_ends_in_a_step_is_done_once_by_the_next(
    setup: Setup, client: httpx2.Client, deployment: str, number: int
) -> None:
    request_id = submit(client, deployment, num_inference_steps=MANY)
    behind = submit(client, "broken")
    wait_for_step(client, request_id)
    before = setup.server.runner_pids()
    for pid in before:
        os.kill(pid, number)
    answer, lines = wait(client, request_id)
    frames(client, answer)
    assert lines.count(f"1 of {MANY} steps") == 2
    assert f"deployment={deployment}; seed=5" in answer.headers["x-rushes-served-by"]
    assert not set(before) & set(setup.server.runner_pids())
    assert wait(client, behind)[0].status_code == 500


def test_two_deployments_that_do_not_fit_together_answer_in_turn(client: httpx2.Client) -> None:
    one, other = submit(client, "first"), submit(client, "second")
    again = submit(client, "first")
    made = [wait(client, request_id) for request_id in (one, other, again)]
    assert "first makes room on cpu for second" in made[1][1]
    assert "second makes room on cpu for first" in made[2][1]
    pixels = {frames(client, answer) for answer, _ in made}
    assert len(pixels) == 1, "the same weights, request and seed"


def test_wrong_weights_are_all_named_before_the_server_starts(weights: Path, tmp_path: Path) -> None:
    missing, cut = (Path(shutil.copytree(weights, tmp_path / name)) for name in ("missing", "cut"))
    shutil.rmtree(missing / "vae")
    (path,) = (cut / "text_encoder").glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-7])
    (tmp_path / "empty").mkdir()
    models = {"missing": str(missing), "cut": str(cut), "wrong": str(tmp_path / "empty"), "away": "acme/film"}
    deployments = {name: {"engine": "diffusers", "model": model} for name, model in models.items()}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUSHES_")}
    environment |= {"RUSHES_DEPLOYMENTS": json.dumps(deployments), "HF_HOME": str(tmp_path / "hub")}
    command = [sys.executable, "-m", "rushes.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "deployments.missing:" in said
    assert "the part 'vae' (AutoencoderKLLTXVideo) isn't there" in said
    assert "model.safetensors has" in said
    assert "deployments.wrong:" in said
    assert "holds no model_index.json" in said
    assert "rushes runner prepare away" in said
    assert "Traceback" not in said
