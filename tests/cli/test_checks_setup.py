"""What is found about the settings, without changing anything."""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from pathlib import Path

from rushes.cli.checks import Check, disk
from rushes.cli.checks_setup import setup
from rushes.db.sqlite import Database
from rushes.settings import Settings


def looked_at(data: Path, **more: object) -> dict[str, Check]:
    settings = Settings.model_validate({"data": data, "port": 0, **more})
    return {one.subject: one for one in setup(settings)}


def test_a_new_folder_is_well_and_is_not_made(tmp_path: Path) -> None:
    found = looked_at(tmp_path / "new")
    assert {one.level for one in found.values()} == {"ok"}
    assert found["data"].told.endswith("(made at the first start)")
    assert not (tmp_path / "new").exists()


def test_a_database_is_read_and_left_as_it_is(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rushes.db") as database:
        database.execute("CREATE TABLE x (y)")
    database.close()
    before = (tmp_path / "rushes.db").read_bytes()
    assert looked_at(tmp_path)["database"].told == "rushes.db, 1 tables and indexes"
    assert (tmp_path / "rushes.db").read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["rushes.db"]


def test_a_server_s_own_database_gets_no_new_files_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "a folder with ? and #"
    folder.mkdir()
    Database.open(folder / "rushes.db").close()
    before = sorted(one.name for one in folder.iterdir())
    assert looked_at(folder)["database"].level == "ok"
    assert sorted(one.name for one in folder.iterdir()) == before


def test_what_is_no_database_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "rushes.db").write_bytes(b"this is no database, and never was one" * 100)
    assert looked_at(tmp_path)["database"].level == "problem"


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = looked_at(tmp_path, port=taken.getsockname()[1])
    assert (found["port"].level, found["port"].remedy) == ("problem", "end what uses it, or set port")


def test_an_address_that_is_not_this_machine_s_is_told(tmp_path: Path) -> None:
    assert looked_at(tmp_path, host="203.0.113.1")["port"].level == "problem"


def test_a_folder_from_the_future_tells_of_a_wrong_clock(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    os.utime(tmp_path / "lock", (time.time() + 9999,) * 2)
    assert looked_at(tmp_path)["data"].level == "warning"


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert looked_at(tmp_path / "file" / "data")["data"].level == "problem"


def test_a_folder_that_can_not_even_be_looked_at_is_told(tmp_path: Path) -> None:
    found = looked_at(tmp_path / ("x" * 300))
    assert (found["data"].level, found["data disk"].level) == ("problem", "problem")
    assert found["data"].told == f"{tmp_path / ('x' * 300)}: File name too long"


def test_files_that_lead_nowhere_are_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    assert looked_at(tmp_path)["data"].level == "ok"


def test_a_disk_without_room_is_told(tmp_path: Path) -> None:
    assert disk("data disk", tmp_path).level in ("ok", "warning")
    assert disk("data disk", Path("/proc")).level == "problem"


def test_an_inference_server_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    dead = {"engine": "server", "dialect": "sglang", "url": "http://127.0.0.1:9", "model": "acme/film"}
    found = looked_at(tmp_path, deployments={"gpu": {**dead, "weights": "WanImageToVideoPipeline"}})
    assert found["server"].level == "problem"
    assert found["server"].told.startswith("gpu: SGLang at http://127.0.0.1:9 does not answer")


def test_a_network_that_is_not_there_is_told(tmp_path: Path) -> None:
    found = looked_at(tmp_path, deployments={"one": {"engine": "network", "network": "nope", "model": "acme/film"}})
    assert "there is no network 'nope'" in found["settings"].told


def test_a_server_without_runners_needs_no_weights(tmp_path: Path) -> None:
    far = {"engine": "diffusers", "model": str(tmp_path / "none")}
    assert looked_at(tmp_path, deployments={"far": far}, runners=0)["settings"].level == "ok"
    assert looked_at(tmp_path, deployments={"far": far})["settings"].level == "problem"
