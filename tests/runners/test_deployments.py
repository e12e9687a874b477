"""Which deployment serves which endpoint, in which order, and what is refused before anything starts."""

from pathlib import Path

import pytest

from rushes.engines.vendor.engine import VendorEngine
from rushes.families import ENDPOINTS
from rushes.runners.deployments import ENGINES, UnknownDeployment, complaints, leaders, load, remote_leaders, take_keys
from rushes.settings import Settings, read_settings

TOML = """
[deployments.upstream]
engine = "vendor"
vendor = "fal"
key = "id:secret"

[routes]
"fal-ai/veo2/*" = ["upstream", "animatic"]
"fal-ai/wan*" = ["animatic", "upstream"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "rushes.toml"
    path.write_text(TOML)
    return read_settings(path)


def test_every_engine_in_the_table_loads_and_says_who_it_is() -> None:
    for route in load(list(ENGINES), ENDPOINTS, Settings()).values():
        for loaded in route:
            assert loaded.maker.engine == loaded.kind


def test_without_routes_every_endpoint_is_served_by_the_built_in_engine_of_its_kind() -> None:
    routes = load(["animatic"], ENDPOINTS, Settings())
    assert {name: [one.name for one in route] for name, route in routes.items()} == {
        one.id: ["animatic"] for one in ENDPOINTS.values() if "animatic" in one.engines
    }


def test_a_route_is_led_by_its_first_deployment_and_brings_the_others_along(settings: Settings) -> None:
    routes = load(["upstream"], ENDPOINTS, settings, {"upstream": ("id:secret",)})
    assert set(routes) == {"fal-ai/veo2/image-to-video"}
    first, second = routes["fal-ai/veo2/image-to-video"]
    assert (first.name, first.kind, second.name) == ("upstream", "fal", "animatic")
    assert isinstance(first.engine, VendorEngine)


def test_what_leads_here_and_what_leads_elsewhere_is_told_apart(settings: Settings) -> None:
    assert leaders(settings, ENDPOINTS) == {"upstream", "animatic", "echo"}
    assert remote_leaders(settings, ENDPOINTS) == ("upstream",)


def test_an_unknown_deployment_names_the_known_ones() -> None:
    with pytest.raises(UnknownDeployment, match="no deployment is called 'wann'; there are: animatic, echo"):
        load(["wann"], ENDPOINTS, Settings())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("vendor", "nobody", "deployments.upstream: no vendor is called 'nobody'; there are: "),
        ("key_env", "UNSET_VARIABLE", "deployments.upstream: the environment variable UNSET_VARIABLE holds no key"),
    ],
)
def test_a_deployment_that_cannot_work_is_complained_about(name: str, value: str, words: str) -> None:
    raw = {"engine": "vendor", "vendor": "fal", "key": "k", name: value}
    settings = Settings(deployments={"upstream": raw}, routes={"fal-ai/veo2/*": ("upstream",)})  # type: ignore[dict-item]
    assert any(line.startswith(words) for line in complaints(settings, ENDPOINTS, {}))


@pytest.mark.parametrize(
    ("vendor", "wrong", "words"),
    [
        ("kling", {}, "key 1 is not of the form ACCESS:SECRET"),
        ("ark", {"options": {"regoin": "china"}}, "options: ark has no option 'regoin'; there are: region, style"),
        ("ark", {"options": {"region": "mars"}}, "options.region: it may be international or china, got 'mars'"),
        ("luma", {"options": {"x": "y"}}, "options: luma has no option 'x'; there are: none"),
        ("google", {"options": {"project": "anything"}}, ""),
    ],
)
def test_a_vendors_own_settings_are_checked_before_anything_starts(
    vendor: str, wrong: dict[str, object], words: str
) -> None:
    settings = Settings(deployments={"one": {"engine": "vendor", "vendor": vendor, "key": "k", **wrong}})  # type: ignore[dict-item]
    found = complaints(settings, ENDPOINTS, {})
    assert found[0].startswith(f"deployments.one: {words}") if words else found == []


def test_routes_that_lead_nowhere_are_complained_about() -> None:
    settings = Settings(routes={"fal-ai/veo3/*": ("animatic",)})
    assert complaints(settings, ENDPOINTS, {}) == ["routes: no endpoint is called 'fal-ai/veo3/*'"]
    settings = Settings(routes={"fal-ai/veo2/*": ("echo",)})
    expected = "routes: none of the deployments that are named for fal-ai/veo2/image-to-video can serve it"
    assert complaints(settings, ENDPOINTS, {}) == [expected]
    with pytest.raises(ValueError, match=r"'x' names 'nobody', which is no deployment; there are: animatic, echo"):
        Settings(routes={"x": ("nobody",)})


def test_a_process_takes_its_keys_out_of_its_environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_DEPLOYMENT_KEYS", '{"upstream": ["a:b"]}')
    assert take_keys(settings) == {"upstream": ("a:b",)}
    assert take_keys(settings) == {"upstream": ("id:secret",)}


def test_no_key_shows_in_the_settings_own_words(settings: Settings) -> None:
    assert "secret" not in repr(settings)
    assert "secret" not in settings.model_dump_json()
