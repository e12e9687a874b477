"""Decart: what Lucy is asked, what jobs and errors mean, what is refused before, and that no job is paid twice."""

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Done, Link, Response, Trouble, Waiting
from rushes.engines.vendor.vendors import decart
from rushes.errors import ModelError
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

MODEL = "lucy-dev-i2v"
STILL_THERE = {MODEL: MODEL}
KEY = "rehearsal-key"
ACCOUNT = Account(KEY, decart.URL)
HEADERS = {"x-api-key": KEY}


@pytest.fixture(scope="module")
def shared() -> Iterator[Rehearsal]:
    with rehearsing("decart", models=STILL_THERE) as one:
        yield one


@pytest.fixture
def rehearsal(shared: Rehearsal) -> Rehearsal:
    shared.fake.plan = type(shared.fake.plan)()
    shared.fake.seen.clear()
    shared.fake.tasks.clear()
    shared.engine._setup.keys.revive(KEY)
    return shared


def call(folder: Path, prompt: str = "a boat", size: tuple[int, int] = (640, 480), **more: Any) -> VendorCall:
    media = {"image_url": picture(folder, *size)}
    body = {"prompt": prompt, "image_url": "https://example.com/a.png", **more}
    return call_for("fal-ai/decart/lucy-5b/image-to-video", "decart", body, media)


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a form with the picture as its form and size."""
    with Image.open(io.BytesIO(body["data"])) as found:
        return {**body, "data": (found.format, found.size)}


def submitted(rehearsal: Rehearsal) -> list[Any]:
    return [one for one in rehearsal.fake.seen if one.method == "POST"]


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


# What is sent


@pytest.mark.parametrize("sync", [True, False])
def test_a_picture_is_sent_as_a_file_beside_the_prompt(rehearsal: Rehearsal, tmp_path: Path, sync: bool) -> None:
    found = run(rehearsal, call(tmp_path, size=(1280, 800), sync_mode=sync), Trip(tmp_path))
    (post,) = submitted(rehearsal)
    assert (post.path, post.headers["x-api-key"]) == (f"/v1/jobs/{MODEL}", KEY)
    assert post.headers["content-type"].startswith("multipart/form-data")
    assert shown(post.body) == {"prompt": "a boat", "data": ("JPEG", (1280, 704))}
    assert isinstance(found.output, FinishedFiles)
    assert Path(found.output.files[0].path).read_bytes()[4:8] == b"ftyp"
    assert (found.usage, found.seed) == ({"seconds": 5.0, "videos": 1.0}, None)
    assert (found.maker.model, found.maker.stand_in) == (MODEL, False)
    assert {one.headers["x-api-key"] for one in rehearsal.fake.seen} == {KEY}


@pytest.mark.parametrize(
    ("size", "sent"),
    [((480, 640), (352, 640)), ((64, 1280), (64, 116)), ((4096, 4096), (2048, 1126)), ((3, 2), (3, 2))],
)
def test_the_picture_is_cropped_to_the_films_shape(
    rehearsal: Rehearsal, tmp_path: Path, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    run(rehearsal, call(tmp_path, size=size), Trip(tmp_path))
    assert shown(submitted(rehearsal)[0].body)["data"][1] == pytest.approx(sent, abs=1)


def test_a_retired_model_is_asked_for_only_where_settings_name_it(tmp_path: Path) -> None:
    with rehearsing("decart") as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call(tmp_path), Trip(tmp_path))
        assert not rehearsal.fake.seen
    assert (unable.value.blame, "models" in unable.value.remedy) == ("retired", True)


def test_a_successor_is_asked_for_and_told_of_where_settings_name_one(tmp_path: Path) -> None:
    with rehearsing("decart", models={MODEL: "lucy-pro-i2v"}, prices={"seconds": 0.08}) as rehearsal:
        found = run(rehearsal, call(tmp_path), Trip(tmp_path))
        assert submitted(rehearsal)[0].path == "/v1/jobs/lucy-pro-i2v"
    assert (found.maker.model, found.maker.stand_in) == ("lucy-pro-i2v", True)
    assert found.cost_usd == pytest.approx(0.4)


@pytest.mark.parametrize(
    "model", ["lucy-pro-v2v", "lucy-restyle-latest", "lucy-2.6", "lucy-latest", "lucy-vton-3.5", "lucy-image-2"]
)
def test_a_successor_that_films_no_picture_is_the_operators_to_mend(tmp_path: Path, model: str) -> None:
    with rehearsing("decart", models={MODEL: model}) as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call(tmp_path), Trip(tmp_path))
        assert not rehearsal.fake.seen
    assert (unable.value.blame, model in unable.value.remedy) == ("here", True)


def test_a_model_that_is_gone_says_so(tmp_path: Path) -> None:
    with rehearsing("decart", models={MODEL: "lucy-next-i2v"}) as rehearsal, pytest.raises(Unable) as unable:
        run(rehearsal, call(tmp_path), Trip(tmp_path))
    assert (unable.value.blame, "lucy-next-i2v" in unable.value.remedy) == ("retired", True)


@pytest.mark.parametrize(("prompt", "type_"), [("x" * 1001, "string_too_long"), ("", "string_too_short")])
def test_a_prompt_beyond_the_limits_is_refused_before_anything_is_sent(
    rehearsal: Rehearsal, tmp_path: Path, prompt: str, type_: str
) -> None:
    with pytest.raises(ModelError) as error:
        run(rehearsal, call(tmp_path, prompt), Trip(tmp_path))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (type_, ("body", "prompt"))
    assert not rehearsal.fake.seen


# What comes back


@pytest.mark.parametrize("word", ["pending", "processing"])
def test_a_job_is_waited_for(word: str) -> None:
    assert decart.read(ACCOUNT, "j", answer({"job_id": "j", "status": word})) == Waiting(word)


def test_a_finished_job_has_its_film_beside_it() -> None:
    done = decart.read(ACCOUNT, "a/b", answer({"job_id": "a/b", "status": "completed"}))
    link = Link("https://api.decart.ai/v1/jobs/a%2Fb/content", HEADERS)
    assert done == Done((link,), {"seconds": 5.0, "videos": 1.0})


@pytest.mark.parametrize(
    ("told", "kind", "member"),
    [
        ({"status": "failed", "error": "why"}, "server", "task"),
        ({"status": "failed"}, "server", "task"),
        ({"status": "failed", "error": "Content moderation: rejected"}, "moderated", None),
        ({"status": "contemplating"}, "unknown", None),
        ({}, "unknown", None),
    ],
)
def test_every_other_state_is_trouble(told: dict[str, str], kind: str, member: str | None) -> None:
    with pytest.raises(Trouble) as trouble:
        decart.read(ACCOUNT, "j", answer({"job_id": "j", **told}))
    assert (trouble.value.kind, trouble.value.member) == (kind, member)


@pytest.mark.parametrize(
    ("status", "detail", "kind", "member"),
    [
        (400, "bad", "invalid", None),
        (400, "Content moderation: the prompt was rejected", "moderated", None),
        (401, "Invalid API key", "key", None),
        (402, "Insufficient credits", "balance", None),
        (403, "no", "access", None),
        (404, "Model lucy-dev-i2v not found", "retired", None),
        (413, "too large", "invalid", "data"),
        (422, "prompt: too long", "invalid", "prompt"),
        (422, "data: too small", "invalid", "data"),
        (422, [{"loc": ["body", "data"], "msg": "Field required"}], "invalid", "data"),
        (429, "Rate limit exceeded", "busy", None),
        (500, "oh", "server", None),
        (418, "the teapot is in charge", "unknown", None),
        (200, "no job", "unknown", None),
    ],
)
def test_every_status_has_its_meaning_at_a_submit(
    tmp_path: Path, status: int, detail: Any, kind: str, member: str | None
) -> None:
    with pytest.raises(Trouble) as trouble:
        decart.accepted(call(tmp_path), answer({"detail": detail}, status, {"retry-after": "4"}))
    assert (trouble.value.kind, trouble.value.member) == (kind, member)
    assert trouble.value.retry_after_s == (4.0 if status >= 300 and kind != "retired" else None)


# The whole way


@pytest.mark.parametrize(
    ("fault", "type_", "field"),
    [
        ("invalid", "value_error", ("prompt",)),
        ("moderated", "content_policy_violation", ()),
        ("end_moderated", "content_policy_violation", ()),
    ],
)
def test_what_the_caller_can_mend_is_a_refusal(
    rehearsal: Rehearsal, tmp_path: Path, fault: str, type_: str, field: tuple[str, ...]
) -> None:
    with pytest.raises(ModelError) as error:
        run(rehearsal, call(tmp_path, f"a boat fake:{fault}"), Trip(tmp_path))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (type_, ("body", *field))


@pytest.mark.parametrize(
    ("fault", "blame", "word"),
    [
        ("key", "key", ""),
        ("balance", "balance", ""),
        ("unknown", "unknown", "teapot"),
        ("hang_up", "lost", ""),
        ("end_failed", "server", ""),
        ("end_unknown", "unknown", "contemplating"),
        ("end_lost", "gone", ""),
        ("end_link_expired", "gone", ""),
        ("end_link_broken", "gone", ""),
        ("poll_key", "key", ""),
        ("poll_unknown", "unknown", "teapot"),
    ],
)
def test_what_is_no_fault_of_the_request_is_told_without_secrets(
    rehearsal: Rehearsal, tmp_path: Path, fault: str, blame: str, word: str
) -> None:
    trip = Trip(tmp_path)
    with pytest.raises(Unable) as unable:
        run(rehearsal, call(tmp_path, f"a boat fake:{fault}"), trip)
    said = str(unable.value.error.failure().body)
    assert (unable.value.blame, word in said) == (blame, True)
    assert KEY not in said + unable.value.remedy + str(trip.lines + trip.notes)
    assert len(submitted(rehearsal)) == 1


@pytest.mark.parametrize("fault", ["rate", "concurrency", "server_error"])
def test_a_vendor_that_takes_nothing_now_is_waited_for(rehearsal: Rehearsal, tmp_path: Path, fault: Any) -> None:
    rehearsal.fake.plan.submits.extend([fault, fault])
    rehearsal.fake.plan.polls.extend([fault])
    run(rehearsal, call(tmp_path), Trip(tmp_path))
    assert (len(submitted(rehearsal)), len(rehearsal.fake.tasks)) == (3, 1)


def test_a_note_with_a_ticket_goes_on_with_the_job(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, call(tmp_path), first)
    found = run(rehearsal, call(tmp_path), Trip(tmp_path, saved=first.notes[-1]))
    assert (len(submitted(rehearsal)), found.usage["seconds"]) == (1, 5.0)


def test_a_note_without_a_ticket_is_never_sent_again(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, call(tmp_path), first)
    before = next(note for note in first.notes if json.loads(note)["ticket"] is None)
    with pytest.raises(Unable) as unable:
        run(rehearsal, call(tmp_path), Trip(tmp_path, saved=before))
    assert (unable.value.blame, len(rehearsal.fake.tasks)) == ("lost", 1)


def test_a_cancel_ends_the_waiting_without_a_word_to_the_vendor(rehearsal: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path, cancel_when=lambda: any(one.looks for one in rehearsal.fake.tasks.values()))
    with pytest.raises(Cancelled):
        run(rehearsal, call(tmp_path), trip)
    assert [one.method for one in rehearsal.fake.seen] == ["POST", "GET"]


def test_a_dead_key_gives_way_to_another(tmp_path: Path) -> None:
    with rehearsing("decart", models=STILL_THERE, key=None, keys=["dead-key", KEY]) as rehearsal:
        run(rehearsal, call(tmp_path), Trip(tmp_path))
        run(rehearsal, call(tmp_path), Trip(tmp_path))
        keys = [one.headers["x-api-key"] for one in submitted(rehearsal)]
    assert keys == ["dead-key", KEY, KEY]
