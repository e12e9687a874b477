"""From noise to latents: the loop over noise levels, with guidance, clean frames, and a look at cancel within it.

Latents are kept in float32 throughout. Nothing here knows of prompts, pixels or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from rushes.engines.longcat.attention import Attend, dense
from rushes.engines.longcat.first_block import FirstBlock
from rushes.engines.longcat.guidance import guided
from rushes.engines.longcat.network import Network, Text
from rushes.engines.longcat.problems import broken_numbers
from rushes.engines.longcat.schedule import TIMESTEPS, clean_guess, euler_step


def _ignore(_: Tensor) -> None:
    """Show nobody."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who looks on: `between` is called many times within a step, and ends everything by what it raises; `stepped`

    after each step, with the latents as they will be as far as is known, (1, C, T, h, w).
    """

    between: Callable[[], None] = lambda: None
    stepped: Callable[[Tensor], None] = _ignore


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is to be sampled.

    `latents` (1, C, T, h, w) float32: clean in the first `condition` frames, otherwise as noisy as the first of
    `sigmas`. `text` has the prompt, or, where there is guidance, the negative prompt and the prompt. With `cached` the
    clean frames are run once and remembered; the result is the same, and takes less time.
    """

    latents: Tensor
    sigmas: tuple[float, ...]
    text: Text
    guidance: float = 1.0
    condition: int = 0
    cached: bool = False
    attend: Attend = dense
    first_block: FirstBlock | None = None


def sample(network: Network, asked: Sampling, watch: Watch) -> Tensor:
    """Return the clean latents, (1, C, T, h, w) float32. Raises Unable for NaN, and what `watch.between` raises."""
    clean, new = asked.latents[:, :, : asked.condition], asked.latents[:, :, asked.condition :].clone()
    kept = None
    if asked.cached and asked.condition:
        kept = network.remember(clean, attend=asked.attend, between=watch.between)
    ask = partial(
        network,
        text=asked.text,
        condition=asked.condition,
        kept=kept,
        attend=asked.attend,
        first_block=asked.first_block,
        between=watch.between,
    )
    before = clean if kept is None else clean[:, :, :0]
    for sigma, following in zip(asked.sigmas, (*asked.sigmas[1:], 0.0), strict=True):
        watch.between()
        output = _output(ask, asked, before, new, sigma)
        shown = clean_guess(new, output, sigma)
        new = euler_step(new, output, sigma, following)
        if not bool(new.isfinite().all()):
            raise broken_numbers(f"from the network at noise level {sigma:.3g}")
        watch.stepped(torch.cat((clean, shown), dim=2))
    return torch.cat((clean, new), dim=2)


def _output(ask: Callable[..., Tensor], asked: Sampling, before: Tensor, new: Tensor, sigma: float) -> Tensor:
    """Return the network's output for the new frames, guided where there are two texts; `before` are at time 0."""
    count, known = len(asked.text.lengths), before.shape[2]
    latents = torch.cat((before, new), dim=2)
    times = torch.full((count, latents.shape[2]), sigma * TIMESTEPS, device=latents.device)
    times[:, :known] = 0.0
    output = ask(latents.expand(count, -1, -1, -1, -1), times)
    if count == 2:
        output = guided(output[:1], output[1:], asked.guidance)
    return output[:, :, known:]
