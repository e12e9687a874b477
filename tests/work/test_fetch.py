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

from rushes.endpoint import MediaMap
from rushes.engines.engine import Cancelled
from rushes.errors import ModelError
from rushes.fields import ImageUrl, MediaField, WireModel
from rushes.settings import Settings
from rushes.work.fetch import fetch_inputs
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


def test_a_cancel_is_seen_while_fetching(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        fetch_inputs(TinyInput(image_url=site.url), {}, Shelf(tmp_path).files(), LOOPBACK, Told(cancel_after=1))
