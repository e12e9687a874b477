"""A program for `test_repeats`: makes one of every kind, and prints what came of each.

    python -m tests.engines.animatic.shaken FOLDER THREADS

Every chunk is held until all are drawn, as an encoder that lags behind does, and read only then. Films are small and
short: what differs between two runs differs in what is worked out before the first frame, or in every frame.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.calls import Call, Mask, SpeechCall, StillsCall, ViewCall
from rushes.engines.animatic.depth import Picture, Plane, edges
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.shot import depth_of
from rushes.engines.engine import Frames, Pictures, SoundTrack
from tests.engines.animatic.asking import call, counting, recorded, sounding
from tests.engines.animatic.pictures import landscape, saved, textured
from tests.engines.animatic.test_face import face

# Pictures of other sizes and blobs: one alone can round alike by chance, the more so the more is done with it.
DEPTHS, EDGES = 4, 100
EFFECTS = ("hug", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")


def calls(folder: Path) -> Mapping[str, Call]:
    """Return a call of each kind."""
    view, blobs, person = (saved(one, folder) for one in (landscape(320, 180), textured(200, 200), face()))
    tone, video = sounding(1.0, folder), recorded(counting(12), folder)
    turned = cv2.warpAffine(textured(200, 200), cv2.getRotationMatrix2D((100, 100), 5, 1.1), (240, 200))
    other = saved(np.asarray(turned, np.uint8), folder)
    mask = saved(
        np.asarray(cv2.circle(np.zeros((60, 100, 3), np.uint8), (50, 30), 12, (255,) * 3, -1), np.uint8), folder
    )
    films: dict[str, Mapping[str, Any]] = {
        "moves": {"prompt": "slow push in, handheld", "image": view},
        "draws back": {"prompt": "pull out", "image": blobs},
        "smears": {"prompt": "whip pan right", "image": view},
        "weather": {"prompt": "heavy rain, snow, fog, wind, fire, embers, waves, clouds drift", "image": view},
        "drawn": {"prompt": "a cat walks through a forest in the rain at night, orbit left"},
        "loops": {"image": view, "loop": True},
        "morphs": {"image": blobs, "end_image": other},
        "dissolves": {"image": view, "end_image": blobs},
        "masks": {"image": view, "masks": (Mask(mask, ((0.5, 0.5), (0.7, 0.4))),)},
        "board": {"pictures": (view, blobs, person)},
        "lips": {"prompt": "", "image": person, "sound": tone, "lipsync": True},
        "carried on": {"video": video, "keep": 6},
        "made over": {"prompt": "an oil painting in the snow", "video": video, "strength": 0.95},
        "reframed": {"video": video, "width": 90, "height": 160},
        "foley": {"image": view, "foley": "rain, thunder, footsteps, birds"},
        **{f"style {style}": {"image": view, "style": style} for style in ("anime", "clay", "comic", "cyberpunk")},
        **{f"effect {effect}": {"image": person, "effect": effect} for effect in EFFECTS},
    }
    return {
        **{name: call(**{"frames": 8, **given}) for name, given in films.items()},
        "stills": StillsCall("a lighthouse by the sea", 160, 90, 2, 3, image=person),
        "view": ViewCall(view, 160, 90, x=0.5, z=0.4, yaw=5.0, zoom=0.3),
        "speech": SpeechCall("Good morning.", plain=True),
    }


def main(folder: Path, threads: int) -> None:
    """Print a JSON object of marks."""
    cv2.setNumThreads(threads)
    marks = {name: mark(made(one)) for name, one in calls(folder).items()}
    for number in range(DEPTHS):
        marks[f"depth {number}"] = mark([depth_of(textured(160 + 23 * number, 200 + 11 * number, seed=number))])
    for number in range(EDGES):
        marks[f"edges {number}"] = mark([edges(noise(200 + number, 130, seed=number))])
    print(json.dumps(marks))


def noise(width: int, height: int, seed: int) -> Plane:
    """Return (height, width) of noise."""
    return np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)


def made(one: Call) -> list[npt.NDArray[Any]]:
    """Return everything that a call gives, none of it read before the last has come."""
    output = AnimaticEngine().generate(one, lambda progress: None, lambda: False)
    match output:
        case Frames(chunks, sound):
            return [*chunks, *(sound.chunks if sound is not None else ())]
        case Pictures(pictures):
            return list[Picture](pictures)
        case SoundTrack():
            return list(output.chunks)
    raise TypeError(f"{type(one).__name__} gave {type(output).__name__}")


def mark(parts: Iterable[npt.NDArray[Any]]) -> str:
    """Return a hash."""
    seen = hashlib.sha256()
    for part in parts:
        seen.update(np.ascontiguousarray(part).tobytes())
    return seen.hexdigest()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
