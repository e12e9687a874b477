"""What the diffusers engine adds to a bare pipeline: `python bench/engine_overhead.py [--rounds 5] [--threads 1]`.

Small networks with random weights on the CPU, with steps of about 0.02, 0.2 and 1 s, are called bare and through the
engine, in turns, so that a busy machine is busy for both. The engine's call has everything that a job's has but the
encoding, which runs beside it: signs of life from every layer, looks at cancel, checks for NaN, progress, uint8 frames.
Prompts are encoded anew each time, as the bare pipeline does; the last column is with kept ones. The ratio is the
median of the rounds', of time on the clock and of time that the processor worked.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from diffusers import UniPCMultistepScheduler, WanPipeline, WanTransformer3DModel

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.residence import Residence
from rushes.routing import DiffusersDeployment
from tests.engines.diffusers import tiny


@dataclass(frozen=True, slots=True)
class Case:
    """A network, and a film of it."""

    name: str
    heads: int
    width: int
    layers: int
    size: tuple[int, int]
    frames: int
    steps: int


CASES = (
    Case("tiny", 2, 12, 2, (48, 32), 9, 8),
    Case("small", 4, 48, 8, (160, 96), 17, 6),
    Case("mid", 6, 64, 10, (224, 128), 33, 4),
)


def weights(case: Case, folder: Path) -> Path:
    """Write random weights of the case's size."""
    torch.manual_seed(0)
    network = WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=case.heads,
        attention_head_dim=case.width,
        in_channels=16,
        out_channels=16,
        text_dim=32,
        freq_dim=256,
        ffn_dim=4 * case.heads * case.width,
        num_layers=case.layers,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
    )
    WanPipeline(vae=tiny._vae(), transformer=network, **tiny.shared()).save_pretrained(folder)
    return folder


def taken(work: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds on the clock and of the processor."""
    started, worked = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - started, time.process_time() - worked


def bare(pipe: Any, case: Case) -> None:
    """Make the film as a script would."""
    pipe.scheduler = UniPCMultistepScheduler.from_config(pipe.scheduler.config)
    frames = pipe(
        prompt="a cab",
        negative_prompt="bad",
        width=case.size[0],
        height=case.size[1],
        num_frames=case.frames,
        num_inference_steps=case.steps,
        guidance_scale=5.0,
        generator=torch.Generator().manual_seed(7),
    ).frames[0]
    (frames * 255).round().astype(np.uint8)


def through(engine: DiffusersEngine, case: Case) -> None:
    """Make it by the engine."""
    call = DiffusersCall("a cab", "bad", *case.size, case.frames, case.frames, 16, case.steps, 5.0, 7)
    for _ in engine.generate(call, lambda _: None, lambda: False).chunks:
        pass


def measure(case: Case, rounds: int, root: Path) -> str:
    """Return a line of the table."""
    folder = weights(case, root / case.name)
    pipe = WanPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    engines = [
        DiffusersEngine(
            "bench",
            DiffusersDeployment(engine="diffusers", model=str(folder), device="cpu", kept_texts=kept),
            Residence(),
        )
        for kept in (0, 32)
    ]
    works: list[Callable[[], None]] = [lambda: bare(pipe, case)]
    works += [lambda one=one: through(one, case) for one in engines]  # type: ignore[misc]
    for work in works:
        work()
    times: list[list[tuple[float, float]]] = [[] for _ in works]
    for turn in range(rounds):
        for place in range(len(works)):
            number = (place + turn) % len(works)
            times[number].append(taken(works[number]))
    ratios = [
        statistics.median(a[kind] / b[kind] for a, b in zip(times[number], times[0], strict=True))
        for number in (1, 2)
        for kind in (0, 1)
    ]
    step = statistics.median(one[0] for one in times[0]) / case.steps
    return f"{case.name:8}{step:10.3f} s{ratios[0]:12.3f}{ratios[1]:12.3f}{ratios[2]:12.3f}{ratios[3]:12.3f}"


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--case", choices=[case.name for case in CASES])
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    print(f"{'':8}{'bare step':>12}{'clock':>12}{'processor':>12}{'kept: clock':>12}{'processor':>12}")
    with tempfile.TemporaryDirectory() as root:
        for case in CASES:
            if given.case in (None, case.name):
                print(measure(case, given.rounds, Path(root)), flush=True)


if __name__ == "__main__":
    main()
