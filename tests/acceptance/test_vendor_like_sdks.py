"""Our requests beside those of the vendors' official SDKs, asked for the same film: the same body at the same place."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rushes.calls import VendorCall
from tests.engines.vendor.rehearsal import Rehearsal, Trip, call_for, picture, rehearsing, run
from tests.fakes.test_sdks import INSTALLED, PYTHON

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="the SDKs are not in .venv-vendors; `scripts/setup dev` says why"),
]

VEO_2 = "veo-2.0-generate-001"
GOOGLE = """
import base64, os
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

url, key, platform = (os.environ[name] for name in ("VENDOR_URL", "VENDOR_KEY", "PLATFORM"))
at = types.HttpOptions(base_url=url)
client = {
    "gemini": lambda: genai.Client(api_key=key, vertexai=False, http_options=at),
    "vertex": lambda: genai.Client(
        vertexai=True, project="studio", location="us-central1", credentials=Credentials(key), http_options=at
    ),
    "express": lambda: genai.Client(vertexai=True, api_key=key, http_options=at),
}[platform]()
image = types.Image(image_bytes=base64.b64decode(os.environ["PICTURE"]), mime_type="image/jpeg")
client.models.generate_videos(
    model="veo-2.0-generate-001",
    source=types.GenerateVideosSource(prompt="a boat", image=image),
    config=types.GenerateVideosConfig(
        number_of_videos=1, duration_seconds=6, aspect_ratio="16:9", person_generation="allow_adult"
    ),
)
"""
DASHSCOPE = """
import os
import dashscope

dashscope.base_http_api_url = os.environ["VENDOR_URL"] + "/api/v1"
dashscope.VideoSynthesis.async_call(
    model="wan2.2-i2v-plus", prompt="a boat", img_url="data:image/jpeg;base64," + os.environ["PICTURE"],
    api_key=os.environ["VENDOR_KEY"], resolution="1080P", duration=5, prompt_extend=True, seed=7, watermark=False,
)
"""
WAYS_IN = ("authorization", "x-goog-api-key", "x-dashscope-async")


def ours(rehearsal: Rehearsal, call: VendorCall, folder: Path) -> Any:
    """Return the request that we submit."""
    run(rehearsal, call, Trip(folder))
    return next(one for one in rehearsal.fake.seen if one.method == "POST")


def theirs(rehearsal: Rehearsal, script: str, still: str, **more: str) -> Any:
    """Return the request that the SDK submits."""
    rehearsal.fake.seen.clear()
    env = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    env |= {"VENDOR_URL": rehearsal.url, "VENDOR_KEY": rehearsal.fake.key, "PICTURE": still, "PYTHONWARNINGS": "ignore"}
    command = [str(PYTHON), "-c", script]
    done = subprocess.run(command, env={**env, **more}, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return next(one for one in rehearsal.fake.seen if one.method == "POST")


def ways_in(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name in WAYS_IN}


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        ("gemini", {}),
        ("vertex", {"project": "studio"}),
        ("express", {"platform": "vertex"}),
    ],
)
def test_google_is_asked_as_its_sdk_asks(tmp_path: Path, platform: str, options: dict[str, str]) -> None:
    body = {"prompt": "a boat", "image_url": "https://example.com/a.png", "duration": "6s"}
    call = call_for("fal-ai/veo2/image-to-video", "google", body, {"image_url": picture(tmp_path, 640, 360)})
    with rehearsing("google", models={VEO_2: VEO_2}, options=options) as rehearsal:
        sent = ours(rehearsal, call, tmp_path)
        still = sent.body["instances"][0]["image"]["bytesBase64Encoded"]
        wanted = theirs(rehearsal, GOOGLE, still, PLATFORM=platform)
    assert sent.body == wanted.body
    assert sent.path == wanted.path.replace("/v1beta1/", "/v1/")  # the SDK's own choice at Vertex; both are served
    assert ways_in(sent.headers) == ways_in(wanted.headers)


def test_model_studio_is_asked_as_its_sdk_asks(tmp_path: Path) -> None:
    body = {"prompt": "a boat", "image_url": "https://example.com/a.png", "seed": 7}
    call = call_for("fal-ai/wan-pro/image-to-video", "dashscope", body, {"image_url": picture(tmp_path)})
    with rehearsing("dashscope") as rehearsal:
        sent = ours(rehearsal, call, tmp_path)
        wanted = theirs(rehearsal, DASHSCOPE, sent.body["input"]["img_url"].partition(",")[2])
    habits = {"extend_prompt": True, "function": "video-synthesis"}  # which the SDK adds to every request
    assert {**sent.body, "input": {**sent.body["input"], **habits}} == wanted.body
    assert (sent.path, ways_in(sent.headers)) == (wanted.path, ways_in(wanted.headers))
