"""Linears whose weights are stored in eight bits; what is computed, and in which type, stays as it was.

A row of weights is kept as whole numbers from -127 to 127 and one scale, its largest weight / 127, so that each weight
is off by half a scale at most. The row is multiplied out when it is needed: that takes the memory of one layer at a
time, and no kernel of anybody's. Which layers are stored so is for those to say that load them.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

MOST = 127  # not -128: the range is even, so that a weight and its negative are stored alike


class Int8Linear(nn.Linear):
    """A Linear with `weight` (out, in) int8 and `scale` (out, 1) in the type that is computed in."""

    def __init__(
        self, weight: Tensor, bias: nn.Parameter | None, dtype: torch.dtype, home: torch.device | None = None
    ) -> None:
        """Round `weight` where it is and keep the numbers at `home`; None: there too."""
        out, into = weight.shape
        place = weight.device if home is None else home
        super().__init__(into, out, bias=False, device="meta")  # where no random weights are drawn, to be replaced
        self.register_parameter("bias", bias)
        # Parameters and not buffers: what moves a block's weights to the device and back goes through those.
        self.weight = nn.Parameter(torch.empty(out, into, dtype=torch.int8, device=place), requires_grad=False)
        self.scale = nn.Parameter(torch.empty(out, 1, dtype=dtype, device=place), requires_grad=False)
        self.store(weight)

    def store(self, weight: Tensor) -> None:
        """Round these weights (out, in) and keep them in place of those before."""
        numbers, scale = rounded(weight, self.scale.dtype)
        self.weight.data.copy_(numbers)
        self.scale.data.copy_(scale)

    def forward(self, x: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        # int8 times a float is that float's type, in one kernel: no float32 copy of the weights is made.
        return functional.linear(x, self.weight * self.scale, self.bias)


def rounded(weight: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """(out, in) -> int8 numbers (out, in), and scales (out, 1) of this type whose products with them are near it."""
    exact = weight.float()
    # The scale is rounded to its type first, so that the numbers are found for the one that they are multiplied with.
    scale = (exact.abs().amax(dim=1, keepdim=True) / MOST).to(dtype)
    scale[scale == 0] = 1  # a row of zeros
    return (exact / scale.float()).round().clamp(-MOST, MOST).to(torch.int8), scale


def store_small(network: nn.Module, paths: Iterable[str], dtype: torch.dtype) -> None:
    """Store the Linears at these paths in eight bits."""
    for path in paths:
        layer = network.get_submodule(path)
        assert isinstance(layer, nn.Linear)
        put_small(network, path, layer.weight.data, dtype)


def put_small(
    network: nn.Module, path: str, weight: Tensor, dtype: torch.dtype, home: torch.device | None = None
) -> None:
    """Replace the Linear at a path by one of these weights in eight bits, kept at `home`, with the bias that it has."""
    parent, _, name = path.rpartition(".")
    bias = network.get_submodule(path).bias
    assert bias is None or isinstance(bias, nn.Parameter)
    setattr(network.get_submodule(parent), name, Int8Linear(weight, bias, dtype, home))
