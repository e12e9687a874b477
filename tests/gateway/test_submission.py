from dataclasses import replace

from rushes.errors import ModelError
from rushes.families import served
from rushes.gateway.submission import units_before
from tests.gateway.live import ClipInput, an_endpoint


def test_every_endpoint_has_an_estimate_before_its_inputs_are_fetched() -> None:
    """What fails here is a 500 to every caller whose key has a budget."""
    for endpoint in served(test_endpoints=True).values():
        assert 0 <= units_before(endpoint, endpoint.input.model_validate(endpoint.example)) < 10_000, endpoint.id


def test_where_the_inputs_decide_the_price_nothing_is_set_aside() -> None:
    def by_the_file(*_: object) -> float:
        raise ModelError("image_load_error")

    assert units_before(replace(an_endpoint("a/b"), units=by_the_file), ClipInput(prompt="x")) == 0.0
