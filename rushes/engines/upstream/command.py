"""A command of the operator's machine (git, pip), run with its lines passed on; used while preparing only."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence

_LAST = 12  # lines that are looked through for what went wrong
_SAYS_WHY = ("error", "fatal", "denied")


class Failed(Exception):
    """A command ended with an error; the text is the line that says most about it."""


def run_command(command: Sequence[str], environment: Mapping[str, str], heard: Callable[[str], None]) -> None:
    """Run a command to its end. Raises Failed, and OSError where there is no such program."""
    last: deque[str] = deque(maxlen=_LAST)
    with subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if told := line.strip():
                last.append(told)
                heard(told)
    if process.returncode != 0:
        why = [line for line in last if any(word in line.lower() for word in _SAYS_WHY)]
        raise Failed((why or last or [f"exit code {process.returncode}"])[-1])
