"""A film's folder goes with its film, and soon after a process that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

CODE = """
import sys
from rushes.engines.upstream.folders import make_folder, remove_leftovers
if sys.argv[1] == "make":
    folder = make_folder()
    (folder.path / "film.mp4").write_bytes(b"large")
    print(folder.path, flush=True)
    sys.stdin.read()
    folder.remove()
else:
    remove_leftovers()
"""


def start(what: str, temporary: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(temporary)}
    return subprocess.Popen(
        [sys.executable, "-c", CODE, what],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_a_killed_process_left_is_removed_and_what_is_held_stays(tmp_path: Path) -> None:
    (tmp_path / "rushes-film-of-somebody-else").mkdir()
    with start("make", tmp_path) as held, start("make", tmp_path) as killed:
        assert held.stdout is not None
        assert killed.stdout is not None
        stays, goes = Path(held.stdout.readline().strip()), Path(killed.stdout.readline().strip())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (goes / "film.mp4").exists()
        with start("sweep", tmp_path) as sweeper:
            sweeper.communicate()
        assert sweeper.returncode == 0
        assert not goes.exists()
        assert (stays / "film.mp4").exists()
    assert {one.name for one in tmp_path.iterdir()} == {"rushes-film-of-somebody-else"}
