"""Luma as a vendor: the bodies of its three operations, its words and refusals, deleting as cancelling, and limits."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Response, Trouble
from rushes.engines.vendor.vendors import luma
from rushes.errors import ModelError
from rushes.fakes.inputs import look_at_still
from tests.engines.vendor.rehearsal import Rehearsal, call_for, picture, rehearsing, run
from tests.engines.vendor.sharing import sharing, video

ROOT = "fal-ai/luma-dream-machine"
STILL, END, FILM = "https://example.com/a.png", "https://example.com/b.png", "https://example.com/a.mp4"
TEXT = {"prompt": "a lighthouse", "aspect_ratio": "21:9", "loop": True, "resolution": "720p", "duration": "9s"}


def text_call(path: str = "/ray-2", **more: Any) -> VendorCall:
    return call_for(f"{ROOT}{path}", "luma", {"prompt": "a lighthouse", **more}, {})


def film_call(folder: Path, path: str, seconds: float = 2.0, **more: Any) -> VendorCall:
    media = {"video_url": video(folder, seconds)}
    if "image_url" in more:
        media["image_url"] = picture(folder)
    return call_for(f"{ROOT}{path}", "luma", {"video_url": FILM, **more}, media)


def submitted(rehearsal: Rehearsal) -> tuple[str, Any]:
    """Path and body of the one submit."""
    (seen,) = [seen for seen in rehearsal.fake.seen if seen.method == "POST"]
    assert seen.headers["authorization"] == f"Bearer {rehearsal.fake.key}"
    return seen.path, seen.body


def size_at(url: str) -> tuple[int, int]:
    with httpx2.Client(verify=False) as client:
        still = look_at_still(client.get(url).content)
    return still.width, still.height


@pytest.mark.parametrize(("path", "model"), [("/ray-2", "ray-2"), ("/ray-2-flash", "ray-flash-2")])
def test_a_film_of_a_text_is_asked_for_as_the_reference_has_it(tmp_path: Path, path: str, model: str) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        receipt = run(rehearsal, call_for(f"{ROOT}{path}", "luma", TEXT, {}), trip)
        assert submitted(rehearsal) == ("/dream-machine/v1/generations/video", {"model": model, **TEXT})
    assert isinstance(receipt.output, FinishedFiles)
    assert receipt.usage == {"videos": 1, "seconds": 9, "seconds_720p": 9}
    assert (receipt.maker.model, receipt.maker.stand_in) == (model, False)


def test_a_loop_that_nobody_asked_for_is_not_mentioned(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        run(rehearsal, text_call(), trip)
        assert submitted(rehearsal)[1] == {
            "model": "ray-2", "prompt": "a lighthouse", "aspect_ratio": "16:9", "resolution": "540p", "duration": "5s",
        }  # fmt: skip


@pytest.mark.parametrize("frames", [("image_url",), ("end_image_url",), ("image_url", "end_image_url")])
def test_pictures_are_keyframes_cropped_to_the_shape(tmp_path: Path, frames: tuple[str, ...]) -> None:
    media = {name: picture(tmp_path / "in", 600, 600, name=name) for name in frames}
    body = {"prompt": "", "aspect_ratio": "9:16", **dict.fromkeys(frames, STILL)}
    call = call_for(f"{ROOT}/ray-2-flash/image-to-video", "luma", body, media)
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        run(rehearsal, call, trip)
        path, sent = submitted(rehearsal)
        keyframes = sent.pop("keyframes")
        assert [size_at(frame["url"]) for frame in keyframes.values()] == [(338, 600)] * len(frames)
    places = {"image_url": "frame0", "end_image_url": "frame1"}
    assert list(keyframes) == [places[name] for name in frames]
    assert all(set(frame) == {"type", "url"} and frame["type"] == "image" for frame in keyframes.values())
    assert path == "/dream-machine/v1/generations/video"
    assert sent == {"model": "ray-flash-2", "aspect_ratio": "9:16", "resolution": "540p", "duration": "5s"}


@pytest.mark.parametrize(("path", "model"), [("/ray-2", "ray-2"), ("/ray-2-flash", "ray-flash-2")])
def test_a_video_is_reframed_with_every_edge(tmp_path: Path, path: str, model: str) -> None:
    edges = {"grid_position_x": 0, "grid_position_y": 3, "x_start": 0, "x_end": 100, "y_start": 1, "y_end": 80}
    call = film_call(
        tmp_path / "in", f"{path}/reframe", aspect_ratio="1:1", prompt="more sea", image_url=STILL, **edges
    )
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        receipt = run(rehearsal, call, trip)
        where, sent = submitted(rehearsal)
        assert size_at(sent.pop("first_frame")["url"]) == (480, 480)
    assert set(sent.pop("media")) == {"url"}
    assert where == "/dream-machine/v1/generations/video/reframe"
    assert sent == {
        "model": model, "generation_type": "reframe_video", "aspect_ratio": "1:1", "prompt": "more sea", **edges,
    }  # fmt: skip
    assert receipt.usage == {"videos": 1, "seconds": 2}


@pytest.mark.parametrize(("path", "model"), [("/ray-2", "ray-2"), ("/ray-2-flash", "ray-flash-2")])
def test_a_video_is_modified(tmp_path: Path, path: str, model: str) -> None:
    call = film_call(tmp_path / "in", f"{path}/modify", mode="adhere_3", prompt="in pencil", image_url=STILL)
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        run(rehearsal, call, trip)
        where, sent = submitted(rehearsal)
        assert size_at(sent.pop("first_frame")["url"]) == (640, 360)  # the video's shape
    assert set(sent.pop("media")) == {"url"}
    assert where == "/dream-machine/v1/generations/video/modify"
    assert sent == {"model": model, "generation_type": "modify_video", "mode": "adhere_3", "prompt": "in pencil"}


def test_of_a_video_only_what_is_given_is_sent(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        run(rehearsal, film_call(tmp_path / "in", "/ray-2/modify"), trip)
        assert set(submitted(rehearsal)[1]) == {"model", "generation_type", "media", "mode"}


@pytest.mark.parametrize("path", ["", "/image-to-video"])
def test_the_first_model_is_answered_by_a_successor_only_if_one_is_named(tmp_path: Path, path: str) -> None:
    media = {"image_url": picture(tmp_path / "in")} if path else {}
    call = call_for(f"{ROOT}{path}", "luma", {"prompt": "a lighthouse", **dict.fromkeys(media, STILL)}, media)
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        with pytest.raises(Unable) as unable:
            run(rehearsal, call, trip)
        assert rehearsal.fake.seen == []
    assert unable.value.blame == "retired"
    with rehearsing("luma", models={"ray-1-6": "ray-flash-2"}) as rehearsal, sharing(tmp_path / "out") as trip:
        receipt = run(rehearsal, call, trip)
        sent = submitted(rehearsal)[1]
    assert (receipt.maker.model, receipt.maker.stand_in) == ("ray-flash-2", True)
    assert (sent["model"], sent["resolution"], sent["duration"]) == ("ray-flash-2", "720p", "5s")


@pytest.mark.parametrize(
    ("end", "blame"), [("failed", "server"), ("cancelled", "gone"), ("unknown", "unknown"), ("lost", "gone")]
)
def test_a_generation_that_ends_badly(tmp_path: Path, end: Any, blame: str) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.end = end
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), trip)
    assert unable.value.blame == blame
    if end == "unknown":
        assert "sleepwalking" in str(unable.value.error)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}{trip.lines}{trip.notes}"


def test_what_came_out_may_be_refused(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.end = "moderated"
        with pytest.raises(ModelError) as error:
            run(rehearsal, text_call(), trip)
    assert (error.value.problems[0].type, error.value.problems[0].loc) == ("content_policy_violation", ("body",))


@pytest.mark.parametrize(
    ("fault", "blame"),
    [("key", "key"), ("balance", "balance"), ("server_error", "server"), ("unknown", "lost"), ("hang_up", "lost")],
)
def test_a_submit_that_is_refused_for_the_operators_reasons(tmp_path: Path, fault: Any, blame: str) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.submits = deque([fault] * 9)
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), trip)
        tries = len(rehearsal.fake.seen)
    assert unable.value.blame == blame
    assert tries == (4 if fault == "server_error" else 1)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}{trip.lines}{trip.notes}"


@pytest.mark.parametrize(
    ("fault", "kind", "field"),
    [("invalid", "value_error", "duration"), ("moderated", "content_policy_violation", "prompt")],
)
def test_a_submit_that_is_refused_for_the_callers_reasons(tmp_path: Path, fault: Any, kind: str, field: str) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.submits = deque([fault])
        with pytest.raises(ModelError) as error:
            run(rehearsal, text_call(), trip)
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (kind, ("body", field))
    assert error.value.failure().status == 422


def answer(status: int, detail: Any) -> Response:
    return Response(status, {"retry-after": "3"}, json.dumps({"detail": detail}).encode())


@pytest.mark.parametrize(
    ("status", "detail", "kind", "member"),
    [
        (400, "Prompt is too short, minimum length is 3 characters", "invalid", "prompt"),
        (400, "Prompt not allowed because advanced moderation failed", "moderated", "prompt"),
        (400, "No IP is allowed", "moderated", None),
        (400, "Failed to read user input frames", "invalid", "keyframes"),
        (400, "Failed to read the video at https://example.com/a.mp4: gone", "invalid", "media"),
        (400, "Insufficient credits", "balance", None),
        (401, "Invalid API key", "key", None),
        (402, "Insufficient credits", "balance", None),
        (403, "Insufficient credits", "balance", None),
        (403, "Forbidden", "access", None),
        (422, [{"loc": ["body", "keyframes", "frame1", "url"], "msg": "bad"}], "invalid", "keyframes.frame1"),
        (422, [{"loc": ["body", "aspect_ratio"], "msg": "bad"}], "invalid", "aspect_ratio"),
        (429, "Too many requests", "busy", None),
        (500, "Internal Server Error", "server", None),
        (503, None, "server", None),
        (418, "teapot", "unknown", None),
    ],
)
def test_each_refusal_has_its_meaning(status: int, detail: Any, kind: str, member: str | None) -> None:
    with pytest.raises(Trouble) as trouble:
        luma.accepted(text_call(), answer(status, detail))
    assert (trouble.value.kind, trouble.value.member) == (kind, member)
    assert trouble.value.retry_after_s == 3
    assert "bad" in trouble.value.text if status == 422 else True


@pytest.mark.parametrize("record", [{}, {"state": "completed"}, {"state": "completed", "assets": {"image": "x"}}])
def test_a_record_that_nobody_understands_is_shown(record: Any) -> None:
    with pytest.raises(Trouble) as trouble:
        luma.read(Account("k", luma.URL), '{"id": "1", "usage": {}}', Response(200, {}, json.dumps(record).encode()))
    assert trouble.value.kind == "unknown"


def test_a_base_may_be_written_with_and_without_its_version() -> None:
    for url in (luma.URL, f"{luma.URL}/dream-machine/v1"):
        found = luma.poll(Account("key", url), '{"id": "abc", "usage": {}}').url
        assert found == "https://api.lumalabs.ai/dream-machine/v1/generations/abc"


def test_a_cancel_deletes_the_generation(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.ends_after = 1_000
        trip.cancel_when = lambda: bool(rehearsal.fake.tasks)
        with pytest.raises(Cancelled):
            run(rehearsal, text_call(), trip)
        (task,) = rehearsal.fake.tasks.values()
    assert task.cancelled
    assert rehearsal.fake.seen[-1].method == "DELETE"


def test_a_task_is_gone_on_with_and_one_without_a_ticket_is_not_sent_again(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        first = run(rehearsal, text_call(), trip)
        again = run(rehearsal, text_call(), replace(trip, saved=trip.notes[1], notes=[]))
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), replace(trip, saved=trip.notes[0], notes=[]))
        assert len(rehearsal.fake.tasks) == 1
    assert unable.value.blame == "lost"
    assert first.usage == again.usage == {"videos": 1, "seconds": 5, "seconds_540p": 5}


def test_a_link_that_has_expired_is_asked_for_again_and_then_given_up(tmp_path: Path) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        rehearsal.fake.plan.end = "link_expired"
        with pytest.raises(Unable) as unable:
            run(rehearsal, text_call(), trip)
        looks = [seen for seen in rehearsal.fake.seen if seen.method == "GET"]
    assert unable.value.blame == "gone"
    assert len(looks) == 5  # three to its end, and two for new links


def test_several_keys_are_used_in_turn(tmp_path: Path) -> None:
    with rehearsing("luma", keys=["a-dead-key-123"]) as rehearsal, sharing(tmp_path / "out") as trip:
        said = []
        for _ in range(3):
            try:
                run(rehearsal, text_call(), trip)
            except Unable as unable:
                said.append(f"{unable}{unable.error}")
    assert len(said) <= 1
    assert "a-dead-key-123" not in f"{said}{trip.lines}{trip.notes}"


@pytest.mark.parametrize(
    ("model", "seconds", "most"), [("/ray-2", 10.1, 10), ("/ray-2-flash", 15.1, 15), ("/ray-2-flash", 15, None)]
)
def test_a_video_longer_than_the_model_takes_is_refused(model: str, seconds: float, most: Any, tmp_path: Path) -> None:
    call = film_call(tmp_path, f"{model}/modify")
    media = call.body["media"]["url"]
    asked = replace(call, body={**call.body, "media": {"url": replace(media, duration_s=seconds)}})
    if most is None:
        luma.check(asked, asked.model)
        return
    with pytest.raises(ModelError) as error:
        luma.check(asked, asked.model)
    problem = error.value.problems[0]
    assert (problem.type, problem.loc) == ("video_duration_too_long", ("body", "video_url"))
    assert problem.ctx == {"max_duration": most}


@pytest.mark.parametrize(
    ("prompt", "found"),
    [("", "string_too_short"), ("ab", "string_too_short"), ("a" * 5_001, "string_too_long")],
)
def test_a_prompt_of_a_wrong_length_is_refused_before_anything_is_sent(tmp_path: Path, prompt: str, found: str) -> None:
    with rehearsing("luma") as rehearsal, sharing(tmp_path / "out") as trip:
        with pytest.raises(ModelError) as error:
            run(rehearsal, text_call(prompt=prompt), trip)
        assert rehearsal.fake.seen == []
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (found, ("body", "prompt"))
