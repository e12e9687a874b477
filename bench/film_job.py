"""A film as a caller gets it: `python bench/film_job.py [--rounds 3]`, from the request to its answer.

One server with one runner on loopback makes image to video at 1280x720 and 1920x1080; upload, queue, decoding, checks,
rendering, encoding, poster, thumbnail and contact sheet are all in it. The baseline is the bare encoder: as many ready
YUV frames of a drifting picture through x264 veryfast at the same size, in this process, in turns with the jobs. The
last line is the most memory that server and runner had by then, the 10 s film at 1080p among it.
"""

from __future__ import annotations

import argparse
import base64
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
from encode import Film, direct, moving

from rushes.cli.client import Client
from rushes.cli.embedded import embedded_server
from rushes.media.paint import YuvFrames

PHOTOGRAPH = Path(__file__).parents[1] / "examples" / "mountain-path.jpg"
PROMPT = "slow push in, handheld, wind in the grass, clouds drift"


@dataclass(frozen=True, slots=True)
class Job:
    """A request, what comes of it, and how many frames a second are wanted of it."""

    endpoint: str
    more: Mapping[str, Any]
    size: tuple[int, int]
    frames: int
    wanted: int


JOBS = (
    Job("fal-ai/wan-i2v", {"aspect_ratio": "16:9", "seed": 1}, (1280, 720), 81, 60),
    Job("fal-ai/kling-video/v1.6/pro/image-to-video", {"duration": "10"}, (1920, 1080), 300, 25),
)


def picture() -> str:
    """The photograph in 16:9, as a data URI."""
    pixels = cv2.resize(cv2.imread(str(PHOTOGRAPH)), (1920, 1080), interpolation=cv2.INTER_CUBIC)
    _, data = cv2.imencode(".jpg", pixels, (cv2.IMWRITE_JPEG_QUALITY, 92))
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def made(client: Client, job: Job, image: str, to: Path) -> float:
    """Seconds from the request to its answer; the file is looked at, since it might be another."""
    started = time.perf_counter()
    output = client.platform("POST", f"/run/{job.endpoint}", {"prompt": PROMPT, "image_url": image, **job.more})
    taken = time.perf_counter() - started
    client.download(output["video"]["url"], to)
    with av.open(str(to)) as film:
        found = film.streams.video[0]
        size = found.codec_context.width, found.codec_context.height
        if (size, found.frames) != (job.size, job.frames):
            raise SystemExit(f"{job.endpoint} made {size} and {found.frames} frames, not {job.size} and {job.frames}")
    return taken


def bare(film: Film, to: Path) -> float:
    """Frames a second of the encoder alone."""
    started = time.perf_counter()
    direct(iter(film.ready), film, to)
    return len(film.ready) / (time.perf_counter() - started)


def peaks(server_pid: int) -> dict[str, int]:
    """The most MiB that the server and each of its children had in memory."""
    children = Path(f"/proc/{server_pid}/task/{server_pid}/children").read_text().split()
    return {name: peak for pid in (str(server_pid), *children) for name, peak in [_peak(pid)]}


def _peak(pid: str) -> tuple[str, int]:
    words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    name = next((word for word in words if word.startswith("rushes.")), words[0])
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return f"{name} {pid}", next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    image = picture()
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_server(Path(folder, "data")) as server,
        Client(server.url, server.key) as client,
    ):
        to = Path(folder, "film.mp4")
        for job in JOBS:
            pixels = moving(60, *job.size)
            film = Film(pixels, [YuvFrames(*job.size).fill(frame) for frame in pixels], "veryfast")
            made(client, job, image, to)
            pairs = [(job.frames / made(client, job, image, to), bare(film, to)) for _ in range(rounds)]
            ours = statistics.median(one for one, _ in pairs)
            alone = statistics.median(other for _, other in pairs)
            ratio = statistics.median(one / other for one, other in pairs)
            width, height = job.size
            print(
                f"{width}x{height}, {job.frames} frames: {ours:.0f} frames/s request to answer (wanted: {job.wanted}); "
                f"bare x264 veryfast {alone:.0f}; ratio {ratio:.2f}"
            )
        told = ", ".join(f"{name.split()[0]} {peak} MiB" for name, peak in peaks(server.pid).items())
        print(f"most memory: {told} (wanted: below 1024 for a 10 s film at 1080p)")


if __name__ == "__main__":
    main()
