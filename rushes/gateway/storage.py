"""Which route of storage is which (protocol 7): tokens, uploads whole and in parts, and reading files.

How an upload is taken stands in `uploads` and `multipart`, how a file is sent in `downloads`, to whom in `sharing`.
"""

from __future__ import annotations

from rushes.errors import Rejection
from rushes.gateway import multipart, sharing, tokens, uploads, webhooks
from rushes.gateway.downloads import FileReply
from rushes.gateway.replies import not_allowed
from rushes.gateway.visit import Answer, Visit


async def handle(visit: Visit) -> Answer:
    """Answer everything below /storage (rest group) and /files (cdn group)."""
    match (visit.method, *visit.segments):
        case (_, ".well-known", "jwks.json"):
            return await webhooks.jwks(visit)
        case (_, "tokens", *_):
            return await tokens.handle(visit)
        case ("GET" | "HEAD", "files", "b", file_id, _):  # `b` as on fal's own hosts
            return await send(visit, file_id)
        case ("POST", "files", "b", file_id, _, "sign"):
            return await sharing.sign(visit, file_id)
        case ("POST", "storage", "auth", "token"):
            return await uploads.give_token(visit)
        case ("POST", "storage", "upload", "initiate"):
            return await uploads.initiate(visit)
        case ("POST", "files", "upload"):
            return await uploads.take_whole(visit)
        case ("PUT", "files", "upload", promise) if promise != "multipart":
            return await uploads.take_promised(visit, promise)
    answer = await _in_parts(visit)
    return answer if answer is not None else _refused(visit)


async def _in_parts(visit: Visit) -> Answer | None:
    """Answer the routes of uploads in parts, of which each dialect has its own; None for other paths."""
    match (visit.method, *visit.segments):
        case ("POST", "storage", "upload", "initiate-multipart"):
            return await multipart.initiate(visit)
        case ("POST", "files", "upload", "multipart"):
            return await multipart.begin(visit)
        case ("PUT", "files", "upload", token, number) | ("PUT", "files", "b", _, _, "multipart", token, number):
            return await multipart.take_part(visit, token, number)
        case ("GET", "files", "upload", "multipart"):  # the word is a route of its own, never a token
            return None
        case ("GET", "files", "upload", token) | ("GET", "files", "b", _, _, "multipart", token):
            return await multipart.list_parts(visit, token)
        case ("POST", "files", "upload", token, "complete"):
            return await multipart.complete(visit, token)
        case ("POST", "files", "b", _, _, "multipart", token, "complete"):
            return await multipart.complete(visit, token)
    return None


async def send(visit: Visit, file_id: str) -> Answer:
    """Answer with a stored file, if its reader may have it. The name in the URL is for people."""
    services = visit.services
    file = await services.files.stat(file_id)
    if file is None:
        raise sharing.not_found()
    sharing.check_reader(visit, file)
    return FileReply(services.files, file, services.clock())


def _refused(visit: Visit) -> Answer:
    """Tell a wrong method from a path that is not there. Raises Rejection(404) for the latter."""
    match visit.segments:
        case ("files", "b", _, _):
            return not_allowed("GET", "HEAD")
        case ("files", "upload") | ("files", "upload", "multipart") | ("files", "b", _, _, "sign"):
            return not_allowed("POST")
        case ("files", "upload", _):
            return not_allowed("PUT", "GET")
        case ("files", "b", _, _, "multipart", _):
            return not_allowed("GET")
        case ("files", "upload", _, word) | ("files", "b", _, _, "multipart", _, word):
            return not_allowed("POST" if word == "complete" else "PUT")
        case ("storage", "auth", "token") | ("storage", "upload", _):
            return not_allowed("POST")
    raise Rejection(404, f"Path /{'/'.join(visit.segments)[:200]} not found")
