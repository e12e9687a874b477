"""A voice's life over the wire: cloned, listed, spoken with, deleted, and then unknown."""

import math
import struct
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.client import Client
from rushes.cli.embedded import Running
from rushes.cli.problem import CommandError

pytestmark = pytest.mark.acceptance

RATE = 16_000
SPEAK = "fal-ai/minimax/speech-02-turbo"
DELETE = "fal-ai/minimax/voice-delete"


@pytest.fixture
def client(server: Running) -> Iterator[Client]:
    with Client(server.url, server.key) as client:
        yield client


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Eleven seconds of a hum that swells and fades."""
    path = tmp_path / "voice.wav"
    levels = (8_000 * math.sin(i / RATE * 300 * math.pi) * math.sin(i / 3_000) for i in range(11 * RATE))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", int(level)) for level in levels))
    return path


def ask(client: Client, endpoint: str, **request: Any) -> Any:
    """Run a request to its end; CommandError with what was wrong."""
    submitted = client.submit(endpoint, request)
    for _ in client.follow(submitted):
        pass
    return client.result(submitted).output


def test_a_voice_is_cloned_listed_used_and_forgotten(client: Client, recording: Path) -> None:
    voice_id = ask(client, "fal-ai/minimax/voice-clone", audio_url=client.upload(recording))["custom_voice_id"]
    assert voice_id in [voice["voice_id"] for voice in client.voices()]
    spoken = ask(client, SPEAK, text="Good morning", voice_setting={"voice_id": voice_id}, output_format="url")
    assert spoken["duration_ms"] > 300

    assert ask(client, DELETE, voice_id=voice_id)["status"] == "success"
    assert voice_id not in [voice["voice_id"] for voice in client.voices()]
    with pytest.raises(CommandError, match=rf"^voice_setting\.voice_id: the voice '{voice_id}' is not known"):
        ask(client, SPEAK, text="Good morning", voice_setting={"voice_id": voice_id})


def test_deleting_a_voice_that_is_not_there_names_the_field(client: Client) -> None:
    with pytest.raises(CommandError, match=r"^voice_id: the voice 'nobody' is not known to this account"):
        ask(client, DELETE, voice_id="nobody")
