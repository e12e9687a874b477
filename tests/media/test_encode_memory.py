"""How much memory a film takes: a process of its own encodes it and says what its peak was."""

from __future__ import annotations

import subprocess
import sys

import pytest

FILM = """
import itertools, sys
from pathlib import Path
import numpy as np
from rushes.endpoint import VideoFormat
from rushes.media.companions import FilmPictures
from rushes.media.encode import encode_video

container, to, frames = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
picture = np.random.default_rng(1).integers(0, 256, (360, 640 + 64, 3), dtype=np.uint8) // 4
passing = FilmPictures(frames)

def chunks():
    for at in range(0, frames, 8):
        count = min(8, frames - at)
        chunk = np.stack([picture[:, (at + n) % 64 :][:, :640] for n in range(count)])
        passing.see(chunk)
        yield chunk

encode_video(chunks(), to, width=640, height=360, fps=24, frames=frames, look=VideoFormat(container, "low", "fast"))
passing.write(to.parent)
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""
JOB = """
import sys
from pathlib import Path
import cv2, numpy as np
from rushes.calls import AnimaticCall
from rushes.endpoint import Clip, Delivery
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.work.products import make_products
from tests.work.parts import Told

noise = np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
folder = Path(sys.argv[1])
np.save(folder / "picture.npy", cv2.resize(noise, (4000, 3000), interpolation=cv2.INTER_CUBIC))
call = AnimaticCall("slow push in, handheld, rain", 1920, 1080, 240, 24.0, 1, str(folder / "picture.npy"))
output = AnimaticEngine().generate(call, lambda progress: None, lambda: False)
(film,) = make_products(output, Clip(1920, 1080, 240, 24), Delivery(), folder, Told())
assert film.duration_s == 10.0 and len(film.companions) == 3
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
"""


def peak_mib(code: str, *words: object) -> float:
    """Run a program that prints its peak in KiB. The kernel's VmHWM is of the program alone; what getrusage says begins

    with the peak of the process that started it.
    """
    done = subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


@pytest.mark.parametrize("container", ["mp4", "gif"])
def test_a_longer_film_takes_no_more_memory(container: str, tmp_path: object) -> None:
    short, long = (peak_mib(FILM, container, f"{tmp_path}/film", frames) for frames in (24, 72))
    assert long < short + 12, "48 more frames are 32 MiB of pixels"


@pytest.mark.slow
def test_ten_seconds_of_1080p_stay_under_a_gigabyte(tmp_path: object) -> None:
    assert peak_mib(JOB, tmp_path) < 1000
