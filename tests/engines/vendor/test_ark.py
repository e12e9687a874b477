"""Ark as a vendor: the body it is sent in both styles and regions, its words and codes, cancel, keys and limits."""

from __future__ import annotations

import base64
import io
import json
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.calls import VendorCall
from rushes.engines.engine import Cancelled, FinishedFiles, Unable
from rushes.engines.vendor.contract import Account, Response, Trouble
from rushes.engines.vendor.vendors import ark
from rushes.errors import CallerError, ModelError
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

ENDPOINT = "fal-ai/bytedance/seedance/v1/lite/image-to-video"
LITE, PRO = "seedance-1-0-lite-i2v-250428", "seedance-1-0-pro-250528"
SUCCESSOR = {LITE: PRO}
BODY: dict[str, Any] = {"prompt": "the rider leans in", "image_url": "https://example.com/a.png", "seed": 7}
PARAMETERS = {
    "resolution": "720p", "ratio": "adaptive", "duration": 5, "camera_fixed": False, "seed": 7, "watermark": False,
}  # fmt: skip


def asked(folder: Path, **more: Any) -> VendorCall:
    media = {"image_url": picture(folder)}
    if "end_image_url" in more:
        media["end_image_url"] = picture(folder, 400, 600, name="end")
    return call_for(ENDPOINT, "ark", {**BODY, **more}, media)


def sent(rehearsal: Rehearsal) -> Any:
    """The body of the one submit, its pictures replaced by their sizes."""
    (body,) = [seen.body for seen in rehearsal.fake.seen if seen.method == "POST"]
    return {**body, "content": [shown(part) for part in body["content"]]}


def shown(part: dict[str, Any]) -> Any:
    if part["type"] == "text":
        return part
    head, _, data = part["image_url"]["url"].partition(";base64,")
    assert head == "data:image/jpeg"
    return part["role"], Image.open(io.BytesIO(base64.b64decode(data))).size


def test_the_body_is_the_one_that_the_reference_has(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR, prices={f"{PRO}:tokens": 2.5e-6}) as rehearsal:
        receipt = run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert sent(rehearsal) == {
            "model": PRO,
            "content": [{"type": "text", "text": "the rider leans in"}, ("first_frame", (640, 480))],
            **PARAMETERS,
        }
        first = rehearsal.fake.seen[0]
        assert (first.path, first.headers["authorization"]) == (
            "/api/v3/contents/generations/tasks",
            f"Bearer {rehearsal.fake.key}",
        )
    assert isinstance(receipt.output, FinishedFiles)
    assert (receipt.seed, set(receipt.usage)) == (7, {"tokens"})
    assert receipt.usage["tokens"] == 1120 * 832 * 24 * 5 / 1024  # as the task's record says
    assert receipt.cost_usd == pytest.approx(receipt.usage["tokens"] * 2.5e-6)
    assert (receipt.maker.model, receipt.maker.stand_in) == (PRO, True)


def test_every_field_of_ours_is_in_the_body(tmp_path: Path) -> None:
    call = asked(
        tmp_path / "in", end_image_url="https://example.com/b.png", resolution="1080p", duration="10",
        camera_fixed=True, seed=0,
    )  # fmt: skip
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        run(rehearsal, call, Trip(tmp_path / "out"))
        body = sent(rehearsal)
    assert body.pop("content") == [
        {"type": "text", "text": "the rider leans in"},
        ("first_frame", (640, 480)),
        ("last_frame", (400, 300)),  # cropped to the first one's shape
    ]
    assert body == {
        "model": PRO, "resolution": "1080p", "ratio": "adaptive", "duration": 10, "camera_fixed": True, "seed": 0,
        "watermark": False,
    }  # fmt: skip


def test_the_older_style_has_flags_behind_the_text(tmp_path: Path) -> None:
    options = {"style": "old", "service_tier": "flex"}
    with rehearsing("ark", models=SUCCESSOR, options=options) as rehearsal:
        receipt = run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert sent(rehearsal) == {
            "model": PRO,
            "service_tier": "flex",
            "content": [
                {
                    "type": "text",
                    "text": "the rider leans in --resolution 720p --duration 5 --camerafixed false --seed 7 "
                    "--ratio adaptive --watermark false",
                },
                ("first_frame", (640, 480)),
            ],
        }
    assert receipt.seed == 7


@pytest.mark.parametrize("style", ["new", "old"])
def test_a_caller_sets_no_parameter_by_the_prompt(tmp_path: Path, style: str) -> None:
    call = asked(tmp_path / "in", prompt="a cat -- grey --duration 12 --RS 1080p  --frames 289", resolution="480p")
    with rehearsing("ark", models=SUCCESSOR, options={"style": style}) as rehearsal:
        receipt = run(rehearsal, call, Trip(tmp_path / "out"))
        said = sent(rehearsal)["content"][0]["text"]
    assert said.startswith("a cat -- grey –duration 12 –RS 1080p  –frames 289")
    assert receipt.usage["tokens"] == 736 * 544 * 24 * 5 / 1024  # 5 s of 480p


@pytest.mark.parametrize(("style", "words"), [("new", 0), ("old", 1)])
def test_an_empty_prompt_is_no_part_of_the_content(tmp_path: Path, style: str, words: int) -> None:
    with rehearsing("ark", models=SUCCESSOR, options={"style": style}) as rehearsal:
        run(rehearsal, asked(tmp_path / "in", prompt=" "), Trip(tmp_path / "out"))
        assert len(sent(rehearsal)["content"]) == 1 + words


def test_in_china_models_and_address_are_called_otherwise(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR, options={"region": "china"}) as rehearsal:
        run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert sent(rehearsal)["model"] == f"doubao-{PRO}"
    account = Account("key", ark.URL, {"region": "china"})
    assert ark.poll(account, "cgt-1").url == "https://ark.cn-beijing.volces.com/api/v3/contents/generations/tasks/cgt-1"
    call = asked(tmp_path / "in")
    for model in (f"doubao-{PRO}", "ep-20260101-abcde"):
        assert ark.submit(account, call, model, {"content": []}, "n").json["model"] == model


def test_a_wrong_option_is_the_operators_to_mend_and_nothing_is_sent(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR, options={"style": "ancient"}) as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    assert unable.value.blame == "here"
    assert "style" in str(unable.value)
    assert "new or old" in str(unable.value)


def test_the_withdrawn_model_is_answered_by_a_successor_only_if_one_is_named(tmp_path: Path) -> None:
    with rehearsing("ark") as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    assert unable.value.blame == "retired"
    assert "models" in str(unable.value)


@pytest.mark.parametrize(
    ("end", "kind"),
    [("failed", "server"), ("cancelled", "gone"), ("expired", "slow"), ("unknown", "unknown"), ("lost", "gone")],
)
def test_a_task_that_ends_badly(tmp_path: Path, end: Any, kind: str) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.end = end
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        looks = [seen for seen in rehearsal.fake.seen if seen.method == "GET"]
    assert unable.value.blame == kind
    assert len(looks) == (4 if end == "lost" else 3)  # queued, running, ended: one that failed is not looked at again
    if end == "unknown":
        assert "teleported" in str(unable.value.error)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}"


def test_what_came_out_may_be_refused(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.end = "moderated"
        with pytest.raises(ModelError) as error:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == ("content_policy_violation", ("body",))
    assert "OutputVideoSensitiveContentDetected" in str(error.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("key", "key"), ("balance", "balance"), ("server_error", "server"), ("unknown", "lost"), ("hang_up", "lost")],
)
def test_a_submit_that_is_refused_for_the_operators_reasons(tmp_path: Path, fault: Any, kind: str) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.submits = deque([fault] * 9)
        trip = Trip(tmp_path / "out")
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), trip)
        tries = len(rehearsal.fake.seen)
    assert unable.value.blame == kind
    assert tries == (4 if fault == "server_error" else 1)
    assert rehearsal.fake.key not in f"{unable.value}{unable.value.error}{trip.lines}{trip.notes}"


@pytest.mark.parametrize(
    ("fault", "kind", "field"),
    [("invalid", "value_error", "duration"), ("moderated", "content_policy_violation", "prompt")],
)
def test_a_submit_that_is_refused_for_the_callers_reasons(tmp_path: Path, fault: Any, kind: str, field: str) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.submits = deque([fault])
        with pytest.raises(CallerError) as error:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
    assert isinstance(error.value, ModelError)
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (kind, ("body", field))
    assert error.value.failure().status == 422


def test_too_many_tasks_are_waited_for_as_long_as_the_vendor_says(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.submits = deque(["rate", "concurrency"])
        rehearsal.fake.plan.retry_after_s = 9
        run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        assert len(rehearsal.fake.tasks) == 1
    assert sum(rehearsal.clock.slept) > 18


def answer(status: int, code: str, param: str = "") -> Response:
    error = {"code": code, "message": "no", "param": param}
    return Response(status, {}, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "InvalidParameter", "invalid"),
        (400, "MissingParameter", "invalid"),
        (400, "InvalidParameter.UnsupportedImageFormat", "invalid"),
        (400, "InputTextSensitiveContentDetected", "moderated"),
        (400, "InputImageSensitiveContentDetected.PrivacyInformation", "moderated"),
        (400, "OutputVideoSensitiveContentDetected", "moderated"),
        (401, "AuthenticationError", "key"),
        (401, "", "key"),
        (403, "AccountOverdueError", "balance"),
        (403, "OperationDenied.ServiceOverdue", "balance"),
        (403, "OperationDenied.ServiceNotOpen", "access"),
        (403, "AccessDenied", "access"),
        (404, "InvalidEndpointOrModel.NotFound", "access"),
        (404, "ModelNotOpen", "access"),
        (404, "ResourceNotFound", "gone"),
        (429, "RateLimitExceeded", "busy"),
        (429, "ModelAccountRpmRateLimitExceeded", "busy"),
        (429, "QuotaExceeded", "busy"),
        (429, "SetLimitExceeded", "balance"),
        (429, "SomethingNew", "busy"),
        (500, "InternalServiceError", "server"),
        (503, "", "server"),
        (400, "SomethingNew", "unknown"),
        (418, "", "unknown"),
    ],
)
def test_each_code_has_its_meaning(tmp_path: Path, status: int, code: str, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        ark.accepted(asked(tmp_path), answer(status, code))
    assert trouble.value.kind == kind
    assert str(trouble.value.code) == (code or str(status))


@pytest.mark.parametrize(
    ("param", "member"),
    [
        ("resolution", "resolution"), ("content.text --camerafixed", "camera_fixed"), ("image_url", "image_url"),
        ("content.image_url", "content.image_url"), ("", None),
    ],
)  # fmt: skip
def test_a_refused_parameter_is_found_in_both_styles(tmp_path: Path, param: str, member: str | None) -> None:
    with pytest.raises(Trouble) as trouble:
        ark.accepted(asked(tmp_path), answer(400, "InvalidParameter", param))
    assert trouble.value.member == member


@pytest.mark.parametrize("record", [{}, {"status": "succeeded"}, {"status": "succeeded", "content": {}}])
def test_a_record_that_nobody_understands_is_shown(record: Any) -> None:
    with pytest.raises(Trouble) as trouble:
        ark.read(Account("key", ark.URL), "cgt-1", Response(200, {}, json.dumps(record).encode()))
    assert trouble.value.kind == "unknown"


def test_a_failed_task_whose_reason_is_unknown_shows_it() -> None:
    record = {"status": "failed", "error": {"code": "Gremlins", "message": "in the works"}}
    with pytest.raises(Trouble) as trouble:
        ark.read(Account("key", ark.URL), "cgt-1", Response(200, {}, json.dumps(record).encode()))
    assert (trouble.value.kind, trouble.value.code) == ("unknown", "Gremlins")


def test_a_cancel_reaches_a_task_that_waits(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.ends_after = 1_000
        trip = Trip(tmp_path / "out", cancel_when=lambda: bool(rehearsal.fake.tasks))
        with pytest.raises(Cancelled):
            run(rehearsal, asked(tmp_path / "in"), trip)
        (task,) = rehearsal.fake.tasks.values()
    assert task.cancelled
    assert rehearsal.fake.seen[-1].method == "DELETE"


def test_a_task_is_gone_on_with_and_one_without_a_ticket_is_not_sent_again(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        trip = Trip(tmp_path / "out")
        run(rehearsal, asked(tmp_path / "in"), trip)
        before, after = [json.loads(note) for note in trip.notes]
        assert before["ticket"] is None
        assert after["ticket"] in rehearsal.fake.tasks
        run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "again", saved=trip.notes[1]))
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "lost", saved=trip.notes[0]))
        assert len(rehearsal.fake.tasks) == 1
    assert unable.value.blame == "lost"


def test_a_link_that_has_expired_is_asked_for_again_and_then_given_up(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        rehearsal.fake.plan.end = "link_expired"
        with pytest.raises(Unable) as unable:
            run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / "out"))
        looks = [seen for seen in rehearsal.fake.seen if seen.method == "GET"]
    assert unable.value.blame == "gone"
    assert len(looks) == 5  # three to its end, and two for new links


def test_a_dead_key_rests_while_another_works(tmp_path: Path) -> None:
    with rehearsing("ark", models=SUCCESSOR, keys=["a-dead-key-123"]) as rehearsal:
        outcomes = []
        for number in range(3):
            try:
                run(rehearsal, asked(tmp_path / "in"), Trip(tmp_path / f"out-{number}"))
            except Unable as unable:
                outcomes.append(f"{unable}{unable.error}")
    assert len(outcomes) <= 1
    assert "a-dead-key-123" not in "".join(outcomes)


@pytest.mark.parametrize(
    ("width", "height", "found"), [(300, 300, (300, 300)), (400, 1280, (400, 1000)), (6001, 3000, (6000, 2999))]
)
def test_pictures_are_fitted(tmp_path: Path, width: int, height: int, found: tuple[int, int]) -> None:
    media = {"image_url": picture(tmp_path / "in", width, height)}
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        run(rehearsal, call_for(ENDPOINT, "ark", BODY, media), Trip(tmp_path / "out"))
        assert sent(rehearsal)["content"][1] == ("first_frame", found)


@pytest.mark.parametrize(("width", "height"), [(299, 400), (64, 1280)])
def test_pictures_too_small_are_refused_before_anything_is_sent(tmp_path: Path, width: int, height: int) -> None:
    media = {"image_url": picture(tmp_path / "in", width, height)}
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        with pytest.raises(ModelError) as error:
            run(rehearsal, call_for(ENDPOINT, "ark", BODY, media), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    assert (error.value.problems[0].type, error.value.problems[0].loc) == ("image_too_small", ("body", "image_url"))


@pytest.mark.parametrize(("seed", "found"), [(2**32, "less_than_equal"), (-2, "greater_than_equal")])
def test_a_seed_beyond_the_vendors_is_refused_before_anything_is_sent(tmp_path: Path, seed: int, found: str) -> None:
    with rehearsing("ark", models=SUCCESSOR) as rehearsal:
        with pytest.raises(ModelError) as error:
            run(rehearsal, asked(tmp_path / "in", seed=seed), Trip(tmp_path / "out"))
        assert rehearsal.fake.seen == []
    problem = error.value.problems[0]
    assert (problem.type, problem.loc) == (found, ("body", "seed"))
    assert str(seed) in problem.msg
