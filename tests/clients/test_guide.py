"""The guide's pages on other people's clients: their JavaScript runs as it stands, and each page is linked.

What the Python blocks do is looked at where that client is tested.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from tests.clients.guide import PAGES, blocks

ROOT = Path(__file__).parents[2]


def test_every_page_is_linked_from_the_guide() -> None:
    guide = (PAGES.parent / "clients.md").read_text()
    assert [page.name for page in PAGES.glob("*.md") if f"(clients/{page.name})" not in guide] == []


@pytest.mark.acceptance
@pytest.mark.skipif(not (ROOT / "node_modules" / "ai").exists(), reason="needs Node.js and `npm ci`")
def test_the_ai_sdks_block_makes_a_video(server: Running, tmp_path: Path) -> None:
    (block,) = blocks("ai-sdk", "js")
    (tmp_path / "film.mjs").write_text(block.replace("http://127.0.0.1:8787", server.url))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    done = subprocess.run(
        [shutil.which("node") or "node", "film.mjs"],
        cwd=tmp_path,
        env={**os.environ, "FAL_KEY": server.key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kind, size = done.stdout.split()
    assert kind == "video/mp4"
    assert int(size) > 10_000


def test_the_server_proxys_blocks_say_the_pattern_that_its_tests_use() -> None:
    _browser, *handlers = blocks("server-proxy", "js")
    tested = (Path(__file__).parent / "js" / "server_proxy.test.mjs").read_text()
    assert "allowedUrlPatterns: [`${new URL(RUSHES_URL).host}/**`]" in tested
    assert all('allowedUrlPatterns: ["127.0.0.1:8787/**"]' in handler for handler in handlers)
