"""LoRA files of this model: reading them, fusing them into the weights, and taking them out again to the last bit.

A file names each Linear by its path with dots written out, and holds `down` (rank, in) and `up` (out, rank); of a
fused layer `down` has K * rank rows, one part for each of K `up.blocks`, whose outputs stand one after the other.
Either way the change is up @ down * alpha / rank. Fused, it costs nothing while sampling; what it replaced comes back
from the weights' files, which need no second copy in memory and know no rounding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from rushes.engines.longcat.quantising import Int8Linear
from rushes.engines.trouble import weights_problem

DOT = "___lorahyphen___"
PREFIX = f"lora{DOT}"
RANK, ALPHA = 128, 64  # of the published files; a file's own `alpha` is preferred

_KEY = re.compile(r"(?P<module>.+?)\.(?:(?P<down>lora_down)|lora_up(?:\.blocks\.(?P<block>\d+))?)\.weight$")
_SCALES = re.compile(r"(?P<module>.+?)\.(?P<name>alpha_scale|alpha)$")


@dataclass(frozen=True, slots=True)
class Change:
    """What is added to one Linear's weight: the `ups` (out_k, rank) one below the other, with their parts of `down`."""

    down: Tensor
    ups: tuple[Tensor, ...]
    scale: float

    def weight(self, device: torch.device) -> Tensor:
        """Return the change, (out, in) float32."""
        # In float32, so that the sum with the weight is rounded once, when it is stored.
        downs = self.down.to(device, torch.float32).chunk(len(self.ups))
        parts = [up.to(device, torch.float32) @ down for up, down in zip(self.ups, downs, strict=True)]
        return torch.cat(parts) * self.scale


def module_path(key: str) -> str:
    """Return the path that a file's key stands for: `lora___lorahyphen___blocks___lorahyphen___0` -> `blocks.0`."""
    return key.removeprefix(PREFIX).replace(DOT, ".")


def read_lora(path: Path) -> dict[str, Change]:
    """Return the changes by module path. Raises Unable where the file can't be read or isn't a LoRA of this layout."""
    try:
        with safe_open(path, "pt") as file:
            found = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # it is no mapping
    except FileNotFoundError:
        raise weights_problem(f"{path} is missing; put it back, or fetch it again") from None
    except (SafetensorError, OSError) as error:
        raise weights_problem(f"{path} can't be read: {error}; fetch it again") from None
    return changes(found, str(path))


def changes(tensors: Mapping[str, Tensor], source: str = "the LoRA") -> dict[str, Change]:
    """Put a file's tensors together. Raises Unable for a key of another layout and for halves without the other."""
    downs: dict[str, Tensor] = {}
    ups: dict[str, dict[int, Tensor]] = {}
    scales: dict[str, dict[str, float]] = {}
    for key, tensor in tensors.items():
        if told := _SCALES.match(key):
            scales.setdefault(told["module"], {})[told["name"]] = float(tensor)
        elif not (part := _KEY.match(key)):
            raise weights_problem(f"{source} holds {key!r}, which is not this model's LoRA layout")
        elif part["down"]:
            downs[part["module"]] = tensor
        else:
            ups.setdefault(part["module"], {})[int(part["block"] or 0)] = tensor
    if downs.keys() != ups.keys():
        raise weights_problem(f"{source} has only one half of {sorted(downs.keys() ^ ups.keys())[0]!r}")
    return {module_path(key): _change(downs[key], ups[key], scales.get(key, {}), key, source) for key in downs}


def _change(down: Tensor, ups: Mapping[int, Tensor], told: Mapping[str, float], key: str, source: str) -> Change:
    ordered = tuple(ups[number] for number in sorted(ups))
    rank = ordered[0].shape[1]
    if any(up.shape[1] != rank for up in ordered) or down.shape[0] != rank * len(ordered):
        shapes = [tuple(up.shape) for up in ordered]
        raise weights_problem(f"{source}: the halves of {key!r} don't fit: down {tuple(down.shape)}, up {shapes}")
    scale = told.get("alpha_scale", told.get("alpha", rank * ALPHA / RANK) / rank)
    return Change(down, ordered, scale)


def linears(network: nn.Module) -> Iterator[tuple[str, nn.Linear]]:
    """Yield the Linears of a network by their paths."""
    for path, module in network.named_modules():
        if isinstance(module, nn.Linear):
            yield path, module


class Adapters:
    """A network, its LoRAs by name, and which of them are fused at present: the lasting ones, and one more at most."""

    def __init__(
        self,
        network: nn.Module,
        original: Callable[[str], Tensor],
        loras: Mapping[str, Callable[[], Mapping[str, Change]]],
        lasting: Mapping[str, float] | None = None,
        device: torch.device | None = None,
    ) -> None:
        """`original` gives a parameter as the weights have it; a LoRA is read when it is first used.

        `lasting` are those of `loras` that are always on, with their strengths. Sums are made on `device`; None: where
        each layer is, which may be where it only waits.
        """
        self._device = device
        self._layers = dict(linears(network))
        self._original, self._loras, self._lasting = original, loras, dict(lasting or {})
        self.fused: tuple[str, ...] | None = ()
        self._touched: set[str] = set()

    def use(self, name: str | None, between: Callable[[], None] = lambda: None) -> None:
        """Have this LoRA fused beside the lasting ones and no other; None: only those.

        `between` is called before each layer; when it raises, the next call puts everything right. Raises Unable where
        there is no such LoRA, or where it doesn't fit.
        """
        wanted = {**self._lasting, **({name: 1.0} if name is not None else {})}
        if self.fused == tuple(wanted):
            return
        # Read and checked before anything is changed: one that doesn't fit leaves the network as it was.
        held = [(self._read(one), strength) for one, strength in wanted.items()]
        self.fused = None
        for path in sorted({*self._touched, *(path for changed, _ in held for path in changed)}):
            between()
            self._set(path, [(changed[path], strength) for changed, strength in held if path in changed])
        self.fused = tuple(wanted)

    def _set(self, path: str, wanted: list[tuple[Change, float]]) -> None:
        """Give one layer the weight it had on the disk, and what is added to it; rounded once."""
        layer = self._layers[path]
        weight, is_small = layer.weight, isinstance(layer, Int8Linear)
        # What was rounded to eight bits, or changed before, is not what the change is to be added to.
        is_plain = path not in self._touched and not is_small
        here = weight.device if self._device is None else self._device
        plain = (weight.detach() if is_plain else self._original(f"{path}.weight")).to(here)
        if wanted:
            self._touched.add(path)
            # What the files hold may be finer than what the network runs in, which is what a LoRA was fused into.
            plain = plain.float() if is_small else plain.to(weight.dtype).float()
            for change, strength in wanted:
                plain = plain + strength * change.weight(here)
        if isinstance(layer, Int8Linear):
            layer.store(plain)
        else:
            weight.data.copy_(plain)
        if not wanted:
            self._touched.discard(path)

    def _read(self, name: str) -> Mapping[str, Change]:
        if name not in self._loras:
            raise weights_problem(f"these weights have no LoRA called {name!r}; there are: {', '.join(self._loras)}")
        found = self._loras[name]()
        self._check(found, name)
        return found

    def _check(self, wanted: Mapping[str, Change], name: str) -> None:
        for path, change in wanted.items():
            layer = self._layers.get(path)
            if layer is None:
                raise weights_problem(f"the LoRA {name!r} changes {path!r}, which the network does not have")
            made = (sum(up.shape[0] for up in change.ups), change.down.shape[1])
            if made != tuple(layer.weight.shape):
                raise weights_problem(
                    f"the LoRA {name!r} changes {path!r} by {made}, whose weight is {tuple(layer.weight.shape)}"
                )
