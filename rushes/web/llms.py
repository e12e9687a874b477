"""The text for machines: an endpoint's llms.txt in the layout of protocol 10.2, and the index of all; pure Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rushes.endpoint import Endpoint
from rushes.web.bases import Bases
from rushes.web.examples import Samples
from rushes.web.pages import Price, Row, Server, TypeTable


def endpoint_text(
    endpoint: Endpoint,
    *,
    tables: tuple[TypeTable, TypeTable, tuple[TypeTable, ...]],
    samples: Samples,
    price: Price,
    servers: tuple[Server, ...],
    answer: Mapping[str, Any],
    bases: Bases,
) -> str:
    """Write an endpoint's llms.txt; `tables` are input, output and the other types, `answer` an example response."""
    page = f"{bases.site}/models/{endpoint.id}"
    takes, gives, others = tables
    # By the example, which is complete and sensible, not by values of our own making.
    required = {
        row.name: endpoint.example[row.name] for row in takes.rows if row.required and row.name in endpoint.example
    }
    parts = [
        f"# {endpoint.title}",
        f"> {endpoint.about}",
        "## Overview",
        "\n".join(_overview(endpoint, servers, bases)),
        _price_words(price),
        "## API Information",
        "Send the input as JSON to the endpoint, with the header `Authorization: Key <id>:<secret>`. A request to "
        f"`{bases.queue}/{endpoint.id}` is queued instead and can be followed. Files are named by URL (http, https or "
        "data) or uploaded first.",
        "### Input Schema",
        "The API takes these members:",
        _fields(takes),
        "**Required Parameters Example**:",
        _json(required),
        "**Full Example**:",
        _json(endpoint.example),
        "### Output Schema",
        "The API answers with:",
        _fields(gives),
        "**Example Response**:",
        _json(answer),
        *(part for one in others for part in (f"### Type {one.name}", _fields(one))),
        "## Usage Examples",
        *_usage(samples),
        "## Additional Resources",
        f"- [Page]({page})\n- [API page]({page}/api)\n"
        f"- [OpenAPI document]({bases.site}/api/openapi/queue/openapi.json?endpoint_id={endpoint.id})\n"
        f"- [All endpoints]({bases.site}/llms.txt)",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def index_text(endpoints: Mapping[str, Endpoint], bases: Bases) -> str:
    """Write the index: every endpoint that is served here, by category."""
    lines = [
        "# Rushes",
        "",
        "> A self-hosted studio for generative video that speaks fal's model API. These are this server's endpoints.",
        "",
        f"Run: `POST {bases.run}/<endpoint>` · queue: `POST {bases.queue}/<endpoint>` · key: "
        "`Authorization: Key <id>:<secret>`. Each link leads to a description with schema, examples and price.",
    ]
    for category in sorted({one.category for one in endpoints.values()}):
        lines += ["", f"## {category}", ""]
        lines += [
            f"- [{one.title}]({bases.site}/models/{one.id}/llms.txt): `{one.id}`. {one.about}"
            for one in endpoints.values()
            if one.category == category
        ]
    return "\n".join(lines) + "\n"


def _overview(endpoint: Endpoint, servers: tuple[Server, ...], bases: Bases) -> Iterator[str]:
    yield f"- **Endpoint**: `{bases.run}/{endpoint.id}`"
    yield f"- **Model ID**: `{endpoint.id}`"
    yield f"- **Category**: {endpoint.category}"
    yield "- **Kind**: inference"
    if endpoint.tags:
        yield f"- **Tags**: {', '.join(endpoint.tags)}"
    if servers:
        yield f"- **Served here by**: {', else '.join(map(_server, servers))}"
    if endpoint.realtime is not None:
        yield f"- **Realtime**: a WebSocket at `{bases.run}/{endpoint.session_id}`; `realtime` of the official clients"


def _server(server: Server) -> str:
    if server.stand_in:
        return f"{server.deployment} (a stand-in: not the model that the name promises)"
    kind = "" if server.engine == server.deployment else f" ({server.engine})"
    return f"{server.deployment}{kind}{', with successors of some models' if server.successors else ''}"


def _price_words(price: Price) -> str:
    # The rule is the family's and counts units; what a unit costs is the operator's to say.
    here = f" Here a unit costs {price.unit_price}." if price.unit_price else " No price is set on this server."
    return f"## Pricing\n\n{price.rule} Priced per {price.unit}.{here}"


def _fields(one: TypeTable) -> str:
    return "\n\n".join("\n".join(_field(row)) for row in one.rows) or "_No members._"


def _field(row: Row) -> Iterator[str]:
    need = "_required_" if row.required else "_optional_"
    about = f":\n  {row.about}" if row.about else ""
    file = f", {row.media} file" if row.media else ""
    yield f"- **`{row.name}`** (`{row.type}`{file}, {need}){about}"
    if row.default:
        yield f"  - Default: `{row.default}`"
    if row.choices:
        yield f"  - Options: {', '.join(f'`{one}`' for one in row.choices)}"
    if row.limits:
        yield f"  - Range: {row.limits}"
    if row.examples:
        yield f"  - Examples: {', '.join(row.examples)}"


def _usage(samples: Samples) -> Iterator[str]:
    yield f"### cURL\n\n```bash\n{samples.run['http']}\n```"
    yield f"### Python\n\n```bash\n{samples.install['python']}\n```\n\n```python\n{samples.run['python']}\n```"
    install, run = samples.install["javascript"], samples.run["javascript"]
    yield f"### JavaScript\n\n```bash\n{install}\n```\n\n```javascript\n{run}\n```"


def _json(value: Any) -> str:
    return f"```json\n{json.dumps(value, indent=2, ensure_ascii=False)}\n```"
