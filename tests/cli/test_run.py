"""`rushes run`: against a server that the environment names, and with one of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from rushes.cli.embedded import Running
from rushes.cli.run import progress_of
from tests.cli.words import rushes

pytestmark = pytest.mark.acceptance


@pytest.fixture
def there(server: Running) -> dict[str, str]:
    """The environment that `rushes env` gives."""
    return {"RUSHES_URL": server.url, "RUSHES_KEY": server.key, "RUSHES_TEST_ENDPOINTS": "1"}


def test_progress_comes_from_the_labels() -> None:
    logs = [{"message": "a", "labels": {"progress": "0.25"}}, {"message": "b", "labels": None}]
    assert progress_of({"status": "IN_PROGRESS", "logs": logs}) == (0.25, "b")
    assert progress_of({"status": "IN_PROGRESS", "logs": None}) == (0.0, "")
    assert progress_of({"status": "IN_QUEUE", "queue_position": 2}) == (0.0, "2 ahead in the queue")
    assert progress_of({"status": "COMPLETED", "logs": logs}) == (1.0, "b")


def test_an_output_without_files_is_printed(there: dict[str, str]) -> None:
    done = rushes("run", "rushes/echo", 'payload={"a": "ü"}', environment=there)
    assert (done.returncode, done.stderr) == (0, "")
    assert '"a": "ü"' in done.stdout
    assert "served by echo/" in done.stdout


def test_json_is_for_machines(there: dict[str, str]) -> None:
    told = json.loads(rushes("run", "rushes/echo", "payload=1", "--json", environment=there).stdout)
    assert told["output"] == {"payload": 1}
    assert told["files"] == []
    assert told["served_by"].startswith("echo/")
    assert set(told) == {"request_id", "output", "files", "seconds", "units", "cost_usd", "served_by"}
    assert told["cost_usd"] is None


def test_the_cost_is_said_where_a_price_is_set(there: dict[str, str]) -> None:
    priced = {**there, "RUSHES_UNIT_PRICE_USD": '{"rushes/echo": 0.5}'}
    told = json.loads(rushes("run", "rushes/echo", "payload=1", "--json", environment=priced).stdout)
    assert told["cost_usd"] == told["units"] * 0.5
    assert (
        f" s, cost {told['cost_usd']:g} USD, served by echo/" in rushes("run", "rushes/echo", environment=priced).stdout
    )


def test_a_picture_is_uploaded_and_the_film_saved(there: dict[str, str], small_picture: Path, tmp_path: Path) -> None:
    words = ["prompt=pan", f"image_url=@{small_picture}", "resolution=480p", "frames_per_second=24", "--json"]
    told = json.loads(rushes("run", "fal-ai/wan-i2v", *words, folder=tmp_path, environment=there).stdout)
    film = tmp_path / told["files"][0]["path"]
    assert film.parent == tmp_path
    assert film.read_bytes()[4:8] == b"ftyp"
    assert film.stat().st_size == told["files"][0]["size_bytes"]
    assert "stand-in" in told["served_by"]


def test_a_film_without_a_place_for_its_manifest_gets_it_beside_itself(there: dict[str, str], tmp_path: Path) -> None:
    words = ["prompt=A boat", "num_frames=17", "video_output_type=VP9 (.webm)", "-o", "film.webm", "--json"]
    endpoint = "fal-ai/longcat-video/text-to-video/480p"
    told = json.loads(rushes("run", endpoint, *words, folder=tmp_path, environment=there).stdout)
    assert [Path(file["path"]).name for file in told["files"]] == ["film.webm", "film.webm.c2pa"]
    rushes("verify", "film.webm", folder=tmp_path)


@pytest.mark.parametrize("place", ["none/film.mp4", "none/"])
def test_a_place_that_is_in_no_folder_is_said_before_anything_is_made(tmp_path: Path, place: str) -> None:
    done = rushes("run", "rushes/echo", "-o", place, folder=tmp_path, environment={"RUSHES_TEST_ENDPOINTS": "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "rushes: there is no folder 'none' to save into; make it first\n"


def test_a_file_that_can_not_be_saved_is_one_line_that_says_where_it_lies(
    there: dict[str, str], server: Running, tmp_path: Path
) -> None:
    longest = "x" * 251 + ".mp3"  # fits itself, but not with the ending that a download has until it is whole
    words = ["fal-ai/minimax/speech-02-hd", "text=Hello.", "-o", longest]
    done = rushes("run", *words, folder=tmp_path, environment=there)
    assert (done.returncode, done.stdout) == (1, "")
    assert "File name too long" in done.stderr
    assert f"it lies at {server.url}/files/" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_name_that_no_file_can_have_is_said_before_anything_is_made(tmp_path: Path) -> None:
    done = rushes("run", "rushes/echo", "-o", "x" * 300, folder=tmp_path, environment={"RUSHES_TEST_ENDPOINTS": "1"})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.endswith("File name too long\n")


def test_a_failing_model_is_one_line_and_exit_code_1(there: dict[str, str]) -> None:
    done = rushes("run", "rushes/echo", "fail=no_media_generated", environment=there)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "rushes: input: The model produced no output for this prompt\n"


def test_a_wrong_key_is_one_line_that_says_what_to_do(there: dict[str, str]) -> None:
    done = rushes("run", "rushes/echo", environment={**there, "RUSHES_KEY": "no:body"})
    assert done.returncode == 1
    assert done.stderr == "rushes: No user found for Key ID and Secret (401); set RUSHES_KEY to a key of that server\n"


def test_without_a_server_one_is_started_and_stopped(tmp_path: Path) -> None:
    data = tmp_path / "data"
    done = rushes(
        *("run", "rushes/echo", "payload=1", "--json", "--data", str(data)),
        environment={"RUSHES_TEST_ENDPOINTS": "1", "RUSHES_KEY": ""},  # empty is as good as not set
    )
    assert json.loads(done.stdout)["output"] == {"payload": 1}
    assert done.stderr == ""
    assert (data / "key").exists()
    assert not (data / "url").exists()


def test_a_server_that_can_not_start_is_one_more_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, no folder")
    done = rushes(
        "run", "fal-ai/wan-i2v", "prompt=x", "image_url=https://e.com/x.png", "--data", str(tmp_path / "data")
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "the server did not start" in done.stderr


def test_help_lists_the_endpoint_s_fields() -> None:
    shown = rushes("run", "fal-ai/wan-i2v", "--help").stdout
    assert "Usage: rushes run ENDPOINT" in shown
    assert "num_frames  (integer, 81 to 100, default 81)" in shown


def test_without_an_endpoint_the_usage_is_shown() -> None:
    done = rushes("run")
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: rushes run ENDPOINT")


@pytest.fixture
def at_a_terminal() -> Iterator[None]:
    """Children of a process that ignores Ctrl-C, as one in the background does, would ignore it as well."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("at_a_terminal")
def test_ctrl_c_cancels_the_request(there: dict[str, str], server: Running) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rushes", "run", "rushes/echo", "sleep_s=30", "steps=600"],
        env={**os.environ, **there},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    headers = {"Authorization": f"Key {server.key}"}
    give_up_at = time.monotonic() + 60
    while (
        'rushes_requests_running{endpoint="rushes/echo"} 1'
        not in httpx2.get(f"{server.url}/metrics", headers=headers).text
    ):
        assert time.monotonic() < give_up_at
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    # The one runner is free again at once.
    answer = httpx2.post(f"{server.url}/run/rushes/echo", json={}, headers=headers, timeout=20)
    assert answer.status_code == 200
