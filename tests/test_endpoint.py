"""What an endpoint says of itself."""

from dataclasses import replace
from functools import partial

import pytest

from rushes.endpoint import Clip, Endpoint
from rushes.families import ENDPOINTS, served

ECHO = ENDPOINTS["rushes/echo"]


def by_rate(rate: float, request: object, clip: Clip | None) -> float:
    """A second costs
    the rate.

    What only readers of the code need.
    """
    return rate


def test_the_price_rule_is_the_first_paragraph_of_its_function() -> None:
    assert replace(ECHO, units=partial(by_rate, 1.0)).price_rule == "A second costs the rate."
    assert replace(ECHO, units=lambda request, clip: 1.0).price_rule == ""


@pytest.mark.parametrize("endpoint", served(test_endpoints=False).values(), ids=lambda one: one.id)
def test_every_endpoint_says_what_it_costs(endpoint: Endpoint) -> None:
    assert endpoint.price_rule.endswith(".")
    assert "partial(" not in endpoint.price_rule
