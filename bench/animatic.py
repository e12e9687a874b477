"""How many frames a second the animatic renders, alone and as a whole job, beside the cheapest possible move.

    python bench/animatic.py [--frames 81] [--prompt "slow push in, handheld"]

The cheapest move is one cv2.warpAffine per frame. "In a film" is rendering, encoding (mp4, high, balanced: x264
veryfast), poster, thumbnail and contact sheet together; "without pictures" is the same without the last three. The
picture is made here. They alternate, and the best of three runs of each counts, so that another process on the machine
disturbs all alike.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.media.companions import FilmPictures
from rushes.media.encode import encode_video
from rushes.work.products import watched

SIZES = ((854, 480), (1280, 720), (1920, 1080))
RUNS = 3


def photograph() -> npt.NDArray[np.uint8]:
    """Return 12 megapixels of landscape-like noise."""
    noise = np.random.default_rng(1).uniform(0, 255, (375, 500, 3)).astype(np.float32)
    picture = cv2.resize(noise, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    picture[:1200] = picture[:1200] * 0.1 + 160
    return np.clip(picture, 0, 255).astype(np.uint8)


def seconds(work: Callable[[], None]) -> float:
    """Return how long a piece of work took."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def animatic(call: AnimaticCall) -> float:
    """Render a whole clip, setting up included, and drop it chunk by chunk as an encoder would."""

    def work() -> None:
        for _ in AnimaticEngine().generate(call, lambda progress: None, lambda: False).chunks:
            pass

    return seconds(work)


def film(call: AnimaticCall, to: Path, *, pictures: bool) -> float:
    """Render and encode a whole clip, as a job does."""

    def work() -> None:
        chunks = AnimaticEngine().generate(call, lambda progress: None, lambda: False).chunks
        passing = FilmPictures(call.frames)
        encode_video(
            watched(chunks, lambda: None, passing.see if pictures else None),
            to,
            width=call.width,
            height=call.height,
            fps=call.fps,
            frames=call.frames,
        )
        passing.write(to.parent)

    return seconds(work)


def slide(call: AnimaticCall, picture: npt.NDArray[np.uint8]) -> float:
    """Slide the same photograph flat across the same frames."""
    small = cv2.resize(picture, (call.width + 64, call.height + 64), interpolation=cv2.INTER_AREA)

    def work() -> None:
        for index in range(call.frames):
            shift = np.array([[1, 0, -0.5 * index], [0, 1, -0.25 * index]], np.float32)
            cv2.warpAffine(small, shift, (call.width, call.height), flags=cv2.INTER_CUBIC)

    return seconds(work)


def main() -> None:
    """Print a line for each size."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--frames", type=int, default=81, help="frames of each clip (81)")
    options.add_argument("--prompt", default="slow push in, handheld", help="the camera's instructions")
    given = options.parse_args()
    picture = photograph()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "photograph.npy"
        np.save(path, picture)
        print(f"{cv2.getNumThreads()} threads, {given.frames} frames, best of {RUNS}, {given.prompt!r}")
        for width, height in SIZES:
            call = AnimaticCall(given.prompt, width, height, given.frames, 16.0, 1, str(path))
            to = Path(folder) / "film.mp4"
            ways: tuple[Callable[[], float], ...] = (
                lambda: animatic(call),  # noqa: B023  called before the next size comes
                lambda: film(call, to, pictures=True),  # noqa: B023
                lambda: film(call, to, pictures=False),  # noqa: B023
                lambda: slide(call, picture),  # noqa: B023
            )
            runs = [[way() for way in ways] for _ in range(RUNS)]
            ours, whole, plain, flat = (given.frames / min(column) for column in zip(*runs, strict=True))
            print(
                f"{width}x{height}: animatic {ours:6.0f} frames/s   in a film {whole:6.0f} frames/s "
                f"(without pictures {plain:.0f})   warpAffine (cubic) {flat:6.0f} frames/s"
            )


if __name__ == "__main__":
    main()
