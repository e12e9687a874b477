"""Inputs from every source: data URIs, own files, URLs; each once, each checked."""

import base64
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from pydantic import create_model

from rushes.endpoint import MediaMap
from rushes.engines.engine import Cancelled
from rushes.errors import ModelError
from rushes.fields import AudioUrl, ImageUrl, MediaField, VideoUrl, VoiceId, WireModel
from rushes.settings import Settings
from rushes.work.fetch import fetch_inputs
from tests.media.films import moving, source, tone, write_film
from tests.work.parts import Shelf, TinyInput, Told, png

LOOPBACK = Settings(allow_addresses="127.0.0.0/8")


@dataclass
class Site:
    """A web server with one picture at every path; counts its visits."""

    url: str
    visits: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    picture = png(40, 30)
    found = Site("")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.visits.append(self.path)
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.send_header("content-length", str(len(picture)))
            self.end_headers()
            self.wfile.write(picture)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(
    request: WireModel, folder: Path, settings: Settings = LOOPBACK, own: dict[str, str] | None = None
) -> MediaMap:
    return fetch_inputs(request, own or {}, Shelf(folder).files(), settings, Told())


def test_a_url_is_fetched_and_decoded(site: Site, tmp_path: Path) -> None:
    media = fetch(TinyInput(image_url=f"{site.url}/a.png"), tmp_path)["image_url"]
    assert media.size == (40, 30)
    assert media.content_type == "image/png"
    assert media.size_bytes == len(png(40, 30))
    assert np.load(media.path).shape == (30, 40, 3)


def test_the_same_url_in_two_fields_is_fetched_once(site: Site, tmp_path: Path) -> None:
    url = f"{site.url}/a.png"
    media = fetch(TinyInput(image_url=url, tail_url=url), tmp_path)
    assert set(media) == {"image_url", "tail_url"}
    assert site.visits == ["/a.png"]


def test_an_own_file_comes_through_the_gateway_and_not_by_its_url(site: Site, tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(png(50, 20))
    url = f"{site.url}/files/b/stored/x.png"
    media = fetch(TinyInput(image_url=url), tmp_path, own={url: "stored"})
    assert media["image_url"].size == (50, 20)
    assert site.visits == []


def test_an_own_file_that_has_gone_is_a_download_error_at_its_field(tmp_path: Path) -> None:
    url = "http://127.0.0.1/files/b/gone/x.png"
    with pytest.raises(ModelError, match="no longer in this server's storage") as caught:
        fetch(TinyInput(tail_url=url), tmp_path, own={url: "gone"})
    assert caught.value.failure().type == "file_download_error"
    assert caught.value.problems[0].loc == ("body", "tail_url")


def test_an_own_file_is_held_to_the_size_limit_too(tmp_path: Path) -> None:
    (tmp_path / "stored").write_bytes(png())
    with pytest.raises(ModelError) as caught:
        fetch(TinyInput(image_url="http://x"), tmp_path, Settings(input_max_bytes=10), {"http://x": "stored"})
    assert caught.value.problems[0].ctx == {"max_size": 10}


def test_an_endpoints_own_limit_counts_where_it_is_lower(tmp_path: Path) -> None:
    class Strict(WireModel):
        wide_url: ImageUrl
        image_url: Annotated[str, MediaField("image", max_bytes=20)]

    picture = "data:image/png;base64," + base64.b64encode(png()).decode()
    with pytest.raises(ModelError) as caught:
        fetch(Strict(wide_url=picture, image_url=picture), tmp_path)
    assert caught.value.failure().type == "file_too_large"
    assert caught.value.problems[0].loc == ("body", "image_url")


def test_a_private_address_is_not_visited(site: Site, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        fetch(TinyInput(image_url=site.url), tmp_path, Settings())
    assert caught.value.failure().type == "file_download_error"
    assert site.visits == []


def test_sound_that_is_none_is_refused(site: Site, tmp_path: Path) -> None:
    class Heard(WireModel):
        audio_url: Annotated[str, MediaField("audio")]

    with pytest.raises(ModelError) as caught:
        fetch(Heard(audio_url=f"{site.url}/a.mp3"), tmp_path)
    assert caught.value.failure().type == "unsupported_audio_format"


class Dubbed(WireModel):
    video_url: VideoUrl
    again_url: VideoUrl | None = None
    audio_url: AudioUrl | None = None


def stored_film(folder: Path) -> dict[str, str]:
    write_film(folder / "stored", moving(24), sound=source(tone(1.0)))
    return {"https://own/film": "stored"}


def test_a_video_is_decoded_with_its_sound_beside_it(tmp_path: Path) -> None:
    own, url, told = stored_film(tmp_path), "https://own/film", Told()
    shelf = Shelf(tmp_path)
    found = fetch_inputs(Dubbed(video_url=url, again_url=url, audio_url=url), own, shelf.files(), LOOPBACK, told)
    film = found["video_url"]
    assert (film.size, film.frames, film.fps, film.duration_s) == ((96, 64), 24, 24.0, 1.0)
    assert (film.kind, film.has_audio, film.content_type) == ("video", True, "video/mp4")
    assert film.sound is not None
    assert film.source is not None
    assert np.load(film.sound).dtype == np.int16
    assert Path(film.source).read_bytes() == (tmp_path / "stored").read_bytes()
    assert found["again_url"] == film
    assert found["audio_url"].duration_s == pytest.approx(1.0, abs=0.03)
    assert shelf.fetched == ["stored"]
    assert told.messages[0].startswith("Fetched video_url: 1.00 s of 96x64 at 24 fps with sound, video/mp4, ")


@pytest.mark.parametrize(
    ("field", "error", "ctx"),
    [
        (MediaField("video", min_s=2), "video_duration_too_short", {"min_duration": 2, "provided_duration": 1.0}),
        (MediaField("video", max_s=0.5), "video_duration_too_long", {"max_duration": 0.5, "provided_duration": 1.0}),
        (MediaField("audio", min_s=10), "audio_duration_too_short", {"min_duration": 10}),
        (MediaField("audio", max_s=0.5), "audio_duration_too_long", {"max_duration": 0.5}),
        (MediaField("video", max_bytes=100), "file_too_large", {"max_size": 100}),
    ],
)
def test_a_fields_own_limits_hold(field: MediaField, error: str, ctx: dict[str, float], tmp_path: Path) -> None:
    given = create_model("Given", __base__=WireModel, url=(Annotated[str, field], ...))
    with pytest.raises(ModelError) as caught:
        fetch(given(url="https://own/film"), tmp_path, own=stored_film(tmp_path))
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc) == (error, ("body", "url"))
    assert ctx.items() <= dict(problem.ctx or {}).items()


def test_a_limit_of_length_forgives_what_encoders_pad(tmp_path: Path) -> None:
    given = create_model("Given", __base__=WireModel, url=(Annotated[str, MediaField("audio", max_s=0.98)], ...))
    assert fetch(given(url="https://own/film"), tmp_path, own=stored_film(tmp_path))


class Spoken(WireModel):
    voice_id: VoiceId | None = None


VOICES = ("Anna", "Bert", "Carl")


def speak(voice: str | None, folder: Path, own: dict[str, str] | None = None) -> MediaMap:
    return fetch_inputs(Spoken(voice_id=voice), own or {}, Shelf(folder).files(), LOOPBACK, Told(), VOICES)


@pytest.mark.parametrize("voice", [None, "", "Bert"])
def test_a_built_in_voice_is_no_input(voice: str | None, tmp_path: Path) -> None:
    assert speak(voice, tmp_path) == {}


def test_a_cloned_voice_is_its_profile(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text('{"pitch": 120}')
    media = speak("voice-1", tmp_path, {"voice-1": "profile"})["voice_id"]
    assert media.kind == "voice"
    assert Path(media.path).read_text() == '{"pitch": 120}'


@pytest.mark.parametrize("own", [{}, {"voice-1": "gone"}])
def test_an_unknown_voice_is_named_with_what_is_known(own: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'voice-1' is not known to this account; use a built-in voice") as caught:
        speak("voice-1", tmp_path, own)
    (problem,) = caught.value.problems
    assert (problem.type, problem.loc) == ("one_of", ("body", "voice_id"))
    assert problem.ctx == {"expected": ["Anna", "Bert", "Carl"]}


def test_a_cancel_is_seen_while_fetching(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        fetch_inputs(TinyInput(image_url=site.url), {}, Shelf(tmp_path).files(), LOOPBACK, Told(cancel_after=1))
