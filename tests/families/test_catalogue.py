"""The whole catalogue against the reference: every endpoint is there, every type is the page's, field by field."""

import pytest
from annotated_types import MaxLen

from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS, served
from tests.families.catalogue import CATALOGUE
from tests.families.reference import nested_types, our_type, reference_type, reference_types, required

SERVED = served(test_endpoints=False)
OURS = {"rushes/camera"}  # no vendor's, so no page of the reference describes it


def test_the_catalogue_is_complete() -> None:
    assert set(SERVED) == set(CATALOGUE) | OURS
    assert len(CATALOGUE) == 75


@pytest.mark.parametrize("endpoint_id", CATALOGUE)
def test_the_request_type_is_the_references(endpoint_id: str) -> None:
    page, name = CATALOGUE[endpoint_id]
    expected = reference_type(page, name)
    assert our_type(ENDPOINTS[endpoint_id].input, expected) == expected


@pytest.mark.parametrize("endpoint_id", CATALOGUE)
def test_nested_types_are_the_references(endpoint_id: str) -> None:
    page, _ = CATALOGUE[endpoint_id]
    endpoint = ENDPOINTS[endpoint_id]
    for model in {*nested_types(endpoint.input), *nested_types(endpoint.output)}:
        if model.page_name() in reference_types(page):
            expected = reference_type(page, model.page_name())
            assert our_type(model, expected) == expected


@pytest.mark.parametrize("endpoint_id", CATALOGUE)
def test_what_the_page_requires_is_required(endpoint_id: str) -> None:
    page, name = CATALOGUE[endpoint_id]
    ours = {field for field, info in ENDPOINTS[endpoint_id].input.model_fields.items() if info.is_required()}
    assert ours, "every endpoint needs something"
    if any(required(page, each) for each in reference_types(page)):  # a page that marks none says nothing about it
        assert ours == required(page, name)


@pytest.mark.parametrize("endpoint_id", CATALOGUE)
def test_no_list_of_an_input_is_endless(endpoint_id: str) -> None:
    """Checking a list of millions takes seconds, in which nobody else is answered; one with a bound is left at once."""
    model = ENDPOINTS[endpoint_id].input
    for one in {model, *nested_types(model)}:
        for name, info in one.model_fields.items():
            if "list[" in str(info.annotation):
                assert any(isinstance(limit, MaxLen) for limit in info.metadata), f"{one.__name__}.{name}"


MAIN = [endpoint_id for endpoint_id, (_, name) in CATALOGUE.items() if name == "Input"]


@pytest.mark.parametrize("endpoint_id", MAIN)
def test_the_main_output_is_the_references(endpoint_id: str) -> None:
    expected = reference_type(endpoint_id, "Output")
    assert our_type(ENDPOINTS[endpoint_id].output, expected) == expected


@pytest.mark.parametrize("endpoint", SERVED.values(), ids=lambda e: e.id)
def test_every_endpoint_is_described_and_can_be_made_without_a_gpu(endpoint: Endpoint) -> None:
    assert "animatic" in endpoint.engines
    assert all((endpoint.title, endpoint.about, endpoint.category, endpoint.unit, endpoint.tags))
    assert endpoint.input.model_validate(endpoint.example)
    for name, info in endpoint.input.model_fields.items():
        assert info.description, f"{endpoint.id}: {name} has no description"
