"""`rushes serve` as a process: what it prints, what it refuses, how it stops."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.cli.words import rushes

pytestmark = pytest.mark.acceptance


@contextmanager
def serving(
    data: Path, *words: str, group: bool = False, **environment: str
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield the process and the first line that it printed; with `group` it leads a group of processes."""
    process = subprocess.Popen(
        [sys.executable, "-m", "rushes", "serve", "--port", "0", "--data", str(data), *words],
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0 if group else None,
    )
    with process:
        try:
            yield process, out(process).readline()
        finally:
            process.terminate()
            process.wait(timeout=10)


def out(process: "subprocess.Popen[str]") -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def test_the_first_line_is_the_address_and_the_key_is_never_shown(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, line):
        url = line.removeprefix("Rushes is listening on ").strip()
        assert httpx2.get(f"{url}/health").status_code == 200
        assert (tmp_path / "url").read_text() == url + "\n"
        key = (tmp_path / "key").read_text().strip()
        process.send_signal(signal.SIGTERM)
        printed = out(process).read()
    assert process.returncode == 0
    assert str(tmp_path / "key") in printed
    assert key.partition(":")[2] not in printed


def test_the_line_for_clients_is_shell_whatever_the_folder_is_called(tmp_path: Path) -> None:
    data = tmp_path / "director's $HOME"
    with serving(data) as (process, _):
        process.send_signal(signal.SIGTERM)
        line = out(process).read().splitlines()[-1].partition(": ")[2]
    told = subprocess.run(
        ["sh", "-c", f'rushes() {{ printf %s "$3" >&2; }}; {line}'], capture_output=True, text=True, check=True
    )
    assert told.stderr == str(data)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_with_its_runners(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.send_signal(number)
        _, errors = process.communicate(timeout=5)
        assert (process.returncode, errors) == (0, "")
        assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
        assert not (tmp_path / "url").exists()


def test_ctrl_c_in_a_terminal_is_quiet_although_every_process_of_it_gets_the_signal(tmp_path: Path) -> None:
    with serving(tmp_path, group=True) as (process, _):
        time.sleep(1)  # the runner is up, or in the middle of its start
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=5)
        assert (process.returncode, errors) == (0, "")


def test_the_end_of_its_input_stops_it_when_asked_to(tmp_path: Path) -> None:
    with serving(tmp_path, "--until-eof") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=5) == 0


def test_the_ready_line_as_json(tmp_path: Path) -> None:
    with serving(tmp_path, "--json") as (process, line):
        told = json.loads(line)
    assert told["pid"] == process.pid
    assert told["key_file"] == str(tmp_path / "key")
    assert told["data"] == str(tmp_path)


def test_a_key_of_one_s_own_is_not_written_anywhere(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", RUSHES_KEY="my:own") as (_, line):
        told = json.loads(line)
        answer = httpx2.get(f"{told['url']}/queue/x/y/requests/z/status", headers={"Authorization": "Key my:own"})
        assert answer.status_code == 404
        assert told["key_file"] is None


def test_an_open_server_asks_nobody_for_a_key(tmp_path: Path) -> None:
    with serving(tmp_path, "--open", "--json") as (_, line):
        answer = httpx2.get(f"{json.loads(line)['url']}/queue/x/y/requests/z/status")
    assert answer.status_code == 404


def test_settings_come_from_a_file(tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text("test_endpoints = true\nrunners = 0\n")
    with serving(tmp_path / "data", "--config", str(config), "--json", "--open") as (_, line):
        answer = httpx2.post(f"{json.loads(line)['url']}/queue/rushes/echo", json={})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--host", "0.0.0.0"], 2, "refusing to listen on 0.0.0.0"),
        (["--port", "70000"], 2, "port: Input should be less than or equal to 65535, got 70000"),
        (["--config", "nothing.toml"], 2, "cannot read nothing.toml: No such file"),
    ],
)
def test_a_refusal_is_one_line(tmp_path: Path, words: list[str], code: int, complaint: str) -> None:
    done = rushes("serve", "--data", str(tmp_path), *words, folder=tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", [b"no database at all\n" * 200, b"tables of others", None])
def test_a_database_that_cannot_be_used_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    database = tmp_path / "rushes.db"
    if content is None:
        database.mkdir()
    elif content == b"tables of others":
        connection = sqlite3.connect(database)
        connection.execute("CREATE TABLE theirs (a)")
        connection.close()
    else:
        database.write_bytes(content)
    done = rushes("serve", "--port", "0", "--data", str(tmp_path), folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"rushes: cannot start on the data folder {tmp_path}: ")
    assert done.stderr.count("\n") == 1


def test_a_wrong_setting_in_the_file_is_named(tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text("runers = 1\n")
    done = rushes("serve", "--config", str(config))
    assert done.returncode == 2
    assert "runers" in done.stderr
    config.write_text("runners = \n")
    assert "not valid TOML" in rushes("serve", "--config", str(config)).stderr


def test_a_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, "--json") as (_, line):
        url = json.loads(line)["url"]
        done = rushes("serve", "--port", "0", "--data", str(tmp_path))
        assert done.returncode == 1
        assert done.stderr.startswith(f"rushes: another server runs on the data folder {tmp_path} at {url}; stop it")
        assert (tmp_path / "url").read_text() == url + "\n"


def test_a_killed_server_leaves_the_folder_to_the_next(tmp_path: Path) -> None:
    with serving(tmp_path) as (process, _):
        process.kill()
        process.wait(timeout=5)
        with serving(tmp_path) as (_, line):
            assert line.startswith("Rushes is listening on ")


def test_calls_that_wait_are_cut_without_noise(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--open", RUSHES_TEST_ENDPOINTS="1") as (process, line):
        queue = f"{json.loads(line)['url']}/queue/rushes/echo"
        job = httpx2.post(queue, json={"sleep_s": 60, "steps": 600}).json()["request_id"]
        with httpx2.stream("GET", f"{queue}/requests/{job}/status/stream") as stream:
            assert next(stream.iter_lines()).startswith("data: ")
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=6) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_refused_websocket_is_no_error_of_the_servers(tmp_path: Path) -> None:
    with serving(tmp_path, "--json", "--open") as (process, line):
        with pytest.raises(InvalidStatus) as caught:
            connect(f"{json.loads(line)['url'].replace('http', 'ws', 1)}/run/no/such/realtime")
        assert caught.value.response.status_code == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=6) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with serving(tmp_path, "--json") as (_, line):
        port = json.loads(line)["url"].rpartition(":")[2]
        done = rushes("serve", "--port", port, "--data", str(tmp_path / "other"))
    assert done.returncode == 1
    assert (
        done.stderr
        == f"rushes: port {port} on 127.0.0.1 is in use; choose another with --port, or --port 0 for a free one\n"
    )


@pytest.mark.parametrize(("hard", "said"), [(1000, "only 1000 open files"), (8192, "")])
def test_a_server_takes_as_many_open_files_as_it_may(tmp_path: Path, hard: int, said: str) -> None:
    limited = f"ulimit -Sn 256; ulimit -Hn {hard}; exec {sys.executable} -m rushes serve --port 0 --data {tmp_path}"
    process = subprocess.Popen(["sh", "-c", limited], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        out(process).readline()
        limits = Path(f"/proc/{process.pid}/limits").read_text()
        process.terminate()
        assert process.stderr is not None
        assert said in process.stderr.read()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max open files"))
    assert line.split()[3:5] == [str(hard), str(hard)]
