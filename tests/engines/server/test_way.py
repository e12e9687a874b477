"""The way of a server's task: notes, tickets, cancels, what goes wrong and whom it is told, what comes back."""

from __future__ import annotations

import base64
import time
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rushes.calls import DiffusersCall, Finish
from rushes.engines.engine import Cancelled, Unable
from rushes.engines.server.engine import as_wished
from rushes.engines.server.wish import wish_of
from rushes.engines.vendor.task import Task, is_taken
from rushes.errors import ModelError
from rushes.fakes.content import mp4
from rushes.fakes.servers import MODEL
from tests.engines.server.rehearsal import DIALECTS, rehearsing, run, setting_for
from tests.engines.vendor.rehearsal import Trip
from tests.engines.vendor.scripted import host, said

CALL = DiffusersCall("a boat", "", 64, 48, 5, 5, 16, 4, 5.0, 1, shift=5.0)
JOBS = ("sglang", "vllm-omni", "lightx2v")


def saying(words: str, **more: Any) -> DiffusersCall:
    return DiffusersCall(f"a boat {words}", "", 64, 48, 5, 5, 16, 4, 5.0, 1, **{"shift": 5.0, **more})


@pytest.mark.parametrize("name", DIALECTS)
def test_a_note_comes_before_the_task_and_its_ticket_right_after(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, CALL, trip)
        (task,) = rehearsal.fake.tasks
    first = [False, False] if name == "fastvideo" else []  # this one has only the other path: refused, and noted so
    assert [is_taken(note) for note in trip.notes] == [*first, False, True]
    found = Task.read(trip.notes[-1], "rehearsed")
    assert found is not None
    assert found.ticket == task


@pytest.mark.parametrize("name", DIALECTS)
def test_a_later_try_goes_on_with_the_task_and_begins_no_second_one(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, CALL, trip)
        again = Trip(tmp_path / "out2", saved=trip.notes[-1])
        run(rehearsal, CALL, again)
        assert len(rehearsal.fake.tasks) == 1
        assert again.notes == []


def test_a_task_whose_answer_was_lost_is_looked_up_by_our_name(tmp_path: Path) -> None:
    with rehearsing("lightx2v") as rehearsal:
        rehearsal.fake.plan.submits, rehearsal.fake.plan.keeps_lost = deque(["hang_up"]), True
        run(rehearsal, CALL, Trip(tmp_path / "out"))
        assert len(rehearsal.fake.tasks) == 1
        note = Task("rehearsed", "e3b0c442", MODEL, next(iter(rehearsal.fake.tasks))).note()
        run(rehearsal, CALL, Trip(tmp_path / "out2", saved=note))  # ended between the note and the ticket
        assert len(rehearsal.fake.tasks) == 1


def test_a_request_that_was_cut_off_is_made_again_in_the_way_that_its_server_has(tmp_path: Path) -> None:
    with rehearsing("fastvideo") as rehearsal:
        note = Task("rehearsed", "e3b0c442", MODEL, "job-1-x").note()
        run(rehearsal, CALL, Trip(tmp_path / "out", saved=note))
        assert len(rehearsal.fake.tasks) == 1


@pytest.mark.parametrize("name", ["fastvideo", "sglang", "vllm-omni"])
def test_one_that_nobody_can_look_up_is_sent_again_since_nobody_pays_for_it(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        rehearsal.fake.plan.submits = deque(["hang_up", "hang_up"])
        run(rehearsal, CALL, Trip(tmp_path / "out"))
        assert len(rehearsal.fake.tasks) == 1


@pytest.mark.parametrize("name", JOBS)
def test_a_cancel_reaches_the_server(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        rehearsal.fake.plan.ends_after = 1_000
        looked = lambda: any(task.looks > 2 for task in rehearsal.fake.tasks.values())  # noqa: E731
        with pytest.raises(Cancelled):
            run(rehearsal, CALL, Trip(tmp_path / "out", cancel_when=looked))
        (task,) = rehearsal.fake.tasks.values()
        assert task.cancelled
        assert [seen.method for seen in rehearsal.fake.seen][-1] == "DELETE"


def test_a_cancel_ends_a_request_that_lasts_as_long_as_its_work(tmp_path: Path) -> None:
    with rehearsing("fastvideo") as rehearsal:
        rehearsal.server.blocks_s = 60.0
        with pytest.raises(Cancelled):
            run(rehearsal, CALL, Trip(tmp_path / "out", cancel_when=lambda: bool(rehearsal.fake.tasks)))
        (task,) = rehearsal.fake.tasks.values()
        give_up_at = time.monotonic() + 10
        while not task.cancelled and time.monotonic() < give_up_at:
            time.sleep(0.02)
        assert task.cancelled


CALLERS = {
    "fake:invalid": "value_error",
    "fake:moderated": "content_policy_violation",
    "fake:end_moderated": "content_policy_violation",
}
OTHERS = {
    "fake:key": "key",
    "fake:balance": "access",
    "fake:server_error": "server",
    "fake:unknown": "unknown",
    "fake:rate": "busy",
    "fake:concurrency": "busy",
    "fake:hang_up": "server",
    "fake:end_failed": "server",
    "fake:end_unknown": "unknown",
    "fake:end_cancelled": "server",
    "fake:end_lost": "server",
    "fake:end_link_expired": "server",
    "fake:end_link_broken": "server",
    "fake:end_oom": "here",
}


@pytest.mark.parametrize("name", DIALECTS)
def test_what_the_caller_did_is_told_in_the_servers_words(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        for words, kind in CALLERS.items():
            with pytest.raises(ModelError) as error:
                run(rehearsal, saying(words), Trip(tmp_path / "out"))
            assert error.value.problems[0].type == kind, words


def test_a_value_that_its_types_refuse_is_the_callers_and_a_member_that_it_does_not_know_is_not(tmp_path: Path) -> None:
    for body, kind in (
        ({"detail": "1 validation error\nguidance_scale\n  Input should be less than or equal to 20"}, ModelError),
        ({"error": {"message": "bad", "param": "seed"}}, ModelError),
        ({"detail": [{"loc": ["body", "prompt"], "msg": "Field required"}]}, ModelError),
        ({"detail": [{"loc": ["body", "flow_shift"], "msg": "Extra inputs are not permitted"}]}, Unable),
        ({"detail": [{"loc": ["body", "video"], "msg": "Field required"}]}, Unable),
        ({"detail": "size: not one of those that are compiled"}, Unable),
        ("text", Unable),
    ):
        for status in (400, 422):
            with host(said(body, status)) as there, rehearsing("sglang", at=there.url) as rehearsal:
                with pytest.raises((ModelError, Unable)) as error:
                    run(rehearsal, CALL, Trip(tmp_path / "out"))
                assert error.type is kind, body
                assert len(there.asked) == 1


@pytest.mark.parametrize("name", DIALECTS)
def test_all_else_may_be_done_by_the_next_deployment(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        for words, blame in OTHERS.items():
            with pytest.raises(Unable) as unable:
                run(rehearsal, saying(words), Trip(tmp_path / "out"))
            assert (unable.value.blame, unable.value.taken) == (blame, False), words
            assert "paid" not in f"{unable.value.remedy}{unable.value.error}"
            rehearsal.clock.at += 120  # a refused key rests
        assert "too little memory" in str(unable.value.error)
        assert "5 frames of 64x48" in str(unable.value.error)


@pytest.mark.parametrize("name", JOBS)
def test_a_server_that_was_started_anew_is_asked_once_more(name: str, tmp_path: Path) -> None:
    with rehearsing(name) as rehearsal:
        note = Task("rehearsed", "e3b0c442", MODEL, "job-1-x", "forgotten").note()
        trip = Trip(tmp_path / "out", saved=note)
        run(rehearsal, CALL, trip)
        assert len(rehearsal.fake.tasks) == 1
    assert any("begun anew" in line for line in trip.lines)


@pytest.mark.parametrize("name", JOBS)
def test_a_server_that_goes_away_is_waited_for_only_so_long(name: str, tmp_path: Path) -> None:
    with rehearsing(name, patience_s=20) as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, CALL, trip)
        engine, clock = rehearsal.engine, rehearsal.clock
    before = clock.at
    with pytest.raises(Unable) as unable:
        engine.run_errand(CALL, Trip(tmp_path / "out2", saved=trip.notes[-1]))
    assert (unable.value.blame, unable.value.taken) == ("server", False)
    assert 20 <= clock.at - before < 90


def test_progress_is_the_servers(tmp_path: Path) -> None:
    with rehearsing("sglang") as rehearsal:
        rehearsal.fake.plan.ends_after = 9
        trip = Trip(tmp_path / "out")
        run(rehearsal, CALL, trip)
    assert [line for line in trip.lines if line.endswith("done")][:2] == ["10% done", "20% done"]


def test_another_model_than_the_deployments_is_told(tmp_path: Path) -> None:
    for name in ("sglang", "fastvideo", "vllm-omni"):
        with rehearsing(name, model="Wan-AI/Wan2.2-TI2V-5B-Diffusers") as rehearsal:
            with pytest.raises(Unable) as unable:
                run(rehearsal, CALL, Trip(tmp_path / name))
            assert unable.value.blame == "access"
            assert "model" in unable.value.remedy
    with rehearsing("sglang", model="/models/Wan2.1-I2V-14B-480P-Diffusers/") as rehearsal:
        run(rehearsal, CALL, Trip(tmp_path / "same"))


@pytest.mark.parametrize(
    ("spoken", "there"), [("lightx2v", "sglang"), ("sglang", "lightx2v"), ("fastvideo", "lightx2v")]
)
def test_a_wrong_dialect_is_told(spoken: str, there: str, tmp_path: Path) -> None:
    with (
        rehearsing(there) as rehearsal,
        rehearsing(spoken, at=rehearsal.url) as ours,
        pytest.raises(Unable) as unable,
    ):
        run(ours, CALL, Trip(tmp_path / "out"))
    assert unable.value.blame == "access"
    assert "is dialect the right one" in unable.value.remedy


@pytest.mark.parametrize("name", DIALECTS)
def test_a_page_or_another_service_at_the_address_is_told_at_once(name: str, tmp_path: Path) -> None:
    for answer in (b"<html>welcome</html>", [1, 2], {"hello": "world"}, {"id": "../../etc", "task_id": "../x"}):
        with (
            host(said(answer)) as there,
            rehearsing(name, at=there.url) as rehearsal,
            pytest.raises(Unable) as unable,
        ):
            run(rehearsal, CALL, Trip(tmp_path / "out"))
        assert unable.value.blame == "unknown"
        assert len(there.asked) == 1, "nothing is gained by asking again"


def test_a_server_that_takes_no_forms_is_given_the_picture_as_text(tmp_path: Path) -> None:
    np.save(tmp_path / "picture.npy", np.zeros((48, 64, 3), np.uint8))
    call = saying("", image=str(tmp_path / "picture.npy"))
    with (
        host(said({"detail": "no forms"}, 415), said({"id": "v1"}), said({"status": "FAILED"})) as there,
        rehearsing("sglang", at=there.url) as rehearsal,
        pytest.raises(Unable),
    ):
        run(rehearsal, call, Trip(tmp_path / "out"))
    form, text = there.whole[:2]
    assert b'name="input_reference"; filename=' in form
    assert b'"reference_url":"data:image/png;base64,' in text


def test_a_film_that_is_the_answer_itself_is_taken(tmp_path: Path) -> None:
    for answer in (
        said(mp4(64, 48, 5 / 16, 16), content_type="video/mp4"),
        said({"data": [{"b64_json": base64.b64encode(mp4(64, 48, 5 / 16, 16)).decode()}]}),
    ):
        with host(answer) as there, rehearsing("fastvideo", at=there.url) as rehearsal:
            film = run(rehearsal, CALL, Trip(tmp_path / "out"))
        assert Path(film.path).read_bytes() == mp4(64, 48, 5 / 16, 16)


def test_a_redirect_of_the_request_is_not_followed_but_told(tmp_path: Path) -> None:
    with (
        host(said(b"", 307, location="http://10.0.0.9/")) as there,
        rehearsing("sglang", at=there.url) as rehearsal,
        pytest.raises(Unable) as unable,
    ):
        run(rehearsal, CALL, Trip(tmp_path / "out"))
    assert "write that address in url" in unable.value.remedy


def test_a_film_is_fetched_from_the_server_itself_and_from_no_private_address_it_leads_to(tmp_path: Path) -> None:
    with host(said(b"never")) as inside, rehearsing("sglang") as rehearsal:
        rehearsal.server.redirects_to = f"{inside.url}/secret"
        with pytest.raises(Unable) as unable:
            run(rehearsal, CALL, Trip(tmp_path / "out"))
        assert inside.asked == []
    assert unable.value.blame == "server"


def test_the_first_frames_are_kept_and_a_recipe_is_finished_here() -> None:
    call = DiffusersCall("p", "", 64, 48, 7, 9, 16, 4, 5.0, 1, finish=Finish(128, 96, 12, 30.0))
    wish = wish_of(call, setting_for("sglang", "http://x"), frozenset())
    film = np.zeros((9, 48, 64, 3), np.uint8)
    film[:] = np.arange(9)[:, None, None, None] * 20
    chunks = list(as_wished(wish, iter([film[:4], film[4:8], film[8:]])))
    made = np.concatenate(chunks)
    assert made.shape == (12, 96, 128, 3)
    assert 100 < made.max() <= 120  # the seventh frame's, not the ninth's
