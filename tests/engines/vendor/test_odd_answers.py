"""Answers of any shape: whatever a vendor sends, reading it ends in a state, a ticket or a Trouble, never a crash."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from rushes.calls import Attachment, Named, VendorCall
from rushes.engines.vendor.contract import Account, Prepared, Response, State, Trouble
from rushes.engines.vendor.vendors import names, vendor
from rushes.errors import ModelError
from tests.engines.vendor.rehearsal import call_for, picture

ODD: tuple[Any, ...] = (None, True, 0, -1, 7, 1.5, "", "succeeded", [], [None], [{}], {}, {"a": None}, 10**40)
STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 422, 429, 500, 503)
MEMBERS = {
    "ark": ("id", "status", "content", "usage", "seed", "error"),
    "dashscope": ("code", "message", "output", "usage"),
    "decart": ("job_id", "status", "error", "detail"),
    "google": ("name", "done", "error", "response"),
    "luma": ("id", "state", "assets", "failure_reason", "detail"),
    "pixverse": ("ErrCode", "ErrMsg", "Resp"),
}
WITHIN: Mapping[str, Mapping[str, Any]] = {
    "ark": {"status": "succeeded", "content": {"video_url": ""}, "error": {"code": "", "message": "", "param": ""}},
    "dashscope": {
        "output": {"task_id": "", "task_status": "SUCCEEDED", "video_url": "", "code": "", "message": ""},
        "usage": {"video_duration": 5, "video_count": 1},
    },
    "decart": {"job_id": "", "status": "completed", "detail": [{"loc": [], "msg": ""}]},
    "google": {
        "done": True,
        "error": {"code": 3, "status": "", "message": "", "details": [{"violations": [{}], "retryDelay": ""}]},
        "response": {
            "generateVideoResponse": {"generatedSamples": [{"video": {"uri": ""}}]}, "videos": [{"gcsUri": ""}],
            "raiMediaFilteredCount": 0, "raiMediaFilteredReasons": [""],
        },
    },
    "luma": {"state": "completed", "assets": {"video": ""}, "detail": [{"loc": [], "msg": ""}]},
    "pixverse": {
        "ErrCode": 0, "Resp": {"video_id": 0, "img_id": 0, "status": 0, "url": "", "seed": 0, "data": [{"name": ""}]},
    },
}  # fmt: skip


def bodies(name: str) -> Iterator[bytes]:
    """Yield odd JSON, objects with one odd member, likely ones with one odd member within, and what is no JSON."""
    yield from (b"", b"<html>", b"\xff\xfe", b"[" * 5_000)
    yield from (json.dumps(odd).encode() for odd in ODD)
    for member, odd in itertools.product(MEMBERS[name], ODD):
        yield json.dumps({member: odd}).encode()
        yield json.dumps({**WITHIN[name], member: odd}).encode()
    for outer, inner in WITHIN[name].items():
        for member in inner if isinstance(inner, dict) else ():
            yield from (json.dumps({**WITHIN[name], outer: {**inner, member: odd}}).encode() for odd in ODD)


def asked(name: str, folder: Path) -> VendorCall:
    paths = {
        "ark": "fal-ai/bytedance/seedance/v1/lite/image-to-video",
        "dashscope": "fal-ai/wan-pro/image-to-video",
        "decart": "fal-ai/decart/lucy-5b/image-to-video",
        "google": "fal-ai/veo2/image-to-video",
        "luma": "fal-ai/luma-dream-machine/ray-2-flash/image-to-video",
        "pixverse": "fal-ai/pixverse/v4.5/image-to-video",
    }
    body = {"prompt": "a boat", "image_url": "https://example.com/a.png"}
    return call_for(paths[name], name, body, {"image_url": picture(folder, 320, 320)})


def readers(name: str, folder: Path) -> list[Callable[[Response], State | str | int]]:
    """Everything of a vendor that reads an answer."""
    found, call = vendor(name), asked(name, folder)
    account = Account("key", found.url)
    ticket = "cgt-1" if name == "ark" else '{"id": "1", "usage": {}, "name": "models/m/operations/1", "seconds": 5}'
    taking: list[Callable[[Response], Any]] = [
        lambda answer: found.accepted(call, answer),
        lambda answer: found.read(account, ticket, answer),
    ]
    if (uploaded := found.uploaded) is not None:
        still = next(item for item in call.body.values() if isinstance(item, Attachment))
        taking.append(lambda answer: uploaded(Prepared(still, b"", "image/jpeg"), answer))
    if (identified := found.identified) is not None:
        taking.append(lambda answer: identified(account, Named("voice", "Ava", ("body", "voice_id")), answer))
    return taking


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_no_answer_crashes_its_reader(tmp_path: Path, name: str) -> None:
    taking = readers(name, tmp_path)
    tried = 0
    for body, status in itertools.product(bodies(name), STATUSES):
        for take in taking:
            tried += 1
            with suppress(Trouble, ModelError):
                take(Response(status, {}, body))
    assert tried > 3_000


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_no_answer_without_a_task_is_taken_for_one(tmp_path: Path, name: str) -> None:
    accepted, call = vendor(name).accepted, asked(name, tmp_path)
    for body in (b"", b"{}", b"[]", b"null", b'{"id": ""}', b'{"id": null}', b'{"ErrCode": 0, "Resp": {}}'):
        with pytest.raises(Trouble) as trouble:
            accepted(call, Response(200, {}, body))
        assert trouble.value.kind == "unknown"


PASSING = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 524)


@pytest.mark.parametrize("name", names())
def test_no_task_is_given_up_for_what_something_on_the_way_says(name: str) -> None:
    found = vendor(name)
    account, ticket = Account("access:secret", found.url), '{"id": "1", "usage": {}, "seconds": 5, "response": ""}'
    for status, body in itertools.product(PASSING, (b"", b"<html>bad gateway</html>", b'{"message": "no upstream"}')):
        with pytest.raises(Trouble) as trouble:
            found.read(account, ticket, Response(status, {"retry-after": "3"}, body))
        assert (trouble.value.kind in ("busy", "server"), trouble.value.member) == (True, None), (status, body)
        assert trouble.value.retry_after_s == 3
