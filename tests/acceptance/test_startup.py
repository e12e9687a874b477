"""How a server comes up: promptly, light, and behind its own door."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from tests.server import start_server

pytestmark = pytest.mark.acceptance

HEALTHY_S = 1.0
TRIES = 5
HEAVY = ("torch", "cv2", "numpy", "av.libs", "PIL", "diffusers")


def cpu_s(pid: int) -> float:
    """Processor time that a process has used, from the fields utime and stime of its stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_server_is_healthy_within_the_budget(tmp_path: Path) -> None:
    """The best of several starts; on a machine that is busy otherwise, processor time counts instead of the clock."""
    took = []
    for number in range(TRIES):
        begun = time.monotonic()
        with start_server(tmp_path / f"data-{number}", runners=0) as server:
            assert httpx2.get(f"{server.url}/health", trust_env=False).status_code == 200
            clock = time.monotonic() - begun
            busy = os.getloadavg()[0] > (os.cpu_count() or 1)
            took.append(cpu_s(server.process.pid) if busy else clock)
        if took[-1] < HEALTHY_S:
            return
    raise AssertionError(f"none of {TRIES} starts was healthy within {HEALTHY_S} s: {took}")


def test_the_server_s_process_maps_no_engine(tmp_path: Path) -> None:
    with start_server(tmp_path / "data") as server:
        maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert [name for name in HEAVY if f"/{name}/" in maps] == []


def test_serving_loads_nothing_that_it_does_not_need() -> None:
    code = "import sys, rushes.cli.main as m; m.build(['serve']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert loaded & {"rich", "numpy", "cv2", "av", "PIL", "torch", "fal_client", "pytest", "alembic"} == set()
