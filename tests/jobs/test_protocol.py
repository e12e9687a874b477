"""Messages of the runner protocol: what goes in comes out."""

import base64

import pytest
from pydantic import ValidationError

from rushes.errors import RequestError
from rushes.jobs.job import Outcome, VoiceMade
from rushes.jobs.protocol import Fail, Finish, Line

PLAIN = Outcome(b'{"ok": true}', "echo/1", 1.5, 0.25, ("f1", "f2"))
VOICE = Outcome(b"{}", "echo/1", 1, 2, (), VoiceMade("voice-1", "file-1"), private=True)
FORGOTTEN = Outcome(b"{}", "echo/1", 1, 2, forget_voice="voice-1")

SHOWN = Outcome(b"{}", "echo/1", 1, 2, ("f1", "f2"), companions={"rushes-file:/f2/poster.jpg": "poster"})


@pytest.mark.parametrize("outcome", [PLAIN, VOICE, FORGOTTEN, SHOWN])
def test_an_outcome_survives_the_wire(outcome: Outcome) -> None:
    sent = Finish.of(7, outcome, (Line(at=1.0, message="done"),)).model_dump_json()
    got = Finish.model_validate_json(sent)
    assert got.outcome() == outcome
    assert (got.token, got.lines[0].message) == (7, "done")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"not JSON"])
def test_a_failure_that_could_not_be_answered_is_refused(body: bytes) -> None:
    good = Fail.of(7, RequestError("internal_error").failure())
    assert Fail.model_validate_json(good.model_dump_json()).failure().message == "Internal error"
    for told in (base64.b64encode(body).decode(), "no base64!"):
        with pytest.raises(ValidationError, match="body"):
            Fail.model_validate(good.model_dump() | {"body": told})
