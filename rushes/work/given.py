"""A request as its family knows it, or what is wrong with it: of a job that has waited, or of a session's next input.

The door has looked at a job's already, in finer words (`gateway.intake`). But a job may wait through an update of the
server, and what was allowed when it came may be so no longer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from rushes.errors import ModelError, Problem

MOST_PROBLEMS = 20


def read_request(model: type[BaseModel], text: str) -> BaseModel:
    """Return a job's request. Raises ModelError with all that is wrong."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise _refused(error) from None


def checked(model: type[BaseModel], given: Mapping[str, Any]) -> BaseModel:
    """Return a session's input. Raises ModelError with all that is wrong."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise _refused(error) from None


def _refused(error: ValidationError) -> ModelError:
    # Without the input: an address in it may be megabytes of a data URI.
    details = error.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]
    return ModelError.of([Problem(one["type"], one["msg"], ("body", *one["loc"])) for one in details])
