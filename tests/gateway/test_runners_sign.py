"""Signatures for runners: only for a job that is theirs, only of claims, and the key never comes along."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.files.credentials import CERTIFICATE, Credentials
from tests.runners.live import Live, running

CLAIM = base64.b64encode(b"\x84jSignature1 and so on").decode()
ECHO = "rushes/echo"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(tmp_path, credentials=Credentials(tmp_path / "provenance", time.time)) as gateway:
        yield gateway


@pytest.fixture
def runner(live: Live) -> Iterator[httpx2.Client]:
    with speaking(live) as client:
        yield client


def speaking(live: Live) -> httpx2.Client:
    headers = {"authorization": f"Key {live.services.keys.runner_key}"}
    return httpx2.Client(base_url=f"{live.url}/runners/", headers=headers, trust_env=False)


def claimed(live: Live, runner: httpx2.Client) -> tuple[str, int]:
    live.submit(payload=1)
    job: dict[str, Any] = runner.post("claim", json={"runner": "r", "endpoints": [ECHO], "wait_s": 5}).json()
    return job["job_id"], job["token"]


def test_the_jobs_runner_gets_a_signature_and_the_certificates(live: Live, runner: httpx2.Client) -> None:
    job_id, token = claimed(live, runner)
    signer = runner.get("signer").json()
    assert signer["chain"].startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in signer["chain"]
    assert signer["with_prompt"] is False
    answer = runner.post(f"jobs/{job_id}/sign", json={"token": token, "claim": CLAIM})
    assert answer.status_code == 200
    assert len(base64.b64decode(answer.json()["signature"])) == 64


def test_a_runner_whose_lease_is_over_gets_none(live: Live, runner: httpx2.Client) -> None:
    job_id, token = claimed(live, runner)
    live.call(live.services.jobs.release("r"))
    assert runner.post(f"jobs/{job_id}/sign", json={"token": token, "claim": CLAIM}).status_code == 410
    again: dict[str, Any] = runner.post("claim", json={"runner": "s", "endpoints": [ECHO], "wait_s": 5}).json()
    assert again["job_id"] == job_id
    assert runner.post(f"jobs/{job_id}/sign", json={"token": token, "claim": CLAIM}).status_code == 410
    assert runner.post(f"jobs/{job_id}/sign", json={"token": again["token"], "claim": CLAIM}).status_code == 200


def test_an_ended_or_unknown_job_gets_none(live: Live, runner: httpx2.Client) -> None:
    job_id, token = claimed(live, runner)
    done = {"token": token, "output": "{}", "served_by": "x", "units": 1, "inference_s": 0.1}
    assert runner.post(f"jobs/{job_id}/finish", json=done).status_code == 200
    for name in (job_id, "nothing"):
        assert runner.post(f"jobs/{name}/sign", json={"token": token, "claim": CLAIM}).status_code == 410


def test_a_callers_key_gets_none(live: Live, runner: httpx2.Client) -> None:
    job_id, token = claimed(live, runner)
    assert live.client.post(f"/runners/jobs/{job_id}/sign", json={"token": token, "claim": CLAIM}).status_code == 401
    assert live.client.get("/runners/signer").status_code == 401


@pytest.mark.parametrize(
    "claim", ["", "%%%", base64.b64encode(b"0\x82 a certificate").decode(), base64.b64encode(bytes(60_000)).decode()]
)
def test_what_is_no_claim_is_not_signed(claim: str, live: Live, runner: httpx2.Client) -> None:
    job_id, token = claimed(live, runner)
    answer = runner.post(f"jobs/{job_id}/sign", json={"token": token, "claim": claim})
    assert answer.status_code == 422


def test_a_damaged_key_is_said_and_not_retried(live: Live, runner: httpx2.Client, tmp_path: Path) -> None:
    (tmp_path / "provenance").mkdir()
    (tmp_path / "provenance" / CERTIFICATE).write_text("cut short")
    answer = runner.get("signer")
    assert answer.status_code == 409
    assert "remove the folder" in answer.json()["detail"]


def test_where_it_is_off_nobody_signs(tmp_path: Path) -> None:
    with running(tmp_path) as live, speaking(live) as runner:
        job_id, token = claimed(live, runner)
        assert (runner.get("signer").status_code, runner.get("signer").content) == (204, b"")
        assert runner.post(f"jobs/{job_id}/sign", json={"token": token, "claim": CLAIM}).status_code == 409
