"""The site group's handler: start page, list of endpoints, a page for each, llms.txt, OpenAPI, and the pages' assets.

Which words of a path mean what is decided here; what pages show is `pages`, how they look `templates`. No key is asked
for: a page says nothing that the official client's user doesn't know already.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from rushes.endpoint import Endpoint
from rushes.errors import Rejection
from rushes.families import nearest
from rushes.gateway import openapi
from rushes.gateway.replies import JSON_TYPE, Header, Reply, not_allowed
from rushes.gateway.schema import WireTypes
from rushes.gateway.visit import Answer, Visit
from rushes.web import llms, pages
from rushes.web.assets import digest, load_assets
from rushes.web.bases import Bases, bases_of
from rushes.web.examples import LANGUAGES, samples

HTML: Header = (b"content-type", b"text/html; charset=utf-8")
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
# Everything a page loads is ours and in a file of its own, so an injected script or style finds no way in.
SECURITY: tuple[Header, ...] = (
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        b"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
)
_CHECK_AGAIN: Header = (b"cache-control", b"no-cache")  # kept, but asked about each time: settings change pages
_FOR_EVER: Header = (b"cache-control", b"public, max-age=31536000, immutable")
_FOR_AN_HOUR: Header = (b"cache-control", b"public, max-age=3600")
MOST_SEARCH_CHARACTERS = 200


class Site:
    """The pages. Types are described once per endpoint and kept; everything else is written for each visit."""

    def __init__(self) -> None:
        self._assets = load_assets()
        self._types: dict[str, WireTypes] = {}  # Pydantic takes milliseconds for each
        self._templates = Environment(
            loader=PackageLoader("rushes.web"),
            autoescape=True,
            undefined=StrictUndefined,  # a misspelt name is an error in a test, not a gap on a page
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["versions"] = {name: one.version for name, one in self._assets.items()}
        self._templates.globals["languages"] = LANGUAGES

    async def handle(self, visit: Visit) -> Answer:
        """Answer a request to the site. Raises Rejection(404) for paths that it hasn't."""
        if visit.method not in {"GET", "HEAD"}:
            return not_allowed("GET", "HEAD")
        match visit.segments:
            case ():
                return self._page(visit, "home.html", count=len(visit.services.endpoints))
            case ("models",):
                return self._models(visit)
            case ("models", *rest):
                return self._endpoint(visit, "/".join(rest))
            case ("llms.txt",):
                return _checked(visit, llms.index_text(visit.services.endpoints, bases_of(visit.links)), TEXT)
            case ("api", "openapi", "queue", "openapi.json"):
                return self._openapi(visit)
            case ("static", name) if name in self._assets:
                return self._asset(visit, name)
        return self._missing(visit, f"Path /{'/'.join(visit.segments)[:200]} not found", ())

    def _models(self, visit: Visit) -> Answer:
        query = visit.query()
        wanted = query.get("q", "")[:MOST_SEARCH_CHARACTERS].strip()
        category = query.get("category", "")
        endpoints = visit.services.endpoints
        found = {one.id for one in pages.matching(endpoints, wanted, category)}
        return self._page(
            visit,
            "models.html",
            # All are sent, those not found hidden, so that the script can show them again without another request.
            endpoints=[(one, one.id in found, pages.search_text(one)) for one in endpoints.values()],
            found=len(found),
            categories=pages.categories(endpoints),
            category=category,
            wanted=wanted,
        )

    def _endpoint(self, visit: Visit, path: str) -> Answer:
        endpoints = visit.services.endpoints
        endpoint_id, _, last = path.rpartition("/")
        # The whole path first: an id may end in a word that is a page elsewhere.
        if path in endpoints:
            return self._endpoint_page(visit, endpoints[path])
        if last == "api" and endpoint_id in endpoints:
            return self._endpoint_page(visit, endpoints[endpoint_id])
        if last == "llms.txt" and endpoint_id in endpoints:
            return self._endpoint_text(visit, endpoints[endpoint_id])
        meant = endpoint_id if last in {"api", "llms.txt"} else path
        near = nearest(meant, endpoints)
        return self._missing(visit, f"There is no endpoint {meant[:200]!r} here", near)

    def _endpoint_page(self, visit: Visit, endpoint: Endpoint) -> Answer:
        return self._page(visit, "endpoint.html", **self._about(visit, endpoint))

    def _endpoint_text(self, visit: Visit, endpoint: Endpoint) -> Answer:
        about = self._about(visit, endpoint)
        text = llms.endpoint_text(
            endpoint,
            tables=(about["takes"], about["gives"], about["others"]),
            samples=about["samples"],
            price=about["price"],
            servers=about["servers"],
            answer=about["answer"],
            bases=about["bases"],
        )
        return _checked(visit, text, TEXT)

    def _about(self, visit: Visit, endpoint: Endpoint) -> dict[str, Any]:
        """Return all that a page or a text says about an endpoint, by the names that the templates use."""
        types = self._types_of(endpoint)
        bases = bases_of(visit.links)
        takes, others = pages.table("Input", types.input), pages.nested_tables(types)
        answer = pages.example_output(types, endpoint.category, bases.site)
        return {
            "endpoint": endpoint,
            "bases": bases,
            "takes": takes,
            "takes_files": pages.takes_files(takes, *others),
            "gives": pages.table("Output", types.output),
            "others": others,
            "samples": samples(endpoint.id, endpoint.example, bases),
            "given": _json_text(endpoint.example),
            "answer": answer,
            "answer_text": _json_text(answer),
            "price": pages.price(endpoint, visit.services.settings.unit_price_usd),
            "servers": pages.served_by(endpoint, visit.services.settings),
            "related": pages.related(endpoint, visit.services.endpoints),
        }

    def _openapi(self, visit: Visit) -> Answer:
        endpoints = visit.services.endpoints
        wanted = visit.query().get("endpoint_id")
        if not wanted:
            raise Rejection(422, "The query needs endpoint_id, for example ?endpoint_id=owner/model")
        endpoint = endpoints.get(wanted.strip("/"))
        if endpoint is None:
            near = nearest(wanted, endpoints)
            hint = f"; near it are {', '.join(near)}" if near else "; GET /llms.txt lists those there are"
            raise Rejection(404, f"There is no endpoint {wanted[:200]!r} here{hint}", extra={"nearest": list(near)})
        bases = bases_of(visit.links)
        document = openapi.document(endpoint, queue=bases.queue, site=bases.site, types=self._types_of(endpoint))
        return _checked(visit, json.dumps(document, ensure_ascii=False), JSON_TYPE)

    def _types_of(self, endpoint: Endpoint) -> WireTypes:
        if endpoint.id not in self._types:
            self._types[endpoint.id] = openapi.types_of(endpoint)
        return self._types[endpoint.id]

    def _asset(self, visit: Visit, name: str) -> Answer:
        asset = self._assets[name]
        # Another version is an old page's: kept for good under that name, it would be the wrong one ever after.
        life = _FOR_EVER if visit.query().get("v") == asset.version else _FOR_AN_HOUR
        return _tagged(visit, asset.content, (b"content-type", asset.content_type), version=asset.version, life=life)

    def _missing(self, visit: Visit, message: str, near: tuple[str, ...]) -> Answer:
        """People get a page, programs JSON. Raises Rejection(404) for the latter."""
        if "text/html" in (visit.header(b"accept") or ""):
            return self._page(visit, "missing.html", status=404, message=message, near=near)
        hint = f"; near it are {', '.join(near)}" if near else ""
        raise Rejection(404, message + hint, extra={"nearest": list(near)} if near else None)

    def _page(self, visit: Visit, template: str, *, status: int = 200, **shown: Any) -> Answer:
        bases: Bases = shown.setdefault("bases", bases_of(visit.links))
        html = self._templates.get_template(template).render(root=bases.root, **shown)
        return _checked(visit, html, HTML, status)


def _json_text(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _checked(visit: Visit, text: str, content_type: Header, status: int = 200) -> Reply:
    """Answer with a text that browsers keep but ask about each time."""
    content = text.encode()
    return _tagged(visit, content, content_type, version=digest(content), life=_CHECK_AGAIN, status=status)


def _tagged(
    visit: Visit, content: bytes, content_type: Header, *, version: str, life: Header, status: int = 200
) -> Reply:
    tag = f'"{version}"'
    headers = [(b"etag", tag.encode()), life, *SECURITY]
    known = [one.strip().removeprefix("W/") for one in (visit.header(b"if-none-match") or "").split(",")]
    if status == 200 and tag in known:  # a page that says 404 must not be told as unchanged
        reply = Reply(304, b"", headers, content_type)
        reply.headers = headers  # a 304 describes nothing but the freshness of what the caller has
        return reply
    return Reply(status, content, headers, content_type)
