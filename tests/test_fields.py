"""Field types of the wire: numbers sent where pages print text."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from rushes.fields import Spelled

RATE: TypeAdapter[str] = TypeAdapter(Annotated[Literal["5", "10", "128000", "256000"], Spelled])


@pytest.mark.parametrize(
    ("sent", "meant"), [("5", "5"), (5, "5"), (5.0, "5"), (10, "10"), (128_000, "128000"), (256000.0, "256000")]
)
def test_a_number_counts_as_its_spelling(sent: object, meant: str) -> None:
    assert RATE.validate_python(sent) == meant


@pytest.mark.parametrize(
    "sent",
    [
        6,
        -5,
        5.5,
        5.000_000_1,
        128_000.4,
        10**9,
        10**400,
        -(10**400),
        1e300,
        float("inf"),
        float("nan"),
        True,
        None,
        [5],
    ],
)
def test_any_other_value_is_refused_as_it_was_sent(sent: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        RATE.validate_python(sent)
    (error,) = caught.value.errors()
    assert (error["type"], error["input"]) == ("literal_error", sent)
    assert type(error["input"]) is type(sent)
