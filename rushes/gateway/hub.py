"""The Hub's question about a model: which of our endpoints serves it (protocol 2.6; route 21).

huggingface_hub asks it of `HF_ENDPOINT` before its first call to this provider. A Hub id is `owner/name` and nothing
deeper, so the further slashes of an endpoint's id are written `__`. Other ids are known where `hub_models` names them;
what the real Hub says of its models is not ours to repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rushes.gateway.replies import json_reply, not_allowed
from rushes.gateway.visit import Answer, Visit

PROVIDER = "fal-ai"
JOINT = "__"
_LONGEST_ID = 193  # two words of 96 characters and the slash


def hub_id(endpoint: str) -> str:
    """Return the id under which the Hub's client can name an endpoint."""
    owner, _, name = endpoint.partition("/")
    return f"{owner}/{name.replace('/', JOINT)}"


def endpoint_of(model: str, endpoints: Iterable[str], named: Mapping[str, str]) -> str | None:
    """Return the endpoint a Hub id means: what the operator named, else an endpoint's own id in either spelling."""
    if model in named:
        return named[model]
    return next((one for one in endpoints if model in {one, hub_id(one)}), None)


async def handle(visit: Visit) -> Answer:
    """Answer GET /api/models/{id} with the mapping of one model, or in the words that the Hub's client understands."""
    if visit.method not in {"GET", "HEAD"}:
        return not_allowed("GET", "HEAD")
    model = "/".join(visit.segments)
    endpoints = visit.services.endpoints
    meant = endpoint_of(model, endpoints, visit.services.settings.hub_models)
    if meant is None or meant not in endpoints:
        return _unknown(model[:_LONGEST_ID], meant)
    task = endpoints[meant].category
    mapping = {PROVIDER: {"status": "live", "providerId": meant, "task": task}}
    return json_reply(200, {"id": model, "pipeline_tag": task, "inferenceProviderMapping": mapping})


def _unknown(model: str, meant: str | None) -> Answer:
    if meant is not None:
        why = f"RUSHES_HUB_MODELS says that {model!r} is {meant!r}, which this server does not serve; see /models"
    else:
        why = (
            f"No endpoint here goes by the Hub id {model!r}; write an endpoint's id with {JOINT} for each slash after "
            "the first, or name the model in RUSHES_HUB_MODELS"
        )
    # `error` and the code are what the Hub's own client turns into its exceptions; the message stands in the body only,
    # since what a caller wrote has no business in a header.
    return json_reply(404, {"detail": why, "error": why}, [(b"x-error-code", b"RepoNotFound")])
