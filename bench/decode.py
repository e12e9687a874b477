"""What decoding a picture in the sandbox costs above decoding it in process: `python bench/decode.py [--rounds 15]`.

The same pictures go, in turns, through `decode_picture` with the warm helper and through the same decoder called in
this process (`decode_task.decode`, which writes the same array), and beside both through plain Pillow without a file.
Prints medians in milliseconds, and the difference of the first two: what the sandbox itself costs. The issue asks for
less than 20 ms.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from rushes.media.decode import SUPPORTED, PictureLimits, decode_picture
from rushes.media.decode_task import decode
from rushes.media.sandbox import media_sandbox

LIMITS = PictureLimits()


def scene(width: int, height: int, alpha: bool = False) -> Image.Image:
    """A textured picture; with `alpha` its edges fade."""
    dice = np.random.default_rng(5)
    y, x = np.mgrid[0:height, 0:width]
    waves = 96 + 60 * np.sin(x / 37) + 50 * np.cos(y / 23 + x / 91)
    bands = [waves, waves * 0.8 + y / 32, 220 - waves * 0.7] + [np.minimum(x, y)] * alpha
    pixels = np.stack(bands, -1) + dice.integers(-3, 4, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def write_pictures(folder: Path) -> dict[str, Path]:
    """The pictures to decode, by name."""
    full = scene(1920, 1080)
    pictures = {
        "1080p JPEG": (full, "JPEG", {"quality": 90}),
        "1080p PNG": (full, "PNG", {}),
        "1080p WebP": (full, "WEBP", {"quality": 90}),
        "64x64 PNG": (full.resize((64, 64)), "PNG", {}),
        "4000x4000 PNG, alpha": (scene(4000, 4000, alpha=True), "PNG", {"compress_level": 1}),
    }
    paths = {}
    for number, (name, (picture, format, options)) in enumerate(pictures.items()):
        paths[name] = folder / str(number)
        picture.save(paths[name], format, **options)
    return paths


def ms(work: Callable[[], object]) -> float:
    """Milliseconds that one run takes."""
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def plain(path: Path) -> None:
    """What anyone would write: Pillow, in this process, no file."""
    with Image.open(path) as picture:
        np.asarray(picture.convert("RGB"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    limits = replace(LIMITS, memory_bytes=2 << 30)
    sizes = {"max_width": 16_384, "max_height": 16_384, "max_pixels": 100_000_000, "min_side": 16}
    print(f"{'':<22}{'sandbox':>10}{'in process':>12}{'Pillow':>9}{'cost':>8}   ms, medians of {rounds}")
    with tempfile.TemporaryDirectory() as folder:
        to = Path(folder, "out.npy")
        for name, path in write_pictures(Path(folder)).items():
            here: dict[str, Any] = {"source": str(path), "to": str(to), "formats": list(SUPPORTED.values()), **sizes}
            ways: tuple[Callable[[], object], ...] = (
                partial(decode_picture, path, to, limits, ("body",)),
                partial(decode, **here),
                partial(plain, path),
            )
            for way in ways:
                way()
            taken = zip(*[[ms(way) for way in ways] for _ in range(rounds)], strict=True)
            sandbox, process, pillow = (statistics.median(times) for times in taken)
            print(f"{name:<22}{sandbox:10.1f}{process:12.1f}{pillow:9.1f}{sandbox - process:8.1f}")
    media_sandbox().close()


if __name__ == "__main__":
    main()
