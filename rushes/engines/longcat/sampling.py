"""From noise to latents: the loop over noise levels, with guidance, clean frames, and a look at cancel within it.

Latents are kept in float32 throughout. Nothing here knows of prompts, pixels or files.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from rushes.engines.longcat.attention import Attend
from rushes.engines.longcat.first_block import FirstBlock
from rushes.engines.longcat.guidance import guided
from rushes.engines.longcat.network import Network, Text
from rushes.engines.longcat.schedule import TIMESTEPS, clean_guess, euler_step
from rushes.engines.trouble import broken_numbers


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
    clean frames are run once and remembered, which takes less time; without guidance the result is the same. Without
    `attend` every token sees every other. `accelerated` lets passes be skipped that would change little. Two texts are
    asked for in one pass where it is `batched`, else one after the other.
    """

    latents: Tensor
    sigmas: tuple[float, ...]
    text: Text
    guidance: float = 1.0
    condition: int = 0
    cached: bool = False
    attend: Attend | None = None
    accelerated: bool = False
    batched: bool = True


@dataclass(frozen=True, slots=True)
class _Pass:
    """One pass through the network in each step: how many samples it has, and how the network is asked."""

    count: int
    ask: Callable[[Tensor, Tensor], Tensor]


def sample(network: Network, asked: Sampling, watch: Watch) -> Tensor:
    """Return the clean latents, (1, C, T, h, w) float32. Raises Unable for NaN, and what `watch.between` raises."""
    clean, new = asked.latents[:, :, : asked.condition], asked.latents[:, :, asked.condition :].clone()
    kept = None
    if asked.cached and asked.condition:
        kept = network.remember(clean, attend=asked.attend, between=watch.between)
    ask = partial(network, condition=asked.condition, kept=kept, attend=asked.attend, between=watch.between)
    passes = [
        _Pass(
            len(text.lengths),
            partial(ask, text=network.words(text), first_block=FirstBlock() if asked.accelerated else None),
        )
        for text in _texts(asked)
    ]
    before = clean if kept is None else clean[:, :, :0]
    for sigma, following in zip(asked.sigmas, (*asked.sigmas[1:], 0.0), strict=True):
        watch.between()
        output = _output(passes, torch.cat((before, new), dim=2), before.shape[2], sigma, asked.guidance)
        shown = clean_guess(new, output, sigma)
        new = euler_step(new, output, sigma, following)
        # Looked at here, where the noise level can be told; decoded, NaN is a black film like any other.
        if not bool(new.isfinite().all()):
            raise broken_numbers(f"from the network at noise level {sigma:.3g}")
        watch.stepped(torch.cat((clean, shown), dim=2))
    return torch.cat((clean, new), dim=2)


def _texts(asked: Sampling) -> list[Text]:
    """Return what each pass of a step hears."""
    if asked.batched:
        return [asked.text]
    return [Text(asked.text.states[one : one + 1], (length,)) for one, length in enumerate(asked.text.lengths)]


def _output(passes: list[_Pass], latents: Tensor, known: int, sigma: float, guidance: float) -> Tensor:
    """Return the network's output for the new frames, guided where there are two texts; `known` ones are at time 0."""
    outputs = []
    for one in passes:
        times = torch.full((one.count, latents.shape[2]), sigma * TIMESTEPS, device=latents.device)
        times[:, :known] = 0.0
        outputs.append(one.ask(latents.expand(one.count, -1, -1, -1, -1), times))
    output = torch.cat(outputs)
    # Guided as it comes, clean frames included: where they are in the pass they count in the scale, as they do in the
    # makers' own sampling.
    return (guided(output[:1], output[1:], guidance) if len(output) > 1 else output)[:, :, known:]
