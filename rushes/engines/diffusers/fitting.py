"""The ways in which the engine would hold weights on a device, the first first: what `rushes doctor --fit` tells.

They come from `plan`, which the engine itself goes by: what is chosen from the device, then what it falls back to when
a film runs out of memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rushes.engines.diffusers.layouts import LAYOUTS, NETWORKS
from rushes.engines.diffusers.plan import Device, Plan, leaner, plan_of, sizes, work_bytes
from rushes.engines.diffusers.skipping import KNOWN, computed
from rushes.engines.fit.estimate import Way, way_settings, way_words
from rushes.routing import DiffusersDeployment

FEW_SHIFTED, FEW_RATED = 4, 8  # steps of the usual lists, as `fewsteps` has them
LAYER_SHARE = 0.05  # of a part that is on the device at once where its layers come one by one
WORDS_SHARE = 0.2  # of a text encoder: its table of words is one layer


def ways(
    device: Device, parameters: Mapping[str, int], layout: str, setting: DiffusersDeployment, steps: int
) -> Iterator[Way]:
    """Yield how the weights would be held, from the first choice to the leanest that the setting allows."""
    known = LAYOUTS[layout]
    plan: Plan | None = plan_of(device, parameters, known.exact, setting)
    ratios = KNOWN.get(layout)
    share = sum(computed(ratios, steps)) / steps if ratios and steps and not setting.calibrate else 1.0
    while plan is not None:
        parts = sizes(parameters, known.exact, plan.dtype, plan.quantisation)
        way = replace(_way(plan, parts, share), passes=_fixed_passes(setting, shifts=known.shifts))
        yield _with_others(way, plan, parts, device, len(setting.variants))
        following = leaner(plan, device)
        plan = following if following and _is_allowed(plan, following, setting) else None


def _fixed_passes(setting: DiffusersDeployment, *, shifts: bool) -> int | None:
    """Return how many passes few-step weights take, whatever a request asks for; None for others."""
    few = setting.distilled
    if few is None:
        return None
    steps = few.steps or len(few.timesteps) or (FEW_SHIFTED if shifts else FEW_RATED)
    return steps * (2 if few.guidance > 1 else 1)


def _with_others(way: Way, plan: Plan, parts: Mapping[str, int], device: Device, variants: int) -> Way:
    """Count the networks of variants: on the device where they fit beside the work, else in the machine's memory."""
    others = variants * sum(parts.get(name, 0) for name in NETWORKS)
    if plan.offload != "none":
        return replace(way, waiting=way.waiting + others)
    if device.free_bytes is not None and sum(parts.values()) + others + work_bytes(parts) > device.free_bytes:
        return way  # one that isn't in use waits where there is memory for it, else it is read anew
    held = {name: getattr(way, name) + others for name in ("encoding", "sampling", "decoding")}
    return replace(way, **held)


def _is_allowed(plan: Plan, following: Plan, setting: DiffusersDeployment) -> bool:
    """What the operator fixed stays, as in the engine."""
    moves = following.offload != plan.offload and setting.offload is not None
    tiles = following.tiling != plan.tiling and setting.tiling is not None
    return not moves and not tiles


def _way(plan: Plan, parts: Mapping[str, int], share: float) -> Way:
    numbers = plan.dtype if plan.quantisation == "none" else plan.quantisation
    words = way_words(numbers, plan.offload, tiling=plan.tiling)
    settings = way_settings(plan.offload, tiling=plan.tiling)
    denoiser = max(parts.get("transformer", 0), parts.get("transformer_2", 0))
    encoder, vae, total = parts.get("text_encoder", 0), parts.get("vae", 0), sum(parts.values())
    if plan.offload == "none":
        return Way(words, settings, total, total, total, tiling=plan.tiling, share=share)
    if plan.offload == "model":
        return Way(words, settings, encoder, denoiser, vae, moved=total, tiling=plan.tiling, share=share)
    return Way(
        words,
        settings,
        encoder * WORDS_SHARE,
        denoiser * LAYER_SHARE,
        vae,
        streamed=denoiser,
        moved=total,
        tiling=plan.tiling,
        share=share,
    )
