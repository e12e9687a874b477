"""The settings' sources in their order, and what is refused while somebody looks instead of failing at a caller."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rushes.settings import Settings, read_settings

UPSTREAM = '[deployments.mine]\nengine = "vendor"\nvendor = "kling"\nkey = "access:secret"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "rushes.toml"


def test_arguments_come_before_the_environment_before_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text("port = 1\nrunners = 1\nlease_s = 1.0\n")
    monkeypatch.setenv("RUSHES_PORT", "2")
    monkeypatch.setenv("RUSHES_RUNNERS", "2")
    found = read_settings(config, port=3, runners=None)
    assert (found.port, found.runners, found.lease_s, found.sweep_s) == (3, 2, 1.0, 1.0)


def test_a_table_in_the_environment_takes_the_whole_place_of_the_files(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('[unit_price_usd]\n"a/b" = 1\n')
    monkeypatch.setenv("RUSHES_UNIT_PRICE_USD", '{"c/d": 2}')
    assert read_settings(config).unit_price_usd == {"c/d": 2.0}


def test_settings_that_belong_together_may_come_from_both(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(f'tls_cert = "cert.pem"\n{UPSTREAM}')
    monkeypatch.setenv("RUSHES_TLS_KEY", "key.pem")
    monkeypatch.setenv("RUSHES_ROUTES", '{"fal-ai/*": ["mine"]}')
    found = read_settings(config)
    assert (found.tls_cert, found.tls_key) == (Path("cert.pem"), Path("key.pem"))
    assert found.routes == {"fal-ai/*": ("mine",)}


def test_a_deployment_of_the_environment_lies_in_the_files_data_folder(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('data = "/srv/rushes"\n')
    monkeypatch.setenv("RUSHES_DEPLOYMENTS", '{"mine": {"engine": "upstream", "recipe": "wan2.2"}}')
    (deployment,) = read_settings(config).deployments.values()
    assert str(deployment.folder).startswith("/srv/rushes/")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "name", ["key", "runner_key", "proxy_key", "prompt_key", "public_url", "prompt_url", "tls_cert", "provenance_cert"]
)
def test_what_is_given_as_nothing_is_not_given(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"RUSHES_{name.upper()}", "")
    assert getattr(Settings(), name) is None


@pytest.mark.parametrize("url", ["https://studio.example:8443/base/", "http://[::1]:8787", "http://me:pw@10.0.0.1/v1"])
def test_a_base_url_is_kept_as_it_is(url: str) -> None:
    assert Settings(public_url=url).public_url == url


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"public_url": "studio.example"}, "public_url"),
        ({"public_url": "https://"}, "public_url"),
        ({"public_url": "https://studio.example/?a=b"}, "public_url"),
        ({"public_url": 'https://studio.example/"'}, "public_url"),
        ({"public_url": "https://stüdio.example"}, "public_url"),
        ({"public_url": "https://studio.example:99999"}, "public_url"),
        ({"prompt_url": "127.0.0.1:11434/v1"}, "prompt_url"),
        ({"proxy_key": "no-secret"}, "proxy_key"),
        ({"proxy_key": "id:with blank"}, "proxy_key"),
        ({"unit_price_usd": {"a/b": -1}}, "unit_price_usd"),
        ({"unit_price_usd": {"a/b": float("nan")}}, "unit_price_usd"),
        ({"allow_addresses": "10.0.0.0/8, home"}, "allow_addresses"),
        ({"tls_key": "key.pem"}, "tls_key"),
        ({"provenance_key": "key.pem"}, "provenance_key"),
        ({"deployments": {"no name": {"engine": "upstream", "recipe": "wan2.2"}}}, "deployments"),
        ({"routes": {"*": ()}}, "routes"),
        ({"prot": 1}, "prot"),
    ],
)
def test_what_cannot_work_is_refused_by_its_name(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(**given)
    assert {error["loc"][0] for error in refused.value.errors()} == {named}


def test_a_refused_key_is_not_told() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(proxy_key="very secret")
    assert "very secret" not in refused.value.errors()[0]["msg"]


def test_a_session_costs_what_its_endpoint_does_unless_it_has_a_price_of_its_own() -> None:
    prices = Settings(unit_price_usd={"a/b": 0.5, "c/d": 1.0, "c/d/realtime": 2.0})
    found = [prices.price_usd(name, 2) for name in ("a/b", "a/b/realtime", "c/d/realtime", "e/f", "e/f/realtime")]
    assert found == [1.0, 1.0, 4.0, None, None]


def test_networks_and_names_are_parsed_with_blanks_around_them() -> None:
    found = Settings(allow_addresses=" 10.1.2.3/8 , ,::1/128", tls_names="studio.local, 192.0.2.1,")
    assert [str(network) for network in found.allowed_networks] == ["10.0.0.0/8", "::1/128"]
    assert found.own_names == ("studio.local", "192.0.2.1")


def test_a_certificate_turns_https_on() -> None:
    assert [Settings(**given).serves_tls for given in ({}, {"tls": True}, {"tls_cert": Path("c.pem")})] == [
        False,
        True,
        True,
    ]
