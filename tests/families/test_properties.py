"""What must hold for every endpoint, whatever is asked of it: accepted, planned and priced, or refused by name."""

import json
from math import isfinite
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from rushes.calls import ForgetCall
from rushes.endpoint import Clip, Endpoint, Media, Plan, Sound, Stills
from rushes.errors import ModelError
from rushes.families import served
from rushes.fields import forms
from rushes.gateway.intake import take
from tests.families.generate import bodies, media_for

SERVED = served(test_endpoints=False)
ENDPOINTS = pytest.mark.parametrize("endpoint", SERVED.values(), ids=lambda e: e.id)
LIGHT = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))

LOCAL = {"animatic", "diffusers", "longcat", "upstream"}

WRONG: dict[str, Any] = {"string": {"a": 1}, "integer": "many", "float": "much", "boolean": "perhaps"}


def validated(endpoint: Endpoint, body: dict[str, Any]) -> BaseModel:
    """A valid request, or this draw is given up: rules between fields are the families' own tests' business."""
    try:
        return endpoint.input.model_validate(body)
    except ValidationError as error:
        own_words = all("pydantic.dev" not in str(problem.get("url", "")) for problem in error.errors())
        assume(not own_words)
        raise


def planned(endpoint: Endpoint, request: BaseModel, media: dict[str, Media]) -> Plan | None:
    """The plan, or a refusal of what only the fetched files show to be wrong, by the field's name."""
    if endpoint.clip is None:
        return None
    try:
        return endpoint.clip(request, media)
    except ModelError as error:
        fields = type(request).model_fields
        assume(any(problem.loc[1] not in fields for problem in error.problems))  # named: another draw
        raise


def check_plan(plan: Plan) -> None:
    match plan:
        case Clip(width, height, frames, fps):
            assert 16 <= min(width, height) <= max(width, height) <= 4096
            assert width % 2 == 0 == height % 2
            assert 1 <= frames <= 10_000
            assert 1 <= fps <= 60
        case Stills(width, height, count):
            assert 64 <= min(width, height) <= max(width, height) <= 4096
            assert 1 <= count <= 9
        case Sound(duration_s, sample_rate, channels):
            assert 0 < duration_s < 3600
            assert sample_rate >= 8000
            assert channels in (1, 2)


def check_call(call: Any, plan: Plan | None, media: dict[str, Media]) -> None:
    """What is asked for is what was planned, and every input that was fetched is told."""
    for key, one in media.items():
        free = key.startswith("dynamic_masks.")  # a region without a path is free to move, and hence not told
        forgotten = isinstance(call, ForgetCall)  # told by its id
        assert free or forgotten or repr(one.path) in repr(call), key
    if isinstance(plan, Clip):
        film = getattr(call, "finish", None) or call
        sized = getattr(call, "refine", None) or film
        assert (sized.width, sized.height, film.frames) == (plan.width, plan.height, plan.frames)


@ENDPOINTS
@LIGHT
@given(data=st.data())
def test_a_valid_input_is_accepted_planned_and_priced(endpoint: Endpoint, data: st.DataObject) -> None:
    body = data.draw(bodies(endpoint))
    request = validated(endpoint, body)
    assert take(endpoint, json.dumps(body).encode()).failure is None
    media = data.draw(media_for(endpoint, request))
    plan = planned(endpoint, request, media)
    if plan is not None:
        check_plan(plan)
    units = endpoint.units(request, plan)
    assert isfinite(units)
    assert 0 <= units < 10_000
    assert endpoint.delivery(request) is not None
    for kind in LOCAL & endpoint.engines.keys():
        check_call(endpoint.engines[kind](request, media, plan), plan, media)


@ENDPOINTS
@LIGHT
@given(data=st.data())
def test_a_wrong_value_is_refused_by_the_fields_name(endpoint: Endpoint, data: st.DataObject) -> None:
    body = data.draw(bodies(endpoint))
    validated(endpoint, body)
    form = data.draw(st.sampled_from(forms(endpoint.input)))
    wrong = "no such choice" if form.choices else WRONG.get(form.type, "no list and no object")
    failure = take(endpoint, json.dumps({**body, form.name: wrong}).encode()).failure
    assert failure is not None, f"{form.name}={wrong!r} was accepted"
    assert failure.status == 422
    named = {problem["loc"][1] for problem in json.loads(failure.body)["detail"]}
    assert form.name in named


@ENDPOINTS
def test_every_missing_field_is_named_at_once(endpoint: Endpoint) -> None:
    required = {form.name for form in forms(endpoint.input) if form.required}
    failure = take(endpoint, b"{}").failure
    assert failure is not None
    problems = json.loads(failure.body)["detail"]
    named = {problem["loc"][1] for problem in problems if problem["type"] == "missing"}
    # More than the types say where one of two fields is needed.
    assert required <= named <= set(endpoint.input.model_fields)


@ENDPOINTS
def test_no_text_is_endless(endpoint: Endpoint) -> None:
    for form in forms(endpoint.input):
        if form.type != "string" or form.choices or form.media:
            continue
        failure = take(endpoint, json.dumps({**endpoint.example, form.name: "a" * 100_001}).encode()).failure
        assert failure is not None, form.name
        (problem,) = json.loads(failure.body)["detail"]
        assert (problem["loc"], problem["type"]) == (["body", form.name], "string_too_long")
        assert problem["ctx"]["max_length"] <= 100_000


@ENDPOINTS
def test_a_seed_may_have_64_bits_and_no_more(endpoint: Endpoint) -> None:
    name = endpoint.roles.seed
    if name is None:
        return
    for seed in (-(2**63), -1, 0, 2**64 - 1):
        assert take(endpoint, json.dumps({**endpoint.example, name: seed}).encode()).failure is None
    most, least = ("less_than_equal", {"le": 2**64 - 1}), ("greater_than_equal", {"ge": -(2**63)})
    for seed, expected in ((2**64, most), (10**400, most), (-(2**63) - 1, least)):
        failure = take(endpoint, json.dumps({**endpoint.example, name: seed}).encode()).failure
        assert failure is not None
        (problem,) = json.loads(failure.body)["detail"]
        assert (problem["loc"], problem["type"], problem["ctx"]) == (["body", name], *expected)
        assert str(*expected[1].values()) in problem["msg"]


@ENDPOINTS
def test_a_value_beyond_its_limit_is_refused_with_the_limit(endpoint: Endpoint) -> None:
    for form in forms(endpoint.input):
        if form.type not in ("integer", "float") or form.most is None:
            continue
        beyond = form.most + 1 if form.type == "float" else int(form.most) + 1
        failure = take(endpoint, json.dumps({**endpoint.example, form.name: beyond}).encode()).failure
        assert failure is not None
        (problem,) = json.loads(failure.body)["detail"]
        assert problem["loc"] == ["body", form.name]
        assert problem["type"] in ("less_than_equal", "less_than")
        assert problem["ctx"]
