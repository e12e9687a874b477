"""Hands visits to the platform's app, which is loaded and built when the first of them comes.

The app sees the paths of fal's own host (`/v1/models`), whatever prefix a visit came by, and finds the Visit in its
scope under "rushes". HEAD is answered as GET; the server leaves the body out.
"""

from __future__ import annotations

import asyncio
from urllib.parse import quote
from weakref import WeakKeyDictionary

from starlette.types import ASGIApp, Receive, Scope, Send

from rushes.gateway.visit import Answer, Visit
from rushes.jobs.store import JobStore

_apps: WeakKeyDictionary[JobStore, ASGIApp] = WeakKeyDictionary()
"""One app for each server in this process: it remembers answers to repeated calls."""


async def handle(visit: Visit) -> Answer:
    """Return an answer that runs the app on this visit."""
    app = _apps.get(visit.services.jobs)
    if app is None:
        # In a thread, so that polls are still answered while it loads.
        built = await asyncio.to_thread(_build)
        app = _apps.setdefault(visit.services.jobs, built)

    async def answer(_: Scope, __: Receive, send: Send) -> None:
        await app(_inner_scope(visit), visit.receive, send)

    return answer


def _build() -> ASGIApp:
    # FastAPI takes 0.2 s to load, half of what a start may take.
    from rushes.gateway.platform.app import build  # noqa: PLC0415

    return build()


def _inner_scope(visit: Visit) -> Scope:
    path = "/" + "/".join(visit.segments)
    return {
        **visit.scope,
        "method": "GET" if visit.method == "HEAD" else visit.method,
        "path": path,
        "raw_path": quote(path).encode(),
        "root_path": "",
        "rushes": visit,
    }
