"""`rushes keys`: made, listed with what they spent, revoked; with a running server and without one."""

import json
from pathlib import Path

import httpx2
import pytest

from rushes.cli.embedded import Running
from tests.cli.words import rushes


def who(url: str, key: str) -> httpx2.Response:
    return httpx2.get(f"{url}/v1/users/me", headers={"authorization": f"Key {key}"}, trust_env=False)


@pytest.mark.acceptance
def test_a_key_works_from_its_making_to_its_end(server: Running) -> None:
    environment = {"RUSHES_URL": server.url, "RUSHES_KEY": server.key}
    words = ("keys", "create", "studio key", "--account", "studio", "--max-concurrent", "2", "--budget-usd", "5")
    made = rushes(*words, environment=environment)
    assert (made.returncode, made.stderr) == (0, "")
    key = made.stdout.strip()
    assert who(server.url, key).json()["username"] == "studio"

    listed = rushes("keys", "list", environment=environment).stdout.splitlines()
    (line,) = [one for one in listed if "studio key" in one]
    key_id = key.partition(":")[0]
    assert line == f"{key_id}  API    studio  studio key  (runs 0 of 2; spent 0 and reserved 0 of 5 USD)"

    ended = rushes("keys", "revoke", key_id, environment=environment)
    assert (ended.returncode, ended.stderr) == (0, f"{key_id} no longer works\n")
    assert who(server.url, key).status_code == 401
    again = rushes("keys", "revoke", key_id, environment=environment)
    assert (again.returncode, again.stdout) == (1, "")
    assert f"no key has the id {key_id!r}" in again.stderr


@pytest.mark.acceptance
def test_the_folder_of_a_running_server_is_enough(server: Running) -> None:
    made = rushes("keys", "create", "boss", "--admin", "--json", "--data", str(server.data))
    assert made.returncode == 0, made.stderr
    assert who(server.url, json.loads(made.stdout)["key"]).json()["scope"] == "ADMIN"


@pytest.mark.acceptance
def test_the_servers_own_key_cannot_be_revoked(server: Running) -> None:
    environment = {"RUSHES_URL": server.url, "RUSHES_KEY": server.key}
    done = rushes("keys", "revoke", server.key.partition(":")[0], environment=environment)
    assert done.returncode == 1
    assert "can't be revoked" in done.stderr


@pytest.mark.acceptance
def test_a_folder_without_a_server_gets_one_for_the_moment(tmp_path: Path) -> None:
    made = rushes("keys", "create", "x", "--data", str(tmp_path / "data"))
    assert made.returncode == 0, made.stderr
    listed = json.loads(rushes("keys", "list", "--json", "--data", str(tmp_path / "data")).stdout)
    assert made.stdout.partition(":")[0] in [key["key_id"] for key in listed]


def test_without_a_server_it_asks_for_one() -> None:
    done = rushes("keys", "list")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Set RUSHES_URL and RUSHES_KEY, or name a data folder" in done.stderr


def test_a_whole_key_is_not_taken_for_an_id() -> None:
    done = rushes("keys", "revoke", "id:secret")
    assert done.returncode == 2
    assert "before the colon" in done.stderr
    assert "secret" not in done.stderr
