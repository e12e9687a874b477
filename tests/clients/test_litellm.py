"""litellm, unmodified, in an environment of its own (it wants another huggingface_hub than the other tests do).

Importing it takes seconds, so one process makes all calls, the guide page's first, and the tests look at what it told.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.embedded import Running
from tests.clients.guide import blocks

PYTHON = Path(__file__).parents[2] / ".venv-litellm" / "bin" / "python"
INSTALLED = (PYTHON.parent.parent / ".installed").exists()

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="litellm is not in .venv-litellm; `scripts/setup dev` says why"),
]

CALLS = """
import json

told = {"guide film": film[4:8].decode(), "guide picture": pictures.data[0].url}


def ended(model, **more):
    one = litellm.video_generation(model="fal_ai/" + model, prompt="a slow pan", **server, **more)
    while (now := litellm.video_status(one.id, **server)).status not in {"completed", "failed"}:
        time.sleep(0.05)
    return now


def refused(call):
    try:
        call()
    except Exception as error:
        return [type(error).__name__, str(error)]


seedance = "fal-ai/bytedance/seedance/v1/lite/image-to-video"
now = ended(seedance, input_reference=os.environ["PICTURE_URI"], seconds="5", size="864x480")
told["with picture"] = [now.status, litellm.video_content(now.id, **server)[4:8].decode()]
ray = "fal-ai/luma-dream-machine/ray-2"
now = ended(ray, seconds="7")
told["wrong length"] = [now.status, now.error["message"]]
now = ended(ray, extra_body={"duration": "5s", "resolution": "540p"})
told["own members"] = [now.status, now.error]
told["unknown model"] = refused(lambda: ended("fal-ai/nothing"))
stranger = {**server, "api_key": "no:body"}
told["wrong key"] = refused(lambda: litellm.video_generation(model="fal_ai/" + ray, prompt="x", **stranger))
told["long prompt"] = refused(
    lambda: litellm.image_generation(
        model="fal_ai/fal-ai/minimax/image-01",
        prompt="x" * 1501,
        api_base=server["api_base"].replace("/queue", "/run/fal-ai/minimax/image-01"),
        api_key=server["api_key"],
    )
)
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def told(server: Running, small_picture: Path) -> dict[str, Any]:
    picture = base64.b64encode(small_picture.read_bytes()).decode()
    environment = {
        **os.environ,
        "FAL_KEY": server.key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "NO_PROXY": "127.0.0.1",
        "PICTURE_URI": f"data:image/png;base64,{picture}",
    }
    code = "\n".join([*blocks("litellm", "python"), CALLS]).replace("http://127.0.0.1:8787", server.url)
    done = subprocess.run(
        [str(PYTHON), "-c", code], env=environment, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_guides_calls_make_a_film_and_a_picture(told: dict[str, Any], server: Running) -> None:
    assert told["guide film"] == "ftyp"
    assert told["guide picture"].startswith(f"{server.url}/files/")


def test_a_picture_length_and_size_are_understood(told: dict[str, Any]) -> None:
    assert told["with picture"] == ["completed", "ftyp"]


def test_a_length_that_the_endpoint_writes_otherwise_fails_with_its_reason(told: dict[str, Any]) -> None:
    assert told["wrong length"] == ["failed", "body.duration: Input should be '5s' or '9s'"]
    assert told["own members"] == ["completed", None]


def test_refusals_are_the_clients_own_exceptions(told: dict[str, Any]) -> None:
    assert told["unknown model"][0] == "NotFoundError"
    assert told["wrong key"][0] == "AuthenticationError"
    assert told["long prompt"][0] == "BadRequestError"
    assert "at most 1500 characters" in told["long prompt"][1]
