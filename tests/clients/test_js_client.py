"""The official JavaScript client on Node, unmodified, against a real server: runs the test files in `js/`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rushes.cli.embedded import Running

SCRIPTS = Path(__file__).parent / "js"
INSTALLED = Path(__file__).parents[2] / "node_modules" / "@fal-ai" / "client"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(
        NODE is None or not INSTALLED.exists(), reason="needs Node.js and `npm ci`; `make test` does both"
    ),
]


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_the_javascript_client(script: Path, server: Running, small_picture: Path) -> None:
    environment = {
        **os.environ,
        "RUSHES_URL": server.url,
        "FAL_KEY": server.key,
        "PICTURE": str(small_picture),
    }
    done = subprocess.run(
        [NODE or "node", "--experimental-websocket", "--test", "--test-reporter=spec", str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
