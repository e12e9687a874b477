"""The history of requests, with payloads, and their deletion."""

import asyncio
import json
from pathlib import Path

import pytest

from rushes.errors import ModelError
from tests.gateway.live import Gateway
from tests.gateway.platform.conftest import CLIP, Account, error_of

LIST = f"/v1/models/requests/by-endpoint?endpoint_id={CLIP}"


def test_payloads_hold_addresses_that_answer(alice: Account, tmp_path: Path) -> None:
    gateway = alice.gateway
    (tmp_path / "film").write_bytes(b"film")
    stored = gateway.call(gateway.services.files.put(tmp_path / "film", name="film.mp4", account="alice"))
    request_id = alice.make(finish=False)
    mark = gateway.services.files.url(stored.id, stored.name)
    gateway.finish(gateway.claim(), b'{"video": {"url": "%s"}}' % mark.encode(), files=(stored.id,))
    item = alice.get(f"{LIST}&expand=payloads").json()["items"][0]
    assert (item["request_id"], item["status_code"], item["json_input"]) == (request_id, 200, {"prompt": "a cat"})
    url = item["json_output"]["video"]["url"]
    assert gateway.get(url).content == b"film"

    told = alice.send("DELETE", f"/v1/models/requests/{request_id}/payloads").json()
    assert told == {"cdn_delete_results": [{"link": url, "exception": None}]}
    assert gateway.get(url).status_code == 404
    assert alice.get(f"/queue/{CLIP}/requests/{request_id}").status_code == 404
    left = alice.get(f"{LIST}&expand=payloads").json()["items"][0]
    assert (left["request_id"], "json_input" in left, "json_output" in left) == (request_id, False, False)
    again = alice.send("DELETE", f"/v1/models/requests/{request_id}/payloads")
    assert (again.status_code, again.json()) == (200, {"cdn_delete_results": []})


def test_what_accompanies_a_result_is_linked_listed_and_deleted_with_it(alice: Account, tmp_path: Path) -> None:
    gateway = alice.gateway
    (tmp_path / "poster").write_bytes(b"picture")
    stored = gateway.call(gateway.services.files.put(tmp_path / "poster", name="poster.jpg", account="alice"))
    request_id = alice.make(finish=False)
    mark = gateway.services.files.url(stored.id, stored.name)
    gateway.finish(gateway.claim(), files=(stored.id,), companions={mark: "poster"})

    answer = alice.get(f"/queue/{CLIP}/requests/{request_id}")
    assert answer.json() == {"ok": True}
    linked = answer.links["poster"]
    assert linked["type"] == "image/jpeg"
    assert gateway.get(linked["url"]).content == b"picture"
    item = alice.get(f"{LIST}&expand=payloads").json()["items"][0]
    assert item["companions"] == [{"rel": "poster", "url": linked["url"], "content_type": "image/jpeg"}]

    alice.send("DELETE", f"/v1/models/requests/{request_id}/payloads")
    assert gateway.get(linked["url"]).status_code == 404
    assert "companions" not in alice.get(f"{LIST}&expand=payloads").json()["items"][0]


def test_payloads_of_a_request_under_way_stay(alice: Account) -> None:
    request_id = alice.make(finish=False)
    refused = alice.send("DELETE", f"/v1/models/requests/{request_id}/payloads")
    assert error_of(refused)[:2] == (400, "validation_error")


def test_outcomes_are_told_apart(alice: Account) -> None:
    failed = alice.make(finish=False)
    alice.gateway.fail(alice.gateway.claim(), ModelError("no_media_generated").failure())
    found = {
        outcome: [one["request_id"] for one in alice.get(f"{LIST}&status={outcome}").json()["items"]]
        for outcome in ("success", "user_error", "error")
    }
    assert found == {"success": [alice.request_id], "user_error": [failed], "error": []}


@pytest.mark.parametrize("order", ["ended_at", "duration"])
def test_pages_hold_every_request_once(alice: Account, order: str) -> None:
    made = {alice.request_id, *(alice.make() for _ in range(4))}
    found, cursor = [], ""
    while cursor is not None:
        page = alice.get(f"{LIST}&sort_by={order}&limit=2&cursor={cursor}").json()
        found += [one["request_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert (len(found), set(found)) == (5, made)


def test_a_request_that_still_waits_is_found_by_its_id(alice: Account) -> None:
    waiting = alice.make(finish=False)
    (item,) = alice.get(f"{LIST}&request_id={waiting}").json()["items"]
    assert (item["ended_at"], item["status_code"], item["duration"]) == (None, None, None)
    assert error_of(alice.get(f"{LIST}&request_id=x"))[0] == 400


def test_private_requests_stay_out_of_the_history(alice: Account) -> None:
    private = alice.make(**{"x-fal-store-io": "0"})
    assert private not in alice.get(LIST).text
    assert private not in alice.get("/v1/models/requests/search").text
    assert private not in alice.get(f"{LIST}&request_id={private}").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("query=SECRET", 1),
        ("query=%22dog%22", 0),
        ("", 1),
        ("query=dog", 0),
        ("exclude_api_requests=true", 0),
        ("endpoint_id=fal-ai/other", 0),
    ],
)
def test_browsing_finds_text_in_inputs(alice: Account, query: str, found: int) -> None:
    assert len(alice.get(f"/v1/models/requests/search?{query}").json()["results"]) == found


def test_only_one_thing_can_be_searched_for(alice: Account) -> None:
    assert error_of(alice.get("/v1/models/requests/search?query=a&image_url=b"))[0] == 400


def test_many_askers_at_once_wait_or_are_told_to(priced: Gateway) -> None:
    async def looks() -> list[object]:
        history = priced.services.jobs.history
        return await asyncio.gather(*(history.count_waiting("a", [CLIP]) for _ in range(40)), return_exceptions=True)

    found = priced.call(looks())
    assert sum(one == 0 for one in found) == 16
    assert {type(one).__name__ for one in found} == {"int", "TooMany"}


def test_a_number_beyond_all_floats_leaves_the_page_readable(alice: Account) -> None:
    """JSON allows 1e999, and Python makes an infinity of it, for which JSON has no word."""
    sent = {"authorization": f"Key {alice.api}", "content-type": "application/json"}
    alice.gateway.submit(CLIP, json=None, content=b'{"prompt": "x", "more": [1e999, -1e999, 0.5]}', headers=sent)
    alice.gateway.finish(alice.gateway.claim(), b'{"far": 1e999}')
    item = json.loads(alice.get(f"{LIST}&expand=payloads").content, parse_constant=pytest.fail)["items"][0]
    assert (item["json_input"]["more"], item["json_output"]) == ([None, None, 0.5], {"far": None})
