"""Every endpoint, asked with its example through the official client: a file of the promised kind, size and length."""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import httpx2
import numpy as np
import pytest
from pydantic import BaseModel

from rushes.endpoint import Clip, Endpoint, Media, Plan, Sound, Stills
from rushes.families import served
from rushes.fields import BriefFile, File, MediaKind, media_inputs
from tests.families.catalogue import CATALOGUE
from tests.families.reference import SCHEMAS, page_example

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.slow,
    # The client leaves the connections of its uploads open, which shows whenever they are collected.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SERVED = served(test_endpoints=False)
VIDEO_FRAMES = 132
VIDEO = Media("video", "", "video/mp4", 0, 640, 360, VIDEO_FRAMES, 24.0, VIDEO_FRAMES / 24, has_audio=True, sound="")
AUDIO_S = 11.0
PICTURE = Media("image", "", "image/jpeg", 0, 1600, 900)
AUDIO = Media("audio", "", "audio/wav", 0, duration_s=AUDIO_S, has_audio=True)
FACTS: dict[MediaKind, Media] = {"image": PICTURE, "video": VIDEO, "audio": AUDIO}
LATER = {"fal-ai/minimax/voice-delete"}  # needs a voice; see test_voices


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory, photograph: Path) -> dict[MediaKind, Path]:
    """One file of each kind."""
    folder = tmp_path_factory.mktemp("samples")
    return {"image": photograph, "video": made_video(folder / "a.mp4"), "audio": made_sound(folder / "a.wav")}


def made_video(path: Path, width: int = 640, height: int = 360) -> Path:
    """5.5 s of a moving gradient at 24 frames per second, with a tone."""
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=24, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        sound = container.add_stream("aac", rate=48_000, layout="mono")
        for index in range(VIDEO_FRAMES):
            picture = np.broadcast_to(np.roll(ramp, 4 * index)[None, :, None], (height, width, 3)).copy()
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(video.encode(None))
        samples = tone(VIDEO_FRAMES / 24).reshape(1, -1)
        for start in range(0, samples.shape[1], 1024):
            frame = av.AudioFrame.from_ndarray(samples[:, start : start + 1024], "s16", "mono")
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path


def made_sound(path: Path) -> Path:
    """11 s of a voice-like tone that swells and fades."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone(AUDIO_S).reshape(1, -1), "s16", "mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tone(seconds: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    at = np.arange(round(seconds * 48_000)) / 48_000
    wave = np.sin(2 * np.pi * 180 * at) * (0.5 + 0.5 * np.sin(2 * np.pi * 2 * at))
    return (wave * 12_000).astype(np.int16)


@pytest.fixture(scope="session")
def uploaded() -> dict[Path, str]:
    """URLs of what was uploaded already."""
    return {}


def example_of(endpoint: Endpoint) -> dict[str, Any]:
    page, name = CATALOGUE[endpoint.id]
    return page_example(page) if name == "Input" and SCHEMAS.exists() else dict(endpoint.example)


def with_own_files(body: dict[str, Any], request: BaseModel, urls: dict[MediaKind, str]) -> dict[str, Any]:
    """Put our own URLs where the example's files are."""
    text = dict(body)
    for given in media_inputs(request):
        if given.field.kind in urls:
            place(text, given.loc[1:], urls[given.field.kind])
    return text


def place(body: Any, loc: tuple[str | int, ...], value: str) -> None:
    first, *rest = loc
    if not rest:
        body[first] = value
        return
    body[first] = list(body[first]) if isinstance(body[first], list) else dict(body[first])
    place(body[first], tuple(rest), value)


def files_in(value: Any) -> Iterator[File]:
    if isinstance(value, BriefFile):
        yield File.model_validate(value.model_dump())
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from files_in(getattr(value, name))
    elif isinstance(value, list):
        for item in value:
            yield from files_in(item)
    elif isinstance(value, dict) and "url" in value:
        yield File.model_validate(value)


def content(file: File) -> bytes:
    if file.url.startswith("data:"):
        return base64.b64decode(file.url.partition(",")[2])
    answer = httpx2.get(file.url)
    assert answer.status_code == 200
    assert file.file_size == len(answer.content)
    return answer.content


def check_video(clip: Clip, data: bytes) -> None:
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        assert (stream.width, stream.height) == (clip.width, clip.height)
        assert bool(container.streams.audio) == clip.audio
        if container.format.name != "gif":
            assert float(stream.average_rate or 0) == pytest.approx(clip.fps, rel=0.01)
        assert sum(1 for packet in container.demux(stream) if packet.size) == clip.frames
        container.seek(0)
        stream.codec_context.skip_frame = "NONKEY"  # all of 75 films would take longer to decode than some to make
        assert any(True for _ in container.decode(stream))


def check_still(plan: Stills, data: bytes) -> None:
    with av.open(io.BytesIO(data)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height) == (plan.width, plan.height)


def check_sound(data: bytes) -> None:
    with av.open(io.BytesIO(data)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
        assert samples / container.streams.audio[0].rate > 0.5


@pytest.mark.parametrize("endpoint_id", [name for name in CATALOGUE if name not in LATER])
def test_the_example_runs_to_a_valid_output(
    endpoint_id: str, client: ModuleType, samples: dict[MediaKind, Path], uploaded: dict[Path, str]
) -> None:
    endpoint = SERVED[endpoint_id]
    body = example_of(endpoint)
    request = endpoint.input.model_validate(body)
    kinds = {given.field.kind for given in media_inputs(request)} & set(samples)
    for kind in kinds:
        if samples[kind] not in uploaded:
            uploaded[samples[kind]] = client.upload_file(samples[kind])
    body = with_own_files(body, request, {kind: uploaded[samples[kind]] for kind in kinds})
    result = client.subscribe(endpoint_id, arguments=body)
    output = endpoint.output.model_validate(result)
    request = endpoint.input.model_validate(body)
    media = {given.key: FACTS[given.field.kind] for given in media_inputs(request) if given.field.kind in FACTS}
    plan: Plan | None = endpoint.clip(request, media) if endpoint.clip else None
    files = list(files_in(output))
    assert files
    match plan:
        case Clip():
            check_video(plan, content(files[0]))
        case Stills():
            assert len(files) == plan.count
            for file in files:
                check_still(plan, content(file))
        case Sound():
            check_sound(content(files[0]))


def test_a_cloned_voice_speaks_and_is_deleted(
    client: ModuleType, samples: dict[MediaKind, Path], uploaded: dict[Path, str]
) -> None:
    sample = uploaded.setdefault(samples["audio"], client.upload_file(samples["audio"]))
    cloned = client.subscribe("fal-ai/minimax/voice-clone", arguments={"audio_url": sample})
    voice = cloned["custom_voice_id"]
    speech = {"text": "A voice of one's own.", "voice_setting": {"voice_id": voice}, "output_format": "url"}
    spoken = client.subscribe("fal-ai/minimax/speech-02-hd", arguments=speech)
    check_sound(httpx2.get(spoken["audio"]["url"]).content)
    client.subscribe("fal-ai/minimax/voice-delete", arguments={"voice_id": voice})
    with pytest.raises(client.client.FalClientHTTPError) as caught:
        client.subscribe("fal-ai/minimax/speech-02-hd", arguments=speech)
    assert caught.value.status_code == 422
    assert caught.value.response.json()["detail"][0]["loc"] == ["body", "voice_setting", "voice_id"]
