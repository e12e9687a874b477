"""Serving pretended vendors: a port of its own, no answer at all, one that breaks off, and an end in good time."""

from __future__ import annotations

import time

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from rushes.fakes.serving import BreaksOff, HangUp, running


async def gone(request: Request) -> Response:
    await request.body()
    return HangUp()


async def half(request: Request) -> Response:
    return BreaksOff(b"0123456789" * 100)


async def well(request: Request) -> Response:
    return PlainTextResponse("well")


APP = Starlette(routes=[Route("/gone", gone, methods=["POST"]), Route("/half", half), Route("/well", well)])


def test_a_hang_up_is_no_answer_and_the_server_lives_on() -> None:
    with running(APP) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        for _ in range(3):
            with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
                client.post("/gone", content=b"x" * 100_000)
        assert client.get("/well").text == "well"


def test_what_breaks_off_sends_its_first_half() -> None:
    with running(APP) as url, httpx2.Client(base_url=url, trust_env=False) as client:
        came: list[bytes] = []
        with client.stream("GET", "/half") as answer, pytest.raises(httpx2.RemoteProtocolError):
            came.extend(answer.iter_raw())
        assert b"".join(came) == b"0123456789" * 50
        assert answer.headers["content-length"] == "1000"


def test_several_run_at_once_and_end_in_good_time() -> None:
    with running(APP) as one, running(APP) as other:
        assert one != other
        assert httpx2.get(f"{other}/well", trust_env=False).text == "well"
        began = time.monotonic()
    assert time.monotonic() - began < 8
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(f"{one}/well", trust_env=False)
