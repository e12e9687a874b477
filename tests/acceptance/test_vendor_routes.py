"""Routes of deployments end to end, with real processes and the real client; and no key shows after all of it."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.work.breaker import FAILURES
from tests.acceptance.test_vendor_kills import vendors
from tests.server import KEY, Server, start_server

pytestmark = [pytest.mark.acceptance, pytest.mark.slow]

DEAD = "dead-id-7Qx4Lw:dead-secret-9ZkV2m"
IMAGE, SPEECH, VIDEO = (
    "fal-ai/minimax/image-01",
    "fal-ai/minimax/speech-02-hd",
    "fal-ai/kling-video/v1/standard/text-to-video",
)
FAILING, SIGNED, RETIRED = (
    "fal-ai/minimax/speech-02-turbo",
    "fal-ai/kling-video/v1.6/standard/text-to-video",
    "fal-ai/luma-dream-machine",
)
TOKEN = re.compile(rb"eyJ[\w-]{8,}\.[\w-]+")  # a signed token, which Kling is shown instead of the key
CLIENT = """
import json, sys, fal_client, rushes
rushes.connect(sys.argv[1], key=sys.argv[2])
print(json.dumps(fal_client.subscribe(sys.argv[3], json.loads(sys.argv[4]))))
"""


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, Any]]:
    with vendors(["fal", "kling", "luma"]) as said:
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
        "failing": one("fal"),
        "kling-dead": one("kling", DEAD),
        "luma": {**one("luma"), "models": {"ray-1-6": "ray-flash-2"}},
    }
    routes = {
        IMAGE: ["dead", "animatic"],
        SPEECH: ["mine", "animatic"],
        VIDEO: ["kling", "animatic"],
        FAILING: ["failing", "animatic"],
        SIGNED: ["kling-dead"],
        RETIRED: ["luma"],
    }
    os.environ["MY_FAL_KEY"] = told["keys"]["fal"]
    try:
        with start_server(data, deployments=json.dumps(deployments), routes=json.dumps(routes)) as started:
            yield started, data
    finally:
        del os.environ["MY_FAL_KEY"]


@pytest.fixture(scope="module")
def answers() -> dict[str, bytes]:
    """Every answer that the tests got, headers and body, by number, method, status and path."""
    return {}


@pytest.fixture
def client(server: tuple[Server, Path], answers: dict[str, bytes]) -> Iterator[httpx2.Client]:
    def keep(answer: httpx2.Response) -> None:
        asked = answer.request
        name = f"{len(answers)} {asked.method} {answer.status_code} {asked.url.path}"
        answers[name] = repr(sorted(answer.headers.items())).encode() + answer.read()

    headers, hooks = {"authorization": f"Key {KEY}"}, {"response": [keep]}
    url = server[0].url
    with httpx2.Client(base_url=url, headers=headers, event_hooks=hooks, timeout=60, trust_env=False) as client:
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


def test_a_deployment_that_keeps_failing_gets_a_rest_and_its_jobs_go_straight_to_the_next(
    told: dict[str, Any], client: httpx2.Client
) -> None:
    def tasks() -> int:
        return len(httpx2.get(f"{told['url']}/fal/_fake/tasks", trust_env=False).json())

    for _ in range(FAILURES):
        before = tasks()
        answer, logs = ask(client, FAILING, {"text": "hello fake:end_failed"})
        assert (answer.status_code, tasks() - before) == (200, 1), answer.text
        assert any("failing could not do it" in line["message"] for line in logs)
    before = tasks()
    answer, logs = ask(client, FAILING, {"text": "hello"})
    assert "animatic" in answer.headers["x-rushes-served-by"]
    assert tasks() == before, "it was not asked"
    (passed,) = [line for line in logs if "rests after failures" in line["message"]]
    assert (passed["level"], passed["message"].split()[0]) == ("WARN", "failing")


def test_a_successor_of_a_retired_model_is_declared(client: httpx2.Client) -> None:
    answer, logs = ask(client, RETIRED, {"prompt": "a boat on a lake"})
    assert answer.status_code == 200, answer.text
    served_by = answer.headers["x-rushes-served-by"]
    assert served_by.startswith("luma/")
    assert "model=ray-flash-2" in served_by
    assert "stand-in" in served_by
    assert any(line["level"] == "WARN" and "a stand-in: ray-flash-2" in line["message"] for line in logs)


def test_a_refused_token_of_a_signing_vendor_is_the_operators_trouble(client: httpx2.Client) -> None:
    answer, _ = ask(client, SIGNED, {"prompt": "a boat"})
    assert answer.status_code >= 500
    assert answer.json()["detail"][0]["type"] == "downstream_service_unavailable"


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


def visit_all(client: httpx2.Client, answers: dict[str, bytes]) -> None:
    """Ask for whatever tells of requests, costs and endpoints, and for what is wrong, and see that there is something.

    A search of nothing finds nothing.
    """
    for endpoint in (IMAGE, SPEECH, VIDEO, FAILING, SIGNED, RETIRED):
        wanted = {"endpoint_id": endpoint, "expand": "payloads"}
        items = client.get("/v1/models/requests/by-endpoint", params=wanted).json()["items"]
        assert items, endpoint
        assert all(item["json_input"] for item in items)
        assert any(item["json_output"] for item in items)
        page = client.get(f"/models/{endpoint}")
        assert (page.status_code, endpoint in page.text) == (200, True)
    for path, words in {
        "/v1/costs": "mine",
        "/v1/models?limit=100": IMAGE,
        "/v1/models/usage?expand=time_series": "",
        "/models": IMAGE,
        "/metrics": "",
        "/v1/keys": "",
    }.items():
        told = client.get(path)
        assert (told.status_code, bool(told.content), words in told.text) == (200, True, True), (path, told.text)
    assert client.get("/v1/costs?start=nonsense").status_code == 400
    assert client.post(f"/queue/{IMAGE}", json={"prompt": "x"}, headers={"x-rushes-deployment": "?"}).status_code == 400
    assert client.post(f"/queue/{IMAGE}", content=b"{").status_code == 422
    kinds = {name.split()[2][0] for name in answers}
    assert kinds >= {"2", "4", "5"}, "good answers, callers' errors and the operator's"
    assert sum(map(len, answers.values())) > 100_000


def test_no_key_shows_anywhere(
    told: dict[str, Any], server: tuple[Server, Path], client: httpx2.Client, answers: dict[str, bytes]
) -> None:
    started, data = server
    ask(client, IMAGE, {"prompt": "a boat"}, fallback="0")
    ask(client, SIGNED, {"prompt": "a boat"})
    visit_all(client, answers)
    parts = [part for key in (DEAD, *told["keys"].values()) for part in (key, *key.split(":"))]
    forms = {part.encode() for part in parts} | {base64.b64encode(part.encode()).rstrip(b"=") for part in parts}
    files = [path for path in data.rglob("*") if path.is_file()]
    assert any(path.name.endswith(".db") for path in files)
    texts = {str(path): path.read_bytes() for path in (*files, data.parent / f"{data.name}.log")}
    texts |= {f"answer {name}": answer for name, answer in answers.items()}
    for pid in started.runner_pids():
        texts[f"command line of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            texts[f"environment of {child}"] = Path(f"/proc/{child}/environ").read_bytes()
            texts[f"command line of {child}"] = Path(f"/proc/{child}/cmdline").read_bytes()
    texts["command line"] = Path(f"/proc/{started.process.pid}/cmdline").read_bytes()
    shown = [(where, form) for where, text in texts.items() for form in forms if form in text]
    assert shown == []
    assert [where for where, text in texts.items() if where.startswith(("answer", "/")) and TOKEN.search(text)] == []
    assert b"the key is refused" in texts[str(data.parent / f"{data.name}.log")]
