"""How many sockets and files the server may have open at once: as many as the system lets it.

Most systems start programs with 1,024 as their own limit and a far higher one beside it, up to which they may raise it
themselves. A server has a socket for each status stream and session, and refuses callers when it can have no more.
"""

from __future__ import annotations

import resource

ENOUGH = 4_096  # a thousand streams, 256 sessions with two sockets each, and what lies on the disk
_UNLIMITED = 1_048_576  # systems that say "unlimited" refuse more than they can number


def raise_open_files() -> int:
    """Let this process, and those that it starts, have as many files open as is allowed; return how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _UNLIMITED if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower bound of its own than the limit it tells
            return soft
        return wanted
    return soft if soft != resource.RLIM_INFINITY else wanted
