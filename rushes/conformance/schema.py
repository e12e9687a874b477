"""O: the OpenAPI document of an endpoint, and how its readers find their way in it (protocol 10.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from rushes.conformance.probe import Answer
from rushes.conformance.rules import Failed, NotApplicable, must, rule
from rushes.conformance.target import Target

MOST_DOCUMENTS = 12  # spread over the list: each family's documents are made by one hand
METADATA = {"endpointId", "category", "thumbnailUrl", "playgroundUrl", "documentationUrl"}


def documents(t: Target) -> Iterator[tuple[str, dict[str, Any]]]:
    """A few endpoints' documents; each listed endpoint must have one."""
    models = t.models or ([t.given_endpoint] if t.given_endpoint else [])
    if not models:
        raise NotApplicable("the server lists no endpoints (/v1/models, /llms.txt)")
    for model in models[:: max(1, len(models) // MOST_DOCUMENTS)]:
        document = t.document(model)
        must(document is not None, "a document for every listed endpoint", "none", f"openapi.json?endpoint_id={model}")
        yield model, document or {}


def last_named(schemas: Mapping[str, Any], words: tuple[str, ...]) -> str:
    """The name that the readers take: the last one that ends with a word, but for the queue's own."""
    found = [name for name in schemas if name.lower().endswith(words) and "queue" not in name.lower()]
    return found[-1] if found else ""


def pascal(endpoint: str) -> str:
    """The endpoint without its first segment, as a type's name."""
    words = "".join(char if char.isalnum() else " " for char in endpoint.partition("/")[2]).split()
    return "".join(word[:1].upper() + word[1:] for word in words)


@rule("O-01", "The last schemas named …Input and …Output are the endpoint's own")
def o_01(t: Target) -> None:
    for endpoint, document in documents(t):
        where = f"openapi.json of {endpoint}"
        schemas = document["components"]["schemas"]
        paths = document["paths"]
        posted = paths[f"/{endpoint}"]["post"]["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        given = paths[f"/{endpoint}/requests/{{request_id}}"]["get"]["responses"]["200"]
        answered = given["content"]["application/json"]["schema"]["$ref"]
        # Two readers, two rules: n8n takes …Input and …Output, genmedia whatever ends so in small letters as well.
        for words, ref in ((("input", "request"), posted), (("output", "response"), answered)):
            name = last_named(schemas, words)
            must(ref == f"#/components/schemas/{name}", f"the last schema that ends in {words[0]}, {name}", ref, where)
        must(
            last_named(schemas, ("input",)).removesuffix("Input") == pascal(endpoint),
            pascal(endpoint),
            [*schemas],
            where,
        )
        _whole(endpoint, document)


def _whole(endpoint: str, document: Mapping[str, Any]) -> None:
    where = f"openapi.json of {endpoint}"
    # As the real documents have it; 3.1 writes null and examples differently.
    must(str(document.get("openapi", "")).startswith("3.0."), "openapi 3.0.x", document.get("openapi"), where)
    expected = {
        f"/{endpoint}",
        f"/{endpoint}/requests/{{request_id}}/status",
        f"/{endpoint}/requests/{{request_id}}/cancel",
        f"/{endpoint}/requests/{{request_id}}",
    }
    must(expected <= document["paths"].keys(), f"the four paths {sorted(expected)}", sorted(document["paths"]), where)
    must(document.get("servers") and document.get("security"), "servers and security", sorted(document), where)
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    broken = set(_refs(document)) - known
    must(not broken, "references that lead somewhere", broken, where)


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _refs(inner)


@rule("O-02", "x-fal-order-properties names the properties of every object, in order")
def o_02(t: Target) -> None:
    for endpoint, document in documents(t):
        for name, schema in document["components"]["schemas"].items():
            if schema.get("type") != "object":
                continue
            order = schema.get("x-fal-order-properties")
            where = f"openapi.json of {endpoint}, schema {name}"
            must(isinstance(order, list), "x-fal-order-properties", order, where)
            # n8n lays its form out by this list: a name that stands twice would be asked for twice.
            must(sorted(order or []) == sorted(schema.get("properties", {})), "every property once", order, where)


@rule("O-03", "No property is a lone reference inside allOf, which readers take for a string")
def o_03(t: Target) -> None:
    for endpoint, document in documents(t):
        name = last_named(document["components"]["schemas"], ("input", "request"))
        for member, schema in document["components"]["schemas"][name].get("properties", {}).items():
            lone = isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1 and "$ref" in schema["allOf"][0]
            must(not lone, "no property that is only allOf of one reference", schema, f"{endpoint}: {member}")


@rule("O-04", "x-fal-metadata stands under info and at the root, in the document and in the model list's expansion")
def o_04(t: Target) -> None:
    for endpoint, document in documents(t):
        where = f"openapi.json of {endpoint}"
        real = document["info"].get("x-fal-metadata")
        must(
            isinstance(real, dict) and real.keys() >= METADATA,
            f"info.x-fal-metadata with {sorted(METADATA)}",
            real,
            where,
        )
        must(real["endpointId"] == endpoint, endpoint, real["endpointId"], where)
        must(
            document.get("x-fal-metadata") == real,
            "the same at the document's root",
            document.get("x-fal-metadata"),
            where,
        )
        path = f"/v1/models?endpoint_id={quote(endpoint, safe='')}&expand=openapi-3.0"
        answer = t.probe.get("platform", path).is_status(200)
        _is_expanded(answer, document)
    t.probe.get("site", "/api/openapi/queue/openapi.json?endpoint_id=no/such/model").is_status(404).json()
    page = t.probe.get("site", f"/models/{endpoint}/llms.txt").is_status(200)
    page.must(
        endpoint.encode() in page.body and page.body.startswith(b"# "), "a page with a title and the endpoint's id"
    )


def _is_expanded(answer: Answer, document: Mapping[str, Any]) -> None:
    models = answer.object()["models"]
    if len(models) != 1:
        raise Failed("one model", answer.got, answer.sent)
    expanded = models[0].get("openapi", {})
    answer.must(expanded.get("components") == document["components"], "the same document as the site's")
