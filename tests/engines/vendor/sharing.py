"""Inputs that a pretended vendor fetches by itself: a trip whose files lie behind a loopback address, and a video."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from rushes.endpoint import Media
from rushes.fakes.content import mp4
from rushes.fakes.serving import running
from tests.engines.vendor.rehearsal import Trip


@contextmanager
def sharing(root: Path) -> Iterator[Trip]:
    """Yield a trip to `root` that shares its files."""

    async def fetch(request: Request) -> Response:
        return FileResponse(root / request.path_params["name"])

    with running(Starlette(routes=[Route("/{name}", fetch)])) as url:
        yield Trip(root, share_at=url)


def video(folder: Path, seconds: float = 2.0, *, sound: bool = False) -> Media:
    """Make a small video input as `work.fetch` does."""
    folder.mkdir(exist_ok=True)
    path = folder / "video.mp4"
    path.write_bytes(mp4(160, 90, seconds, sound=sound))
    size = path.stat().st_size
    return Media(
        "video", str(path), "video/mp4", size, 160, 90, round(seconds * 24), 24.0, seconds, sound, source=str(path)
    )
