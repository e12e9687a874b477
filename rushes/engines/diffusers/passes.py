"""A film's passes through its networks: two made as one, some left out, their changes measured, and each layer watched.

Done from outside of a pipeline, whose loop stays as it is: a network's `forward` and its repeated blocks' calls are led
through here while a film is made. Blocks are reached before what may have been compiled of them, so that nothing is
compiled again. All that is remembered dies with the film, so one after a cancel can't be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

COMPILED = "_compiled_call_impl"  # what torch.nn.Module.compile sets and a module's call goes to first
TINY = 1e-8  # beside lengths, one of which may be 0


@dataclass(frozen=True, slots=True)
class Order:
    """What is wanted of a film's passes.

    `branches` passes are made for each step; with the other one's text (1, N, C) in `second` two of them are made as
    one. `computed` says for each step whether it is; None computes all. `local` takes of all tokens (1, N, C) those
    that this process has.
    """

    branches: int = 1
    second: Tensor | None = None
    computed: Sequence[bool] | None = None
    measure: bool = False
    local: Callable[[Tensor], Tensor] = lambda tokens: tokens


@dataclass(slots=True)
class Passes:
    """One film's passes. `between` is called before each block."""

    order: Order
    between: Callable[[], None]
    measured: list[Tensor] = field(default_factory=list)
    _count: int = 0
    _waiting: Tensor | None = None
    _skips: bool = False
    _branch: int = 0
    _entered: Tensor | None = None
    _changes: dict[tuple[int, int], Tensor] = field(default_factory=dict)

    @contextmanager
    def through(self, networks: Sequence[torch.nn.Module]) -> Iterator[None]:
        """Lead these networks' passes through here."""
        with ExitStack() as stack:
            for network in networks:
                stack.enter_context(_swapped(network, "forward", partial(self._pass, id(network), network.forward)))
                blocks = repeated(network)
                for number, block in enumerate(blocks):
                    inner = vars(block).get(COMPILED) or block._call_impl
                    place = (number == 0, number == len(blocks) - 1)
                    stack.enter_context(_swapped(block, COMPILED, partial(self._block, id(network), place, inner)))
            yield

    def ratios(self) -> list[float]:
        """Return how the mean length of a network's change went from step to step; 1 for the first."""
        return [float(one) for one in self.measured]

    def _pass(self, network: int, forward: Callable[..., Any], *args: Any, **given: Any) -> Any:
        if self._waiting is not None:  # it was made along with the one before
            made, self._waiting = self._waiting, None
            return (made,)
        # A guided step calls the network twice, so that the number of a call tells its step and its branch.
        twice = self.order.second is not None
        step, self._branch = divmod(self._count, 1 if twice else self.order.branches)
        self._count += 1
        wanted = self.order.computed
        known = (network, self._branch) in self._changes
        self._skips = wanted is not None and known and not wanted[min(step, len(wanted) - 1)]
        out = forward(*args, **(self._doubled(given) if twice else given))
        if not twice:
            return out
        made, self._waiting = out[0].chunk(2)
        return (made,)

    def _doubled(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return a pass's tensors (1, ...) as those of two films, whose texts differ."""
        second = self.order.second
        assert second is not None
        made = {
            name: torch.cat((value, value)) if isinstance(value, Tensor) and value.ndim else value
            for name, value in given.items()
        }
        text = given["encoder_hidden_states"]
        made["encoder_hidden_states"] = torch.cat((text, second.to(text)))
        return made

    def _block(
        self, network: int, place: tuple[bool, bool], inner: Callable[..., Any], *args: Any, **given: Any
    ) -> Any:
        self.between()
        first, last = place
        if not self.order.measure and self.order.computed is None:
            return inner(*args, **given)
        tokens = args[0] if args else given["hidden_states"]
        if self._skips:
            return self.order.local(tokens) + self._changes[network, self._branch] if first else tokens
        if first:  # with several devices it is given all tokens, and what comes out is this process's part
            self._entered = self.order.local(tokens)
        out = inner(*args, **given)
        if last and self._entered is not None:
            self._note(network, out - self._entered)
            self._entered = None
        return out

    def _note(self, network: int, change: Tensor) -> None:
        before = self._changes.get((network, self._branch))
        self._changes[network, self._branch] = change
        if self.order.measure and self._branch == 0:
            if before is None:
                self.measured.append(torch.ones(()))
            else:  # left on the device, so that no step waits for it
                lengths = [torch.linalg.vector_norm(one.float(), dim=-1) for one in (change, before)]
                self.measured.append((lengths[0] / (lengths[1] + TINY)).mean())


def repeated(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return a network's repeated blocks, in their order."""
    for child in network.children():
        if isinstance(child, torch.nn.ModuleList) and type(next(iter(child), None)).__name__ in (
            getattr(network, "_repeated_blocks", None) or ()
        ):
            return list(child)
    return []


@contextmanager
def _swapped(owner: torch.nn.Module, name: str, value: Callable[..., Any]) -> Iterator[None]:
    """Set an attribute of the object itself for a while; it may have none, and its class one."""
    had, before = name in vars(owner), vars(owner).get(name)
    vars(owner)[name] = value
    try:
        yield
    finally:
        if had:
            vars(owner)[name] = before
        else:
            del vars(owner)[name]
