"""Running the command line as its user does: a process of its own, what it printed, how it ended."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def rushes(
    *words: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `rushes WORDS` to its end; stdin is empty, the width is 100 columns."""
    return subprocess.run(
        [sys.executable, "-m", "rushes", *words],
        cwd=folder,
        env={**os.environ, "COLUMNS": "100", **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
