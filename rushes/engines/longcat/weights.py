"""The network's weights from the `dit` folder: safetensors in one file or in shards, checked before anything is run.

Every parameter must be there, in its shape, finite; and nothing else may be. What is wrong is the contract's Unable,
naming the file and the parameter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from rushes.engines.longcat.config import read_config
from rushes.engines.longcat.kernels import dense_on
from rushes.engines.longcat.network import Network
from rushes.engines.longcat.quantising import put_small
from rushes.engines.longcat.waiting import let_wait
from rushes.engines.trouble import broken_numbers, weights_problem

SHOWN = 3  # names in a message


class Shards:
    """The tensors of a folder by name, read from the disk when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = _files_by_name(folder)

    def __call__(self, name: str) -> Tensor:
        """Return a tensor as it was saved. Raises Unable where it can't be read."""
        path = self.folder / self.files[name]
        try:
            with safe_open(path, "pt") as file:
                found: Tensor = file.get_tensor(name)
                return found
        except (SafetensorError, OSError) as error:
            raise weights_problem(f"{path} can't be read: {error}; fetch it again") from None


def _files_by_name(folder: Path) -> dict[str, str]:
    """Return which file holds which tensor, from the files themselves: an index may be of another download."""
    paths = sorted(folder.glob("*.safetensors"))
    index = next(iter(sorted(folder.glob("*.safetensors.index.json"))), None)
    if index is not None:
        try:
            listed = set(json.loads(index.read_text())["weight_map"].values())
        except (ValueError, KeyError) as error:
            raise weights_problem(f"{index} can't be read: {error}; fetch it again") from None
        if missing := sorted(listed - {path.name for path in paths}):
            raise weights_problem(f"{folder} lacks {_some(missing)}, which {index.name} lists; fetch the rest")
    if not paths:
        raise weights_problem(f"{folder} holds no .safetensors file; give the folder of the official weights")
    found: dict[str, str] = {}
    for path in paths:
        try:
            with safe_open(path, "pt") as file:
                found |= dict.fromkeys(file.keys(), path.name)
        except (SafetensorError, OSError) as error:
            raise weights_problem(f"{path} can't be read: {error}; fetch it again") from None
    return found


def load_network(
    folder: Path,
    dtype: torch.dtype,
    device: torch.device,
    *,
    blocks_wait: bool = False,
    in_int8: bool = False,
    between: Callable[[], None] = lambda: None,
) -> tuple[Network, Shards]:
    """Return the network with its weights on the device, ready to run, and where they came from.

    With `blocks_wait` only one block at a time is on the device; `in_int8` stores the blocks' large weights in eight
    bits. `between` is called before each parameter.
    """
    config = read_config(folder)
    shards = Shards(folder)
    with torch.device("meta"):  # so that 27 GB are not written with random numbers first
        network = Network(config)
    _check_names(network, shards)
    small = {f"{path}.weight": path for path in large_layers(network)} if in_int8 else {}
    for name, parameter in list(network.named_parameters()):
        between()
        home = torch.device("cpu") if blocks_wait and name.startswith("blocks.") else device
        # Looked at, and rounded, on the device also where it waits elsewhere: a processor takes minutes for 13 billion.
        here = _checked(shards, name, parameter.shape).to(device)
        if not bool(here.isfinite().all()):
            raise broken_numbers(f"in {name} of {shards.folder / shards.files[name]}")
        if name in small:
            put_small(network, small[name], here, dtype, home)  # one by one: never is all of it there in full size
        else:
            _put(network, name, here.to(device=home, dtype=dtype))
    network.dense = dense_on(device, dtype)
    if blocks_wait:
        let_wait(network.blocks, device)
    return network.eval(), shards


def large_layers(network: Network) -> list[str]:
    """Return the paths of the Linears that hold 95 % of the weights: attention and feed-forward of the blocks.

    Modulations stay as they are, since they are computed in float32; so do the embedders, which are small.
    """
    linears = (path for path, module in network.blocks.named_modules() if isinstance(module, nn.Linear))
    return [f"blocks.{path}" for path in linears if "adaLN_modulation" not in path]


def _checked(shards: Shards, name: str, shape: torch.Size) -> Tensor:
    """Return a tensor of the files, which must have this shape."""
    saved = shards(name)
    if saved.shape != shape:
        raise weights_problem(
            f"{shards.folder / shards.files[name]}: {name} is {tuple(saved.shape)}, "
            f"but config.json makes it {tuple(shape)}"
        )
    return saved


def _put(network: nn.Module, name: str, value: Tensor) -> None:
    path, _, last = name.rpartition(".")
    setattr(network.get_submodule(path), last, nn.Parameter(value, requires_grad=False))


def _check_names(network: nn.Module, shards: Shards) -> None:
    wanted = {name for name, _ in network.named_parameters()}
    missing, strange = sorted(wanted - shards.files.keys()), sorted(shards.files.keys() - wanted)
    if missing or strange:
        lacks = f"lacks {_some(missing)}" if missing else ""
        holds = f"holds {_some(strange)}, which the network does not have" if strange else ""
        raise weights_problem(f"{shards.folder} {' and '.join(part for part in (lacks, holds) if part)}")


def _some(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more
