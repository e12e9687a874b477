"""An endpoint's OpenAPI 3.0.4 document with fal's extensions (protocol 10.3); pure, so that any route can embed it.

How types are written is `schema`'s. Consumers take the last schema whose name ends in Input or Output, hence the order.
"""

from __future__ import annotations

import re
from typing import Any

from rushes.endpoint import Endpoint
from rushes.gateway.schema import REF, Schema, WireTypes, wire_types
from rushes.jobs.job import Status

JSON = "application/json"

_TEXT = {"type": "string"}
QUEUE_STATUS: Schema = {
    "type": "object",
    "title": "QueueStatus",
    "x-fal-order-properties": [
        "status",
        "request_id",
        "response_url",
        "status_url",
        "cancel_url",
        "logs",
        "metrics",
        "queue_position",
    ],
    "properties": {
        "status": {"type": "string", "enum": [status.name for status in Status]},
        "request_id": {**_TEXT, "description": "The request's id."},
        "response_url": {**_TEXT, "description": "Where the result will be."},
        "status_url": {**_TEXT, "description": "Where this status can be read again."},
        "cancel_url": {**_TEXT, "description": "Where the request can be cancelled."},
        # fal's document says object here, which no answer is.
        "logs": {
            "type": "array",
            "items": {"type": "object", "additionalProperties": True},
            "nullable": True,
            "description": "Log lines, if asked for.",
        },
        "metrics": {"type": "object", "description": "Measured times in seconds.", "additionalProperties": True},
        "queue_position": {"type": "integer", "description": "How many requests are before this one."},
    },
    "required": ["status", "request_id"],
}


def document(endpoint: Endpoint, *, queue: str, site: str, types: WireTypes | None = None) -> dict[str, Any]:
    """Return the document; `queue` and `site` are base URLs without a slash at the end."""
    types = types or types_of(endpoint)
    name = type_name(endpoint.id)
    metadata = {
        "endpointId": endpoint.id,
        "category": endpoint.category,
        # There are no pictures of endpoints; fal's documents always have the member.
        "thumbnailUrl": f"{site}/static/mark.svg",
        "playgroundUrl": f"{site}/models/{endpoint.id}",
        "documentationUrl": f"{site}/models/{endpoint.id}/api",
    }
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint.id}",
            "version": "1.0.0",
            "description": f"The OpenAPI schema for the {endpoint.id} queue.",
            "x-fal-metadata": metadata,
        },
        "x-fal-metadata": metadata,  # where some consumers look for it (O-04)
        "components": {
            "securitySchemes": {
                "apiKeyAuth": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Fal Key"}
            },
            "schemas": {
                "QueueStatus": QUEUE_STATUS,
                **types.nested,  # before the main two, of which tools take the last that fits (O-01)
                f"{name}Input": types.input,
                f"{name}Output": types.output,
            },
        },
        "paths": _paths(endpoint.id, name),
        "servers": [{"url": queue}],
        "security": [{"apiKeyAuth": []}],
    }


def types_of(endpoint: Endpoint) -> WireTypes:
    """Return an endpoint's types as its document names them."""
    name = type_name(endpoint.id)
    return wire_types(endpoint.input, endpoint.output, input_name=f"{name}Input", output_name=f"{name}Output")


def type_name(endpoint_id: str) -> str:
    """Return the id without its owner in PascalCase: `o/some-model/v2.1/pro` is SomeModelV21Pro."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", endpoint_id.partition("/")[2]))


def _paths(endpoint_id: str, name: str) -> dict[str, Any]:
    request = f"/{endpoint_id}/requests/{{request_id}}"
    request_id = {
        "name": "request_id",
        "in": "path",
        "required": True,
        "schema": {**_TEXT, "description": "The request's id."},
    }
    logs = {
        "name": "logs",
        "in": "query",
        "required": False,
        "schema": {"type": "number", "description": "1 to include the log lines."},
    }
    cancelled = {
        "type": "object",
        "properties": {"success": {"type": "boolean", "description": "Whether the request was cancelled."}},
    }
    body = {"required": True, "content": {JSON: {"schema": {"$ref": f"{REF}{name}Input"}}}}
    status = {"$ref": f"{REF}QueueStatus"}
    return {
        f"/{endpoint_id}": {"post": {"requestBody": body, "responses": _ok("The request's status.", status)}},
        f"{request}/status": {
            "get": {"parameters": [request_id, logs], "responses": _ok("The request's status.", status)}
        },
        f"{request}/cancel": {
            "put": {"parameters": [request_id], "responses": _ok("The request was cancelled.", cancelled)}
        },
        request: {
            "get": {
                "parameters": [request_id],
                "responses": _ok("The request's result.", {"$ref": f"{REF}{name}Output"}),
            }
        },
    }


def _ok(description: str, schema: Schema) -> dict[str, Any]:
    return {"200": {"description": description, "content": {JSON: {"schema": schema}}}}
