"""Where the parts live and how frugal the sampling is, by what the operator set and what the device has. Pure numbers.

The published weights take 27 GB (network), 11 GB (text encoder) and 0.5 GB (autoencoder) in bfloat16. A film's own
memory is reckoned as half of the network's: refining to 720p runs 169,000 tokens through layers 11,008 wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from rushes.routing import NetworkDeployment

GB = 10**9
Dtype = Literal["bfloat16", "float32"]
Offload = Literal["none", "model", "group"]
Quantisation = Literal["none", "int8"]

BYTES: Mapping[str, int] = {"bfloat16": 2, "float32": 4}
AUTOENCODER_BYTES = 4  # always in float32
# Shares that int8 leaves as they are: modulations and embedders of the network, the text encoder's table of words.
KEPT: Mapping[str, float] = {"dit": 0.048, "block": 0.045, "text_encoder": 0.185}
LADDER: tuple[Offload, ...] = ("none", "model", "group")
# Of the network as it is stored. In int8 that is what a film of 480p takes with one prompt at a time; one that takes
# more moves the blocks out.
WORK_SHARE, WORK_LEAST = 0.5, 0.5 * GB


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts live and in which type; the autoencoder is always in float32.

    `offload`: with "model" the text encoder and the autoencoder are on the device only while they are used; with
    "group" each block of the network too. `tiling` decodes in tiles, which takes less memory and more time. `batched`
    asks for both prompts in one pass of the network, else in two, which takes less memory. `compile` compiles the
    blocks. With `quantisation` int8 the large weights of network and text encoder are stored in eight bits. float16 is
    refused: the network's numbers leave its range.
    """

    device: str = "cpu"
    dtype: Dtype = "float32"
    offload: Offload = "none"
    tiling: bool = False
    batched: bool = True
    compile: bool = False
    quantisation: Quantisation = "none"

    def __post_init__(self) -> None:
        if self.dtype not in BYTES:
            raise ValueError(f"dtype is {self.dtype}; it must be one of {', '.join(BYTES)}")


def sizes(parameters: Mapping[str, int], dtype: Dtype, quantisation: Quantisation = "none") -> dict[str, int]:
    """Return the bytes of dit, text_encoder, vae and of one of dit's blocks from their parameters' numbers."""

    def width(name: str) -> float:
        if name == "vae":
            return AUTOENCODER_BYTES
        kept = 1.0 if quantisation == "none" else KEPT[name]
        return 1 + kept * (BYTES[dtype] - 1)

    return {name: int(count * width(name)) for name, count in parameters.items()}


def work_bytes(parts: Mapping[str, int]) -> int:
    """Return what is kept free for a film."""
    return int(max(WORK_LEAST, WORK_SHARE * parts["dit"]))


def held_bytes(offload: Offload, parts: Mapping[str, int]) -> int:
    """Return what the weights take on the device while the network runs; what comes and goes comes on top."""
    if offload == "none":
        return parts["dit"] + parts["text_encoder"] + parts["vae"]
    return parts["dit"] if offload == "model" else 2 * parts["block"]


def needed_bytes(offload: Offload, parts: Mapping[str, int]) -> int:
    """Return what the weights take on the device at their fullest, without a film."""
    passing = 0 if offload == "none" else max(parts["text_encoder"], parts["vae"])
    return held_bytes(offload, parts) + passing


def wanted_bytes(offload: Offload, parts: Mapping[str, int]) -> int:
    """Return what should be free on the device, so that a film has room too; texts are encoded before it takes any."""
    return max(needed_bytes(offload, parts), held_bytes(offload, parts) + work_bytes(parts))


def waiting_bytes(offload: Offload, parts: Mapping[str, int]) -> int:
    """Return what waits in the machine's own memory."""
    if offload == "none":
        return 0
    return parts["text_encoder"] + parts["vae"] + (parts["dit"] if offload == "group" else 0)


def fitting_offload(free: int | None, parts: Mapping[str, int]) -> Offload:
    """Return how much must wait elsewhere where so much is free; None is as much as is wanted."""
    for offload in LADDER[:-1]:
        if free is None or wanted_bytes(offload, parts) <= free:
            return offload
    return LADDER[-1]


def first_placement(
    setting: NetworkDeployment, device: str, parameters: Mapping[str, int], room: int | None
) -> Placement:
    """Return how weights are held at first: as the operator set it, else as there is room for.

    `room` is in bytes; None is as much as is wanted. Whether blocks are compiled is not for this to say.
    """
    dtype: Dtype = setting.dtype or ("float32" if device == "cpu" else "bfloat16")
    parts = sizes(parameters, dtype, setting.quantisation)
    offload = setting.offload or fitting_offload(room, parts)
    # A stretch that goes on remembers 5 GB of the one before. Running out then is too late, since frames were given.
    spare = None if room is None else room - held_bytes(offload, parts)
    batched = spare is None or setting.quantisation == "none" or spare >= work_bytes(sizes(parameters, dtype))
    tiling = offload == "group" or not batched if setting.tiling is None else setting.tiling
    return Placement(device, dtype, offload, tiling, batched, quantisation=setting.quantisation)


def leaner(placement: Placement, *, fixed_offload: bool = False, fixed_tiling: bool = False) -> Placement | None:
    """Return the next placement that needs less memory, None where there is none that the operator allows."""
    # What only costs time comes first; to let more wait, all weights are read anew.
    if placement.batched or not (placement.tiling or fixed_tiling):
        return replace(placement, batched=False, tiling=placement.tiling or not fixed_tiling)
    if placement.device == "cpu" or fixed_offload or placement.offload == LADDER[-1]:
        return None
    following = LADDER[LADDER.index(placement.offload) + 1]
    return replace(placement, offload=following, compile=placement.compile and following != "group")
