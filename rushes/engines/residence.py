"""Which deployments' weights are in a device's memory: those used last, as many as fit by what was measured.

One object for all deployments of a process. Knows nothing of torch: who moves in says how much it takes and how it
moves out.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Resident:
    device: str
    size_bytes: int
    leave: Callable[[], None]


class Residence:
    """Residents by name, the one used longest ago first."""

    def __init__(self) -> None:
        self._residents: dict[str, _Resident] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Who is in, the one used longest ago first."""
        return tuple(self._residents)

    def touch(self, name: str) -> bool:
        """Say whether it is in; if so it is now the one used last."""
        resident = self._residents.pop(name, None)
        if resident is not None:
            self._residents[name] = resident
        return resident is not None

    def make_room(self, name: str, device: str, needed: int, free: Callable[[], int | None]) -> None:
        """Move others out of a device, the one used longest ago first, until so many bytes are free or all are out.

        `free` measures; None is as much as is wanted.
        """
        # A list first: who leaves is taken out of what is gone through.
        for other in [known for known, one in self._residents.items() if known != name and one.device == device]:
            left = free()
            if left is None or left >= needed:
                return
            LOG.info("%s makes room on %s for %s", other, device, name)
            self.leave(other)

    def evict_others(self, name: str, device: str) -> bool:
        """Move everybody else out of a device; say whether there was anybody."""
        others = [known for known, one in self._residents.items() if known != name and one.device == device]
        for other in others:
            self.leave(other)
        return bool(others)

    def enter(self, name: str, device: str, size_bytes: int, leave: Callable[[], None]) -> None:
        """Note that it is in, as the one used last; `size_bytes` were measured."""
        self._residents.pop(name, None)  # or it would keep its old place in the order
        self._residents[name] = _Resident(device, size_bytes, leave)

    def forget(self, name: str) -> None:
        """Note that it is out, if it was in: it left by itself."""
        self._residents.pop(name, None)

    def used(self, device: str) -> int:
        """Return what the residents of a device take, in bytes."""
        return sum(one.size_bytes for one in self._residents.values() if one.device == device)

    def leave(self, name: str) -> None:
        """Move out, if in."""
        resident = self._residents.pop(name, None)  # first: one whose leaving fails is not told to leave again
        if resident is not None:
            resident.leave()
