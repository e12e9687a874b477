"""Which deployment a caller may wish for, and whether another may do it: two headers, refused where they can't be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import httpx2
import pytest

from rushes.jobs.job import Extras
from tests.runners.live import Live, running

ROUTED, OTHER = "fal-ai/kling-video/v1/standard/text-to-video", "fal-ai/minimax/speech-02-hd"
BODY = {"prompt": "a boat", "text": "hello"}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    mine = {"engine": "vendor", "vendor": "kling", "key": "id:secret-of-the-vendor"}
    deployments = {"mine": mine, "spare": mine}
    routes = {ROUTED: ("mine", "spare", "animatic")}
    with running(tmp_path_factory.mktemp("data"), deployments=deployments, routes=routes) as gateway:
        yield gateway


def submit(live: Live, headers: Mapping[str, str], endpoint: str = ROUTED, prefix: str = "/queue") -> httpx2.Response:
    return live.client.post(f"{prefix}/{endpoint}", json=BODY, headers=dict(headers))


@pytest.mark.parametrize("prefix", ["/queue", "/run"])
@pytest.mark.parametrize("name", ["kling", "Mine", "", "animatic,mine", "x" * 500])
def test_a_deployment_that_is_not_on_the_route_is_refused_with_those_that_are(
    live: Live, name: str, prefix: str
) -> None:
    answer = submit(live, {"x-rushes-deployment": name}, prefix=prefix)
    assert answer.status_code == 400
    assert "expected one of mine, spare, animatic" in answer.text
    assert len(answer.text) < 400
    assert "secret-of-the-vendor" not in answer.text


def test_the_allowed_names_are_those_of_this_endpoint(live: Live) -> None:
    answer = submit(live, {"x-rushes-deployment": "mine"}, OTHER)
    assert answer.status_code == 400
    assert "expected one of animatic" in answer.text
    assert "spare" not in answer.text


@pytest.mark.parametrize("word", ["never", "2", "tru"])
def test_a_word_that_is_no_yes_or_no_is_refused(live: Live, word: str) -> None:
    answer = submit(live, {"x-rushes-fallback": word})
    assert (answer.status_code, "expected 1 or 0" in answer.text) == (400, True)


@pytest.mark.parametrize("word", ["0", "1", "false", "TRUE", "no", ""])
@pytest.mark.parametrize("name", ["mine", "spare", "animatic"])
def test_what_can_be_is_taken_and_reaches_the_runner(live: Live, word: str, name: str) -> None:
    answer = submit(live, {"x-rushes-deployment": name, "x-rushes-fallback": word})
    assert answer.status_code == 200
    headers = {"authorization": f"Key {live.services.keys.runner_key}"}
    wanted = {"runner": "r", "endpoints": [ROUTED], "wait_s": 0}
    claimed = httpx2.post(f"{live.url}/runners/claim", json=wanted, headers=headers, trust_env=False).json()
    assert claimed["job_id"] == answer.json()["request_id"]
    assert claimed.get("deployment") == name
    assert claimed.get("fallback", True) == (word.lower() not in {"0", "false", "no"})


@pytest.mark.parametrize(("word", "fallback"), [("1", False), ("true", False), ("0", True), ("whatever", True)])
def test_fals_own_word_against_fallbacks_counts(live: Live, word: str, fallback: bool) -> None:
    answer = submit(live, {"x-app-fal-disable-fallback": word})
    extras = live.call(_extras(live, answer.json()["request_id"]))
    assert (extras is None or extras.fallback) is fallback


async def _extras(live: Live, request_id: str) -> Extras | None:
    return live.services.jobs.extras(request_id)
