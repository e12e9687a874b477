"""Routes of deployments end to end, with real processes and the real client; and no key shows after all of it."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.acceptance.test_vendor_kills import vendors
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

DEAD = "dead-id-7Qx4Lw:dead-secret-9ZkV2m"
IMAGE, SPEECH, VIDEO = (
    "fal-ai/minimax/image-01",
    "fal-ai/minimax/speech-02-hd",
    "fal-ai/kling-video/v1/standard/text-to-video",
)
CLIENT = """
import json, sys, fal_client, rushes
rushes.connect(sys.argv[1], key=sys.argv[2])
print(json.dumps(fal_client.subscribe(sys.argv[3], json.loads(sys.argv[4]))))
"""


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    with vendors(["fal", "kling"]) as said:
        yield said


@pytest.fixture(scope="module")
def server(told: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    data = tmp_path_factory.mktemp("vendors") / "data"

    def one(vendor: str, key: str | None = None) -> dict[str, Any]:
        url = f"{told['url']}/{vendor}"
        return {"engine": "vendor", "vendor": vendor, "key": key or told["keys"][vendor], "url": url, "patience_s": 1}

    held = one("fal")
    del held["key"]
    deployments = {
        "dead": one("fal", DEAD),
        "mine": {**held, "key_env": "MY_FAL_KEY", "prices": {"requests": 0.04}},
        "kling": one("kling"),
    }
    routes = {IMAGE: ["dead", "animatic"], SPEECH: ["mine", "animatic"], VIDEO: ["kling", "animatic"]}
    os.environ["MY_FAL_KEY"] = told["keys"]["fal"]
    try:
        with start_server(data, deployments=json.dumps(deployments), routes=json.dumps(routes)) as started:
            yield started, data
    finally:
        del os.environ["MY_FAL_KEY"]


@pytest.fixture
def client(server: tuple[Server, Path]) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {KEY}"}
    with httpx2.Client(base_url=server[0].url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def ask(client: httpx2.Client, endpoint: str, body: dict[str, Any], **wishes: str) -> tuple[httpx2.Response, list[Any]]:
    """Submit, wait for the end; return the answer and the log."""
    headers = {f"x-rushes-{name}": value for name, value in wishes.items()}
    taken = client.post(f"/queue/{endpoint}", json=body, headers=headers)
    assert taken.status_code == 200, taken.text
    base = f"/queue/{'/'.join(endpoint.split('/')[:2])}/requests/{taken.json()['request_id']}"
    give_up_at = time.monotonic() + 60
    while (status := client.get(f"{base}/status?logs=1").json())["status"] != "COMPLETED":
        assert time.monotonic() < give_up_at, status
        time.sleep(0.1)
    return client.get(base), status["logs"]


def test_the_real_client_is_served_by_the_next_deployment_and_told_of_the_stand_in(
    server: tuple[Server, Path], client: httpx2.Client
) -> None:
    command = [sys.executable, "-c", CLIENT, server[0].url, KEY, IMAGE, json.dumps({"prompt": "a boat"})]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["images"][0]["url"].startswith(server[0].url)
    answer, logs = ask(client, IMAGE, {"prompt": "a boat"})
    assert answer.status_code == 200
    assert "animatic" in answer.headers["x-rushes-served-by"]
    assert "stand-in" in answer.headers["x-rushes-served-by"]
    assert any(line["level"] == "WARN" and "next deployment" in line["message"] for line in logs)


def test_a_caller_may_forbid_others_and_gets_no_secret(client: httpx2.Client) -> None:
    answer, _ = ask(client, IMAGE, {"prompt": "a boat"}, fallback="0")
    assert answer.status_code >= 500
    assert answer.json()["detail"][0]["type"] == "downstream_service_unavailable"


def test_a_caller_may_name_a_deployment_of_the_route(client: httpx2.Client) -> None:
    answer, _ = ask(client, IMAGE, {"prompt": "a boat"}, deployment="animatic")
    assert "animatic" in answer.headers["x-rushes-served-by"]
    refused = client.post(f"/queue/{IMAGE}", json={"prompt": "x"}, headers={"x-rushes-deployment": "kling"})
    assert refused.status_code == 400
    assert "animatic" in refused.text


@pytest.mark.parametrize(
    ("word", "status", "kind"), [("moderated", 422, "content_policy_violation"), ("invalid", 422, "value_error")]
)
def test_what_the_request_is_to_blame_for_does_not_fall_through(
    client: httpx2.Client, word: str, status: int, kind: str
) -> None:
    answer, _ = ask(client, VIDEO, {"prompt": f"a boat fake:{word}", "duration": "5"})
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (status, kind)


@pytest.mark.parametrize("word", ["", "key", "balance", "rate", "server_error", "hang_up", "unknown", "end_failed"])
def test_every_way_it_can_go_ends(client: httpx2.Client, word: str) -> None:
    answer, _ = ask(client, SPEECH, {"text": f"hello fake:{word}"})
    assert answer.status_code == 200 or word in {"hang_up", "unknown"}, answer.text
    if not word:
        assert answer.headers["x-rushes-served-by"].startswith("fal/")


def test_costs_stand_beside_what_was_billed(client: httpx2.Client) -> None:
    ask(client, SPEECH, {"text": "hello"})
    found = {(one["deployment"], one["endpoint_id"]): one for one in client.get("/v1/costs").json()["costs"]}
    paid = found["mine", SPEECH]
    assert paid["requests"] == paid["requests_with_cost"] >= 1
    assert paid["cost"] == pytest.approx(0.04 * paid["requests"])
    assert paid["usage"] == {"requests": float(paid["requests"])}


def test_no_key_shows_anywhere(told: dict[str, Any], server: tuple[Server, Path], client: httpx2.Client) -> None:
    started, data = server
    ask(client, IMAGE, {"prompt": "a boat"}, fallback="0")
    answers = []
    for job in client.get("/v1/models/requests/by-endpoint", params={"endpoint_id": IMAGE}).json().get("items", []):
        answers.append(json.dumps(job).encode())
    parts = [part for key in (DEAD, *told["keys"].values()) for part in (key, *key.split(":"))]
    forms = {part.encode() for part in parts} | {base64.b64encode(part.encode()).rstrip(b"=") for part in parts}
    files = [path for path in data.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".db") for path in files)
    texts = {str(path): path.read_bytes() for path in (*files, data.parent / f"{data.name}.log")}
    texts |= {f"answer {number}": answer for number, answer in enumerate(answers)}
    for pid in started.runner_pids():
        texts[f"command line of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            texts[f"environment of {child}"] = Path(f"/proc/{child}/environ").read_bytes()
            texts[f"command line of {child}"] = Path(f"/proc/{child}/cmdline").read_bytes()
    texts["command line"] = Path(f"/proc/{started.process.pid}/cmdline").read_bytes()
    shown = [(where, form) for where, text in texts.items() for form in forms if form in text]
    assert shown == []
    assert b"the key is refused" in texts[str(data.parent / f"{data.name}.log")]
