"""Every endpoint that a vendor can serve, asked through the official client, with the pretended vendor behind it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import httpx2
import pytest

import rushes
from rushes.engines.vendor.vendors import names
from rushes.fakes.fake import Fake
from rushes.fakes.serving import running
from rushes.fakes.vendors import VENDORS, together
from rushes.families import ENDPOINTS
from rushes.fields import MediaKind, media_inputs
from tests.clients.test_catalogue import content, example_of, files_in, made_sound, made_video, with_own_files
from tests.server import KEY, Server, start_server

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    # The client leaves the connections of its uploads open, which shows whenever they are collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

LATER = {"fal-ai/minimax/voice-delete"}  # needs a voice
PAIRS = [
    (endpoint.id, kind)
    for endpoint in ENDPOINTS.values()
    for kind in endpoint.engines
    if kind in names() and endpoint.id not in LATER
]
SUCCESSORS = {  # for models that are retired by now
    "google": {"veo-2.0-generate-001": "veo-3.1-generate-preview"},
    "luma": {"ray-1-6": "ray-flash-2"},
    "decart": {"lucy-dev-i2v": "lucy-pro-i2v"},
    "minimax": {"T2V-01-live": "T2V-01"},
    "ark": {
        "seedance-1-0-lite-i2v-250428": "seedance-1-0-pro-250528",
        "seedance-1-0-lite-t2v-250428": "seedance-1-0-pro-250528",
    },
}

STAND_INS = {  # those that ask for one of them
    "fal-ai/veo2/image-to-video",
    "fal-ai/luma-dream-machine",
    "fal-ai/luma-dream-machine/image-to-video",
    "fal-ai/decart/lucy-5b/image-to-video",
    "fal-ai/minimax/video-01-live",
    "fal-ai/bytedance/seedance/v1/lite/image-to-video",
}


@dataclass(frozen=True, slots=True)
class Studio:
    """A server whose endpoints are served by pretended vendors, and what these have seen."""

    server: Server
    fakes: Mapping[str, Fake]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    app, fakes = together()
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with running(app) as url:
        deployments = {
            name: {
                "engine": "vendor",
                "vendor": name,
                "key": VENDORS[name].key,
                "url": f"{url}/{name}",
                "poll_s": 0.05,
                "models": SUCCESSORS.get(name, {}),
            }
            for name in {kind for _, kind in PAIRS}
        }
        settings: dict[str, str] = {
            "deployments": json.dumps(deployments),
            "routes": json.dumps({endpoint_id: [kind] for endpoint_id, kind in PAIRS}),
            "allow_addresses": "127.0.0.0/8",
            "public_url": f"http://127.0.0.1:{port}",  # some vendors fetch their inputs
        }
        folder = tmp_path_factory.mktemp("studio")
        with start_server(folder / "data", runners=1, port=port, **settings) as server:
            yield Studio(server, fakes)


@pytest.fixture
def client(pristine: ModuleType, studio: Studio) -> ModuleType:
    rushes.connect(studio.server.url, KEY)
    return pristine


@dataclass(frozen=True, slots=True)
class Given:
    """A file of each kind, and where it was uploaded to."""

    files: Mapping[MediaKind, Path]
    uploaded: dict[MediaKind, str]


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, photograph: Path) -> Given:
    folder = tmp_path_factory.mktemp("given")
    video, audio = made_video(folder / "a.mp4", 1280, 720), made_sound(folder / "a.wav")
    return Given({"image": photograph, "video": video, "audio": audio}, {})


@pytest.mark.parametrize(("endpoint_id", "kind"), PAIRS)
def test_an_example_is_made_by_its_vendor(
    endpoint_id: str, kind: str, studio: Studio, client: ModuleType, given: Given
) -> None:
    endpoint, fake = ENDPOINTS[endpoint_id], studio.fakes[kind]
    body = example_of(endpoint)
    request = endpoint.input.model_validate(body)
    for one in {found.field.kind for found in media_inputs(request)} & set(given.files):
        if one not in given.uploaded:
            given.uploaded[one] = client.upload_file(given.files[one])
    body = with_own_files(body, request, given.uploaded)
    before = len(fake.tasks)
    handle = client.submit(endpoint_id, arguments=body)
    output = endpoint.output.model_validate(handle.get())
    answer = httpx2.get(handle.response_url, headers={"authorization": f"Key {KEY}"})
    served_by = answer.headers["x-rushes-served-by"]
    assert served_by.startswith(f"{kind}/")
    assert ("stand-in" in served_by) == (endpoint_id in STAND_INS), "a successor is declared, and nothing else is"
    assert len(fake.tasks) - before <= 1
    made = list(files_in(output))
    assert made
    for file in made:
        assert len(content(file)) > 100
