import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from rushes.errors import ModelError, RequestError
from rushes.jobs.job import NewJob
from tests.gateway.live import AUTH, SERVED_BY, Gateway

STATUS = "/queue/fal-ai/clip/requests/{}/status"
RESULT = "/queue/fal-ai/clip/requests/{}"


def test_submit_answers_200_with_every_member_and_the_same_id_in_the_header(gateway: Gateway) -> None:
    response = gateway.client.post("/queue/fal-ai/clip/v2/turbo", json={"prompt": "x"})
    answer = response.json()
    base = f"{gateway.url}/queue/fal-ai/clip/requests/{answer['request_id']}"
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert UUID(answer["request_id"]).version == 4
    assert response.headers["x-fal-request-id"] == answer["request_id"]
    assert answer == {
        "status": "IN_QUEUE",
        "request_id": answer["request_id"],
        "response_url": base,
        "status_url": f"{base}/status",
        "cancel_url": f"{base}/cancel",
        "logs": None,
        "metrics": {},
        "queue_position": 0,
    }


def test_the_queue_position_counts_who_is_ahead(gateway: Gateway) -> None:
    assert [gateway.submit()["queue_position"] for _ in range(3)] == [0, 1, 2]
    assert gateway.submit("fal-ai/other")["queue_position"] == 0
    assert gateway.submit(headers={"x-fal-queue-priority": "low"})["queue_position"] == 3
    last = gateway.submit()
    gateway.client.put(last["cancel_url"])
    again = gateway.submit()
    assert again["queue_position"] == gateway.get(again["status_url"]).json()["queue_position"] == 3
    gateway.claim("fal-ai/clip")
    assert gateway.submit()["queue_position"] == 3
    assert gateway.submit(json={"prompt": 5})["queue_position"] == 0


def test_status_goes_from_202_over_202_to_200(gateway: Gateway) -> None:
    url = STATUS.format(gateway.submit()["request_id"])
    waiting = gateway.get(url)
    claimed = gateway.claim()
    running = gateway.get(url)
    gateway.finish(claimed)
    done = gateway.get(url)
    assert [waiting.status_code, running.status_code, done.status_code] == [202, 202, 200]
    assert [r.json()["status"] for r in (waiting, running, done)] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert waiting.json()["queue_position"] == 0
    assert "queue_position" not in running.json()
    assert running.json()["logs"] is None
    assert done.json()["logs"] is None
    assert done.json()["metrics"] == {"inference_time": 0.5}
    assert "error" not in done.json()
    assert done.json()["served_by"] == done.headers["x-rushes-served-by"] == SERVED_BY


@pytest.mark.parametrize("flag", ["1", "true", "True"])
def test_status_with_logs_holds_all_lines_so_far(gateway: Gateway, flag: str) -> None:
    url = STATUS.format(gateway.submit()["request_id"])
    claimed = gateway.claim()
    gateway.log(claimed, "one")
    gateway.log(claimed, "two")
    (one, two) = gateway.get(url, params={"logs": flag}).json()["logs"]
    assert (one["message"], two["message"]) == ("one", "two")
    assert (one["level"], one["source"]) == ("INFO", "USER")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["timestamp"])


@pytest.mark.parametrize("flag", ["0", "false"])
def test_status_without_logs_has_null(gateway: Gateway, flag: str) -> None:
    url = STATUS.format(gateway.submit()["request_id"])
    gateway.log(gateway.claim(), "one")
    assert gateway.get(url, params={"logs": flag}).json()["logs"] is None


def test_a_misspelt_option_becomes_a_log_line(gateway: Gateway) -> None:
    request_id = gateway.submit(json={"prompt": "x", "num_frame": 90})["request_id"]
    (line,) = gateway.get(STATUS.format(request_id), params={"logs": "1"}).json()["logs"]
    assert line["message"] == "Unknown field 'num_frame' was ignored; did you mean 'num_frames'?"


def test_the_result_of_an_unfinished_job_is_400_with_the_text_that_clients_compare(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    for _ in range(2):
        response = gateway.get(RESULT.format(request_id))
        assert (response.status_code, response.json()) == (400, {"detail": "Request is still in progress"})
        assert response.headers["x-fal-request-id"] == request_id
        gateway.call(gateway.jobs.claim("r", ("fal-ai/clip",), 60.0))


def test_the_result_is_the_raw_output_and_can_be_read_again(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.finish(gateway.claim(), b'{"seed": 7, "nested": {"a": [1]}}')
    for suffix in ("", "/response", "/"):
        response = gateway.get(RESULT.format(request_id) + suffix)
        assert response.status_code == 200
        assert response.json() == {"seed": 7, "nested": {"a": [1]}}
        assert response.headers["x-fal-request-id"] == request_id
        assert response.headers["x-fal-billable-units"] == "1.25"
        assert response.headers["x-rushes-served-by"] == SERVED_BY


def test_own_files_get_the_address_under_which_the_caller_came(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    output = json.dumps({"video": {"url": "rushes-file:/f1/a%20b.mp4"}, "other": "rushes-file:/f2/c"}).encode()
    gateway.finish(gateway.claim(), output, files=("f1",))
    answer = gateway.get(RESULT.format(request_id), headers={"host": "studio.example:99"}).json()
    assert answer == {"video": {"url": "http://studio.example:99/files/b/f1/a%20b.mp4"}, "other": "rushes-file:/f2/c"}


def test_a_model_error_is_completed_and_the_result_carries_it(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.fail(
        gateway.claim(), ModelError("image_too_large", loc=("body", "image_url"), ctx={"max_width": 9}).failure()
    )
    status = gateway.get(STATUS.format(request_id))
    result = gateway.get(RESULT.format(request_id))
    assert (status.status_code, status.json()["status"]) == (200, "COMPLETED")
    assert status.json()["error_type"] == "image_too_large"
    assert status.json()["error"]
    assert result.status_code == 422
    assert result.json()["detail"][0]["ctx"] == {"max_width": 9}
    assert result.headers["x-fal-retryable"] == "false"
    assert result.headers["x-fal-needs-retry"] == "0"
    assert result.headers["x-fal-billable-units"] == "0"
    assert result.headers["x-fal-request-id"] == request_id


def test_a_platform_error_names_its_type_in_a_header(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.fail(gateway.claim(), RequestError("runner_server_error").failure())
    result = gateway.get(RESULT.format(request_id))
    assert result.status_code == 500
    assert result.headers["x-fal-error-type"] == result.json()["error_type"] == "runner_server_error"


def test_invalid_input_is_queued_and_fails_at_the_result(gateway: Gateway) -> None:
    answer = gateway.submit(json={"num_frames": "many"})
    assert answer["status"] == "IN_QUEUE"
    status = gateway.get(STATUS.format(answer["request_id"])).json()
    result = gateway.get(RESULT.format(answer["request_id"]))
    assert (status["status"], status["error_type"]) == ("COMPLETED", "missing")
    assert result.status_code == 422
    assert [p["loc"] for p in result.json()["detail"]] == [["body", "prompt"], ["body", "num_frames"]]


def test_malformed_json_is_refused_at_submit(gateway: Gateway) -> None:
    response = gateway.client.post("/queue/fal-ai/clip", content=b"{nope")
    assert response.status_code == 422
    assert response.json()["detail"][0]["type"] == "json_invalid"
    assert UUID(response.headers["x-fal-request-id"])


def test_an_empty_body_is_an_empty_object(gateway: Gateway) -> None:
    response = gateway.client.post("/queue/fal-ai/clip", headers={"content-type": "application/json"})
    assert response.status_code == 200


def test_cancelling_a_queued_job_ends_it_at_once(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    cancelled = gateway.client.put(RESULT.format(request_id) + "/cancel")
    result = gateway.get(RESULT.format(request_id))
    assert (cancelled.status_code, cancelled.json()) == (202, {"status": "CANCELLATION_REQUESTED", "success": True})
    assert gateway.get(STATUS.format(request_id)).json()["error_type"] == "client_cancelled"
    assert (result.status_code, result.json()) == (
        499,
        {"detail": "Request cancelled", "error_type": "client_cancelled"},
    )


def test_cancelling_a_running_job_asks_its_runner(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    claimed = gateway.claim()
    assert gateway.client.put(RESULT.format(request_id) + "/cancel").status_code == 202
    assert gateway.call(gateway.jobs.beat(request_id, claimed.lease.token, 60.0)) == "cancel"


def test_cancelling_a_finished_job_is_400(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    gateway.finish(gateway.claim())
    response = gateway.client.put(RESULT.format(request_id) + "/cancel")
    assert (response.status_code, response.json()) == (400, {"status": "ALREADY_COMPLETED", "success": False})


@pytest.mark.parametrize(
    ("method", "tail"), [("GET", ""), ("GET", "/status"), ("GET", "/status/stream"), ("PUT", "/cancel")]
)
def test_an_unknown_request_is_404_with_its_status_word(gateway: Gateway, method: str, tail: str) -> None:
    response = gateway.client.request(method, RESULT.format("no-such-id") + tail)
    assert (response.status_code, response.json()) == (404, {"status": "NOT_FOUND", "detail": "Request not found"})


def test_a_request_under_another_app_does_not_exist(gateway: Gateway) -> None:
    request_id = gateway.submit()["request_id"]
    assert gateway.get(f"/queue/fal-ai/other/requests/{request_id}/status").status_code == 404
    assert gateway.client.put(f"/queue/fal-ai/other/requests/{request_id}/cancel").status_code == 404
    gateway.finish(gateway.claim())
    assert gateway.get(f"/queue/fal-ai/other/requests/{request_id}").status_code == 404


@pytest.mark.parametrize("done", [False, True])
def test_another_accounts_request_does_not_exist(gateway: Gateway, done: bool) -> None:
    job = NewJob("11111111-2222-4333-8444-555555555555", "fal-ai/clip", "somebody else", b"{}", gateway.clock())
    gateway.call(gateway.jobs.submit(job))
    if done:
        gateway.finish(gateway.claim())
    for method, tail in (("GET", ""), ("GET", "/status"), ("GET", "/status/stream"), ("PUT", "/cancel")):
        assert gateway.client.request(method, RESULT.format(job.id) + tail).status_code == 404


@pytest.mark.parametrize("prefix", ["fal-ai/clip", "fal-ai/clip/v2/turbo"])
@pytest.mark.parametrize("slash", ["", "/", "//"])
def test_requests_are_found_under_the_app_and_the_whole_id(gateway: Gateway, prefix: str, slash: str) -> None:
    request_id = gateway.submit("fal-ai/clip/v2/turbo" + slash)["request_id"]
    base = f"/queue/{prefix}/requests/{request_id}"
    assert gateway.get(f"{base}/status{slash}").status_code == 202
    assert gateway.get(f"{base}{slash}").status_code == 400
    assert gateway.client.put(f"{base}/cancel{slash}").status_code == 202


def test_workflows_have_apps_of_three_segments(gateway: Gateway) -> None:
    answer = gateway.submit("workflows/u/w/deep")
    assert f"/queue/workflows/u/w/requests/{answer['request_id']}" in answer["response_url"]
    assert gateway.get(answer["status_url"]).status_code == 202


def test_low_priority_is_overtaken(gateway: Gateway) -> None:
    low = gateway.submit(headers={"x-fal-queue-priority": "low"})["request_id"]
    normal = gateway.submit(headers={"x-fal-queue-priority": "normal"})["request_id"]
    odd = gateway.submit(headers={"x-fal-queue-priority": "urgent!"})["request_id"]
    assert [gateway.claim().lease.job_id for _ in range(3)] == [normal, odd, low]


@pytest.mark.parametrize("header", ["X-Fal-Request-Timeout", "X-Fal-Request-Start-Timeout"])
@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan", "inf", "0.1", ""])
def test_an_invalid_timeout_is_400_bad_request(gateway: Gateway, header: str, value: str) -> None:
    response = gateway.client.post("/queue/fal-ai/clip", json={"prompt": "x"}, headers={header: value})
    assert response.status_code == 400
    assert response.json()["error_type"] == "bad_request"
    assert header in response.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-fal-request-timeout": "30"},
        {"x-fal-request-timeout": "9000", "x-fal-request-start-timeout": "30"},
    ],
)
def test_a_missed_start_deadline_is_a_504_by_the_user(gateway: Gateway, headers: dict[str, str]) -> None:
    request_id = gateway.submit(headers=headers)["request_id"]
    gateway.clock.ahead_s = 31
    gateway.call(gateway.jobs.sweep())
    result = gateway.get(RESULT.format(request_id))
    assert (result.status_code, result.json()) == (
        504,
        {"detail": "Request timed out", "error_type": "request_timeout"},
    )
    assert result.headers["x-fal-request-timeout-type"] == "user"
    assert result.headers["x-fal-request-id"] == request_id
    assert gateway.get(STATUS.format(request_id)).json()["error_type"] == "request_timeout"


def test_a_queue_longer_than_the_caller_likes_is_429(gateway: Gateway) -> None:
    gateway.submit()
    taken = gateway.client.post("/queue/fal-ai/clip?fal_max_queue_length=2", json={"prompt": "x"})
    full = gateway.client.post("/queue/fal-ai/clip?fal_max_queue_length=2", json={"prompt": "x"})
    assert (taken.status_code, full.status_code) == (200, 429)
    assert full.json()["error_type"] == "bad_request"
    wrong = gateway.client.post("/queue/fal-ai/clip?fal_max_queue_length=few", json={"prompt": "x"})
    assert (wrong.status_code, wrong.json()["error_type"]) == (400, "bad_request")


def test_a_queue_may_be_as_long_as_any_number_says(gateway: Gateway) -> None:
    gateway.submit()
    for digits in (19, 5_000):
        taken = gateway.client.post(f"/queue/fal-ai/clip?fal_max_queue_length={'9' * digits}", json={"prompt": "x"})
        assert taken.status_code == 200


def test_unknown_query_and_headers_are_ignored(gateway: Gateway) -> None:
    gateway.submit("fal-ai/clip?fal_webhook=https://example.com/hook&x=1", headers={"x-fal-something": "1"})


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/queue/fal-ai/clip", "POST"),
        ("POST", RESULT.format("x"), "GET, HEAD"),
        ("DELETE", STATUS.format("x"), "GET, HEAD"),
        ("GET", RESULT.format("x") + "/cancel", "PUT, POST"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(gateway: Gateway, method: str, path: str, allowed: str) -> None:
    response = gateway.client.request(method, path)
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert allowed in response.json()["detail"]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize(
    "path", [RESULT.format("x") + "/statuses", STATUS.format("x") + "/x", "/queue/fal-ai/clip/requests"]
)
def test_a_mistake_in_a_requests_path_is_404_whatever_the_method(gateway: Gateway, method: str, path: str) -> None:
    response = gateway.client.request(method, path)
    assert (response.status_code, response.json()) == (404, {"detail": f"Path {path.removeprefix('/queue')} not found"})


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("fal-ai/clap", 'Application "clap" not found. Did you mean fal-ai/clip, '),
        ("fal-ai/clip/v9", "Path /v9 not found"),
        ("zzz/qqq", 'Application "qqq" not found'),
        ("zzz", 'Application "zzz" not found'),
        ("", 'Application "" not found'),
    ],
)
def test_an_unknown_endpoint_names_near_ones(gateway: Gateway, path: str, detail: str) -> None:
    response = gateway.client.post(f"/queue/{path}", json={})
    assert response.status_code == 404
    assert response.json()["detail"].startswith(detail)


def test_a_body_above_the_limit_is_413(gateway_with_small_limit: Gateway) -> None:
    for content in (b" " * 2_000, iter([b" " * 600, b" " * 600])):
        more: dict[str, Any] = {"content": content}
        response = gateway_with_small_limit.client.post("/queue/fal-ai/clip", **more)
        assert response.status_code == 413
        assert "1000 bytes" in response.json()["detail"]
    gateway_with_small_limit.submit(headers=AUTH)


def test_a_submit_sent_again_is_answered_though_the_queue_is_full_by_now(gateway: Gateway) -> None:
    once = {"idempotency-key": "k1"}
    path = "/queue/fal-ai/clip?fal_max_queue_length=1"
    first = gateway.client.post(path, json={"prompt": "x"}, headers=once)
    again = gateway.client.post(path, json={"prompt": "x"}, headers=once)
    assert (again.status_code, again.json()["request_id"]) == (200, first.json()["request_id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert gateway.client.post(path, json={"prompt": "x"}).status_code == 429


def test_submits_of_the_same_moment_under_one_key_store_one_job(gateway: Gateway) -> None:
    def submit(number: int) -> tuple[int, str]:
        body = {"prompt": "x", "num_frames": 81} if number % 2 else {"num_frames": 81, "prompt": "x"}
        answer = gateway.client.post("/queue/fal-ai/clip", json=body, headers={"idempotency-key": "k2"})
        return answer.status_code, answer.json()["request_id"]

    with ThreadPoolExecutor(16) as threads:
        answers = set(threads.map(submit, range(64)))
    assert len(answers) == 1
    gateway.claim()
    assert gateway.call(gateway.jobs.claim("r", ("fal-ai/clip",), 60.0)) is None, "there was one job only"


def test_an_idempotency_key_is_its_accounts_own(gateway: Gateway) -> None:
    other = ":".join(gateway.call(gateway.services.keys.create("you", alias="other")))
    same = {"idempotency-key": "k3"}
    mine = gateway.submit(headers=same)
    theirs = gateway.submit(headers={**same, "authorization": f"Key {other}"})
    assert mine["request_id"] != theirs["request_id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_idempotency_key_that_can_not_be_kept_is_refused(gateway: Gateway, key: str) -> None:
    answer = gateway.client.post("/queue/fal-ai/clip", json={"prompt": "x"}, headers={"idempotency-key": key})
    assert (answer.status_code, answer.json()["error_type"]) == (400, "bad_request")


def test_tags_that_are_nested_too_deep_are_taken_as_they_are(gateway: Gateway) -> None:
    request_id = gateway.submit(headers={"x-fal-tags": "[" * 5_000})["request_id"]
    kept = gateway.jobs.extras(request_id)
    assert kept is not None
    assert kept.tags == ("[" * 100,)
