"""Distilled weights: where their few steps lie, and the schedulers that go there.

Such weights were trained for a fixed list of noise levels and for no guidance, so a request's steps, guidance and shift
don't count. `lcm` guesses the film at each level and adds new noise for the next (Luo et al. 2023, for flow matching);
`euler` goes straight on. Levels are t / 1000, moved by the shift: s * level / (1 + (s - 1) * level).

The usual lists: 1000, 750, 500, 250 at shift 5 with lcm, of the weights that lightx2v distilled; and the list of the
2B and 13B weights that are told a rate, with euler, as their model card has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from diffusers.schedulers.scheduling_flow_match_lcm import FlowMatchLCMScheduler

from rushes.calls import DiffusersCall
from rushes.engines.diffusers.layouts import LAYOUTS
from rushes.routing import Distilled

TRAINED = 1000.0  # timesteps from noise to film


@dataclass(frozen=True, slots=True)
class FewSteps:
    """Where the steps lie, from 1000 down, before the shift; and how they are made."""

    timesteps: tuple[float, ...]
    guidance: float
    shift: float
    sampler: Literal["lcm", "euler"]

    @property
    def label(self) -> str:
        """How the weights' name in served-by goes on."""
        return f"distilled-{len(self.timesteps)}-steps"

    def applied(self, call: DiffusersCall) -> DiffusersCall:
        """Return what is made in place of what was asked."""
        return replace(call, steps=len(self.timesteps), guidance=self.guidance, shift=self.shift, acceleration="none")

    def note(self, call: DiffusersCall) -> str:
        """Say what doesn't count of what was asked."""
        return (
            f"The weights are distilled: {len(self.timesteps)} steps with guidance {self.guidance:g} are made; the "
            f"request's {call.steps} steps and guidance {call.guidance:g} don't count"
        )

    def scheduler(self, generator: torch.Generator) -> Any:
        """Return a scheduler for one film, whose new noise comes from its generator."""
        if self.sampler == "lcm":
            return _Renewing(self, generator)
        return _Straight(self)


_SHIFTED = FewSteps((1000.0, 750.0, 500.0, 250.0), 1.0, 5.0, "lcm")
_RATED = FewSteps((1000.0, 993.0, 987.0, 981.0, 975.0, 909.0, 725.0, 0.03), 1.0, 1.0, "euler")


def few_steps(setting: Distilled, layout: str) -> FewSteps:
    """Return how distilled weights are sampled."""
    usual = _SHIFTED if LAYOUTS[layout].shifts else _RATED
    timesteps = setting.timesteps
    if not timesteps and setting.steps is not None:
        timesteps = tuple(TRAINED * (1 - step / setting.steps) for step in range(setting.steps))
    shift = usual.shift if setting.shift is None else setting.shift
    return FewSteps(timesteps or usual.timesteps, setting.guidance, shift, setting.sampler or usual.sampler)


class _Renewing(FlowMatchLCMScheduler):
    """Goes to the listed levels, whatever it is asked, with noise of the film's own."""

    def __init__(self, steps: FewSteps, generator: torch.Generator) -> None:
        super().__init__(shift=steps.shift)
        self._levels, self._noise = [one / TRAINED for one in steps.timesteps], generator

    # Pipelines look at the parameters' names before they pass any.
    def set_timesteps(
        self,
        num_inference_steps: Any = None,
        device: Any = None,
        sigmas: Any = None,
        mu: Any = None,
        timesteps: Any = None,
    ) -> None:
        super().set_timesteps(device=device, sigmas=self._levels)

    def step(
        self, model_output: Any, timestep: Any, sample: Any, generator: Any = None, return_dict: bool = True
    ) -> Any:
        # In float32, since what the network says comes in its own numbers, and would turn the latents into those.
        return super().step(model_output.float(), timestep, sample, self._noise, return_dict)


class _Straight(FlowMatchEulerDiscreteScheduler):
    """Goes to the listed levels, whatever it is asked."""

    def __init__(self, steps: FewSteps) -> None:
        super().__init__(shift=steps.shift)
        self._levels = [one / TRAINED for one in steps.timesteps]

    def set_timesteps(
        self,
        num_inference_steps: Any = None,
        device: Any = None,
        sigmas: Any = None,
        mu: Any = None,
        timesteps: Any = None,
    ) -> None:
        super().set_timesteps(device=device, sigmas=self._levels)
