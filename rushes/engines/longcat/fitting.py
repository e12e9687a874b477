"""The ways in which this network's engine would hold its weights on a device, the first first.

They come from `placement`, which the engine itself goes by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rushes.engines.diffusers.plan import Device
from rushes.engines.fit.estimate import Way, way_settings, way_words
from rushes.engines.longcat.placement import GB, Placement, first_placement, held_bytes, leaner, sizes, waiting_bytes
from rushes.routing import NetworkDeployment


def ways(
    device: Device, parameters: Mapping[str, int], _layout: str, setting: NetworkDeployment, _steps: int
) -> Iterator[Way]:
    """Yield how the weights would be held, from the first choice to the leanest that the setting allows."""
    limit = None if setting.memory_gb is None else int(setting.memory_gb * GB)
    known = [one for one in (device.free_bytes, limit) if one is not None] if device.kind == "cuda" else []
    placement: Placement | None = first_placement(setting, device.name, parameters, min(known, default=None))
    while placement is not None:
        yield _way(placement, sizes(parameters, placement.dtype, placement.quantisation))
        placement = leaner(
            placement, fixed_offload=setting.offload is not None, fixed_tiling=setting.tiling is not None
        )


def _way(placement: Placement, parts: Mapping[str, int]) -> Way:
    offload = placement.offload
    held = held_bytes(offload, parts)
    passing = {"none": (0, 0)}.get(offload, (parts["text_encoder"], parts["vae"]))
    return Way(
        way_words(
            placement.dtype if placement.quantisation == "none" else placement.quantisation,
            offload,
            tiling=placement.tiling,
        ),
        way_settings(offload, tiling=placement.tiling),
        held + passing[0],
        held,
        held + passing[1],
        streamed=parts["dit"] if offload == "group" else 0.0,
        moved=waiting_bytes(offload, parts),
        tiling=placement.tiling,
        batched=placement.batched,
    )
