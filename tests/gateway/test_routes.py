from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.live import AUTH, Gateway, running

HOSTS = ["queue.fal.run", "QUEUE.FAL.RUN", "queue.fal.run:443", "queue.falrun.com", "Queue.Fal.Run:8080"]


@pytest.mark.parametrize("host", HOSTS)
def test_fals_queue_host_and_our_prefix_give_the_same_answers(gateway: Gateway, host: str) -> None:
    by_host = gateway.client.post("/fal-ai/clip", json={"prompt": "x"}, headers={"host": host}).json()
    by_path = gateway.submit()
    assert by_host.keys() == by_path.keys()
    assert by_host["response_url"] == f"http://{host}/fal-ai/clip/requests/{by_host['request_id']}"
    for answer, headers in ((by_host, {"host": host}), (by_path, {})):
        path = answer["status_url"].removeprefix(f"http://{host}").removeprefix(gateway.url)
        status = gateway.get(path, headers=headers)
        assert status.status_code == 202
        assert status.json()["status_url"] == answer["status_url"]


@pytest.mark.parametrize(
    ("host", "forwarded", "path", "base"),
    [
        ("127.0.0.1:8787", "queue.fal.run", "/fal-ai/clip", "https://queue.fal.run"),
        ("queue.fal.run", "studio.example", "/fal-ai/clip", "https://studio.example/queue"),
        ("127.0.0.1:8787", "studio.example", "/queue/fal-ai/clip", "https://studio.example/queue"),
        ("queue.fal.run", "", "/fal-ai/clip", "https://queue.fal.run"),
    ],
)
def test_behind_a_proxy_urls_lead_back_to_the_host_that_the_caller_asked(
    tmp_path: Path, host: str, forwarded: str, path: str, base: str
) -> None:
    headers = {"host": host, "x-forwarded-host": forwarded, "x-forwarded-proto": "https"}
    with running(tmp_path, behind_proxy=True) as gateway:
        answer = gateway.client.post(path, json={"prompt": "x"}, headers=headers).json()
    assert answer["response_url"] == f"{base}/fal-ai/clip/requests/{answer['request_id']}"


def test_without_a_proxy_forwarded_hosts_mean_nothing(gateway: Gateway) -> None:
    headers = {"x-forwarded-host": "queue.fal.run"}
    assert gateway.client.post("/fal-ai/clip", json={"prompt": "x"}, headers=headers).status_code == 404


def test_the_run_host_runs(gateway: Gateway) -> None:
    response = gateway.client.post("/fal-ai/clip", json={}, headers={"host": "fal.run"})
    assert response.status_code == 422


def test_status_url_is_response_url_plus_status_and_nothing_has_a_query(tmp_path: Path) -> None:
    with running(tmp_path, public_url="https://studio.example/base") as gateway:
        answer = gateway.submit("fal-ai/clip?logs=1")
        assert answer["status_url"] == answer["response_url"] + "/status"
        assert answer["cancel_url"] == answer["response_url"] + "/cancel"
        assert answer["response_url"].startswith("https://studio.example/base/queue/fal-ai/clip/requests/")
        assert "?" not in "".join(str(value) for value in answer.values())


def test_the_proxys_headers_mean_nothing_elsewhere(gateway: Gateway) -> None:
    headers = {"x-fal-target-url": "https://queue.fal.run/fal-ai/other", "x-fal-client-proxy": "x"}
    answer = gateway.submit(headers=headers)
    assert "/fal-ai/clip/" in answer["response_url"]


def test_accept_is_not_negotiated(gateway: Gateway) -> None:
    response = gateway.client.post("/queue/fal-ai/clip", json={"prompt": "x"}, headers={"accept": "image/png"})
    assert response.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/", "/nothing", "/llms.txt", "/api/x", "/%ff/%00"])
def test_unknown_paths_are_404_as_json(gateway: Gateway, path: str) -> None:
    response = gateway.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/json"
    assert isinstance(response.json()["detail"], str)


@pytest.mark.parametrize("path", ["/storage/nothing", "/files/nothing"])
@pytest.mark.parametrize("host", ["fal.run", "queue.fal.run", "localhost"])
def test_storage_is_served_on_every_host(gateway: Gateway, path: str, host: str) -> None:
    response = gateway.get(path, headers={"host": host})
    assert response.status_code in {404, 405}
    assert "Application" not in response.text


@pytest.mark.parametrize("path", ["/rest/storage/nothing", "/cdn/files/nothing"])
def test_storage_has_prefixes_on_our_own_host(gateway: Gateway, path: str) -> None:
    assert gateway.get(path).status_code == gateway.get("/" + path.split("/", 2)[2]).status_code


@pytest.mark.parametrize("path", ["/queue/fal-ai/clip", "/api/fal/proxy", "/files/upload/x", "/queue/a/requests/b"])
def test_a_preflight_passes_without_a_key(gateway: Gateway, path: str) -> None:
    asked = {"origin": "https://app.example", "access-control-request-headers": "x-my-own, authorization"}
    response = httpx2.options(gateway.url + path, headers=asked, trust_env=False)
    assert response.status_code == 204
    assert response.content == b""
    assert response.headers["access-control-allow-origin"] == "*"
    assert "PUT" in response.headers["access-control-allow-methods"]
    allowed = response.headers["access-control-allow-headers"].replace(" ", "").split(",")
    assert {"authorization", "content-type", "x-fal-target-url", "x-my-own"} <= set(allowed)


@pytest.mark.parametrize("path", ["/queue/fal-ai/clip", "/queue/nothing/here", "/nothing"])
def test_every_answer_can_be_read_by_a_script_of_another_origin(gateway: Gateway, path: str) -> None:
    response = gateway.client.post(path, json={"prompt": "x"}, headers={"origin": "https://app.example"})
    assert response.headers["access-control-allow-origin"] == "*"
    exposed = response.headers["access-control-expose-headers"]
    assert "x-fal-request-id" in exposed
    assert "x-rushes-served-by" in exposed


def test_a_host_that_makes_no_url_is_refused_as_json(gateway: Gateway) -> None:
    response = gateway.get("/health", headers={"host": 'a"b'})
    assert (response.status_code, response.headers["content-type"]) == (400, "application/json")


def test_a_crash_is_answered_as_json_with_the_request_id(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as gateway:
        request_id = gateway.submit()["request_id"]
        gateway.loop.call_soon_threadsafe(broken_database(gateway.services.jobs).close)
        response = gateway.client.get(f"/queue/fal-ai/clip/requests/{request_id}/status", headers=AUTH)
    assert response.status_code == 500
    said = {"detail": "Internal error", "error_type": "internal_error"}
    assert response.json() == said
    assert response.headers["x-fal-request-id"]
    assert response.headers["x-fal-error-type"] == "internal_error"
    assert response.headers["access-control-allow-origin"] == "*"
    assert f"/queue/fal-ai/clip/requests/{request_id}/status failed" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("adds", [False, True])
def test_errors_hold_a_message_for_people_only_where_the_server_is_to_add_one(tmp_path: Path, adds: bool) -> None:
    with running(tmp_path, error_messages=adds) as gateway:
        request_id = gateway.submit()["request_id"]
        gateway.client.put(f"/queue/fal-ai/clip/requests/{request_id}/cancel")
        model = gateway.client.post("/run/fal-ai/clip", json={})
        request = gateway.get(f"/queue/fal-ai/clip/requests/{request_id}")
        door = gateway.client.post("/run/fal-ai/nothing-like-it", json={})
        stored = gateway.jobs.result(request_id)
    assert stored is not None
    assert stored.failure is not None
    assert stored.failure.body == b'{"detail": "Request cancelled", "error_type": "client_cancelled"}'
    said = [answer.json().pop("message", None) for answer in (model, request, door)]
    wanted = ["body.prompt: Field required", "Request cancelled", door.json()["detail"]]
    assert said == (wanted if adds else [None, None, None])
    assert request.content.startswith(stored.failure.body[:-1])
    assert set(model.json()) - {"message"} == {"detail"}
    assert [int(answer.headers["content-length"]) for answer in (model, request)] == [
        len(model.content),
        len(request.content),
    ]
    assert request.headers["x-fal-error-type"] == "client_cancelled"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_writes_no_lines_into_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str) -> None:
    with running(tmp_path) as gateway:
        gateway.loop.call_soon_threadsafe(broken_database(gateway.services.jobs).close)
        path = "/queue/fal-ai/clip" if method == "POST" else "/queue/fal-ai/clip/requests/x%0AERROR%20forged%1B/status"
        response = gateway.client.request(method, path, headers=AUTH, json={"prompt": "x"})
    assert response.status_code in {500, 503}
    (line,) = [record.getMessage() for record in caplog.records if record.name == "rushes.gateway.routes"]
    assert line.isprintable()
    assert line.startswith(f"{method} /queue/fal-ai/clip")


def test_a_request_that_cannot_be_kept_is_not_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with running(tmp_path) as gateway:
        gateway.submit()
        gateway.loop.call_soon_threadsafe(broken_database(gateway.services.jobs).close)
        response = gateway.client.post("/queue/fal-ai/clip", json={"prompt": "x"}, headers=AUTH)
    assert response.status_code == 503
    assert "nothing was accepted" in response.json()["detail"]
    assert response.headers["x-fal-request-id"]
    assert "could not be kept" in caplog.text


def broken_database(jobs: Any) -> Any:
    return jobs._database
