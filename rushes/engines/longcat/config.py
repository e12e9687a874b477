"""The network's dimensions, as `dit/config.json` of the official weights names them. Nothing here loads anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.engines.trouble import weights_problem

FFN_MULTIPLE = 256  # the inner width of the feed-forward part is rounded up to a multiple of this
ROPE_PARTS = 6  # height and width each get 2/6 of a head, rounded down to even; time gets the rest


@dataclass(frozen=True, slots=True)
class NetworkConfig:
    """Dimensions; the defaults are those of the published weights (13.58 billion parameters).

    `patch_size` is (frames, rows, columns) of latents. `text_tokens_zero_pad`: padded text tokens become zero vectors
    that are attended to; otherwise they are left out. `sparsity` is the share of key chunks that block-sparse attention
    leaves out when a film is refined.
    """

    in_channels: int = 16
    out_channels: int = 16
    hidden_size: int = 4096
    depth: int = 48
    num_heads: int = 32
    caption_channels: int = 4096
    mlp_ratio: float = 4
    adaln_tembed_dim: int = 512
    frequency_embedding_size: int = 256
    patch_size: tuple[int, int, int] = (1, 2, 2)
    text_tokens_zero_pad: bool = True
    sparsity: float = 0.9375

    def __post_init__(self) -> None:
        for name in _NUMBERS:
            value = getattr(self, name)
            # JSON's true is an int to Python, and would pass for 1.
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ValueError(f"{name} is {value!r}; it is a number above 0")
        if self.hidden_size % self.num_heads or self.head_dim % 4:
            raise ValueError(
                f"hidden_size {self.hidden_size} in {self.num_heads} heads: each head must be a multiple of 4 wide"
            )
        # A time for each latent frame, clean frames and the cache of them all count on it.
        if self.patch_size[0] != 1:
            raise ValueError(f"patch_size is {self.patch_size}; a patch is one latent frame deep")
        if not 0 <= self.sparsity < 1:
            raise ValueError(f"sparsity is {self.sparsity}; it is from 0 to below 1")

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.num_heads

    @property
    def rope_split(self) -> tuple[int, int, int]:
        """How much of a head tells (time, row, column): 128 -> 44, 42, 42."""
        side = 2 * (self.head_dim // ROPE_PARTS)
        return self.head_dim - 2 * side, side, side

    @property
    def ffn_size(self) -> int:
        """Inner width of SwiGLU: two thirds of hidden_size * mlp_ratio, rounded up: 4096 * 4 -> 11008."""
        inner = int(2 * int(self.hidden_size * self.mlp_ratio) / 3)
        return -(-inner // FFN_MULTIPLE) * FFN_MULTIPLE

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> NetworkConfig:
        """Read what a config.json says; members that only choose another program's kernels are left alone."""
        # Where a config says nothing of padded words they are left out; that of the published weights makes them zeros.
        plain = {"text_tokens_zero_pad": False} | {name: told[name] for name in _PLAIN if name in told}
        if told.get("patch_size") is not None:
            plain["patch_size"] = tuple(told["patch_size"])
        if told.get("bsa_params"):
            plain["sparsity"] = told["bsa_params"].get("sparsity", cls().sparsity)
        return cls(**plain)


_NUMBERS = (
    *("in_channels", "out_channels", "hidden_size", "depth", "num_heads", "caption_channels", "mlp_ratio"),
    *("adaln_tembed_dim", "frequency_embedding_size"),
)
_PLAIN = (*_NUMBERS, "text_tokens_zero_pad")  # members that are taken as they are


def read_config(folder: Path) -> NetworkConfig:
    """Read `config.json` of the `dit` folder. Raises Unable where it is missing or makes no sense."""
    path = folder / "config.json"
    try:
        told = json.loads(path.read_text())
        return NetworkConfig.of(told)
    except FileNotFoundError:
        raise weights_problem(f"{path} is missing; the folder dit/ of the weights holds it") from None
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise weights_problem(f"{path} can't be used: {error}") from None
