from __future__ import annotations

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from markupsafe import escape
from pydantic import Field, create_model

from rushes.cli.embedded import Running
from rushes.endpoint import Endpoint
from rushes.errors import Rejection
from rushes.families import ENDPOINTS
from rushes.fields import WireModel
from tests.web.visiting import HOST, Page, header, look, text_of

VIDEO = "fal-ai/wan-i2v"
HTML = {"accept": "text/html,application/xhtml+xml"}
PAGES = ["/", "/models", "/models?q=video", *(f"/models/{one}" for one in ENDPOINTS)]
PYTHON_WORDS = re.compile(r"partial\(|<class|<function|\bNone\b|functools|pydantic|Optional\[")
"""What only somebody who reads the source could make sense of."""
EVERY = pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_sound_html_and_small(path: str) -> None:
    html = text_of(path)
    page = Page(html)
    assert html.startswith("<!doctype html>")
    assert len(html.encode()) < 60_000
    names = [tag for tag, _ in page.tags]
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert page.values("lang", "html") == ["en"]
    named = {*page.values("for", "label"), *page.values("aria-labelledby"), "main"}
    assert named <= set(ids)
    for href in page.values("href", "a"):
        if href.startswith("#"):
            assert href[1:] in ids


@pytest.mark.parametrize("path", PAGES)
def test_no_page_asks_anybody_else_or_runs_inline_code(path: str) -> None:
    page = Page(text_of(path))
    loaded = [*page.values("src"), *page.values("href", "link")]
    assert all(urlsplit(one).netloc in {"", HOST} for one in loaded)
    assert page.values("style") == []
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<style" not in text_of(path)


def test_the_content_security_policy_allows_only_ourselves() -> None:
    policy = header(look("/models"), "content-security-policy")
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


@EVERY
def test_links_inside_the_site_lead_somewhere(endpoint: Endpoint) -> None:
    page = Page(text_of(f"/models/{endpoint.id}"))
    for href in page.values("href"):
        if href.startswith("/"):
            assert look(href).status == 200, href


@EVERY
def test_a_page_says_everything_of_its_endpoint(endpoint: Endpoint) -> None:
    page = Page(text_of(f"/models/{endpoint.id}"))
    words = page.text
    for name in (*endpoint.input.model_fields, *endpoint.output.model_fields, endpoint.id, endpoint.title):
        assert name in words
    for info in endpoint.input.model_fields.values():
        assert " ".join((info.description or "").split()) in words
    assert "x-fal-billable-units" in words
    if "animatic" in endpoint.engines:
        assert ("a stand-in" in words) != endpoint.own
    assert ("Live as well." in words) == (endpoint.realtime is not None)
    assert look(f"/models/{endpoint.id}/api").body == look(f"/models/{endpoint.id}").body


@EVERY
def test_every_endpoint_has_an_openapi_document(endpoint: Endpoint) -> None:
    reply = look(f"/api/openapi/queue/openapi.json?endpoint_id={endpoint.id}")
    assert header(reply, "content-type") == "application/json"
    document = json.loads(reply.body)
    assert document["info"]["x-fal-metadata"]["endpointId"] == endpoint.id
    assert document["servers"] == [{"url": f"http://{HOST}/queue"}]


def test_what_is_in_no_registry_is_not_installed_from_one() -> None:
    for path in (f"/models/{VIDEO}", f"/models/{VIDEO}/llms.txt"):
        assert "pip install /path/to/rushes fal-client" in text_of(path)
        assert "pip install rushes" not in text_of(path)


@EVERY
def test_the_price_is_said_in_words_on_the_page_and_in_the_text_for_agents(endpoint: Endpoint) -> None:
    page, plain = text_of(f"/models/{endpoint.id}"), text_of(f"/models/{endpoint.id}/llms.txt")
    assert f"<p>{escape(endpoint.price_rule)}</p>" in page
    assert endpoint.price_rule in plain
    assert not PYTHON_WORDS.search(unescape(page))
    assert not PYTHON_WORDS.search(plain)


def test_what_a_price_is_made_of_is_shown() -> None:
    page = f"/models/{VIDEO}"
    assert "has set no price" in text_of(page)
    assert "<b>$0.04</b>" in text_of(page, unit_price_usd={VIDEO: 0.04})
    assert "480p is half a unit" in text_of(page)


HOSTILE = '<script>alert("x")</script>"\' onmouseover=alert(1) {{ 7*7 }} &amp; </textarea>\u202e'


def test_hostile_text_stays_text_everywhere() -> None:
    field: Any = (str, Field(HOSTILE, description=HOSTILE, examples=[HOSTILE]))
    hostile = replace(
        ENDPOINTS[VIDEO],
        id="x/hostile",
        title=HOSTILE,
        about=HOSTILE,
        category=HOSTILE,
        unit=HOSTILE,
        tags=(HOSTILE,),
        input=create_model("Hostile", __base__=WireModel, text=field),
        example={"text": HOSTILE},
    )
    shown = {hostile.id: hostile, "x/other": replace(hostile, id="x/other")}
    for path in ("/models/x/hostile", "/models", f"/models?q={HOSTILE[:8]}&category=%22%3E%3Cb%3E"):
        html = text_of(path, endpoints=shown)
        page = Page(html)
        assert len(page.values("src", "script")) == [tag for tag, _ in page.tags].count("script") == 1
        assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
        assert "<b>" not in html or path != "/models"
        assert 'alert("x")' in page.text
        assert "{{ 7*7 }}" in page.text


def test_the_search_works_without_javascript() -> None:
    found = look_cards("/models?q=lipsync+Kling")
    assert found
    assert all("kling" in one for one in found)
    assert len(found) < len(look_cards("/models?q=kling"))
    assert look_cards("/models?q=nothing+has+this") == []
    assert "Nothing fits" in text_of("/models?q=nothing+has+this")
    assert set(look_cards("/models?category=text-to-image")) == {
        one.id for one in ENDPOINTS.values() if one.category == "text-to-image"
    }
    assert len(look_cards("/models")) == len(ENDPOINTS)


def look_cards(path: str) -> list[str]:
    """The ids of the cards that are not hidden, in the order of the page."""
    found, hidden = [], False
    for tag, attrs in Page(text_of(path)).tags:
        if tag == "li":
            hidden = "hidden" in attrs
        elif tag == "a" and not hidden and attrs["href"].startswith("/models/"):
            found.append(attrs["href"].removeprefix("/models/"))
    return found


def test_a_mistyped_endpoint_names_the_near_ones_to_people_and_programs() -> None:
    reply = look("/models/fal-ai/wan-i2", headers=HTML)
    assert reply.status == 404
    assert f"/models/{VIDEO}" in Page(reply.body.decode()).values("href")
    for path in ("/models/fal-ai/wan-i2", "/models/fal-ai/wan-i2/llms.txt", "/models/fal-ai/wan-i2/api"):
        with pytest.raises(Rejection, match=VIDEO) as caught:
            look(path)
        assert caught.value.status == 404
        assert VIDEO in caught.value.extra["nearest"]


def test_an_unknown_openapi_document_names_the_near_ids() -> None:
    with pytest.raises(Rejection, match=r"near it are .*fal-ai/wan-i2v") as caught:
        look("/api/openapi/queue/openapi.json?endpoint_id=fal-ai/wan-i2")
    assert caught.value.status == 404
    with pytest.raises(Rejection, match="needs endpoint_id"):
        look("/api/openapi/queue/openapi.json")


@pytest.mark.parametrize("path", ["/nothing", "/static/none.css", "/static/..%2fsite.py", "/api/x", "/static"])
def test_other_paths_are_not_there(path: str) -> None:
    with pytest.raises(Rejection, match="not found"):
        look(path)
    assert look(path, headers=HTML).status == 404


def test_only_looking_is_allowed() -> None:
    assert look("/models", method="POST").status == 405
    assert look("/models", method="HEAD").status == 200


@pytest.mark.parametrize("path", ["/", "/models", "/llms.txt", f"/models/{VIDEO}", "/static/rushes.css"])
def test_what_has_not_changed_is_not_sent_again(path: str) -> None:
    first = look(path)
    again = look(path, headers={"if-none-match": f'"other", {header(first, "etag")}'})
    assert (again.status, again.body) == (304, b"")
    assert header(again, "etag") == header(first, "etag")


def test_assets_live_long_under_their_version() -> None:
    page = Page(text_of("/"))
    linked = [*page.values("href", "link"), *page.values("src", "script")]
    assert len(linked) == 3
    for one in linked:
        reply = look(one)
        assert "immutable" in header(reply, "cache-control")
        assert header(reply, "content-type").startswith(("text/css", "text/javascript", "image/svg+xml"))
    assert "immutable" not in header(look("/static/rushes.css?v=old"), "cache-control")


def test_pages_under_a_public_url_link_below_its_path() -> None:
    page = Page(text_of(f"/models/{VIDEO}", public_url="https://studio.example/base/"))
    inside = [one for one in page.values("href") if not one.startswith(("#", "https://studio.example/base/"))]
    assert inside
    assert all(one.startswith("/base/") for one in inside)
    assert "https://studio.example/base/queue/fal-ai/wan-i2v" in page.text


@pytest.mark.acceptance
@pytest.mark.parametrize("host", ["", "fal.ai", "FAL.AI:443"])
@pytest.mark.parametrize("path", ["/", "/models", "/llms.txt", f"/models/{VIDEO}", "/static/rushes.css"])
def test_a_real_server_serves_the_site_on_its_own_host_and_on_fals(server: Running, host: str, path: str) -> None:
    headers = {"host": host} if host else {}
    reply = httpx2.get(server.url + path, headers=headers, trust_env=False)
    assert reply.status_code == 200
    assert "content-security-policy" in reply.headers
    looked = httpx2.head(server.url + path, headers=headers, trust_env=False)
    assert (looked.status_code, looked.content) == (200, b"")
    assert looked.headers["content-length"] == str(len(reply.content))


@pytest.mark.acceptance
def test_a_program_gets_json_for_what_is_not_there(server: Running) -> None:
    reply = httpx2.get(f"{server.url}/models/fal-ai/wan-i2", trust_env=False)
    assert reply.status_code == 404
    assert VIDEO in reply.json()["detail"]
