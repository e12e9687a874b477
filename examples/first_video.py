"""A first video, from a photograph and a sentence, through the official Python client as it was installed.

Starts a server of its own on a free loopback port with a temporary data folder, uploads the picture, subscribes, shows
the logs, downloads the film to ./out, says what it is and who made it, and stops the server. `make run` calls this.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av
import fal_client
import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

import rushes
from rushes.cli.embedded import embedded_server

ENDPOINT = "fal-ai/wan-i2v"
PICTURE = Path(__file__).parent / "mountain-path.jpg"
PROMPT = "Slow dolly forward along the mountain path, clouds drifting over the peaks"
OUT = Path("out")

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Make the film and tell about it."""
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder, embedded_server(Path(folder)) as server:
        console.print(f"Server     {server.url}, ready after {time.monotonic() - begun:.1f} s")
        rushes.connect(server.url, server.key)
        submitted = time.monotonic()
        video, served_by = make_video()
        took = time.monotonic() - submitted
    console.print(f"Film       {video.resolve()}")
    console.print(f"           {describe(video)}")
    console.print(f"Took       {took:.1f} s from upload to download")
    console.print(f"Served by  {served_by}")


def make_video() -> tuple[Path, str]:
    """Upload, subscribe, download; return the file and who made it. All of it is the official client's API."""
    picture = fal_client.upload_file(PICTURE)
    console.print(f"Picture    {picture}")
    ids: list[str] = []
    with Progress(
        TextColumn("          "), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), console=console
    ) as bar:
        result = fal_client.subscribe(
            ENDPOINT,
            arguments={"prompt": PROMPT, "image_url": picture},
            with_logs=True,
            on_enqueue=ids.append,
            on_queue_update=Follower(bar),
        )
    OUT.mkdir(exist_ok=True)
    target = OUT / "first_video.mp4"
    target.write_bytes(httpx.get(result["video"]["url"]).raise_for_status().content)
    return target, maker(ids[0])


class Follower:
    """Prints log lines as they come and moves the bar by the progress that they carry."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task(ENDPOINT, total=1.0)
        self._seen = 0

    def __call__(self, status: fal_client.Status) -> None:
        lines = getattr(status, "logs", None) or []
        for line in lines[self._seen :]:
            console.print(f"Log        {line['message']}")
            progress = (line.get("labels") or {}).get("progress")
            if progress is not None:
                self._bar.update(self._task, completed=float(progress))
        self._seen = max(self._seen, len(lines))
        if isinstance(status, fal_client.Completed):
            self._bar.update(self._task, completed=1.0)


def maker(request_id: str) -> str:
    """Ask who really made it; the server says so in a header of the result."""
    request = fal_client.sync_client.get_handle(ENDPOINT, request_id)
    return request.client.get(request.response_url).headers.get("x-rushes-served-by", "a server that does not say")


def describe(video: Path) -> str:
    """Read the file itself, not what was promised."""
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        frames, fps = stream.frames, float(stream.average_rate or 0)
        size = f"{stream.codec_context.width}x{stream.codec_context.height}"
    return f"{size}, {frames} frames at {fps:g} per second = {frames / fps:.2f} s, {video.stat().st_size / 1e6:.2f} MB"


if __name__ == "__main__":
    main()
