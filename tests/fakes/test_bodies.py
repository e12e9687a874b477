"""Bodies taken apart: forms as clients write them, and what strict types say of a wrong member."""

from __future__ import annotations

import httpx2
import pytest

from rushes.fakes.bodies import Strict, Wrong, checked, form_parts
from rushes.fakes.fake import Fake, planned


def test_a_client_s_form_comes_apart_into_texts_and_files() -> None:
    files = {"data": ("a.png", b"\r\n--x\r\n\0", "image/png"), "blob": (None, b"\xff", "video/mp4")}
    request = httpx2.Request("POST", "http://a.test/", data={"prompt": "ä\r\nb", "seed": "1"}, files=files)
    parts = form_parts(request.headers["content-type"], request.read())
    assert parts == {"prompt": "ä\r\nb", "seed": "1", "data": b"\r\n--x\r\n\0", "blob": b"\xff"}


@pytest.mark.parametrize(
    ("content_type", "content", "says"),
    [
        ("multipart/form-data", b"", "boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\n", "breaks off"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\na\r\n--x--\r\n", "no name"),
    ],
)
def test_a_form_that_is_none_is_refused(content_type: str, content: bytes, says: str) -> None:
    with pytest.raises(Wrong, match=says):
        form_parts(content_type, content)


class Inner(Strict):
    n: int


class Outer(Strict):
    inner: Inner


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({"inner": {"n": "1"}}, "inner.n", "Input should be a valid integer"),
        ({"inner": {"n": 1, "m": 2}}, "inner.m", "unknown parameter"),
        ([], "body", "Input should be a valid dictionary or instance of Outer"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(body: object, field: str, message: str) -> None:
    with pytest.raises(Wrong) as caught:
        checked(Outer, body)
    assert (caught.value.field, caught.value.message) == (field, message)


def test_a_prompt_s_words_are_a_plan() -> None:
    assert list(planned("a fake:rate film fake:looks=12, fake:end_failed")) == [
        ("rate", None), ("looks", 12), ("end_failed", None)
    ]  # fmt: skip
    fake = Fake()
    task = fake.take("1", "film", {}, "fake:looks=0 fake:poll_rate fake:end_moderated fake:poll_key")
    assert [fake.poll_fault(task) for _ in range(3)] == ["rate", "key", None]
    assert (task.look(), task.end) == ("ended", "moderated")
    assert fake.submit_fault("fake:poll_rate") is None
    assert fake.submit_fault("fake:rate") == "rate"
