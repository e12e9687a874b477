"""Constants of a script get other values; a script that lacks one is not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from rushes.engines.upstream import launch

SCRIPT = """
import sys, template
def generate():
    seed = 42
    words = "close-up"
    other = seed + 1
    return [seed, words, other, sys.argv[1:], __name__, template.MINE]
if __name__ == "__main__":
    print(generate())
"""


def launched(folder: Path, constants: dict[str, object]) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(SCRIPT)
    (folder / "template.py").write_text("MINE = True")  # as a module beside the launcher is called too
    (folder / "constants.json").write_text(json.dumps(constants))
    words = [launch.__file__, str(folder / "constants.json"), str(folder / "script.py"), "--a", "b c"]
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)


def test_the_script_runs_as_itself_with_the_other_values(tmp_path: Path) -> None:
    done = launched(tmp_path, {"seed": 7, "words": 'it\'s "quoted"\n'})
    assert done.stdout.strip() == repr([7, 'it\'s "quoted"\n', 8, ["--a", "b c"], "__main__", True])


def test_a_constant_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = launched(tmp_path, {"sede": 7})
    assert done.returncode != 0
    assert "assigns sede 0 times" in done.stderr
    assert done.stdout == ""
