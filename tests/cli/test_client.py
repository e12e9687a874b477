"""Error answers of every shape become one line; the rest of the client is driven by test_run."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import Receive, Scope, Send

from rushes.cli.client import Client, Submitted, explain
from rushes.cli.problem import CommandError
from rushes.fakes.serving import running


@pytest.mark.parametrize(
    ("status", "body", "line"),
    [
        (404, '{"detail": "Application not found"}', "Application not found (404)"),
        (401, '{"detail": "No user"}', "No user (401); set RUSHES_KEY to a key of that server"),
        (
            422,
            '{"detail": [{"loc": ["body", "a", 0], "msg": "bad"}, {"loc": ["body"], "msg": "x"}]}',
            "a.0: bad; input: x",
        ),
        (502, "<html>", "the server answered 502: <html>"),
        (500, "[]", "the server answered 500: []"),
        (422, '{"detail": {"odd": 1}}', 'the server answered 422: {"detail": {"odd": 1}}'),
        (422, '{"detail": [{"msg": "x"}]}', 'the server answered 422: {"detail": [{"msg": "x"}]}'),
    ],
)
def test_an_error_answer_is_one_line(status: int, body: str, line: str) -> None:
    assert explain(status, body) == line


def test_a_server_that_is_not_there_is_said() -> None:
    with Client("http://127.0.0.1:9", None) as client, pytest.raises(CommandError, match="is `rushes serve` running"):
        client.submit("a/b", {})


def test_a_program_that_is_no_server_of_ours_is_said() -> None:
    with running(PlainTextResponse("hello")) as url, Client(url, None) as client:
        with pytest.raises(CommandError, match=f"{url} answered with something else than JSON"):
            client.platform("GET", "/v1/costs")
        with pytest.raises(CommandError, match="name a Rushes server"):
            client.submit("a/b", {})


def test_an_address_that_leads_elsewhere_is_said(tmp_path: Path) -> None:
    with running(RedirectResponse("https://studio.example/x")) as url, Client(url, None) as client:
        with pytest.raises(CommandError, match=r"redirects to https://studio\.example/x"):
            client.voices()
        with pytest.raises(CommandError, match="answered 307"):
            client.download(f"{url}/film.mp4", tmp_path / "film.mp4")
    assert list(tmp_path.iterdir()) == []


def test_giving_up_needs_no_server_that_is_still_there() -> None:
    with Client("http://127.0.0.1:9", None) as client:
        client.cancel(Submitted("id", *["http://127.0.0.1:9/x"] * 3))


def test_a_file_that_can_not_be_read_is_said() -> None:
    async def store(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        url = f"http://{request.headers['host']}/x"
        await JSONResponse({"upload_url": url, "file_url": url})(scope, receive, send)

    with running(store) as url, Client(url, None) as client:
        for path, reason in (("/proc/self/mem", "Input/output error"), ("/nowhere", "No such file")):
            with pytest.raises(CommandError, match=f"cannot read '{path}': {reason}"):
                client.upload(Path(path))
