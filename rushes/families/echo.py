"""The test endpoint `rushes/echo`: gives back what it got, slowly, wrongly or fatally if asked to.

Only servers with RUSHES_TEST_ENDPOINTS offer it. It makes no clip and costs one unit.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator, model_serializer
from pydantic_core import PydanticKnownError

from rushes.calls import EchoCall
from rushes.endpoint import Clip, Endpoint, Made, MediaMap, Roles
from rushes.errors import MODEL_ERRORS, REQUEST_ERRORS
from rushes.fields import WireModel

FAILURES = (*MODEL_ERRORS, *REQUEST_ERRORS)


class EchoInput(WireModel):
    """What to give back, how long to take, and how to end."""

    payload: Any = Field(None, description="Any JSON value; returned as it is.")
    sleep_s: float = Field(0.0, ge=0, le=3600, allow_inf_nan=False, description="How long to take, in seconds.")
    steps: int = Field(
        1,
        ge=1,
        le=10_000,
        description="How many steps the sleep is cut into; after each comes a sign of life, a log line and a look at "
        "cancel, so a step that is longer than the lease loses the job.",
    )
    fail: str | None = Field(None, description="End with this error type instead of a result.")
    exit_code: int | None = Field(
        None, ge=0, le=255, description="End the runner's process with this code when half of the steps are done."
    )

    @field_validator("fail")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None and value not in FAILURES:
            # As a Literal's own error, so that the wire lists the choices; a Literal can't be made from a table.
            first = ", ".join(f"'{name}'" for name in FAILURES[:-1])
            raise PydanticKnownError("literal_error", {"expected": f"{first} or '{FAILURES[-1]}'"})
        return value


class EchoOutput(WireModel):
    """The payload, also when it is null (absent members are otherwise left out of outputs)."""

    payload: Any = Field(None, description="What was sent.")

    @model_serializer
    def _always(self):  # type: ignore[no-untyped-def]  # a return type would replace the fields in the schema
        return {"payload": self.payload}


def units(_request: EchoInput, _clip: Clip | None) -> float:
    """One unit each."""
    return 1.0


def echo(request: EchoInput, _media: MediaMap, _clip: Clip | None) -> EchoCall:
    """Ask the echo engine."""
    return EchoCall(
        payload=request.payload,
        sleep_s=request.sleep_s,
        steps=request.steps,
        fail=request.fail,
        exit_code=request.exit_code,
    )


def reply(_request: EchoInput, made: Made) -> EchoOutput:
    """Put the payload into the output."""
    return EchoOutput(payload=made.value)


ENDPOINTS = [
    Endpoint(
        id="rushes/echo",
        title="Echo",
        category="json",
        about="Returns its payload; sleeps, fails or kills its runner on request. For tests and benchmarks.",
        input=EchoInput,
        output=EchoOutput,
        units=units,
        unit="request",
        engines={"echo": echo},
        reply=reply,
        roles=Roles(prompt=None),
        example={"payload": {"hello": "world"}, "sleep_s": 0.5, "steps": 5},
        tags=("test",),
        test_only=True,
    )
]
