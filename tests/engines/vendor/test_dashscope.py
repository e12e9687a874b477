"""Alibaba Model Studio: what Wan is asked, what tasks and errors mean, and what is refused before it is paid."""

import base64
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
from rushes.engines.vendor.vendors import dashscope
from rushes.errors import ModelError
from rushes.families import ENDPOINTS
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run

I2V, T2V = "wan2.2-i2v-plus", "wan2.2-t2v-plus"
KEY = "rehearsal-key"
SUBMIT = "/api/v1/services/aigc/video-generation/video-synthesis"
ALWAYS = {"duration": 5, "prompt_extend": True, "seed": 7, "watermark": False}


@pytest.fixture(scope="module")
def shared() -> Iterator[Rehearsal]:
    with rehearsing("dashscope") as one:
        yield one


@pytest.fixture
def rehearsal(shared: Rehearsal) -> Rehearsal:
    shared.fake.plan = type(shared.fake.plan)()
    shared.fake.seen.clear()
    shared.fake.tasks.clear()
    shared.engine._setup.keys.revive(KEY)
    return shared


def pictured(folder: Path, prompt: str = "a boat", size: tuple[int, int] = (640, 480), **more: Any) -> VendorCall:
    media = {"image_url": picture(folder, *size)}
    body = {"prompt": prompt, "image_url": "https://example.com/a.png", "seed": 7, **more}
    return call_for("fal-ai/wan-pro/image-to-video", "dashscope", body, media)


def told(prompt: str = "a boat", **more: Any) -> VendorCall:
    return call_for("fal-ai/wan-pro/text-to-video", "dashscope", {"prompt": prompt, "seed": 7, **more}, {})


def shown(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body with the picture as its stated type, form and size."""
    kind, _, content = body["input"]["img_url"].partition(";base64,")
    with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as found:
        return {**body, "input": {**body["input"], "img_url": (kind, found.format, found.size)}}


def submitted(rehearsal: Rehearsal) -> list[Any]:
    return [one for one in rehearsal.fake.seen if one.path == SUBMIT]


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(status, headers or {}, json.dumps(body).encode())


def record(**output: Any) -> Response:
    return answer({"request_id": "r", "output": {"task_id": "t", **output}, "usage": {"video_duration": 5}})


# What is sent


def test_a_picture_is_set_in_motion_at_1080p_for_five_seconds(rehearsal: Rehearsal, tmp_path: Path) -> None:
    found = run(rehearsal, pictured(tmp_path), Trip(tmp_path))
    (post,) = submitted(rehearsal)
    assert shown(post.body) == {
        "model": I2V,
        "input": {"prompt": "a boat", "img_url": ("data:image/jpeg", "JPEG", (640, 480))},
        "parameters": {"resolution": "1080P", **ALWAYS},
    }
    assert (post.headers["x-dashscope-async"], post.headers["authorization"]) == ("enable", f"Bearer {KEY}")
    assert isinstance(found.output, FinishedFiles)
    assert Path(found.output.files[0].path).read_bytes()[4:8] == b"ftyp"
    assert found.usage == {"seconds": 5.0, "videos": 1.0}
    assert found.prompt == "a boat Seen in soft light, the camera is calm."
    assert (found.maker.model, found.maker.stand_in) == (I2V, False)


def test_a_prompt_is_filmed_at_1080p_for_five_seconds(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, told(), Trip(tmp_path))
    (post,) = submitted(rehearsal)
    assert post.body == {
        "model": T2V,
        "input": {"prompt": "a boat"},
        "parameters": {"size": "1920*1080", **ALWAYS},
    }


def test_any_seed_is_left_to_the_vendor_where_none_was_chosen() -> None:
    call = call_for("fal-ai/wan-pro/text-to-video", "dashscope", {"prompt": "a boat"}, {})
    assert "seed" not in call.body["parameters"]


@pytest.mark.parametrize(
    ("size", "sent"),
    [
        ((360, 360), (360, 360)),
        ((2000, 400), (2000, 400)),
        ((3000, 2000), (2000, 1333)),
        ((3888, 700), (1996, 363)),
        ((700, 3888), (363, 1996)),
        ((6000, 361), (1986, 361)),
    ],
)
def test_a_picture_is_made_to_fit(
    rehearsal: Rehearsal, tmp_path: Path, size: tuple[int, int], sent: tuple[int, int]
) -> None:
    run(rehearsal, pictured(tmp_path, size=size), Trip(tmp_path))
    form = shown(submitted(rehearsal)[0].body)["input"]["img_url"]
    assert form[2] == pytest.approx(sent, abs=1)


@pytest.mark.parametrize("size", [(64, 1280), (359, 800), (300, 300)])
def test_a_picture_that_is_too_small_is_refused_before_anything_is_sent(
    rehearsal: Rehearsal, tmp_path: Path, size: tuple[int, int]
) -> None:
    with pytest.raises(ModelError) as error:
        run(rehearsal, pictured(tmp_path, size=size), Trip(tmp_path))
    problem = error.value.problems[0]
    assert (problem.type, problem.loc) == ("image_too_small", ("body", "image_url"))
    assert (problem.ctx or {})["min_width"] == 360
    assert not rehearsal.fake.seen


@pytest.mark.parametrize(
    ("more", "type_", "field"),
    [
        ({"prompt": "x" * 801}, "string_too_long", "prompt"),
        ({"prompt": "船" * 801}, "string_too_long", "prompt"),
        ({"prompt": " "}, "string_too_short", "prompt"),
        ({"seed": 2**31}, "less_than_equal", "seed"),
        ({"seed": -2}, "greater_than_equal", "seed"),
    ],
)
def test_what_the_vendor_has_no_room_for_is_refused_at_our_field(
    rehearsal: Rehearsal, tmp_path: Path, more: dict[str, Any], type_: str, field: str
) -> None:
    with pytest.raises(ModelError) as error:
        run(rehearsal, told(**{"prompt": "a boat", **more}), Trip(tmp_path))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (type_, ("body", field))
    assert not rehearsal.fake.seen


def test_the_longest_prompt_and_the_largest_seed_are_taken(rehearsal: Rehearsal, tmp_path: Path) -> None:
    run(rehearsal, told("船" * 800, seed=2**31 - 1), Trip(tmp_path))
    assert len(rehearsal.fake.tasks) == 1


@pytest.mark.parametrize("model", ["wan2.1-i2v-plus", "wanx2.1-i2v-plus"])
def test_a_model_without_1080p_is_asked_for_what_it_makes(tmp_path: Path, model: str) -> None:
    with rehearsing("dashscope", models={I2V: model}) as rehearsal:
        found = run(rehearsal, pictured(tmp_path), Trip(tmp_path))
        (post,) = submitted(rehearsal)
    assert (post.body["model"], post.body["parameters"]) == (model, {"resolution": "720P", **ALWAYS})
    assert (found.maker.model, found.maker.stand_in) == (model, True)


def test_text_too_is_filmed_smaller_where_the_model_is_older(tmp_path: Path) -> None:
    with rehearsing("dashscope", models={T2V: "wan2.1-t2v-plus"}, options={"prompt_extend": "off"}) as rehearsal:
        found = run(rehearsal, told(), Trip(tmp_path))
        (post,) = submitted(rehearsal)
    assert post.body["parameters"] == {"size": "1280*720", **ALWAYS, "prompt_extend": False}
    assert found.prompt is None


def test_a_newer_model_may_be_told_more(tmp_path: Path) -> None:
    with rehearsing("dashscope", models={I2V: "wan2.5-i2v-preview"}) as rehearsal:
        run(rehearsal, pictured(tmp_path, "x" * 800), Trip(tmp_path))
        (post,) = submitted(rehearsal)
    assert post.body["parameters"] == {"resolution": "1080P", **ALWAYS}
    dashscope.check(told("x" * 900), "wan2.5-t2v-preview")


def test_a_successor_of_the_wrong_sort_is_the_operators_to_mend(tmp_path: Path) -> None:
    with rehearsing("dashscope", models={I2V: T2V}) as rehearsal:
        with pytest.raises(Unable) as unable:
            run(rehearsal, pictured(tmp_path), Trip(tmp_path))
        assert not rehearsal.fake.seen
    assert (unable.value.blame, T2V in unable.value.remedy) == ("here", True)


@pytest.mark.parametrize(
    ("url", "region", "base"),
    [
        (dashscope.URL, "international", "https://dashscope-intl.aliyuncs.com/api/v1"),
        (dashscope.URL, "china", "https://dashscope.aliyuncs.com/api/v1"),
        (
            "https://w.ap-southeast-1.maas.aliyuncs.com/api/v1",
            "china",
            "https://w.ap-southeast-1.maas.aliyuncs.com/api/v1",
        ),
    ],
)
def test_each_region_has_its_address(url: str, region: str, base: str) -> None:
    account = Account("k", url, {"region": region})
    assert dashscope.poll(account, "a/../b").url == f"{base}/tasks/a%2F..%2Fb"


def test_wan_21_is_not_served_since_nothing_of_its_request_could_be_passed_on() -> None:
    assert "dashscope" not in ENDPOINTS["fal-ai/wan-i2v"].engines


# What comes back


@pytest.mark.parametrize("word", ["PENDING", "RUNNING", "SUSPENDED"])
def test_a_task_is_waited_for(word: str) -> None:
    assert dashscope.read(Account("k", "u"), "t", record(task_status=word)) == Waiting(word)


def test_a_finished_task_tells_its_film_its_length_and_its_prompt() -> None:
    done = dashscope.read(
        Account("k", "u"), "t", record(task_status="SUCCEEDED", video_url="https://h/v", actual_prompt="more")
    )
    assert done == Done((Link("https://h/v"),), {"seconds": 5.0}, prompt="more")


def test_newer_models_call_the_films_length_otherwise() -> None:
    output = {"task_status": "SUCCEEDED", "video_url": "https://h/v"}
    told = {"duration": 12, "output_video_duration": 10, "video_count": 1}
    done = dashscope.read(Account("k", "u"), "t", answer({"output": output, "usage": told}))
    assert isinstance(done, Done)
    assert done.usage == {"seconds": 10.0, "videos": 1.0}


@pytest.mark.parametrize(
    ("output", "kind", "code"),
    [
        ({"task_status": "FAILED", "code": "InternalError.Algo"}, "server", "InternalError.Algo"),
        ({"task_status": "FAILED", "code": "Throttling"}, "server", "Throttling"),
        ({"task_status": "FAILED", "code": "DataInspectionFailed"}, "moderated", "DataInspectionFailed"),
        ({"task_status": "FAILED", "code": "IPInfringementSuspect"}, "moderated", "IPInfringementSuspect"),
        ({"task_status": "FAILED", "code": "InvalidParameter"}, "invalid", "InvalidParameter"),
        ({"task_status": "FAILED", "code": "SomethingNew"}, "unknown", "SomethingNew"),
        ({"task_status": "FAILED"}, "server", "FAILED"),
        ({"task_status": "CANCELED"}, "gone", "CANCELED"),
        ({"task_status": "UNKNOWN"}, "gone", "UNKNOWN"),
        ({"task_status": "TELEPORTED"}, "unknown", "TELEPORTED"),
        ({"task_status": "SUCCEEDED"}, "unknown", "SUCCEEDED"),
        ({}, "unknown", "None"),
    ],
)
def test_every_other_state_is_trouble(output: dict[str, Any], kind: str, code: str) -> None:
    with pytest.raises(Trouble) as trouble:
        dashscope.read(Account("k", "u"), "t", record(**output))
    assert (trouble.value.kind, trouble.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("status", "code", "message", "kind"),
    [
        (401, "InvalidApiKey", "", "key"),
        (400, "Arrearage", "", "balance"),
        (403, "AllocationQuota.FreeTierOnly", "", "balance"),
        (403, "AccessDenied", "", "access"),
        (403, "AccessDenied.Unpurchased", "", "access"),
        (403, "Model.AccessDenied", "", "access"),
        (404, "ModelNotFound", "", "retired"),
        (404, "Model.NotFound", "", "retired"),
        (400, "InvalidParameter", "Model not exist.", "retired"),
        (400, "InvalidParameter", "parameters.size: no", "access"),
        (400, "InvalidParameter", "whatever", "invalid"),
        (400, "InvalidParameter.DataInspection", "Unable to download", "invalid"),
        (400, "DataInspectionFailed", "", "moderated"),
        (429, "Throttling", "", "busy"),
        (429, "Throttling.RateQuota", "", "busy"),
        (429, "Throttling.AllocationQuota", "", "busy"),
        (500, "InternalError", "", "server"),
        (500, "InternalError.Timeout", "", "server"),
        (503, "ModelUnavailable", "", "server"),
        (400, "SomethingNew", "", "unknown"),
        (418, "", "", "unknown"),
        (429, "", "", "busy"),
        (502, "", "", "server"),
    ],
)
def test_every_code_has_its_meaning_at_a_submit(status: int, code: str, message: str, kind: str) -> None:
    with pytest.raises(Trouble) as trouble:
        dashscope.accepted(told(), answer({"code": code, "message": message}, status, {"retry-after": "3"}))
    assert (trouble.value.kind, trouble.value.code) == (kind, code or status)


@pytest.mark.parametrize(
    ("words", "loc"),
    [
        ("input.prompt: too long", ("body", "prompt")),
        ("input.img_url: the size of the image", ("body", "image_url")),
        ("parameters.seed: not an integer", ("body", "seed")),
        ("nothing that is known", ("body",)),
    ],
)
def test_a_refusal_is_told_at_our_own_field(tmp_path: Path, words: str, loc: tuple[str, ...]) -> None:
    call = pictured(tmp_path)
    with pytest.raises(Trouble) as trouble:
        dashscope.accepted(call, answer({"code": "InvalidParameter", "message": words}, 400))
    member = trouble.value.member
    assert (call.fields[member] if member else ("body",)) == loc


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
        run(rehearsal, told(f"a boat fake:{fault}"), Trip(tmp_path))
    assert (error.value.problems[0].type, error.value.problems[0].loc) == (type_, ("body", *field))


@pytest.mark.parametrize(
    ("fault", "blame", "word"),
    [
        ("key", "key", ""),
        ("balance", "balance", ""),
        ("unknown", "lost", "SOMETHING_NEW"),
        ("hang_up", "lost", ""),
        ("end_failed", "server", ""),
        ("end_cancelled", "gone", ""),
        ("end_unknown", "unknown", "TELEPORTED"),
        ("end_lost", "gone", ""),
        ("end_link_expired", "gone", ""),
        ("end_link_broken", "gone", ""),
        ("poll_key", "key", ""),
        ("poll_unknown", "unknown", ""),
    ],
)
def test_what_is_no_fault_of_the_request_is_told_without_secrets(
    rehearsal: Rehearsal, tmp_path: Path, fault: str, blame: str, word: str
) -> None:
    trip = Trip(tmp_path)
    with pytest.raises(Unable) as unable:
        run(rehearsal, told(f"a boat fake:{fault}"), trip)
    said = str(unable.value.error.failure().body)
    assert (unable.value.blame, word in said) == (blame, True)
    assert KEY not in said + unable.value.remedy + str(trip.lines + trip.notes)
    assert len(submitted(rehearsal)) == 1


@pytest.mark.parametrize("fault", ["rate", "concurrency", "server_error"])
def test_a_vendor_that_takes_nothing_now_is_waited_for(rehearsal: Rehearsal, tmp_path: Path, fault: Any) -> None:
    rehearsal.fake.plan.submits.extend([fault, fault])
    rehearsal.fake.plan.polls.extend([fault])
    rehearsal.fake.plan.retry_after_s = 9
    began = rehearsal.clock.at
    run(rehearsal, told(), Trip(tmp_path))
    assert (len(submitted(rehearsal)), len(rehearsal.fake.tasks)) == (3, 1)
    assert rehearsal.clock.at - began > (18 if fault != "server_error" else 3)


def test_a_note_with_a_ticket_goes_on_with_the_task(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, told(), first)
    found = run(rehearsal, told(), Trip(tmp_path, saved=first.notes[-1]))
    assert (len(submitted(rehearsal)), found.usage["seconds"]) == (1, 5.0)


def test_a_note_without_a_ticket_is_never_sent_again(rehearsal: Rehearsal, tmp_path: Path) -> None:
    first = Trip(tmp_path)
    run(rehearsal, told(), first)
    before = next(note for note in first.notes if json.loads(note)["ticket"] is None)
    with pytest.raises(Unable) as unable:
        run(rehearsal, told(), Trip(tmp_path, saved=before))
    assert (unable.value.blame, len(rehearsal.fake.tasks)) == ("lost", 1)


def test_a_cancel_is_told_to_the_vendor(rehearsal: Rehearsal, tmp_path: Path) -> None:
    trip = Trip(tmp_path, cancel_when=lambda: any(one.looks for one in rehearsal.fake.tasks.values()))
    with pytest.raises(Cancelled):
        run(rehearsal, told(), trip)
    (task,) = rehearsal.fake.tasks.values()
    assert task.cancelled
    assert (rehearsal.fake.seen[-1].method, rehearsal.fake.seen[-1].path) == ("POST", f"/api/v1/tasks/{task.id}/cancel")


def test_an_empty_account_gives_way_to_another(tmp_path: Path) -> None:
    with rehearsing("dashscope", key=None, keys=["dead-key", KEY]) as rehearsal:
        run(rehearsal, told(), Trip(tmp_path))
        run(rehearsal, told(), Trip(tmp_path))
        keys = [one.headers["authorization"] for one in submitted(rehearsal)]
    assert keys == ["Bearer dead-key", f"Bearer {KEY}", f"Bearer {KEY}"]
