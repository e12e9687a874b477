"""How much of the bare encoder's speed `encode_video` keeps: `python bench/encode.py [--frames 90] [--rounds 5]`.

The same moving picture goes, in turns, through our encoder as RGB, straight into x264 with the same settings as ready
YUV frames, through PyAV as it is usually written (`from_ndarray`, converted by `encode`), and through the `ffmpeg`
command line as raw RGB on a pipe. Prints frames per second (medians) and ratios to the bare encoder (medians of the
rounds' ratios), and last how fast we are against the command line; the turns even out what else the machine does.
Nothing is rendered, so this is the encoder's own ceiling. ffmpeg is taken from the path, else from the package
`imageio-ffmpeg` (`pip install imageio-ffmpeg`); without one its column is left out.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rushes.media.encode import FrameChunk, encode_recipe
from rushes.media.paint import YuvFrames
from rushes.media.video_formats import THREADS, Recipe

FPS = 16
SIZES = ((1280, 720), (1920, 1080))
PRESETS = ("veryfast", "ultrafast")
PARAMS = f"mbtree=0:bframes=0:threads={THREADS}"


@dataclass(frozen=True, slots=True)
class Film:
    """The pixels, the same as ready frames, and what they are encoded with."""

    pixels: FrameChunk
    ready: list[av.VideoFrame]
    preset: str

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[2], self.pixels.shape[1]

    @property
    def options(self) -> dict[str, str]:
        """Options of libx264."""
        return {"preset": self.preset, "crf": "17", "x264-params": PARAMS}


def moving(frames: int, width: int, height: int) -> FrameChunk:
    """A textured picture that drifts, so that motion search has something to do."""
    dice = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0 : width + frames * 2]
    waves = 96 + 60 * np.sin(x / 37) + 50 * np.cos(y / 23 + x / 91)
    wide = np.stack([waves, waves * 0.8 + y / 12, 220 - waves * 0.7], -1) + dice.normal(0, 3, (*x.shape, 3))
    wide8 = np.clip(wide, 0, 255).astype(np.uint8)
    return np.stack([wide8[:, 2 * n : 2 * n + width] for n in range(frames)])


def ours(film: Film, to: Path) -> None:
    """Encode as a job does, with this preset."""
    chunks = iter(np.array_split(film.pixels, max(1, len(film.pixels) // 8)))
    how = Recipe("mp4", "video/mp4", "libx264", "yuv420p", film.options, {"movflags": "+faststart"})
    encode_recipe(chunks, to, width=film.size[0], height=film.size[1], fps=FPS, how=how)


def direct(frames: Iterator[av.VideoFrame], film: Film, to: Path) -> None:
    """Encode frames in this thread."""
    with av.open(str(to), "w", format="mp4", options={"movflags": "+faststart"}) as file:
        stream = file.add_stream("libx264", rate=FPS)
        context = stream.codec_context
        context.width, context.height = film.size
        context.pix_fmt, context.gop_size, context.options = "yuv420p", 2 * FPS, film.options
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def usual(film: Film, to: Path) -> None:
    """Encode RGB as PyAV's own examples do."""
    direct((av.VideoFrame.from_ndarray(pixels, format="rgb24") for pixels in film.pixels), film, to)


def pipe(film: Film, to: Path, ffmpeg: str) -> None:
    """Send raw RGB to the command line."""
    width, height = film.size
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", str(FPS), "-i", "-"]
    wanted = ["-c:v", "libx264", "-preset", film.preset, "-crf", "17", "-x264-params", PARAMS, "-g", str(2 * FPS)]
    command = [ffmpeg, "-y", "-v", "error", *given, *wanted, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(to)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for pixels in film.pixels:
            process.stdin.write(memoryview(pixels).cast("B"))
        process.stdin.close()
        if process.wait():
            raise RuntimeError(f"ffmpeg ended with {process.returncode}")


def command_line() -> str | None:
    """Find ffmpeg: on the path, else in the package that brings one."""
    on_path = shutil.which("ffmpeg")
    if on_path is not None or importlib.util.find_spec("imageio_ffmpeg") is None:
        return on_path
    return str(importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe())


def timed(work: Callable[[], object]) -> float:
    """Seconds that one run takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Time each way once a round; a first round warms up."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, work in ways.items():
            times[name].append(timed(work))
    return {name: taken[1:] for name, taken in times.items()}


def measure(film: Film, rounds: int, ffmpeg: str | None, to: Path) -> str:
    """Return a line about one size and preset."""
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: direct(iter(film.ready), film, to),
        "ours": lambda: ours(film, to),
        "usual PyAV": lambda: usual(film, to),
    }
    if ffmpeg is not None:
        ways["ffmpeg pipe"] = lambda: pipe(film, to, ffmpeg)
    times = in_turns(ways, rounds)
    parts = []
    for name, taken in times.items():
        speed = len(film.pixels) / statistics.median(taken)
        ratio = statistics.median(bare / one for bare, one in zip(times["bare"], taken, strict=True))
        parts.append(f"{name} {speed:.0f} fps ({ratio:.3f})")
    if "ffmpeg pipe" in times:
        ratio = statistics.median(one / us for one, us in zip(times["ffmpeg pipe"], times["ours"], strict=True))
        parts.append(f"ours against the pipe {ratio:.2f}")
    return ", ".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    ffmpeg = command_line()
    if ffmpeg is None:
        print("no ffmpeg found: its pipe is left out (pip install imageio-ffmpeg brings one)")
    with tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            pixels = moving(given.frames, width, height)
            ready = [YuvFrames(width, height).fill(frame) for frame in pixels]
            for preset in PRESETS:
                line = measure(Film(pixels, ready, preset), given.rounds, ffmpeg, Path(folder) / "clip.mp4")
                print(f"{width}x{height} {preset}: {line}")


if __name__ == "__main__":
    main()
