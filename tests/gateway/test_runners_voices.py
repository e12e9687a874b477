"""Cloned voices on their way through the runner protocol: named at the claim, kept and forgotten at the finish."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.endpoint import Endpoint
from rushes.fields import VoiceId, WireModel
from tests.gateway.live import Gateway, an_endpoint, running

SPEAK = "test/speak"
RESULT = {"output": "{}", "served_by": "x", "units": 1, "inference_s": 0.1}


class Setting(WireModel):
    voice_id: VoiceId = "Deep_Man"


class Speak(WireModel):
    text: str = ""
    voice_setting: Setting = Setting()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    endpoints: Mapping[str, Endpoint] = {SPEAK: replace(an_endpoint(SPEAK), input=Speak)}
    with running(tmp_path, endpoints=endpoints) as gateway:
        yield gateway


@pytest.fixture
def runner(gateway: Gateway) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Key {gateway.services.keys.runner_key}"}
    with httpx2.Client(base_url=f"{gateway.url}/runners/", headers=headers, trust_env=False) as client:
        yield client


def claimed(gateway: Gateway, runner: httpx2.Client, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Submit a job and claim it over HTTP."""
    gateway.submit(SPEAK, json=dict(given or {}))
    answer = runner.post("claim", json={"runner": "r", "endpoints": [SPEAK], "wait_s": 0})
    assert answer.status_code == 200, answer.text
    claimed: dict[str, Any] = answer.json()
    return claimed


def upload(runner: httpx2.Client, job: Mapping[str, Any]) -> str:
    """Store a profile as the runner does; return its file id."""
    headers = {"x-rushes-token": str(job["token"]), "content-type": "application/json"}
    answer = runner.put(f"jobs/{job['job_id']}/files", content=b"{}", headers=headers)
    return str(answer.json()["file_id"])


def finish(runner: httpx2.Client, job: Mapping[str, Any], **more: Any) -> int:
    return runner.post(f"jobs/{job['job_id']}/finish", json={"token": job["token"], **RESULT, **more}).status_code


def test_a_made_voice_is_kept_for_the_account_and_named_at_the_next_claim(
    gateway: Gateway, runner: httpx2.Client
) -> None:
    job = claimed(gateway, runner)
    profile = upload(runner, job)
    assert finish(runner, job, voice={"voice_id": "v1", "file_id": profile}, files=[profile]) == 200
    voice = gateway.voices.find("admin", "v1")
    assert voice is not None
    assert (voice.file_id, voice.endpoint) == (profile, SPEAK)

    job = claimed(gateway, runner, {"voice_setting": {"voice_id": "v1"}})
    assert job["own_files"] == {"v1": profile}
    assert runner.get(f"files/{profile}").content == b"{}"


def test_a_built_in_voice_and_another_accounts_are_no_own_files(gateway: Gateway, runner: httpx2.Client) -> None:
    gateway.call(gateway.voices.add("stranger", "theirs", "f" * 40, SPEAK))
    assert claimed(gateway, runner)["own_files"] == {}
    assert claimed(gateway, runner, {"voice_setting": {"voice_id": "theirs"}})["own_files"] == {}


def test_a_forgotten_voice_is_gone_with_its_file(gateway: Gateway, runner: httpx2.Client) -> None:
    job = claimed(gateway, runner)
    profile = upload(runner, job)
    assert finish(runner, job, voice={"voice_id": "v1", "file_id": profile}) == 200
    job = claimed(gateway, runner, {"voice_setting": {"voice_id": "v1"}})
    assert finish(runner, job, forget_voice="v1") == 200
    assert gateway.voices.find("admin", "v1") is None
    assert gateway.call(gateway.services.files.stat(profile)) is None
    assert claimed(gateway, runner, {"voice_setting": {"voice_id": "v1"}})["own_files"] == {}


def test_another_accounts_voice_is_not_forgotten(gateway: Gateway, runner: httpx2.Client) -> None:
    gateway.call(gateway.voices.add("stranger", "theirs", "f" * 40, SPEAK))
    assert finish(runner, claimed(gateway, runner), forget_voice="theirs") == 200
    assert gateway.voices.find("stranger", "theirs") is not None


def test_a_runner_whose_lease_is_over_changes_no_voice(gateway: Gateway, runner: httpx2.Client) -> None:
    gateway.call(gateway.voices.add("admin", "mine", "f" * 40, SPEAK))
    job = claimed(gateway, runner)
    job["token"] += 1
    assert finish(runner, job, voice={"voice_id": "v1", "file_id": "f" * 40}, forget_voice="mine") == 410
    assert [voice.id for voice in gateway.voices.list("admin")] == ["mine"]


def test_a_private_outcome_is_forgotten_after_its_time(gateway: Gateway, runner: httpx2.Client) -> None:
    job = claimed(gateway, runner)
    assert finish(runner, job, private=True) == 200
    path = f"/queue/{SPEAK}/requests/{job['job_id']}"
    assert gateway.get(path).status_code == 200
    gateway.clock.ahead_s = 3_601
    gateway.call(gateway.jobs.sweep())
    answer = gateway.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == "NOT_FOUND"
    assert "no longer kept" in answer.json()["detail"]
    assert gateway.get(f"{path}/status").json()["status"] == "COMPLETED"
