"""huggingface_hub's InferenceClient, unmodified: each recipe of its guide page, then its calls.

A process for each, because the client reads HF_ENDPOINT at import and the recipes change its module.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.embedded import Running
from tests.clients.guide import blocks

pytestmark = pytest.mark.acceptance

MAPPED, TABLE, HOOKED = blocks("huggingface", "python")


def run(server: Running, recipe: str, then: str) -> Any:
    """Run a recipe and what follows it; returns what `then` left in `told`."""
    code = f"{recipe.replace('http://127.0.0.1:8787', server.url)}\nimport json\n{then}\nprint(json.dumps(told))\n"
    environment = {**os.environ, "FAL_KEY": server.key, "HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("recipe", [MAPPED, TABLE, HOOKED], ids=["mapping", "table", "hook"])
def test_each_recipe_of_the_guide_makes_a_film(server: Running, recipe: str) -> None:
    assert run(server, recipe, "told = film[4:8].decode()") == "ftyp"


def test_a_picture_becomes_a_film(server: Running, small_picture: Path) -> None:
    call = f"""
film = client.image_to_video({str(small_picture)!r}, prompt="a slow pan", model="fal-ai/wan-i2v", seed=7,
                             extra_body={{"resolution": "480p", "frames_per_second": 24}})
told = film[4:8].decode()"""
    assert run(server, calls_only(MAPPED), call) == "ftyp"


def test_a_deeper_endpoint_is_named_with_underscores(server: Running, small_picture: Path) -> None:
    call = f"""
film = client.image_to_video({str(small_picture)!r}, prompt="x", model="fal-ai/ltx-video__image-to-video")
told = film[4:8].decode()"""
    assert run(server, calls_only(MAPPED), call) == "ftyp"


def test_a_prompt_becomes_a_picture_and_a_text_speech(server: Running) -> None:
    calls = """
picture = client.text_to_image("a lighthouse", model="fal-ai/minimax__image-01", width=640, height=360)
sound = client.text_to_speech("The tide is out.", model="fal-ai/minimax__speech-02-hd",
                              extra_body={"voice_setting": {"voice_id": "Calm_Woman"}})
told = [list(picture.size), len(sound) > 1000]"""
    (width, height), loud = run(server, calls_only(MAPPED), calls)
    assert width > 100
    assert height > 100
    assert loud


def test_a_picture_and_a_prompt_become_a_picture(server: Running, small_picture: Path) -> None:
    call = f"""
picture = client.image_to_image({str(small_picture)!r}, prompt="at the sea",
                                model="fal-ai/minimax__image-01__subject-reference")
told = min(picture.size)"""
    assert run(server, calls_only(MAPPED), call) > 100


def test_refusals_are_the_clients_own_exceptions(server: Running) -> None:
    calls = """
told = []
for model, task in [("nobody/nothing", "text_to_video"), ("fal-ai/wan-i2v", "text_to_video")]:
    try:
        getattr(client, task)("x", model=model)
    except Exception as error:
        told.append([type(error).__name__, str(error)])
for model, task in [("fal-ai/minimax__image-01", "text_to_image"), ("fal-ai/luma-dream-machine", "text_to_video")]:
    try:
        getattr(client, task)("x", model=model, extra_body={"aspect_ratio": "5:1"})
    except Exception as error:
        told.append([type(error).__name__, getattr(getattr(error, "response", None), "status_code", None)])"""
    told = run(server, calls_only(MAPPED), calls)
    assert told[0][0] == "RepositoryNotFoundError"
    assert "RUSHES_HUB_MODELS" in told[0][1]
    assert told[1][0] == "ValueError"
    assert "Supported task: image-to-video" in told[1][1]
    assert told[2] == ["HfHubHTTPError", 422]
    assert told[3] == ["KeyError", None]  # of a queued request's result the client doesn't look at the status


def calls_only(recipe: str) -> str:
    """A recipe without its last line, which makes a film."""
    return recipe.rstrip().rpartition("\n")[0]
