from typing import Any

import pytest

from rushes.errors import Rejection
from rushes.gateway.links import Links, links_for
from rushes.settings import Settings


def links(host: str = "localhost:8787", scheme: str = "http", own_host: bool = True, **given: Any) -> Links:
    more: dict[str, str] = given.pop("headers", {})
    headers = [(b"host", host.encode()), *((k.encode(), v.encode()) for k, v in more.items())]
    return links_for(Settings(**given), scheme, headers, own_host=own_host)


def test_queue_urls_lead_back_the_way_the_caller_came() -> None:
    response, status, cancel = links().request("fal-ai/x", "id-1")
    assert response == "http://localhost:8787/queue/fal-ai/x/requests/id-1"
    assert (status, cancel) == (f"{response}/status", f"{response}/cancel")


def test_on_fals_own_host_there_is_no_prefix() -> None:
    response, _, _ = links("queue.fal.run", "https", own_host=False).request("fal-ai/x", "id-1")
    assert response == "https://queue.fal.run/fal-ai/x/requests/id-1"


def test_a_public_url_wins() -> None:
    found = links("queue.fal.run", own_host=False, public_url="https://studio.example/rushes/")
    assert found.request("a/b", "i")[0] == "https://studio.example/rushes/queue/a/b/requests/i"
    assert found.file("f", "v.mp4") == "https://studio.example/rushes/files/b/f/v.mp4"


def test_forwarded_headers_count_only_behind_a_trusted_proxy() -> None:
    forwarded = {"x-forwarded-proto": "https, http", "x-forwarded-host": "studio.example"}
    assert links(headers=forwarded).origin == "http://localhost:8787"
    assert links(headers=forwarded, behind_proxy=True).origin == "https://studio.example"


def test_file_names_are_escaped() -> None:
    assert links().file("f1", 'ä /?#".mp4') == "http://localhost:8787/files/b/f1/%C3%A4%20%2F%3F%23%22.mp4"


@pytest.mark.parametrize("host", ['a"b', "a b", "a/b", "user@host", "host:port", "[::1", "ho\\st"])
def test_a_host_that_makes_no_url_is_refused(host: str) -> None:
    with pytest.raises(Rejection) as caught:
        links(host)
    assert caught.value.status == 400


@pytest.mark.parametrize("host", ["127.0.0.1:80", "[::1]:8787", "Studio_1.Example"])
def test_ordinary_hosts_are_taken_as_they_are(host: str) -> None:
    assert links(host).origin == f"http://{host}"


def test_an_intercepted_call_gets_files_from_the_server_itself_and_stays_on_fals_queue() -> None:
    headers = [(b"host", b"queue.fal.run")]
    found = links_for(Settings(), "https", headers, own_host=False, files_at="http://127.0.0.1:8787")
    assert found.request("a/b", "i")[0] == "https://queue.fal.run/a/b/requests/i"
    assert found.file("f", "v.mp4") == "http://127.0.0.1:8787/files/b/f/v.mp4"
    public = Settings(public_url="https://studio.example/")
    found = links_for(public, "https", headers, own_host=False, files_at="http://127.0.0.1:8787")
    assert found.request("a/b", "i")[0] == "https://queue.fal.run/a/b/requests/i"
    assert found.files == "https://studio.example"
