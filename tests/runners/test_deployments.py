"""Which deployment serves which endpoint, and that naming one loads no engine."""

import pytest

from rushes.engines.engine import Maker
from rushes.families import ENDPOINTS
from rushes.runners.deployments import ENGINES, UnknownDeployment, load, serving
from rushes.work.tools import Deployment


class Fake:
    """Stands for an engine; only its kind matters here."""


def deployment(name: str, kind: str) -> Deployment:
    return Deployment(name, kind, Fake(), Maker(kind, "m", "1", stand_in=False))  # type: ignore[arg-type]


def test_every_engine_in_the_table_loads_and_says_who_it_is() -> None:
    for loaded in load(ENGINES):
        assert loaded.maker.engine == loaded.kind


def test_an_endpoint_is_served_by_the_first_that_can() -> None:
    found = serving([deployment("slow", "echo"), deployment("fast", "echo")], ENDPOINTS)
    assert {name: d.name for name, d in found.items()} == {"rushes/echo": "slow"}


def test_a_deployment_serves_every_endpoint_that_knows_its_kind() -> None:
    found = serving([deployment("a", "animatic")], ENDPOINTS)
    assert set(found) == {e.id for e in ENDPOINTS.values() if "animatic" in e.engines}


def test_an_unknown_deployment_names_the_known_ones() -> None:
    with pytest.raises(UnknownDeployment, match="no deployment is called 'wann'; there are: animatic, echo"):
        load(["wann"])
