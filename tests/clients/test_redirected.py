"""Other people's clients, without a word about this server in their code: `rushes env` alone leads them here."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from tests.clients import test_litellm

ROOT = Path(__file__).parents[2]
NODE_24 = ROOT / "node_modules" / "node" / "bin" / "node"
SCRIPTS = Path(__file__).parent / "js" / "redirected"

HUGGINGFACE = """
import os
os.environ["HF_ENDPOINT"] = os.environ["RUSHES_URL"]  # the Hub itself is nobody's to redirect
from huggingface_hub import InferenceClient
client = InferenceClient(provider="fal-ai", api_key=os.environ["FAL_KEY"])
assert client.text_to_video("a slow pan", model="fal-ai/luma-dream-machine")[4:8] == b"ftyp"
assert client.text_to_image("a lighthouse", model="fal-ai/minimax__image-01").size[0] > 100
assert len(client.text_to_speech("The tide is out.", model="fal-ai/minimax__speech-02-hd")) > 1000
"""
LITELLM = """
import time
import litellm
video = litellm.video_generation(model="fal_ai/fal-ai/luma-dream-machine", prompt="a slow pan")
while (now := litellm.video_status(video.id)).status not in {"completed", "failed"}:
    time.sleep(0.1)
assert litellm.video_content(video.id)[4:8] == b"ftyp", now.error
"""

pytestmark = pytest.mark.acceptance


def redirected(server: Running, *words: str, picture: Path | None = None) -> None:
    """Run a program in a shell that has evaluated `rushes env`, and nothing else."""
    shell = f'eval "$("{sys.executable}" -m rushes.cli env --data "$0")"; exec "$@"'
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    if picture is not None:
        environment["PICTURE"] = str(picture)
    done = subprocess.run(
        ["sh", "-c", shell, str(server.data), *words],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4_000:] + done.stderr[-4_000:]


def test_huggingface_hub(server: Running) -> None:
    redirected(server, sys.executable, "-c", HUGGINGFACE)


@pytest.mark.slow
@pytest.mark.skipif(not test_litellm.INSTALLED, reason="litellm is not in .venv-litellm; `scripts/setup dev` says why")
def test_litellm_without_api_base(server: Running) -> None:
    redirected(server, str(test_litellm.PYTHON), "-c", LITELLM)


@pytest.mark.skipif(not NODE_24.exists(), reason="needs `npm ci`, which brings Node 24")
@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.test.mjs")), ids=lambda path: path.name.partition(".")[0])
def test_on_node_24(script: Path, server: Running, small_picture: Path) -> None:
    redirected(server, str(NODE_24), "--test", str(script), picture=small_picture)
