"""Unchanged programs, redirected by `eval "$(rushes env)"` alone: nothing of theirs knows our address."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.cli.embedded import Running, embedded_server
from tests.intercept.live import Recorder

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "unchanged"
NODE = ROOT / "node_modules" / "node" / "bin" / "node"
RUSHES = f"{shlex.quote(sys.executable)} -m rushes"

pytestmark = pytest.mark.acceptance
needs_node = pytest.mark.skipif(not NODE.exists(), reason="needs Node 24 from `npm ci`; `make test` does it")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Recorder]]:
    """A server whose own way out is a recorder, so that whatever leaves it is seen."""
    recorder = Recorder()
    # Whatever the developer's own way out is, the recorder takes its place.
    ways = {name: recorder.url for name in ("HTTPS_PROXY", "https_proxy")} | {"NO_PROXY": "", "no_proxy": ""}
    with embedded_server(tmp_path_factory.mktemp("watched"), {"RUSHES_TEST_ENDPOINTS": "1", **ways}) as running:
        yield running, recorder
    recorder.close()


def in_shell(server: Running, *words: str, folder: Path = ROOT) -> str:
    """Run a program as a reader would: in a shell that evaluated the exports."""
    script = f'eval "$({RUSHES} env --data {shlex.quote(str(server.data))})"; exec "$@"'
    done = subprocess.run(
        ["/bin/sh", "-c", script, "-", *words], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_python_runs_queues_streams_and_uploads(watched: tuple[Running, Recorder]) -> None:
    server, recorder = watched
    told = in_shell(server, sys.executable, str(PROGRAMS / "calls.py"))
    assert told.splitlines()[-1] == "all is well"
    assert f"{server.url}/files/" in told, "files are named by the server's own address"
    assert [line for line in recorder.asked if "fal" in line] == []


@pytest.mark.slow
def test_python_uploads_more_than_100_mib_in_parts(watched: tuple[Running, Recorder]) -> None:
    server, recorder = watched
    assert in_shell(server, sys.executable, str(PROGRAMS / "large.py")).split()[-1] == "same"
    assert [line for line in recorder.asked if "fal" in line] == []


@needs_node
def test_javascript_runs_queues_streams_and_uploads(watched: tuple[Running, Recorder]) -> None:
    server, recorder = watched
    told = in_shell(server, str(NODE), str(PROGRAMS / "calls.mjs"))
    assert told.splitlines()[-1] == "all is well"
    assert [line for line in recorder.asked if "fal" in line] == []


def test_python_holds_a_session(watched: tuple[Running, Recorder], small_picture: Path) -> None:
    server, recorder = watched
    assert in_shell(server, sys.executable, str(PROGRAMS / "session.py"), str(small_picture)).split()[-1] == "512x288"
    assert [line for line in recorder.asked if "fal" in line] == []


@needs_node
def test_javascript_holds_a_session(watched: tuple[Running, Recorder], small_picture: Path) -> None:
    server, recorder = watched
    assert in_shell(server, str(NODE), str(PROGRAMS / "session.mjs"), str(small_picture)).split()[-1] == "512x288"
    assert [line for line in recorder.asked if "fal" in line] == []


@needs_curl
def test_curl_calls_the_queue_by_its_name(watched: tuple[Running, Recorder]) -> None:
    server, _ = watched
    key = f"Authorization: Key {server.key}"
    told = in_shell(server, "curl", "-sS", "-d", "{}", "-H", key, "https://queue.fal.run/rushes/echo")
    assert '"response_url":"https://queue.fal.run/rushes/echo/requests/' in told


@needs_curl
def test_other_hosts_take_the_server_s_own_way_out(watched: tuple[Running, Recorder]) -> None:
    server, recorder = watched
    in_shell(server, "sh", "-c", "curl -sS https://elsewhere.example/ || true")
    assert recorder.asked[-1].startswith("CONNECT elsewhere.example:443 ")
    in_shell(server, "sh", "-c", "for port in 80 444; do curl -sS https://fal.run:$port/ || true; done")
    assert [line for line in recorder.asked if "fal" in line] == []


def test_a_shell_gets_back_what_it_had(watched: tuple[Running, Recorder]) -> None:
    server, _ = watched
    env = f"{RUSHES} env --data {shlex.quote(str(server.data))}"
    script = f"""
        export FAL_KEY='real key' NO_PROXY='*' CURL_CA_BUNDLE=
        unset HTTPS_PROXY https_proxy
        env | sort > before
        eval "$({env})"; eval "$({env})"
        echo "$NO_PROXY $FAL_KEY"
        eval "$({env} --unset)"
        env | sort > after
        diff before after && echo same
    """
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=server.data, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines() == [f"127.0.0.1,localhost {server.key}", "same"]


def test_our_own_command_works_in_that_shell(watched: tuple[Running, Recorder], tmp_path: Path) -> None:
    server, _ = watched
    assert in_shell(server, sys.executable, "-m", "rushes", "voices", "--json", folder=tmp_path).strip() == "[]"
