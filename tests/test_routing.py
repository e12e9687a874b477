"""Which deployments serve an endpoint, in which order, what is wrong with names, and how their tables are read."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rushes.routing import KINDS, Deployment, VendorDeployment, is_remote, route_of, routed, unknown_names

MINE = {
    "kling-eu": VendorDeployment.model_validate({"engine": "vendor", "vendor": "kling", "key": "a-key"}),
    "upstream": VendorDeployment.model_validate({"engine": "vendor", "vendor": "fal", "key": "a-key"}),
}
KLING, ANIMATIC = "fal-ai/kling-video/v1/standard/text-to-video", ("animatic", "kling")


def test_the_first_pattern_that_fits_counts() -> None:
    routes = {"fal-ai/kling-video/*": ("kling-eu",), "*": ("animatic",)}
    assert routed(KLING, routes) == ("kling-eu",)
    assert routed("fal-ai/wan-i2v", routes) == ("animatic",)
    assert routed("fal-ai/wan-i2v", {}) == ()


def test_only_those_that_can_serve_it_are_on_the_route() -> None:
    routes = {"*": ("kling-eu", "upstream", "animatic")}
    assert route_of(KLING, ANIMATIC, routes, MINE) == ("kling-eu", "upstream", "animatic")
    assert route_of("fal-ai/wan-i2v", ("animatic",), routes, MINE) == ("upstream", "animatic")
    assert route_of("fal-ai/wan-i2v", ("animatic",), {}, MINE) == ("animatic",)


def test_vendors_are_remote_and_what_is_built_in_is_not() -> None:
    assert is_remote("kling-eu", MINE)
    assert not is_remote("animatic", MINE)


def test_a_name_that_is_none_is_told_with_those_that_are() -> None:
    (line,) = unknown_names({"a/*": ("klng", "kling-eu")}, MINE)
    assert "'klng'" in line
    assert "kling-eu" in line


def test_a_deployment_without_a_key_is_refused() -> None:
    with pytest.raises(ValueError, match="no key"):
        VendorDeployment.model_validate({"engine": "vendor", "vendor": "kling"})


def test_a_pattern_for_many_kinds_leaves_out_who_cannot_serve_and_may_leave_nobody() -> None:
    assert route_of("fal-ai/wan-i2v", ("animatic",), {"*": ("kling-eu",)}, MINE) == ()


def test_patterns_tell_small_letters_from_capitals() -> None:
    assert routed("fal-ai/wan-i2v", {"FAL-AI/*": ("animatic",)}) == ()


DIFFUSERS = {"engine": "diffusers", "model": "a/b"}
NETWORK = {"engine": "network", "network": "longcat", "model": "a/b"}
UPSTREAM = {"engine": "upstream", "recipe": "a"}
SERVER = {"engine": "server", "dialect": "a", "url": "http://127.0.0.1:1", "model": "b"}
VENDOR = {"engine": "vendor", "vendor": "kling", "key": "a-key"}
DEPLOYMENT: TypeAdapter[Deployment] = TypeAdapter(Deployment)


def read(table: dict[str, Any], **more: Any) -> Any:
    return DEPLOYMENT.validate_python(table | more)


@pytest.mark.parametrize(
    ("table", "kind", "package"),
    [
        (DIFFUSERS, "diffusers", "diffusers"),
        (NETWORK, "longcat", "longcat"),
        (UPSTREAM, "upstream", "upstream"),
        (SERVER, "diffusers", "server"),
        (SERVER | {"network": "longcat"}, "longcat", "server"),
        (VENDOR, "kling", "vendor"),
    ],
)
def test_a_table_becomes_the_deployment_that_its_engine_names(table: dict[str, Any], kind: str, package: str) -> None:
    found = read(table)
    assert type(found) is KINDS[table["engine"]]
    assert (found.kind, found.package) == (kind, package)


@pytest.mark.parametrize(
    ("table", "wrong", "said"),
    [
        (VENDOR, {"vendr": "x"}, "vendr"),
        (VENDOR, {"url": "ftp://a"}, "url"),
        (VENDOR, {"key": None, "keys": []}, "no key"),
        (VENDOR, {"key": None, "key_env": "id:secret"}, "no name of an environment variable"),
        (SERVER, {"concurrency": 0}, "concurrency"),
        (DIFFUSERS, {"devices": 0}, "from 1 to 64"),
        (DIFFUSERS, {"devices": 65}, "from 1 to 64"),
        (DIFFUSERS, {"devices": [f"cuda:{n}" for n in range(65)]}, "at most 64"),
        (DIFFUSERS, {"devices": 2, "device": "cuda:0"}, "can't both be set"),
        (DIFFUSERS, {"distilled": {"timesteps": [500, 750]}}, "must fall"),
        (DIFFUSERS, {"distilled": {"timesteps": [750, 500], "steps": 4}}, "leave steps away"),
        (UPSTREAM, {"devices": ["0", "1"], "gpus": 1}, "leave gpus out"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(table: dict[str, Any], wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(table, **wrong)
    assert said in str(caught.value)
    assert "id:secret" not in str(caught.value.errors(include_input=False))


def test_what_toml_writes_as_numbers_and_truths_is_read() -> None:
    options = {"steps": 4, "shift": 2.5, "caching": True, "distilled": False, "word": "as it is"}
    assert read(SERVER, options=options).options == {
        "steps": "4",
        "shift": "2.5",
        "caching": "yes",
        "distilled": "no",
        "word": "as it is",
    }
    assert read(DIFFUSERS, devices=2).devices == ("cuda:0", "cuda:1")
    assert read(UPSTREAM, devices=[0, 1]).devices == ("0", "1")
    assert read(DIFFUSERS, distilled=False).distilled is None
    assert read(DIFFUSERS, distilled=True).distilled.guidance == 1


def test_several_keys_of_one_variable_are_told_apart() -> None:
    found = read(VENDOR, key=None, key_env="MY_KEYS")
    assert found.secrets({"MY_KEYS": "one, two,"}) == ("one", "two")
    assert found.key_variables == {"MY_KEYS"}
    with pytest.raises(ValueError, match="MY_KEYS holds no key"):
        found.secrets({"MY_KEYS": " , "})


def test_a_program_lies_in_a_folder_of_its_name_unless_it_is_given_one(tmp_path: Path) -> None:
    assert read(UPSTREAM).within("mine", tmp_path).folder == tmp_path / "upstream" / "mine"
    assert read(UPSTREAM, folder="/srv/it").within("mine", tmp_path).folder == Path("/srv/it")
    assert read(DIFFUSERS).within("mine", tmp_path) == read(DIFFUSERS)
