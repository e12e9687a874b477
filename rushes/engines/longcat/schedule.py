"""At which noise levels the network is asked, and one step from each to the next. Pure numbers.

A sigma is a share of noise from 1 (all noise) to 0 (none); the network's timestep is 1000 times that. No shift.
"""

from __future__ import annotations

from math import floor

from torch import Tensor

LAST_SIGMA = 0.001
GRID_POINTS = 50  # that the distilled model was trained on: 1.0, 0.98, … 0.02
TIMESTEPS = 1000


def full_sigmas(steps: int) -> tuple[float, ...]:
    """Return `steps` sigmas from 1 to 0.001, evenly."""
    if steps == 1:
        return (1.0,)
    return tuple(1.0 + (LAST_SIGMA - 1.0) * number / (steps - 1) for number in range(steps))


def distilled_sigmas(steps: int) -> tuple[float, ...]:
    """Return `steps` of the 50 sigmas that the distilled model knows; there are no more than 50 to be had."""
    # Beyond 50 steps a point would come twice, and a step from it to itself does nothing.
    picked = dict.fromkeys(floor(GRID_POINTS * number / steps) for number in range(steps))
    # Rounded, since 1 - 7 / 50 is no 0.86 in binary, and logs and tests compare with the published points.
    return tuple(round(1.0 - number / GRID_POINTS, 6) for number in picked)


def refine_sigmas(steps: int, start: float) -> tuple[float, ...]:
    """Return `start`, then what the full schedule of `steps` has below it: 40 from 0.5 on are 21."""
    return (start, *(sigma for sigma in full_sigmas(steps) if sigma < start))


def euler_step(latents: Tensor, output: Tensor, sigma: float, following: float) -> Tensor:
    """Go from `sigma` to `following` along the velocity, which is the network's output negated. All float32."""
    return latents + (following - sigma) * -output


def clean_guess(latents: Tensor, output: Tensor, sigma: float) -> Tensor:
    """Return where the velocity leads when it is followed to the end: what the film looks like so far."""
    return latents + sigma * output
