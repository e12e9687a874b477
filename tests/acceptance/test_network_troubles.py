"""What goes wrong with a network of our own in a real server with a real runner: each is told, and the queue goes on.

Broken numbers in the weights, too little memory, weights that went away, a runner killed in a step, a cancel; and what
the server says at its start of weights that can't work.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = "fal-ai/longcat-video"
GOOD = f"{ROOT}/distilled/text-to-video/480p"
ROUTES = {
    f"{ROOT}/text-to-video/480p": ["broken"],
    f"{ROOT}/text-to-video/720p": ["cramped"],
    f"{ROOT}/distilled/text-to-video/720p": ["gone"],
    GOOD: ["mine"],
}
ASKED: dict[str, Any] = {"prompt": "a fox", "num_frames": 17, "num_inference_steps": 1, "seed": 5}
STEPS = 20
WAIT_S = 180.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    from tests.engines.longcat import tiny

    root = tmp_path_factory.mktemp("weights")
    return tiny.write_model(root / "tiny-longcat", tiny.QUICK, tiny.quick_vae())


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Server]:
    """One runner: weights that work, that hold a NaN, that have too little memory, and that go away."""
    from safetensors.torch import load_file, save_file

    root = folder.parent
    for name in ("broken", "gone"):
        shutil.copytree(folder, root / name)
    shard = next((root / "broken" / "dit").glob("*.safetensors"))
    tensors = load_file(shard)
    next(one for one in tensors.values() if one.ndim == 2)[0, 0] = float("nan")
    save_file(tensors, shard)
    deployments = {
        "mine": deployment(folder),
        "broken": deployment(root / "broken"),
        "cramped": deployment(folder, memory_gb=0.0001),
        "gone": deployment(root / "gone"),
    }
    told = {"deployments": json.dumps(deployments), "routes": json.dumps(ROUTES)}
    with start_server(root / "data", **told) as started:
        yield started


def deployment(folder: Path, **more: Any) -> dict[str, Any]:
    told = {"engine": "network", "network": "longcat", "model": str(folder), "device": "cpu", "warm_up": False}
    return told | more


def asking(server: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{server.url}/queue", headers={"authorization": f"Key {KEY}"}, timeout=60)


def submitted(client: httpx.Client, endpoint: str, **more: Any) -> str:
    answer = client.post(f"/{endpoint}", json=ASKED | more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["request_id"])


def status(client: httpx.Client, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/{ROOT}/requests/{request_id}/status?logs=1").json()
    return found


def until(client: httpx.Client, request_id: str, words: str) -> dict[str, Any]:
    """Wait until the status, or a line of the log, has these words."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        found = status(client, request_id)
        if words in json.dumps(found):
            return found
        assert found["status"] != "COMPLETED", found
        time.sleep(0.05)
    raise AssertionError(f"{request_id} never came to {words!r}: {found}")


def outcome(client: httpx.Client, request_id: str) -> httpx.Response:
    until(client, request_id, "COMPLETED")
    return client.get(f"/{ROOT}/requests/{request_id}")


def check_good(client: httpx.Client) -> None:
    """The queue goes on: a film is made."""
    answer = outcome(client, submitted(client, GOOD))
    assert answer.status_code == 200, answer.text
    assert answer.json()["video"]["content_type"] == "video/mp4"
    assert "model=tiny-longcat; deployment=mine" in answer.headers["x-rushes-served-by"]


def test_each_kind_of_trouble_is_told_by_its_type_and_the_queue_goes_on(server: Server, folder: Path) -> None:
    shutil.rmtree(folder.parent / "gone")  # after it was read; its LoRA is read when it is first needed
    with asking(server) as client:
        for endpoint, words in (
            (f"{ROOT}/text-to-video/480p", "NaN or infinity"),
            (f"{ROOT}/text-to-video/720p", "too little memory on this server's device"),
            (f"{ROOT}/distilled/text-to-video/720p", "missing or can't be used"),
        ):
            refined = {"num_refine_inference_steps": 1} if endpoint.endswith("720p") else {}
            answer = outcome(client, submitted(client, endpoint, **refined))
            problem = answer.json()["detail"][0]
            assert (answer.status_code, problem["type"]) == (500, "internal_server_error")
            assert words in problem["msg"]
            assert str(folder.parent) not in answer.text, "callers learn nothing of folders"
        check_good(client)
    log = folder.parent.joinpath("data.log").read_text()
    assert "NaN or infinity in " in log
    assert "tiny-longcat needs 0.00 GB of cpu" in log


def test_a_cancelled_film_ends_at_once_and_the_next_one_is_made(server: Server) -> None:
    with asking(server) as client:
        request_id = submitted(client, GOOD, num_inference_steps=STEPS)
        until(client, request_id, f"1 of {STEPS} steps")
        answer = client.put(f"/{ROOT}/requests/{request_id}/cancel")
        assert answer.status_code == 202, answer.text
        ended = until(client, request_id, "COMPLETED")
        steps = [line for line in ended["logs"] if line["message"].endswith(" steps")]
        assert len(steps) < STEPS
        check_good(client)


def test_a_runner_killed_in_a_step_loses_no_job(server: Server) -> None:
    with asking(server) as client:
        request_id = submitted(client, GOOD, num_inference_steps=STEPS)
        waiting = submitted(client, GOOD)
        until(client, request_id, f"2 of {STEPS} steps")
        server.kill_runners()
        answer = outcome(client, request_id)
        assert answer.status_code == 200, answer.text
        ended = status(client, request_id)
        assert sum(line["message"] == f"{STEPS} of {STEPS} steps" for line in ended["logs"]) == 1
        assert sum(line["message"] == f"1 of {STEPS} steps" for line in ended["logs"]) == 2
        assert outcome(client, waiting).status_code == 200


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (shutil.rmtree, "there is no folder"),
        (lambda folder: shutil.rmtree(folder / "vae"), "vae is missing, a part of the official weights"),
        (
            lambda folder: (folder / "lora" / "refinement_lora.safetensors").unlink(),
            "refinement_lora.safetensors is missing, a part of the official weights; fetch it with: rushes runner",
        ),
    ],
)
def test_weights_that_can_not_work_are_told_before_the_server_starts(
    folder: Path, tmp_path: Path, change: Any, words: str
) -> None:
    broken = tmp_path / "copy"
    shutil.copytree(folder, broken)
    change(broken)
    config = tmp_path / "rushes.toml"
    config.write_text(
        f'[deployments.mine]\nengine = "network"\nnetwork = "longcat"\nmodel = "{broken}"\n'
        f'[routes]\n"{ROOT}/*" = ["mine"]\n'
    )
    command = [sys.executable, "-m", "rushes.cli", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    ran = subprocess.run([*command, "--config", str(config)], check=False, capture_output=True, text=True)
    assert ran.returncode != 0
    assert words in " ".join(ran.stderr.split())
    assert "deployments.mine" in ran.stderr
    assert "Traceback" not in ran.stderr
