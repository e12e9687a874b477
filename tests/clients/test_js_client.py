"""The official JavaScript client on Node, unmodified, against a real server: runs the test files in `js/`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rushes.cli.embedded import Running, embedded_server

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
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("adds", "texts"),
    [
        ("0", ["Unprocessable Entity", "Internal Server Error", "Unprocessable Entity"]),
        (
            "1",
            [
                "body: Image too small",
                "The worker crashed on the request",
                "body.steps: Input should be greater than or equal to 1",
            ],
        ),
    ],
    ids=["as fal", "with messages"],
)
def test_errors_have_a_readable_text_where_the_server_adds_one(tmp_path: Path, adds: str, texts: list[str]) -> None:
    settings = {"RUSHES_TEST_ENDPOINTS": "1", "RUSHES_ERROR_MESSAGES": adds}
    with embedded_server(tmp_path / "data", settings) as server:
        done = subprocess.run(
            [NODE or "node", str(SCRIPTS / "messages.mjs")],
            env={**os.environ, "RUSHES_URL": server.url, "FAL_KEY": server.key},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    assert done.stdout.splitlines() == texts
