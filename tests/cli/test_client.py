"""Error answers of every shape become one line; the rest of the client is driven by test_run."""

import pytest

from rushes.cli.client import Client, explain
from rushes.cli.problem import CommandError


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
    ],
)
def test_an_error_answer_is_one_line(status: int, body: str, line: str) -> None:
    assert explain(status, body) == line


def test_a_server_that_is_not_there_is_said() -> None:
    with Client("http://127.0.0.1:9", None) as client, pytest.raises(CommandError, match="is `rushes serve` running"):
        client.submit("a/b", {})
