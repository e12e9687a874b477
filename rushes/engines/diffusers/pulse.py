"""Signs of life and looks at cancel from the layers themselves, many in a step; and whether numbers are still sound.

A step of a large film takes longer than a runner may be silent. On a GPU nothing here makes it stand still: the process
stays a few layers ahead of it, and whether numbers are finite is learned a step later.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from rushes.engines.trouble import broken_numbers

AHEAD = 2  # layers that a GPU may be behind its process: enough to stay busy


class Beat:
    """Calls `between`; on a GPU it waits for the layer before last, whose queue would hide the time."""

    def __init__(self, pipe: Any, between: Callable[[], None]) -> None:
        self._between = between
        self._on_gpu = torch.cuda.is_available() and pipe._execution_device.type == "cuda"
        self._waiting: deque[Any] = deque()

    def __call__(self, *_: Any) -> None:
        """Take the arguments of a hook, or none."""
        self._between()
        if self._on_gpu:
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
            self._waiting.append(event)
            if len(self._waiting) > AHEAD:
                self._waiting.popleft().synchronize()


@contextmanager
def pulse(
    pipe: Any, between: Callable[[], None], only: Any = None, without: Collection[torch.nn.Module] = ()
) -> Iterator[None]:
    """Call `between` before every layer of all models, or of one, or of all but some."""
    beat = Beat(pipe, between)
    parts = [only] if only is not None else [
        one for one in pipe.components.values() if isinstance(one, torch.nn.Module) and one not in without
    ]  # fmt: skip
    hooks = [layer.register_forward_pre_hook(beat) for part in parts for layer in _layers(part)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class Soundness:
    """Whether the numbers of each step are finite. Raises Unable for a step that isn't, at once or with the next."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self._asked: deque[tuple[int, Tensor, Any]] = deque()

    def ask(self, step: int, latents: Tensor) -> None:
        """Look at the latents after so many steps; on a GPU the answer comes while the next one is made."""
        fine, event = torch.isfinite(latents).all(), None
        if fine.is_cuda:
            aside = torch.empty((), dtype=torch.bool, pin_memory=True)
            fine = aside.copy_(fine, non_blocking=True)
            event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            event.record()
        self._asked.append((step, fine, event))
        self.answer(wait=False)

    def answer(self, *, wait: bool = True) -> None:
        """Hear what is known by now, or all."""
        while self._asked:
            step, fine, event = self._asked[0]
            if event is not None and wait:
                event.synchronize()
            elif event is not None and not event.query():
                return
            self._asked.popleft()
            if not fine:
                raise broken_numbers(f"after step {step} of {self._steps}")


def _layers(part: torch.nn.Module) -> list[torch.nn.Module]:
    """Return a model's layers: members of module lists that lie in no other such list."""
    found = _FOUND.get(part)
    if found is None:
        seen: list[str] = []
        found = []
        for name, module in part.named_modules():
            if isinstance(module, torch.nn.ModuleList) and not any(name.startswith(f"{one}.") for one in seen):
                seen.append(name)
                found.append(weakref.ref(module))
        _FOUND[part] = found
    return [layer for held in map(_held, found) for layer in held]


def _held(reference: weakref.ref[torch.nn.ModuleList]) -> Iterable[torch.nn.Module]:
    return reference() or ()


_FOUND: weakref.WeakKeyDictionary[torch.nn.Module, list[weakref.ref[torch.nn.ModuleList]]] = weakref.WeakKeyDictionary()
"""Lists of layers by model: looking for them takes longer than a layer of a small model."""
