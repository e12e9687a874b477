"""The vendors' official SDKs, unmodified, against the pretended vendors: what they can't read would be no rehearsal.

They live in an environment of their own. Each SDK's script runs in a process of its own and prints what it saw as JSON;
the tests look at that. Quirks that the scripts work around are told beside them.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rushes.fakes.content import mp4, png
from rushes.fakes.serving import running
from rushes.fakes.vendors import VENDORS, together

PYTHON = Path(__file__).parents[2] / ".venv-vendors" / "bin" / "python"
INSTALLED = (PYTHON.parent.parent / ".installed").exists()

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    pytest.mark.skipif(not INSTALLED, reason="the SDKs are not in .venv-vendors; `scripts/setup dev` says why"),
]

SHARED = """
import base64, json, os, urllib.request

url, key = os.environ["VENDOR_URL"], os.environ["VENDOR_KEY"]
picture = base64.b64decode(os.environ["PICTURE"])
uri = "data:image/png;base64," + os.environ["PICTURE"]
told = {}


def refused(call):
    try:
        return ["no error", repr(call())]
    except Exception as error:
        return [type(error).__name__, str(error)]


def is_film(link, **headers):
    with urllib.request.urlopen(urllib.request.Request(link, headers=headers)) as answer:
        return answer.read()[4:8] == b"ftyp"

"""


def run(vendor: str, script: str) -> dict[str, Any]:
    """Run an SDK's script against its vendor; return what it told."""
    app, _ = together([vendor])
    with running(app) as url:
        env = {
            **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
            "VENDOR_URL": f"{url}/{vendor}",
            "VENDOR_KEY": VENDORS[vendor].key,
            "PICTURE": base64.b64encode(png(640, 360)).decode(),
            "FILM": base64.b64encode(mp4(320, 180, 1.0)).decode(),
            "PYTHONWARNINGS": "ignore",
        }
        code = SHARED + script + "\nprint(json.dumps(told, default=str))"
        done = subprocess.run([PYTHON, "-c", code], env=env, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


GOOGLE = """
from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

at = types.HttpOptions(base_url=url)


def film(client, prompt="a walk", model="veo-2.0-generate-001", **more):
    source = types.GenerateVideosSource(
        prompt=prompt, image=types.Image(image_bytes=picture, mime_type="image/png")
    )
    config = types.GenerateVideosConfig(
        number_of_videos=1, duration_seconds=5, aspect_ratio="16:9", person_generation="allow_adult",
        negative_prompt="rain", **more,
    )
    asked = client.models.generate_videos(model=model, source=source, config=config)
    looks = 0
    while not asked.done:
        asked, looks = client.operations.get(asked), looks + 1
    return asked, looks


developer = genai.Client(api_key=key, vertexai=False, http_options=at)
done, told["looks"] = film(developer)
made = done.response.generated_videos[0].video
# files.download() rewrites every address that isn't Google's to a path of its own, so a plain request fetches it.
told["film"] = is_film(made.uri, **{"x-goog-api-key": key})
told["without a key"] = refused(lambda: is_film(made.uri))
told["download()"] = refused(lambda: developer.files.download(file=made))
filtered = film(developer, "fake:end_moderated")[0].response
told["filtered"] = [filtered.generated_videos, filtered.rai_media_filtered_count, filtered.rai_media_filtered_reasons]
told["failed"] = film(developer, "fake:end_failed")[0].error
told["bad key"] = refused(lambda: film(genai.Client(api_key="x", vertexai=False, http_options=at)))
told["unknown model"] = refused(lambda: film(developer, model="veo-0"))
for word in ("rate", "balance", "moderated", "server_error", "hang_up"):
    told[word] = refused(lambda: film(developer, f"fake:{word}"))

vertex = genai.Client(
    vertexai=True, project="studio", location="us-central1", credentials=Credentials(key), http_options=at
)
done, _ = film(vertex, seed=3)
told["vertex film"] = done.response.generated_videos[0].video.video_bytes[4:8].decode()
told["vertex name"] = done.name
stranger = genai.Client(
    vertexai=True, project="studio", location="us-central1", credentials=Credentials("x"), http_options=at
)
told["vertex bad token"] = refused(lambda: film(stranger))
told["vertex filtered"] = film(vertex, "fake:end_moderated")[0].response.rai_media_filtered_count
"""


def test_google() -> None:
    told = run("google", GOOGLE)
    assert told["looks"] == 3
    assert told["film"] is True
    assert told["without a key"] == ["HTTPError", "HTTP Error 403: Forbidden"]
    assert told["download()"][0] == "ClientError"
    assert told["filtered"][:2] == [None, 1]
    assert "Responsible AI" in told["filtered"][2][0]
    assert told["failed"]["code"] == 13
    assert told["bad key"][0] == "ClientError"
    assert told["bad key"][1].startswith("400 INVALID_ARGUMENT")
    assert "API_KEY_INVALID" in told["bad key"][1]
    assert told["unknown model"][1].startswith("404 NOT_FOUND")
    assert told["rate"][1].startswith("429 RESOURCE_EXHAUSTED")
    assert told["balance"][1].startswith("400 FAILED_PRECONDITION")
    assert told["moderated"][1].startswith("400 INVALID_ARGUMENT")
    assert told["server_error"][0] == "ServerError"
    assert told["hang_up"][0] == "RemoteProtocolError"
    assert told["vertex film"] == "ftyp"
    assert told["vertex name"].startswith("projects/studio/locations/us-central1/publishers/google/models/veo-2.0")
    assert told["vertex bad token"][1].startswith("401 UNAUTHENTICATED")
    assert told["vertex filtered"] == 1


DASHSCOPE = """
import dashscope
from dashscope import VideoSynthesis

dashscope.base_http_api_url = url + "/api/v1"


def ask(prompt="a walk", api_key=key, **more):
    more = {"resolution": "1080P", "duration": 5, "prompt_extend": True, "seed": 0, "watermark": False, **more}
    return VideoSynthesis.async_call(model="wan2.2-i2v-plus", prompt=prompt, img_url=uri, api_key=api_key, **more)


asked = ask()
told["submitted"] = asked.output.task_status
told["looked at"] = VideoSynthesis.fetch(asked, api_key=key).output.task_status
# wait() sleeps a second before its second look, and more before each next.
done = VideoSynthesis.wait(ask("fake:looks=0"), api_key=key)
told["done"] = [done.status_code, done.output.task_status, is_film(done.output.video_url)]
told["usage"] = done.usage
told["prompt"] = done.output.actual_prompt
waits = ask("fake:looks=9")
told["cancel"] = VideoSynthesis.cancel(waits, api_key=key).status_code
told["cancelled"] = VideoSynthesis.fetch(waits, api_key=key).output.task_status
runs = ask("fake:looks=9")
for _ in range(2):
    VideoSynthesis.fetch(runs, api_key=key)
told["cancel too late"] = [(gone := VideoSynthesis.cancel(runs, api_key=key)).status_code, gone.code]
told["moderated"] = VideoSynthesis.wait(ask("fake:looks=0 fake:end_moderated"), api_key=key).output.code
told["forgotten"] = VideoSynthesis.fetch("0-0-0", api_key=key).output.task_status
# Errors are answers here, not exceptions.
for name, call in {
    "bad key": lambda: ask(api_key="x"),
    "rate": lambda: ask("fake:rate"),
    "input moderated": lambda: ask("fake:moderated"),
    "balance": lambda: ask("fake:balance"),
    "wrong": lambda: ask(duration=7),
}.items():
    told[name] = [(said := call()).status_code, said.code, said.message]
"""


def test_dashscope() -> None:
    told = run("dashscope", DASHSCOPE)
    assert (told["submitted"], told["looked at"]) == ("PENDING", "PENDING")
    assert told["done"] == [200, "SUCCEEDED", True]
    assert told["usage"]["video_duration"] == 5
    assert told["prompt"] != "fake:looks=0"
    assert (told["cancel"], told["cancelled"]) == (200, "CANCELED")
    assert told["cancel too late"] == [400, "UnsupportedOperation"]
    assert told["moderated"] == "DataInspectionFailed"
    assert told["forgotten"] == "UNKNOWN"
    assert told["bad key"] == [401, "InvalidApiKey", "Invalid API-key provided."]
    assert told["rate"][:2] == [429, "Throttling.RateQuota"]
    assert told["input moderated"][:2] == [400, "DataInspectionFailed"]
    assert told["balance"][:2] == [400, "Arrearage"]
    assert told["wrong"][:2] == [400, "InvalidParameter"]


ARK = """
from byteplussdkarkruntime import Ark

model = "seedance-1-0-lite-i2v-250428"
# It tries again by itself, and sends every option that isn't given as null.
tasks = Ark(api_key=key, base_url=url + "/api/v3", max_retries=0).content_generation.tasks


def ask(text="a walk", **more):
    parts = [
        {"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": uri}, "role": "first_frame"}
    ]
    return tasks.create(model=model, content=parts, **more).id


def end(task):
    words = [(now := tasks.get(task_id=task)).status]
    while now.status in {"queued", "running"}:
        words.append((now := tasks.get(task_id=task)).status)
    return now, words


done, told["words"] = end(ask("a walk --resolution 480p --dur 10 --seed 3"))
told["flags"] = [done.resolution, done.duration, done.seed, done.framespersecond, done.ratio]
told["tokens"] = done.usage.completion_tokens
told["film"] = is_film(done.content.video_url)
done, _ = end(ask(resolution="720p", duration=5, camera_fixed=False, watermark=False, return_last_frame=True))
told["members"] = [done.resolution, done.duration, bool(done.content.last_frame_url)]
told["listed"] = tasks.list(status="succeeded", page_size=1).total
tasks.delete(done.id)
told["deleted"] = refused(lambda: tasks.get(task_id=done.id))
tasks.delete(waits := ask())
told["cancelled"] = tasks.get(task_id=waits).status
told["expired"] = end(ask("fake:end_expired"))[0].status
told["moderated"] = end(ask("fake:end_moderated"))[0].error.code
told["wrong"] = refused(lambda: ask(duration=99))
told["rate"] = refused(lambda: ask("fake:rate"))
told["input moderated"] = refused(lambda: ask("fake:moderated"))
stranger = Ark(api_key="x", base_url=url + "/api/v3", max_retries=0).content_generation.tasks
told["bad key"] = refused(lambda: stranger.get(task_id=waits))
"""


def test_ark() -> None:
    told = run("ark", ARK)
    assert told["words"] == ["queued", "running", "succeeded"]
    assert told["flags"] == ["480p", 10, 3, 24, "16:9"]
    assert told["tokens"] == 864 * 480 * 24 * 10 / 1024
    assert told["film"] is True
    assert told["members"] == ["720p", 5, True]
    assert told["listed"] == 2
    assert told["deleted"][0] == "ArkNotFoundError"
    assert told["cancelled"] == "cancelled"
    assert told["expired"] == "expired"
    assert told["moderated"] == "OutputVideoSensitiveContentDetected"
    assert told["wrong"][0] == "ArkBadRequestError"
    assert "`duration`" in told["wrong"][1]
    assert told["rate"][0] == "ArkRateLimitError"
    assert "InputTextSensitiveContentDetected" in told["input moderated"][1]
    assert told["bad key"][0] == "ArkAuthenticationError"


LUMA = """
from lumaai import LumaAI

# It tries twice more by itself unless told not to.
luma = LumaAI(auth_token=key, base_url=url + "/dream-machine/v1", max_retries=0)


def end(made):
    words = [made.state]
    while made.state in {"queued", "dreaming"}:
        made = luma.generations.get(made.id)
        words.append(made.state)
    return made, words


def ask(prompt="a walk", **more):
    return luma.generations.video.create(
        model="ray-flash-2", prompt=prompt, resolution="540p", duration="5s", **more
    )


first, told["words"] = end(ask())
told["film"] = is_film(first.assets.video)
again, _ = end(ask(keyframes={"frame0": {"type": "image", "url": first.assets.image},
                              "frame1": {"type": "generation", "id": first.id}}))
told["from a picture"] = [again.state, again.request.keyframes.frame0.url == first.assets.image]
modified = luma.generations.video.modify(
    generation_type="modify_video", model="ray-flash-2", mode="flex_1", media={"url": first.assets.video}
)
told["modified"] = end(modified)[0].state
reframed = luma.generations.video.reframe(
    generation_type="reframe_video", model="ray-2", aspect_ratio="9:16", media={"url": first.assets.video}
)
told["reframed"] = end(reframed)[0].state
told["upscaled"] = end(luma.generations.upscale(first.id, resolution="1080p"))[0].state
told["with sound"] = end(luma.generations.audio(first.id, prompt="wind"))[0].state
told["listed"] = luma.generations.list(limit=2).count
told["credits"] = luma.credits.get().credit_balance
told["concepts"] = "orbit_left" in luma.generations.concepts.list()
luma.generations.delete(first.id)
told["deleted"] = refused(lambda: luma.generations.get(first.id))
told["moderated"] = end(ask("fake:end_moderated"))[0].failure_reason
told["no film"] = refused(lambda: luma.generations.video.modify(
    generation_type="modify_video", model="ray-2", mode="flex_1", media={"url": again.assets.image}))
told["wrong"] = refused(lambda: ask(aspect_ratio="5:4"))
told["bad key"] = refused(LumaAI(auth_token="x", base_url=luma.base_url, max_retries=0).ping.check)
for word in ("rate", "balance", "moderated", "server_error", "hang_up"):
    told[word + " at submit"] = refused(lambda: ask(f"fake:{word}"))
"""


def test_luma() -> None:
    told = run("luma", LUMA)
    assert told["words"] == ["queued", "queued", "dreaming", "completed"]
    assert told["film"] is True
    assert told["from a picture"] == ["completed", True]
    assert [told[name] for name in ("modified", "reframed", "upscaled", "with sound")] == ["completed"] * 4
    assert told["listed"] == 6
    assert told["credits"] < 100_000
    assert told["concepts"] is True
    assert told["deleted"][0] == "NotFoundError"
    assert "moderation" in told["moderated"]
    assert told["wrong"][0] == "UnprocessableEntityError"
    assert told["bad key"][0] == "AuthenticationError"
    assert told["rate at submit"][0] == "RateLimitError"
    assert "402" in told["balance at submit"][1]
    assert told["moderated at submit"][0] == "BadRequestError"
    assert told["server_error at submit"][0] == "InternalServerError"
    assert told["hang_up at submit"][0] == "APIConnectionError"


DECART = """
import asyncio, io

from decart import DecartClient, models

film = base64.b64decode(os.environ["FILM"])


async def ask(prompt="a boat", api_key=key):
    async with DecartClient(api_key=api_key, base_url=url) as client:
        # Its picture-to-film models are gone since 0.0.30; what is left takes films.
        given = {"model": models.video("lucy-restyle-v2v"), "prompt": prompt, "data": io.BytesIO(film)}
        job = await client.queue.submit(given)
        words = [job.status]
        while (now := await client.queue.status(job.job_id)).status not in {"completed", "failed"}:
            words.append(now.status)
        words.append(now.status)
        return words, (await client.queue.result(job.job_id))[4:8].decode() if words[-1] == "completed" else None


told["done"] = asyncio.run(ask())
told["failed"] = asyncio.run(ask("fake:end_failed"))
told["bad key"] = refused(lambda: asyncio.run(ask(api_key="x")))
for word in ("rate", "moderated", "server_error"):
    told[word] = refused(lambda: asyncio.run(ask(f"fake:{word}")))
"""


def test_decart() -> None:
    told = run("decart", DECART)
    assert told["done"] == [["pending", "pending", "processing", "completed"], "ftyp"]
    assert told["failed"][0][-1] == "failed"
    assert told["bad key"][0] == "QueueSubmitError"
    assert "401" in told["bad key"][1]
    assert "429" in told["rate"][1]
    assert "moderation" in told["moderated"][1]
    assert "500" in told["server_error"][1]
