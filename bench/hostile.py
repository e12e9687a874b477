"""What hostile files cost: `python bench/hostile.py`, every file of the tests' corpus through the doors of inputs.

The baseline is a good 1080p JPEG through the same sandbox in the same run. Prints, for each door, how many files were
refused and how many taken, the time in all, and the slowest. What callers are told is the tests' business.
"""

from __future__ import annotations

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from rushes.errors import ModelError
from rushes.media.decode import PictureLimits, decode_picture
from rushes.media.recording import RecordingLimits, decode_sound, decode_video
from rushes.media.sandbox import media_sandbox

sys.path.insert(0, str(Path(__file__).parents[1]))  # where `tests` is found

from tests.media import hostile_media as hostile
from tests.media import odd_media as odd

LOC = ("body", "url")
Door = Callable[[Path, Path], object]
DOORS: dict[str, Door] = {
    "picture": lambda source, to: decode_picture(source, to, PictureLimits(), LOC),
    "video": lambda source, to: decode_video(source, to, to.with_suffix(".sound"), RecordingLimits(), LOC),
    "sound": lambda source, to: decode_sound(source, to, RecordingLimits(), LOC),
}


def corpus(door: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files that this door is to be tried with."""
    yield from hostile.NO_MEDIA.items()
    yield from ((name, make(9, folder)) for name, make in odd.LEADING_ELSEWHERE.items())
    if door == "picture":
        pictures = {
            **hostile.BAD_PICTURES,
            **hostile.ODD_PICTURES,
            **{name: make for name, (make, _) in odd.ODD.items()},
        }
        yield from ((name, make()) for name, make in pictures.items())
        return
    yield from ((name, make(folder)) for name, make in hostile.RECORDINGS.items())
    odd_ones = odd.FILMS if door == "video" else odd.SOUNDS
    yield from ((name, make(folder)) for name, (make, _) in odd_ones.items())


def cost(door: Door, data: bytes, folder: Path) -> tuple[bool, float]:
    """Whether the file is taken, and the seconds that finding out took."""
    source, to = folder / "input", folder / "output"
    source.write_bytes(data)
    started = time.perf_counter()
    try:
        door(source, to)
    except ModelError:
        return False, time.perf_counter() - started
    return True, time.perf_counter() - started


def good() -> bytes:
    """A 1080p JPEG with nothing wrong."""
    file = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (108, 192, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((1920, 1080), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90)
    return file.getvalue()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        baseline = statistics.median(cost(DOORS["picture"], good(), folder)[1] for _ in range(7))
        helper = media_sandbox().pid
        print(f"a good 1080p JPEG: {1000 * baseline:.0f} ms")
        for door, opened in DOORS.items():
            found = {file: cost(opened, data, folder) for file, data in corpus(door, folder)}
            taken = sum(is_taken for is_taken, _ in found.values())
            in_all = sum(seconds for _, seconds in found.values())
            slowest = max(found, key=lambda file: found[file][1])
            worst = found[slowest][1]
            print(
                f"{door}: {len(found)} files in {in_all:.1f} s, {len(found) - taken} refused, {taken} taken; mean "
                f"{in_all / len(found) / baseline:.1f} times the good picture; slowest {worst:.2f} s ({slowest})"
            )
        print(f"the sandbox's helper is {'the same' if media_sandbox().pid == helper else 'ANOTHER'} one")
    media_sandbox().close()


if __name__ == "__main__":
    main()
