"""How many frames a second each kind of animatic makes, rendered and encoded, beside the plain photograph's film.

    python bench/kinds.py [--frames 81] [--height 720] [--only drawn,rain]

For each kind two numbers count: the processor's time for rendering a frame, without what is done once for a film, and
the frames a second of a whole job (rendering, x264 veryfast, poster, thumbnail and contact sheet; what is done once
included). The plain film runs again beside every kind, and the best of RUNS of each counts; the ratio is what holds on
another machine. The pictures and the video are made here.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from animatic import RUNS, film

from rushes.calls import AnimaticCall, Mask
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.animatic.scene import draw_scene
from rushes.media.encode import encode_video

FPS = 24.0
PLAIN = "photograph"
DRAWN = {
    "drawn, forest": "a cat walks through a forest at dawn, slow push in",
    "drawn, rainy street": "a crowd on a city street at night in the rain, neon signs, tracking shot",
    "drawn, fog": "a deer in a foggy forest, birds fly, orbit",
    "drawn, stage": "two robots dance on a stage, confetti, handheld",
    "drawn, portrait": "close-up portrait of a woman in a garden, wind in her hair",
}
WEATHER = {
    "rain and wind": "heavy rain and strong wind, slow push in",
    "snow": "a blizzard, snow falls, slow push in",
    "fog": "thick fog drifts, slow push in",
    "water": "waves, a river flows, clouds drift, slow push in",
    "leaves": "autumn leaves fall, wind in the trees, slow push in",
    "fire": "fire flickers, embers rise, slow push in",
}
EFFECTS = ("hug", "kiss", "heart_gesture", "squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")
STYLES = ("anime", "3d_animation", "clay", "comic", "cyberpunk")
MAKEOVERS = {
    "oil": "an oil painting at sunset",
    "comic in the rain": "a comic in the rain",
    "watercolour in snow": "winter, snow falls, watercolour",
    "pencil": "a pencil sketch",
}


def shot(folder: Path, name: str, picture: npt.NDArray[np.uint8]) -> str:
    """Keep a picture as the engine is given one."""
    np.save(folder / f"{name}.npy", picture)
    return str(folder / f"{name}.npy")


def video(folder: Path, plain: AnimaticCall) -> str:
    """Keep the plain film as a video to be made over."""
    to = folder / "video.mp4"
    chunks = AnimaticEngine().generate(plain, lambda progress: None, lambda: False).chunks
    encode_video(chunks, to, width=plain.width, height=plain.height, fps=FPS, frames=plain.frames)
    return str(to)


def kinds(folder: Path, width: int, height: int, frames: int) -> dict[str, AnimaticCall]:
    """Return a call of each kind."""
    scene = draw_scene("a lighthouse on a rocky coast, trees, clouds", 3, 2400, 1350)[0]
    grain = np.random.default_rng(1).normal(0.0, 6.0, scene.shape)  # as a photograph has, for the encoder's sake
    picture = np.clip(scene + grain, 0, 255).astype(np.uint8)
    turn = cv2.getRotationMatrix2D((1200, 675), 6.0, 1.2)
    other = np.asarray(cv2.warpAffine(picture, turn, (2400, 1350), borderMode=cv2.BORDER_REFLECT), np.uint8)
    unlike = np.asarray(draw_scene("a city street at night", 4, 2400, 1350)[0], np.uint8)
    mask = np.zeros((270, 480, 3), np.uint8)
    cv2.circle(mask, (240, 135), 50, (255, 255, 255), -1)
    still = np.ascontiguousarray(np.roll(mask, 150, axis=1))
    one, second, third = (shot(folder, *pair) for pair in (("one", picture), ("two", other), ("three", unlike)))
    moving, staying = shot(folder, "moving", mask), shot(folder, "staying", still)
    empty = AnimaticCall("", width, height, frames, FPS, 1)
    plain = replace(empty, prompt="slow push in, handheld", image=one)
    source = video(folder, plain)
    travel = (Mask(moving, ((0.5, 0.5), (0.6, 0.4), (0.4, 0.3))), Mask(staying))
    return {
        PLAIN: plain,
        **{name: replace(empty, prompt=prompt) for name, prompt in DRAWN.items()},
        **{name: replace(plain, prompt=prompt) for name, prompt in WEATHER.items()},
        "whip pan": replace(plain, prompt="whip pan right"),
        "loop": replace(plain, loop=True),
        "morph": replace(plain, end_image=second),
        "dissolve": replace(plain, end_image=third),
        "masks": replace(plain, masks=travel),
        "several pictures": replace(empty, prompt="slow push in", pictures=(one, third, second)),
        **{f"effect {name}": replace(plain, effect=name) for name in EFFECTS},
        "video carried on": replace(empty, prompt="push in", video=source, keep=frames // 2),
        "video, another frame": replace(empty, video=source),
        **{f"video, style {name}": replace(empty, video=source, style=name) for name in STYLES},
        **{
            f"video, {name}": replace(empty, prompt=prompt, video=source, strength=0.95)
            for name, prompt in MAKEOVERS.items()
        },
    }


def rendering(call: AnimaticCall) -> float:
    """Return the processor's milliseconds for a frame, of all threads."""
    chunks = AnimaticEngine().generate(call, lambda progress: None, lambda: False).chunks
    start = time.process_time()
    for _ in chunks:
        pass
    return (time.process_time() - start) / call.frames * 1e3


def main() -> None:
    """Print a line for each kind."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--frames", type=int, default=81, help="frames of each film (81)")
    options.add_argument("--height", type=int, default=720, help="of the frames, which are 16:9 (720)")
    options.add_argument("--only", default="", help="kinds whose names contain one of these words, between commas")
    given = options.parse_args()
    wanted = [word for word in given.only.split(",") if word]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        calls = kinds(folder, given.height * 16 // 9 // 2 * 2, given.height, given.frames)
        plain = calls[PLAIN]
        print(f"{cv2.getNumThreads()} threads, {plain.width}x{plain.height}, {given.frames} frames, best of {RUNS}")
        for name, call in calls.items():
            if wanted and not any(word in name for word in wanted):
                continue
            cost = min(rendering(call) for _ in range(RUNS))
            pairs = [
                (film(call, folder / "film.mp4", pictures=True), film(plain, folder / "film.mp4", pictures=True))
                for _ in range(RUNS)
            ]
            whole, beside = (given.frames / min(column) for column in zip(*pairs, strict=True))
            print(f"{name:28} {cost:6.1f} ms/frame   in a film {whole:5.0f} frames/s   {whole / beside:.2f} of plain")


if __name__ == "__main__":
    main()
