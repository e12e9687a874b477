"""Passes that change little are left out (MagCache): which ones follows from a list of magnitudes, not from the film.

Ratios of the residuals' sizes between neighbouring steps of 14B image-to-video weights at 480p, 40 steps, as published
with LightX2V (Apache-2.0). At 30 steps 28 of 60 passes are computed. Weights without a list are never skipped.
"""

from __future__ import annotations

from collections.abc import Mapping

from diffusers import MagCacheConfig

THRESHOLD, MOST_SKIPPED, RETAINED = 0.12, 3, 0.2

RATIOS: Mapping[str, tuple[float, ...]] = {
    "WanImageToVideoPipeline": (
        1.0, 0.98783, 0.97559, 0.98311, 0.98202, 0.9888, 0.98762, 0.98957, 0.99052, 0.99383, 0.98857, 0.99065, 0.98845,
        0.99057, 0.98957, 0.98601, 0.98823, 0.98756, 0.98808, 0.98721, 0.98571, 0.98543, 0.98157, 0.98411, 0.97952,
        0.98149, 0.9774, 0.97825, 0.97355, 0.97085, 0.97056, 0.96588, 0.96113, 0.9567, 0.94961, 0.93973, 0.93217,
        0.91878, 0.90955, 0.92617,
    ),
}  # fmt: skip


def skipping(layout: str, steps: int) -> MagCacheConfig | None:
    """Return what is to be skipped in so many steps, None where nothing is known of these weights."""
    ratios = RATIOS.get(layout)
    if ratios is None:
        return None
    return MagCacheConfig(  # type: ignore[no-untyped-call]
        threshold=THRESHOLD,
        max_skip_steps=MOST_SKIPPED,
        retention_ratio=RETAINED,
        num_inference_steps=steps,
        mag_ratios=list(ratios),
    )
