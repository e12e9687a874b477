"""Which passes of a film are left out because they would change little (MagCache). Pure; `passes` leaves them out.

What is left out follows from a list of magnitudes and not from the film: how the mean length of the network's change to
its tokens goes from step to step, as Ma et al. describe ("MagCache", 2025). Skipped passes add the change of the last
one that was computed; a list's products tell how far that is off, and when it must be computed again.

The list that is here is of 14B picture-to-video weights at 480p and 40 steps, as published with LightX2V (Apache-2.0);
at 30 steps 28 of 60 passes are computed. Those for 720p, which are of the same layout, go by it too. Weights without a
list are never skipped; the operator may give one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

RATIO_MOST = 100.0  # neighbouring steps differ by a few percent; more is another kind of list


@dataclass(frozen=True, slots=True)
class Ratios:
    """A list of ratios between neighbouring steps, and how much is risked by it.

    Steps are left out while the products' distances from 1 add up to at most `threshold`, at most `most_skipped` in a
    row, never in the first `retained` (0 to 1) of them.
    """

    values: tuple[float, ...]
    threshold: float = 0.12
    most_skipped: int = 3
    retained: float = 0.2


class RatiosProblem(ValueError):
    """A file of ratios can't be used; the text names it."""


KNOWN: Mapping[str, Ratios] = {
    "WanImageToVideoPipeline": Ratios((
        1.0, 0.98783, 0.97559, 0.98311, 0.98202, 0.9888, 0.98762, 0.98957, 0.99052, 0.99383, 0.98857, 0.99065, 0.98845,
        0.99057, 0.98957, 0.98601, 0.98823, 0.98756, 0.98808, 0.98721, 0.98571, 0.98543, 0.98157, 0.98411, 0.97952,
        0.98149, 0.9774, 0.97825, 0.97355, 0.97085, 0.97056, 0.96588, 0.96113, 0.9567, 0.94961, 0.93973, 0.93217,
        0.91878, 0.90955, 0.92617,
    )),
}  # fmt: skip


def computed(ratios: Ratios, steps: int) -> tuple[bool, ...]:
    """Return for each of so many steps whether it is computed."""
    values = _resampled(ratios.values, steps)
    first = int(ratios.retained * steps + 0.5)  # rounded as in diffusers' own cache, whose passes these are
    found, product, error, skipped = [], 1.0, 0.0, 0
    for step, ratio in enumerate(values):
        needed = True
        if step >= first:
            product, skipped = product * ratio, skipped + 1
            error += abs(1 - product)
            needed = step == 0 or error > ratios.threshold or skipped > ratios.most_skipped
            if needed:
                product, error, skipped = 1.0, 0.0, 0
        found.append(needed)
    return tuple(found)


def read_ratios(path: str) -> Ratios:
    """Read a file: a list of ratios, or an object with `ratios` and other members of Ratios. Raises RatiosProblem."""
    try:
        found = json.loads(Path(path).expanduser().read_bytes())
    except (OSError, ValueError) as error:
        raise RatiosProblem(f"ratios: {path} can't be read as JSON ({error})") from None
    table = {"ratios": found} if isinstance(found, list) else found
    if not isinstance(table, dict) or not table.keys() <= {"ratios", "threshold", "most_skipped", "retained"}:
        raise RatiosProblem(
            f"ratios: {path} holds neither a list nor an object with ratios, threshold, most_skipped and retained"
        )
    values = table.pop("ratios", None)
    if not isinstance(values, list) or len(values) < 2 or not all(_number(one, 0, RATIO_MOST) for one in values):
        raise RatiosProblem(f"ratios: {path} must list two or more numbers above 0 and up to {RATIO_MOST:g}")
    for name, most in (("threshold", 10.0), ("most_skipped", 100), ("retained", 1.0)):
        if name in table and not (_number(table[name], -1e-9, most) and (most != 100 or isinstance(table[name], int))):
            raise RatiosProblem(f"ratios: {name} in {path} must be a number from 0 to {most:g}, got {table[name]!r}")
    return Ratios(tuple(map(float, values)), **table)


def write_ratios(path: str, values: Sequence[float]) -> None:
    """Write a file that `read_ratios` reads; it is there as a whole or not at all."""
    to = Path(path).expanduser()
    part = to.with_name(f"{to.name}.part")
    part.write_text(json.dumps({"ratios": [round(one, 5) for one in values]}) + "\n")
    os.replace(part, to)


def _number(value: object, above: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and above < value <= most


def _resampled(values: tuple[float, ...], steps: int) -> tuple[float, ...]:
    """Return as many values as there are steps, each the nearest in place."""
    if steps == 1:
        return values[-1:]
    scale = (len(values) - 1) / (steps - 1)
    return tuple(values[round(step * scale)] for step in range(steps))
