"""Skip what changes little from step to step: the first block tells whether the others need to run.

When the first block changes its input almost as it did in the last full pass, what the other blocks added then is
added again. Known as first-block caching; an approximation, so it is only used where the request asks for acceleration.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

THRESHOLD = 0.08  # relative change of the first block's addition; the value that cache-dit has for its first block
MAX_SKIPS = 3  # in a row, so that errors don't add up

Run = Callable[[Tensor, range], Tensor]


class FirstBlock:
    """What one film's passes remember of each other; make a new one for every film, or after a cancel."""

    def __init__(self, threshold: float = THRESHOLD, max_skips: int = MAX_SKIPS) -> None:
        self.threshold, self.max_skips = threshold, max_skips
        self.computed = 0
        self.skipped = 0
        self._in_a_row = 0
        self._first: Tensor | None = None
        self._rest: Tensor | None = None

    def __call__(self, x: Tensor, run: Run, blocks: int) -> Tensor:
        """Run the first block; then the others, or what they added before."""
        after = run(x, range(1))
        added = after - x
        if self._rest is not None and self._is_alike(added):
            self._in_a_row += 1
            self.skipped += 1
            return after + self._rest
        out = run(after, range(1, blocks))
        # Compared with the last pass that was computed, not the last one: small changes in a row would go unnoticed.
        self._first, self._rest, self._in_a_row = added, out - after, 0
        self.computed += 1
        return out

    def _is_alike(self, added: Tensor) -> bool:
        before = self._first
        if before is None or before.shape != added.shape or self._in_a_row >= self.max_skips:
            return False
        change = (added - before).abs().mean() / before.abs().mean().clamp_min(1e-12)
        return bool(change < self.threshold)
