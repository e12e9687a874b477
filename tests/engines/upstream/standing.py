"""A machine on which the two models' own programs are set up, as far as tests need it: stubs in place of the models.

Everything around them is real: the recipes that come with Rushes, the processes, the files.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rushes.engines.upstream.setup import Setup
from rushes.routing import UpstreamDeployment

STUB = Path(__file__).parent / "stub"
MAGI_FILES = (
    "ckpt/t5/t5-v1_1-xxl/config.json",
    "ckpt/vae/config.json",
    "ckpt/magi/{}/inference_weight{}.distill/a.bin",
)
AVATAR_FILES = (
    "LongCat-Video-Avatar/vocal_separator/Kim_Vocal_2.onnx",
    "LongCat-Video-Avatar/avatar_single/config.json",
    *(f"LongCat-Video/{part}/config.json" for part in ("tokenizer", "text_encoder", "vae")),
)


@dataclass(frozen=True)
class Standing:
    """Folders of one such machine."""

    folder: Path

    @property
    def record(self) -> list[dict[str, Any]]:
        """What the stubs wrote down, a record for each run."""
        path = self.folder / "record.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def forget(self) -> None:
        """Begin the record anew."""
        (self.folder / "record.jsonl").unlink(missing_ok=True)

    def table(self, recipe: str, **more: Any) -> dict[str, Any]:
        """Return what stands in `[deployments.NAME]`."""
        given = {
            "engine": "upstream",
            "recipe": recipe,
            "folder": str(self.folder / "work"),
            "source": str(self.folder / "source"),
            "python": str(self.folder / "bin" / "python"),
            "weights": str(self.folder / "weights"),
            "disk_gb": 0.5,
            "environment": {"STUB_RECORD": str(self.folder / "record.jsonl")},
        }
        return {**given, **more}

    def setup(self, recipe: str, **more: Any) -> Setup:
        """Return it as the engine gets it."""
        return Setup.of(UpstreamDeployment(**self.table(recipe, **more)).within("one", self.folder))


def stand(folder: Path) -> Standing:
    """Set the machine up in an empty folder."""
    shutil.copytree(STUB, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "bin").mkdir()
    # No link: where the link lies, no packages would be found.
    _program(folder / "bin" / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    for name in ("ffmpeg", "ffprobe"):
        _program(folder / "bin" / name, "#!/bin/sh\n")
    sets = (("4.5B_distill_quant", ".fp8"), ("4.5B_distill", ""), ("24B_distill_quant", ".fp8"))
    names = [name.format(*one) for name in MAGI_FILES for one in sets]
    for name in (*names, *AVATAR_FILES):
        path = folder / "weights" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("stub")
    return Standing(folder)


def _program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def picture_file(folder: Path, width: int, height: int) -> str:
    """Write a decoded picture, black on the left and white on the right, with a grey edge all around."""
    pixels = np.full((height, width, 3), 128, np.uint8)
    pixels[8:-8, 8 : width // 2] = 0
    pixels[8:-8, width // 2 : -8] = 255
    path = folder / f"picture-{width}x{height}.npy"
    np.save(path, pixels)
    return str(path)


def is_alive(pid: int) -> bool:
    """Say whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ours(folder: Path) -> list[int]:
    """Return the ids of all processes with the stubs' variables: the stubs and what they started."""
    mark, found = f"STUB_RECORD={folder}/".encode(), []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in place.read_bytes() and int(place.parent.name) != os.getpid():
                found.append(int(place.parent.name))
        except OSError:
            continue
    return [pid for pid in found if is_alive(pid)]
