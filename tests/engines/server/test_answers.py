"""What servers' answers and records mean, without a server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rushes.calls import VendorCall
from rushes.engines.server.answers import NO_PATH, checked, failure, taken
from rushes.engines.server.jobs import accepted, as_form, share_of, state_of, ticket_of
from rushes.engines.server.refused import told
from rushes.engines.vendor.contract import Content, Done, Kind, Part, Response, Trouble, Waiting

CALL = VendorCall("sglang", "a film", "Wan-AI/Wan2.1", {})
LONG = "x" * 500


def answer(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "kind", "member"),
    [
        (401, "", "key", None),
        (403, "", "access", None),
        (404, {"detail": "no such video"}, "gone", None),
        (404, {"detail": "the model x is not found"}, "access", None),
        (429, "", "busy", None),
        (503, {"error": {"message": "queue full"}}, "busy", None),
        (503, {"error": {"message": "CUDA out of memory"}}, "server", None),
        (500, b"<html>", "server", None),
        (408, b"<html>", "server", None),
        (400, {"detail": "blocked by safety"}, "moderated", None),
        (400, {"error": {"message": "bad", "param": "seed"}}, "invalid", "seed"),
        (422, {"detail": [{"loc": ["body", "prompt"], "msg": "too long"}]}, "invalid", "prompt"),
        (422, {"detail": "negative_prompt is too long"}, "invalid", "negative_prompt"),
        (422, {"detail": [{"loc": ["body", "flow_shift"], "msg": "Extra inputs are not permitted"}]}, "access", None),
        (422, {"detail": [{"loc": ["body", "video"], "msg": "Field required"}]}, "access", None),
        (307, "", "unknown", None),
        (418, "", "unknown", None),
    ],
)
def test_a_no_has_its_kind(status: int, body: Any, kind: Kind, member: str | None) -> None:
    with pytest.raises(Trouble) as caught:
        checked(answer(body, status))
    assert (caught.value.kind, caught.value.member) == (kind, member)
    assert len(caught.value.text) < 600


def test_only_where_nothing_takes_films_is_the_next_way_tried() -> None:
    for status in (404, 405, 415):
        with pytest.raises(Trouble) as caught:
            taken(answer({"detail": "Not Found"}, status))
        assert caught.value.code == NO_PATH
    with pytest.raises(Trouble) as caught:
        taken(answer({"detail": "The model `x` does not exist; model not found"}, 404))
    assert caught.value.code == 404


@pytest.mark.parametrize(
    ("record", "state"),
    [
        ({"status": "queued", "progress": 0}, Waiting("queued")),
        ({"status": "IN_PROGRESS", "progress": 40}, Waiting("in_progress", 0.4)),
        ({"task_status": "processing", "progress": True}, Waiting("processing")),
        ({"status": "completed"}, Done(value="film")),
    ],
)
def test_a_records_word_is_its_state(record: dict[str, Any], state: object) -> None:
    assert state_of(record, lambda: Done(value="film")) == state


@pytest.mark.parametrize("word", ["failed", "cancelled", "deleted", "paused", None])
def test_an_end_or_an_unknown_word_is_the_tasks(word: str | None) -> None:
    with pytest.raises(Trouble) as caught:
        state_of({"status": word, "error": {"message": LONG}}, Done)
    assert (caught.value.member, len(caught.value.text) < 450) == ("task", True)
    assert (caught.value.kind == "unknown") == (word in ("paused", None))


def test_a_film_or_an_id_is_taken_and_nothing_else() -> None:
    assert accepted(CALL, answer(b"film", **{"content-type": "video/mp4"})) == Done((Content(b"film", "video/mp4"),))
    assert accepted(CALL, answer({"data": [{"b64_json": "AAEC"}]})) == Done((Content(b"\0\1\2", "video/mp4"),))
    assert accepted(CALL, answer({"id": "video_1-a.b:c", "model": "/models/wan2.1/"})) == "video_1-a.b:c"
    for body in ({"id": "../x"}, {"id": ""}, {"id": 5}, {"data": [{"b64_json": "?"}]}, {"id": "a?b"}, {"hello": 1}):
        with pytest.raises(Trouble) as caught:
            accepted(CALL, answer(body))
        assert (caught.value.kind, caught.value.code is None) == ("unknown", False)  # a code: nothing was taken
    with pytest.raises(Trouble, match="it serves other/model"):
        accepted(CALL, answer({"id": "v", "model": "other/model"}))
    with pytest.raises(Trouble) as caught:
        accepted(CALL, answer({"status": "failed", "error": "no memory"}))
    assert caught.value.member == "task"
    assert ticket_of("t", answer({})) == "t"


def test_a_share_is_percent_where_the_server_tells_it() -> None:
    assert [share_of(one) for one in (0, 1, 100, 101, -1, True, "5", None)] == [None, 0.01, 1.0] + [None] * 5


def test_a_form_spells_what_is_no_text_as_json_and_nothing_as_a_space() -> None:
    part = Part(b"png", "a.png", "image/png")
    form = as_form({"a": "", "b": True, "c": {"d": 1.5}, "e": part, "f": "é"})
    assert form == {"a": " ", "b": "true", "c": '{"d": 1.5}', "e": part, "f": "é"}


def test_no_trouble_names_machines_to_the_caller() -> None:
    kinds: tuple[Kind, ...] = ("key", "access", "busy", "server", "gone", "slow", "here", "lost", "retired", "unknown")
    for kind in kinds:
        error = told(Trouble(kind, "10.0.0.7 said no", code=500), "gpu-box", "SGLang", "5 frames of 64x48")
        assert not isinstance(error, Trouble)
        assert "10.0.0.7" not in str(getattr(error, "error", error))
        assert "gpu-box" in getattr(error, "remedy", "")
    assert failure({"message": "guardrail hit"}).kind == "moderated"
