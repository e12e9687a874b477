"""Google's Veo, pretended: the Gemini Developer API and Vertex AI, as google-genai 2.34.0 speaks to both.

One body, two doors. The Developer API wants `x-goog-api-key`, refuses what only Vertex knows (seed, storage, sound,
masks), and answers with the URI of a file that is fetched with the same key and redirects to where it lies. Vertex
wants an OAuth token and answers with the film itself in base64. A dead key is a 400 with the reason `API_KEY_INVALID`
at the one and a 401 at the other. There is no status word (`done` is there or it isn't) and no way to cancel.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.fakes.asked import Said, bearer, here, refused, remembering, retry_after
from rushes.fakes.content import Clip
from rushes.fakes.fake import Fake, Fault, Seen, Task
from rushes.fakes.inputs import Unfit, from_base64, look_at_still
from rushes.fakes.serving import BreaksOff, HangUp
from rushes.fakes.shelf import Shelf

MOST_IMAGE_BYTES = 20 * 1024 * 1024
IMAGE_TYPES = {"image/jpeg", "image/png", "image/webp"}
MOST_AT_ONCE = 4  # films of one request
_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_RESPONSE = "type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse"
_VERTEX_RESPONSE = "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"
# By words such as these callers tell moderation from a mistake: status and code are the same.
_SENSITIVE = (
    "The prompt could not be submitted. This prompt contains sensitive words that violate Google's Responsible AI "
    "practices. Try rephrasing the prompt. If you think this was an error, send feedback. Support codes: 42237218"
)
_FILTERED = (
    "We encountered an issue with the film that was made, which violates Google's Responsible AI practices. "
    "You will not be charged for this request. Try rephrasing the prompt. Support codes: 58061214"
)


@dataclass(frozen=True, slots=True)
class _Model:
    durations: frozenset[int]
    resolutions: frozenset[str]
    sound: bool


_VEO_2 = _Model(frozenset({5, 6, 7, 8}), frozenset({"720p"}), sound=False)
_VEO_3 = _Model(frozenset({4, 6, 8}), frozenset({"720p", "1080p", "4k"}), sound=True)

_INSTANCE = {"prompt", "image", "lastFrame", "video", "referenceImages"}
_PARAMETERS = {
    "sampleCount", "durationSeconds", "aspectRatio", "resolution", "personGeneration", "negativePrompt",
    "enhancePrompt",
}  # fmt: skip
_VERTEX_PARAMETERS = _PARAMETERS | {
    "seed", "fps", "storageUri", "pubsubTopic", "generateAudio", "compressionQuality", "resizeMode",
}  # fmt: skip
_PEOPLE = {"allow_adult", "dont_allow", "allow_all"}


def app(fake: Fake) -> Starlette:
    """Return the vendor; with Vertex's routes, `fake.key` is the OAuth token as well."""
    door = _Door(fake, Shelf())
    submit, look, fetch = (remembering(fake, answer) for answer in (door.submit, door.look, door.fetch))
    routes: list[BaseRoute] = [
        Route("/v1beta/models/{model}:predictLongRunning", submit, methods=["POST"]),
        Route("/v1beta/models/{model}/operations/{id}", look, methods=["GET"]),
        Route("/v1beta/files/{id}:download", fetch, methods=["GET"]),
        door.shelf.route(),
    ]
    for version in ("v1", "v1beta1"):
        for where in ("/projects/{project}/locations/{location}", ""):
            model = f"/{version}{where}/publishers/google/models/{{model}}"
            routes.append(Route(f"{model}:predictLongRunning", submit, methods=["POST"]))
            routes.append(Route(f"{model}:fetchPredictOperation", look, methods=["POST"]))
    routes.append(Route("/{rest:path}", remembering(fake, _nothing), methods=["GET", "POST", "DELETE", "PUT", "PATCH"]))
    return Starlette(routes=routes)


async def _nothing(request: Request, seen: Seen) -> Response:
    return Response("<title>Error 404 (Not Found)!!1</title>", 404, media_type="text/html")


@dataclass(slots=True)
class _Door:
    fake: Fake
    shelf: Shelf

    async def submit(self, request: Request, seen: Seen) -> Response:
        vertex = _is_vertex(request)
        self._let_in(seen, request, vertex)
        name = request.path_params["model"]
        model = _model(name, vertex)
        asked = _checked(seen.body, model, vertex)
        prompt = asked["instances"][0].get("prompt", "")
        fault = self.fake.submit_fault(prompt)
        if fault is not None and not (fault == "hang_up" and self.fake.plan.keeps_lost):
            return self._wrong(fault, vertex)
        operation = secrets.token_hex(8)
        self.fake.take(operation, name, asked, prompt)
        if fault == "hang_up":
            return HangUp()
        # Express mode has no project in its paths, nor in the operations' names.
        where = request.url.path.partition("/publishers/")[0].rpartition("/projects/")
        prefix = f"projects/{where[2]}/publishers/google/" if vertex and where[1] else ""
        return JSONResponse({"name": f"{prefix}models/{name}/operations/{operation}"})

    async def look(self, request: Request, seen: Seen) -> Response:
        vertex = _is_vertex(request)
        self._let_in(seen, request, vertex)
        task = self._task(request, seen, vertex)
        if (fault := self.fake.poll_fault(task)) is not None:
            return self._wrong(fault, vertex)
        name = seen.body["operationName"] if vertex else request.url.path.partition("/v1beta/")[2]
        if task.look() != "ended":
            return JSONResponse({"name": name})
        end = self._end(request, task, vertex)
        answer = JSONResponse({"name": name, "done": True, **end})
        # Vertex's film is in the answer itself, so it is this that breaks off.
        if vertex and task.end == "link_broken":
            return BreaksOff(bytes(answer.body), media_type="application/json")
        return answer

    async def fetch(self, request: Request, seen: Seen) -> Response:
        """Send whoever has the key on to the file; the address that it leads to needs none."""
        self._let_in(seen, request, vertex=False)
        name = f"{request.path_params['id']}.mp4"
        kept = self.shelf.kept.get(name)
        if kept is None or kept.end == "link_expired":
            told = f"You do not have permission to access the File {name[:-4]} or it may not exist."
            raise _error(403, "PERMISSION_DENIED", told)
        return RedirectResponse(f"{here(request)}/results/{name}", 302)

    def _let_in(self, seen: Seen, request: Request, vertex: bool) -> None:
        key = seen.headers.get("x-goog-api-key") or request.query_params.get("key")
        # Vertex takes a token, or in express mode a key like the other door's.
        if key is None and vertex and bearer(seen) == self.fake.key:
            return
        if vertex and key is None:
            raise _no_token()
        if key is None:
            told = (
                "Method doesn't allow unregistered callers (callers without established identity). Please use API Key "
                "or other form of API consumer identity to call this API."
            )
            raise _error(403, "PERMISSION_DENIED", told)
        if key != self.fake.key:
            raise _dead_key(vertex)

    def _wrong(self, fault: Fault, vertex: bool) -> Response:
        """Return how Google says it; the two doors differ where the account is concerned."""
        match fault:
            case "hang_up":
                return HangUp()
            case "key":
                raise _no_token() if vertex else _dead_key(vertex)
            case "balance" if vertex:
                told = "This API method requires billing to be enabled. Please enable billing on project #1 and retry."
                raise _error(403, "PERMISSION_DENIED", told, [{"@type": _INFO, "reason": "BILLING_DISABLED"}])
            case "balance":
                told = "Gemini API free tier is not available. Please enable billing on your project in AI Studio."
                raise _error(400, "FAILED_PRECONDITION", told)
            case "rate" | "concurrency":
                told = "You exceeded your current quota, please check your plan and billing details."
                raise _error(429, "RESOURCE_EXHAUSTED", told, headers=retry_after(self.fake))
            case "invalid":
                raise _invalid("`durationSeconds` is out of bound. Please provide a value between 5 and 8, inclusive.")
            case "moderated":
                raise _invalid(_SENSITIVE)
            case "server_error":
                raise _error(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
            case "unknown":
                return JSONResponse({"nothingKnown": {"shape": "new"}})

    def _task(self, request: Request, seen: Seen, vertex: bool) -> Task:
        if vertex:
            body = seen.body if isinstance(seen.body, dict) else {}
            if set(body) != {"operationName"} or not isinstance(body["operationName"], str):
                raise _invalid("Invalid JSON payload received: expected `operationName`.")
            operation = body["operationName"].rpartition("/")[2]
        else:
            operation = request.path_params["id"]
        task = self.fake.tasks.get(operation)
        if task is None or task.end == "lost" or task.kind != request.path_params["model"]:
            raise _error(404, "NOT_FOUND", f"Operation {operation} was not found.")
        return task

    def _end(self, request: Request, task: Task, vertex: bool) -> dict[str, Any]:
        match task.end:
            case "failed":
                return {"error": _status(13, "Video generation failed due to an internal server issue.")}
            case "cancelled":
                return {"error": _status(1, "The operation was cancelled.")}
            case "unknown":
                return {"response": {"@type": "type.googleapis.com/google.NobodyKnowsResponse", "results": [{}]}}
            case "moderated":
                filtered = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [_FILTERED]}
                if vertex:
                    return {"response": {"@type": _VERTEX_RESPONSE, **filtered}}
                return {"response": {"@type": _RESPONSE, "generateVideoResponse": filtered}}
        count = int(task.asked.get("parameters", {}).get("sampleCount", 1))
        if vertex:
            videos = [{"bytesBase64Encoded": _text(_film(task)), "mimeType": "video/mp4"} for _ in range(count)]
            return {"response": {"@type": _VERTEX_RESPONSE, "raiMediaFilteredCount": 0, "videos": videos}}
        samples = [{"video": {"uri": self._uri(request, task)}} for _ in range(count)]
        return {"response": {"@type": _RESPONSE, "generateVideoResponse": {"generatedSamples": samples}}}

    def _uri(self, request: Request, task: Task) -> str:
        path = self.shelf.put(lambda: _film(task), "mp4", "video/mp4", task.end)
        name = path.partition("/results/")[2].partition(".")[0]
        return f"{here(request)}/v1beta/files/{name}:download?alt=media"


def _is_vertex(request: Request) -> bool:
    return "/publishers/" in request.url.path


def _film(task: Task) -> bytes:
    """Return what the task makes: 24 frames a second, the asked length and shape."""
    asked = task.asked.get("parameters", {})
    width, height = (720, 1280) if asked.get("aspectRatio") == "9:16" else (1280, 720)
    sound = task.kind.startswith("veo-3") and asked.get("generateAudio", True)
    return Clip(width, height, asked.get("durationSeconds", 8), 24, sound).mp4()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _model(name: str, vertex: bool) -> _Model:
    if name.startswith("veo-2."):
        return _VEO_2
    if name.startswith("veo-3."):
        return _VEO_3
    told = f"models/{name} is not found for API version v1beta, or is not supported for predictLongRunning."
    if vertex:
        told = f"Publisher Model `publishers/google/models/{name}` was not found or your project does not have access."
    raise _error(404, "NOT_FOUND", f"{told} Call ListModels to see the list of available models.")


def _checked(body: Any, model: _Model, vertex: bool) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _invalid("Invalid JSON payload received. Unexpected token.")
    _known(body, {"instances", "parameters", "labels"} if vertex else {"instances", "parameters"}, "")
    instances = body.get("instances")
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
        raise _invalid("Invalid value at 'instances': exactly one instance is expected.")
    instance, parameters = instances[0], body.get("parameters", {})
    _known(instance, _INSTANCE | {"mask"} if vertex else _INSTANCE, "instances[0]")
    prompt = instance.get("prompt", "")
    if not isinstance(prompt, str) or not (prompt.strip() or instance.get("image")):
        raise _invalid("Invalid value at 'instances[0].prompt': a prompt or an image is needed.")
    if "lastFrame" in instance and "image" not in instance:
        raise _invalid("`lastFrame` needs `image`.")
    for name in ("image", "lastFrame"):
        if name in instance:
            _check_image(instance[name], f"instances[0].{name}", vertex)
    if not isinstance(parameters, dict):
        raise _invalid("Invalid value at 'parameters': an object is expected.")
    _check_parameters(parameters, model, vertex)
    return body


def _check_parameters(given: Mapping[str, Any], model: _Model, vertex: bool) -> None:
    for name in given:
        if name not in (_VERTEX_PARAMETERS if vertex else _PARAMETERS):
            raise _invalid(f"`{name}` isn't supported by this model. Please remove it or refer to the documentation.")
    _among(given, "aspectRatio", {"16:9", "9:16"})
    _among(given, "resolution", model.resolutions)
    _among(given, "personGeneration", _PEOPLE)
    _among(given, "resizeMode", {"pad", "crop"})
    # Range before set: Google names the bounds of what is beyond them.
    _whole(given, "durationSeconds", min(model.durations), max(model.durations))
    _among(given, "durationSeconds", model.durations)
    _whole(given, "sampleCount", 1, MOST_AT_ONCE)
    _whole(given, "seed", 0, 2**32 - 1)
    for name in ("enhancePrompt", "generateAudio"):
        if name in given and not isinstance(given[name], bool):
            raise _invalid(f"The value type for `{name}` needs to be a bool.")
    if "negativePrompt" in given and not isinstance(given["negativePrompt"], str):
        raise _invalid("The value type for `negativePrompt` needs to be a string.")
    if "generateAudio" in given and not model.sound:
        raise _invalid("`generateAudio` isn't supported by this model. Please remove it or refer to the documentation.")


def _among(given: Mapping[str, Any], name: str, allowed: set[str] | frozenset[str] | frozenset[int]) -> None:
    if name in given and (isinstance(given[name], list | dict) or given[name] not in allowed):
        raise _invalid(f"`{name}` does not support `{given[name]}`. Supported values are {sorted(allowed)}.")


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> None:
    if name not in given:
        return
    value = given[name]
    if not isinstance(value, int) or isinstance(value, bool):
        raise _invalid(f"The value type for `{name}` needs to be a number.")
    if not least <= value <= most:
        raise _invalid(f"`{name}` is out of bound. Please provide a value between {least} and {most}, inclusive.")


def _known(given: Mapping[str, Any], allowed: set[str], where: str) -> None:
    for name in given:
        if name not in allowed:
            at = f" at '{where}'" if where else ""
            raise _invalid(f'Invalid JSON payload received. Unknown name "{name}"{at}: Cannot find field.')


def _check_image(given: Any, where: str, vertex: bool) -> None:
    if not isinstance(given, dict):
        raise _invalid(f"Invalid value at '{where}': an object is expected.")
    _known(given, {"bytesBase64Encoded", "mimeType", "gcsUri"} if vertex else {"bytesBase64Encoded", "mimeType"}, where)
    # There is no bucket here that could be read.
    if "gcsUri" in given:
        raise _error(403, "PERMISSION_DENIED", f"The service account may not read {given['gcsUri']!r}.")
    stated = given.get("mimeType")
    if not isinstance(stated, str) or stated not in IMAGE_TYPES:
        raise _invalid(f"Unsupported mime type {stated!r} at '{where}'. Supported: {sorted(IMAGE_TYPES)}.")
    try:
        still = look_at_still(from_base64(given.get("bytesBase64Encoded")))
    except Unfit as unfit:
        raise _invalid(f"Unable to process input image at '{where}': {unfit}.") from unfit
    if still.mime != stated:
        raise _invalid(f"The image at '{where}' is {still.mime}, not {stated}.")
    if still.size_bytes > MOST_IMAGE_BYTES:
        raise _invalid(f"The image at '{where}' has {still.size_bytes} bytes; at most {MOST_IMAGE_BYTES} are allowed.")


def _status(code: Literal[1, 13], message: str) -> dict[str, Any]:
    return {"code": code, "message": message}


def _error(
    code: int,
    status: str,
    message: str,
    details: list[dict[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Said:
    told: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        told["details"] = details
    return refused(code, {"error": told}, headers)


def _invalid(message: str) -> Said:
    return _error(400, "INVALID_ARGUMENT", message)


def _dead_key(vertex: bool) -> Said:
    service = "aiplatform.googleapis.com" if vertex else "generativelanguage.googleapis.com"
    reason = {"@type": _INFO, "reason": "API_KEY_INVALID", "domain": "googleapis.com", "metadata": {"service": service}}
    return _error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", [reason])


def _no_token() -> Said:
    told = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return _error(401, "UNAUTHENTICATED", told, [{"@type": _INFO, "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED"}])
