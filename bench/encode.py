"""How much of the bare encoder's speed `encode_video` keeps: `python bench/encode.py [--frames 120] [--rounds 5]`.

The same moving picture goes, in turns, through `encode_video` as RGB and straight into x264 with the same settings as
ready YUV frames. Prints frames per second of both (medians) and their ratio; the turns even out what else the machine
does. Nothing is rendered, so this is the encoder's own ceiling.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rushes.media.encode import FrameChunk, encode_video
from rushes.media.paint import YuvFrames

WIDTH, HEIGHT, FPS = 1280, 720, 16


def film(frames: int) -> FrameChunk:
    """A textured picture that drifts, so that motion search has something to do."""
    dice = np.random.default_rng(5)
    y, x = np.mgrid[0:HEIGHT, 0 : WIDTH + frames * 2]
    waves = 96 + 60 * np.sin(x / 37) + 50 * np.cos(y / 23 + x / 91)
    wide = np.stack([waves, waves * 0.8 + y / 12, 220 - waves * 0.7], -1) + dice.normal(0, 3, (*x.shape, 3))
    wide8 = np.clip(wide, 0, 255).astype(np.uint8)
    return np.stack([wide8[:, 2 * n : 2 * n + WIDTH] for n in range(frames)])


def bare(frames: list[av.VideoFrame], to: Path) -> None:
    """Encode ready frames in this thread, with the settings that `encode_video` uses."""
    with av.open(str(to), "w", format="mp4", options={"movflags": "+faststart"}) as file:
        stream = file.add_stream("libx264", rate=FPS)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt, context.gop_size = WIDTH, HEIGHT, "yuv420p", 2 * FPS
        context.options = {"preset": "veryfast", "crf": "17", "x264-params": "mbtree=0:bframes=0:threads=4"}
        for number, frame in enumerate(frames):
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def timed(work: Callable[[], object]) -> float:
    """Seconds that one run takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    pixels = film(given.frames)
    ready = [YuvFrames(WIDTH, HEIGHT).fill(frame) for frame in pixels]
    ours: list[float] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder) / "clip.mp4"
        chunks = np.array_split(pixels, max(1, given.frames // 8))
        for _ in range(given.rounds + 1):
            ours.append(timed(lambda: encode_video(iter(chunks), to, width=WIDTH, height=HEIGHT, fps=FPS)))
            theirs.append(timed(lambda: bare(ready, to)))
    # The first round warms up.
    speeds = [given.frames / statistics.median(times[1:]) for times in (ours, theirs)]
    ratios = [b / a for a, b in zip(ours[1:], theirs[1:], strict=True)]
    print(f"encode_video {speeds[0]:.1f} fps, bare x264 {speeds[1]:.1f} fps, ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
