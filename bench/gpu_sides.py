"""The two sides of a case: a film's run and a single pass, through the plain library and through the engine.

The plain side is what a caller of diffusers writes: its pipeline, torch's settings as they come. Ours is the engine's
own way through `latents_of`, or `sample` for our own network, whose plain side is the same network uncompiled with
torch's attention. Nothing is skipped on either: same steps, same type of numbers, no cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gpu_cases import Case
from gpu_models import Pair, own_networks, pipelines
from PIL import Image
from torch import Tensor

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.engine import WARM_SIDE
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.engines.diffusers.plan import Plan, compiles
from rushes.engines.diffusers.sampling import Watch, Ways, latents_of, unpacked
from rushes.engines.diffusers.texts import Texts
from rushes.engines.diffusers.tuning import be_exact
from rushes.engines.longcat.attention import Attend
from rushes.engines.longcat.block_sparse import BlockSparse
from rushes.engines.longcat.kernels import sparse_on
from rushes.engines.longcat.network import Network, Text
from rushes.engines.longcat.sampling import Sampling, sample
from rushes.engines.longcat.sampling import Watch as OwnWatch
from rushes.engines.longcat.schedule import full_sigmas, refine_sigmas

PROMPT, NEGATIVE = "a boat leaves the harbour at dawn, slow push in", "blurry, static"
STEPS = 40  # of a whole film; its first few are made

Ended = Callable[[], None]
Run = Callable[[Ended], Tensor]
"""Make a film's latents, and call what is given at the end of each step."""


@dataclass(frozen=True, slots=True)
class Sides:
    """What is measured: a run and a single pass of either; `chosen` says what the engine chose on this device."""

    plain: Run
    ours: Run
    pass_plain: Callable[[], Tensor]
    pass_ours: Callable[[], Tensor]
    dtype: torch.dtype
    chosen: str


def sides_of(case: Case, device: str | None, folder: Path) -> Sides:
    """Make both; `folder` holds what they read."""
    return _of_pipelines(case, device, folder) if case.layout else _of_networks(case, device)


def _of_pipelines(case: Case, device: str | None, folder: Path) -> Sides:
    pair = pipelines(case, device)
    plan = pair.plan
    assert plan is not None
    run, ours = _plain_run(case, pair.plain, _picture(case)), _our_run(case, pair, folder)
    # As a deployment does at its start, so that what follows is compiled for any size.
    warm = replace(case, width=WARM_SIDE, height=WARM_SIDE, frames=1, steps=1, guidance=1.0)
    _our_run(warm, pair, folder)(lambda: None)
    asked = _first_pass(pair.plain, run)

    def pass_ours() -> Tensor:
        be_exact(plan)
        return _first(pair.ours.transformer(**asked))

    def pass_plain() -> Tensor:
        _as_torch_comes()
        return _first(pair.plain.transformer(**asked))

    return Sides(run, ours, pass_plain, pass_ours, pair.plain.transformer.dtype, _told(plan))


def _plain_run(case: Case, pipe: Any, picture: Image.Image) -> Run:
    layout = LAYOUTS[case.layout]
    told = {"frame_rate": case.fps} if "frame_rate" in layout.takes else {}
    shape = ((case.frames - 1) // layout.frame_step + 1, case.height, case.width)

    def run(ended: Ended) -> Tensor:
        def after_step(*_: Any) -> dict[str, Any]:
            ended()
            return {}

        _as_torch_comes()
        latents = pipe(
            image=picture,
            prompt=PROMPT,
            negative_prompt=NEGATIVE,
            width=case.width,
            height=case.height,
            num_frames=case.frames,
            num_inference_steps=case.steps,
            guidance_scale=case.guidance,
            generator=torch.Generator().manual_seed(1),
            output_type="latent",
            max_sequence_length=layout.text_tokens,
            callback_on_step_end=after_step,
            return_dict=False,
            **told,
        )[0]
        return unpacked(pipe, latents, shape)

    return run


def _our_run(case: Case, pair: Pair, folder: Path) -> Run:
    path, plan = folder / f"{case.width}x{case.height}.npy", pair.plan
    assert plan is not None
    np.save(path, np.asarray(_picture(case)))
    # A GPU decides by the film's size; a CPU never joins passes unless it is told.
    joined = None if plan.device.startswith("cuda") else True
    ways = Ways(texts=Texts(pair.ours, 2, LAYOUTS[case.layout].text_tokens), batched=joined)
    call = DiffusersCall(
        prompt=PROMPT,
        negative_prompt=NEGATIVE,
        width=case.width,
        height=case.height,
        frames=case.frames,
        made=case.frames,
        fps=case.fps,
        steps=case.steps,
        guidance=case.guidance,
        seed=1,
        image=str(path),
        shift=case.shift,
    )

    def run(ended: Ended) -> Tensor:
        be_exact(plan)
        watch = Watch(lambda: None, lambda *_: ended())
        return latents_of(pair.ours, case.layout, call, watch, ways)[0]

    return run


def _of_networks(case: Case, device: str | None) -> Sides:
    gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    compiled = gpu and compiles(on_gpu=True)
    pair = own_networks(case, device, compiled=compiled)
    first = next(pair.plain.parameters())
    dice = torch.Generator().manual_seed(1)
    grid = (case.tokens // (case.height // 16 * (case.width // 16)), case.height // 8, case.width // 8)
    latents = torch.randn(1, 16, *grid, generator=dice).to(first.device)
    states = torch.randn(case.passes, case.work.text, pair.plain.config.caption_channels, generator=dice)
    text = Text(states.to(first.device), (case.work.text // 2,) * case.passes)
    attends: dict[Network, Attend | None] = {pair.plain: None, pair.ours: None}
    if case.refines:
        attends = {pair.plain: BlockSparse(case.sparsity), pair.ours: sparse_on(first.device, case.sparsity)}
    # As a deployment does at its start, so that what follows is compiled for any size.
    warm = Text(torch.cat((text.states, text.states))[:2], text.lengths[:1] * 2)
    sample(
        pair.ours, Sampling(torch.randn(1, 16, 1, 8, 8, device=first.device), (1.0,), warm, guidance=2.0), OwnWatch()
    )
    sigmas = (refine_sigmas(STEPS, 0.5) if case.refines else full_sigmas(STEPS))[: case.steps]

    def run(network: Network, ended: Ended) -> Tensor:
        asked = Sampling(latents, sigmas, text, guidance=case.guidance, attend=attends[network])
        return sample(network, asked, OwnWatch(stepped=lambda _: ended()))

    def one_pass(network: Network) -> Tensor:
        times = torch.full((case.passes, grid[0]), 700.0, device=first.device)
        return network(latents.expand(case.passes, -1, -1, -1, -1), times, text, attend=attends[network])

    kernel = attends[pair.ours] or pair.ours.dense
    return Sides(
        lambda ended: run(pair.plain, ended),
        lambda ended: run(pair.ours, ended),
        lambda: one_pass(pair.plain),
        lambda: one_pass(pair.ours),
        first.dtype,
        f"attention={getattr(kernel, '__name__', type(kernel).__name__)}, compile={compiled}",
    )


class _Enough(Exception):
    """The first pass was asked for."""


def _first_pass(pipe: Any, run: Run) -> dict[str, Any]:
    """Return what a pipeline asks its network in the first pass of a film."""
    asked: dict[str, Any] = {}

    def note(_module: Any, _given: Any, named: dict[str, Any]) -> None:
        asked.update(named)
        raise _Enough

    hook = pipe.transformer.register_forward_pre_hook(note, with_kwargs=True)
    try:
        run(lambda: None)
    except _Enough:
        return asked
    finally:
        hook.remove()
    raise RuntimeError("the pipeline never asked its network")


def _first(output: Any) -> Tensor:
    found: Tensor = output[0]
    return found


def _as_torch_comes() -> None:
    """Set what torch keeps for the whole process as it is without us."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.benchmark = False


def _picture(case: Case) -> Image.Image:
    across, down = np.linspace(0, 255, case.width), np.linspace(0, 255, case.height)[:, None]
    shades = np.stack(np.broadcast_arrays(across, down, (across + down) / 2), axis=-1)
    return Image.fromarray(shades.astype(np.uint8))


def _told(plan: Plan) -> str:
    """Say what of a plan makes steps faster."""
    return f"attention={plan.attention or 'native'}, compile={plan.compile}, fused={plan.fused}"
