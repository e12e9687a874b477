"""The lines of docs/guide/clients.md, each run as it stands there with the official client."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from rushes.gateway.hosts import HOSTS
from tests.cli.test_listeners import KEY, serving

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide" / "clients.md").read_text()
NODE = ROOT / "node_modules" / "node" / "bin" / "node"
PICTURE = ROOT / "examples" / "mountain-path.jpg"

pytestmark = pytest.mark.acceptance
needs_node = pytest.mark.skipif(not NODE.exists(), reason="needs Node 24 from `npm ci`; `make test` does it")

CALLS = """
import assert from "node:assert/strict";
assert.deepEqual((await fal.run("rushes/echo", { input: { payload: 1 } })).data, { payload: 1 });
assert.deepEqual((await fal.subscribe("rushes/echo", { input: { payload: 2 } })).data, { payload: 2 });
const address = await fal.storage.upload(new Blob(["bytes"], { type: "text/plain" }));
assert.ok(address.startsWith(process.env.RUSHES_URL), address);
"""
SESSION = """
import { readFileSync } from "node:fs";
const image_url = `data:image/jpeg;base64,${readFileSync(process.env.PICTURE).toString("base64")}`;
await new Promise((resolve, reject) => {
  const camera = fal.realtime.connect("rushes/camera", {
    onResult: () => (camera.close(), resolve()),
    onError: reject,
  });
  camera.send({ image_url });
});
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def run(server: Running, *words: str, **more: str) -> None:
    # No proxy may help: what isn't redirected by the lines themselves fails, and goes nowhere.
    names = (name for name in os.environ if not name.lower().endswith("_proxy"))
    plain = {name: os.environ[name] for name in names} | {"HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    known = {"RUSHES_URL": server.url, "RUSHES_KEY": server.key, "FAL_KEY": server.key, "PICTURE": str(PICTURE)}
    done = subprocess.run(
        words, cwd=ROOT, env=plain | known | more, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
@pytest.mark.parametrize("recipe", ["proxyUrl", "requestMiddleware", "fetch:"])
def test_a_javascript_recipe(server: Running, recipe: str) -> None:
    (lines,) = [block for block in blocks("js") if recipe in block]
    shared = next(block for block in blocks("js") if "const toServer" in block).partition("fal.config")[0]
    (sockets,) = [block for block in blocks("js") if "WebSocket" in block]
    lines = lines.replace("http://127.0.0.1:8787", server.url)
    program = 'import { fal } from "@fal-ai/client";\n' + (shared if recipe == "fetch:" else "") + lines + sockets
    run(server, str(NODE), "--input-type=module", "--eval", program + CALLS + SESSION)


def test_the_python_recipe(server: Running) -> None:
    (lines,) = [block for block in blocks("python") if "rushes.connect()" in block]
    program = lines.replace("http://127.0.0.1:8787", server.url).replace("id:secret", server.key)
    calls = "import fal_client as f; assert f.subscribe('rushes/echo', {'payload': 1}) == {'payload': 1}; "
    run(server, sys.executable, "-c", program + calls + "assert f.upload(b'x', 'text/plain').startswith('http://127.')")


def test_two_variables_do_for_python_over_https(tmp_path: Path) -> None:
    (lines,) = [block for block in blocks("sh") if "FAL_RUN_HOST" in block]
    with serving(tmp_path, "--tls") as told:
        port = told["url"].rpartition(":")[2]
        script = lines.replace("localhost:8787", f"localhost:{port}").replace("rushes-data", str(tmp_path))
        calls = "import fal_client as f; assert f.subscribe('rushes/echo', {'payload': 1}) == {'payload': 1}; "
        calls += "assert list(f.stream('rushes/echo', {'payload': 2}))[-1] == {'payload': 2}"
        server = Running(told["url"], KEY, told["pid"], tmp_path)
        run(server, "/bin/sh", "-c", script + 'exec "$@"', "-", sys.executable, "-c", calls, NO_PROXY="localhost")


def test_the_list_of_names_to_override_has_every_host() -> None:
    text = (ROOT / "docs" / "guide" / "tls.md").read_text()
    assert [host for host in HOSTS if not re.search(rf"[ ]{re.escape(host)}\b", text)] == []
