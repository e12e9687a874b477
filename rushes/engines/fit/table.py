"""The tables of published weights and of devices, read from their files. What follows from them is `estimate`'s."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

GIB = 2**30
_SHARE = (0.40, 0.55)  # of the figure for products that video transformers get, where nothing was measured
_FREE = 0.985  # of a card's memory is left by the driver


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(_Row):
    """So many passes over so many tokens; see the file. `alone` ones never run together with another."""

    tokens: int = Field(gt=0)
    passes: int = Field(gt=0)
    attended: int | None = None
    density: float = 1.0
    alone: bool = False


class Film(_Row):
    """What endpoints ask for by default; `size` is (width, height) in pixels."""

    endpoints: tuple[str, ...]
    name: str
    size: tuple[int, int]
    frames: int
    steps: int = 0
    together: int = 1
    accelerated: bool = False
    stages: tuple[Stage, ...]


class Published(_Row):
    """One set of weights; see the file."""

    id: str
    engine: Literal["diffusers", "network"]
    network: str = ""
    layout: str
    licence: str
    disk_gb: float
    width: int
    layers: int
    worked: int
    token_bytes: float
    pixel_bytes: float
    whole: bool = False
    parameters: Mapping[str, int]
    settings: Mapping[str, Any] = Field(default_factory=dict)
    films: tuple[Film, ...]

    @property
    def package(self) -> str:
        """The folder of the engine that runs them."""
        return self.network or self.engine


class Gpu(_Row):
    """One kind of device; see the file."""

    name: str
    match: str
    gb: float
    bf16: float
    capability: tuple[int, int]
    bus: float
    rate: tuple[float, float] | None = None

    @property
    def total_bytes(self) -> int:
        """Its memory."""
        return int(self.gb * GIB)

    @property
    def free_bytes(self) -> int:
        """What of it can be had."""
        return int(self.total_bytes * _FREE)

    @property
    def rates(self) -> tuple[float, float]:
        """From and to how many operations a second video transformers get."""
        low, high = self.rate or (_SHARE[0] * self.bf16 / 1000, _SHARE[1] * self.bf16 / 1000)
        return low * 1e15, high * 1e15


@cache
def published() -> tuple[Published, ...]:
    """Return all weights of the table."""
    return tuple(Published.model_validate(one) for one in _read("published.toml")["weights"])


@cache
def gpus() -> tuple[Gpu, ...]:
    """Return all devices of the table."""
    return tuple(Gpu.model_validate(one) for one in _read("gpus.toml")["gpu"])


def gpu_named(name: str) -> Gpu | None:
    """Return the device that a name means, with the memory that it tells: "NVIDIA H100 80GB HBM3"; None if unknown."""
    plain = re.sub(r"[\s_-]+", " ", name.lower())
    for one in gpus():
        if re.search(rf"(?<![a-z0-9]){re.escape(one.match)}(?![0-9])", plain):  # an H200 is no H20
            # The same chip is sold with more or less memory.
            told = re.search(r"(\d+) ?gi?b", plain)
            return one.model_copy(update={"gb": float(told[1])}) if told else one
    return None


def published_as(model: str) -> Published | None:
    """Return the weights with this id on the Hub."""
    return next((one for one in published() if one.id.lower() == model.lower()), None)


def _read(name: str) -> dict[str, list[dict[str, object]]]:
    return tomllib.loads((files(__package__) / name).read_text())
