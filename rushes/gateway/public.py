"""Endpoints that the operator opened to callers without a key (protocol A-02): which ones, and who such a caller is.

They all are one account, `anonymous`, and follow their requests by ids that nobody guesses. Pure but for the caller.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache

from rushes.accounts.keys import Caller
from rushes.gateway.ids import MOST_ID_CHARS, REQUESTS, endpoint_id

ANONYMOUS = Caller(account="anonymous", key_id="", scope="API")

_WORDS = frozenset({"stream", "realtime"})  # what a path may add to an endpoint's id


def is_open(patterns: str, segments: tuple[str, ...]) -> bool:
    """Say whether a path of the run or queue host needs no key.

    A request is followed under its app, so there it is enough that one of the app's endpoints may be public: whose
    request it is, its account says.
    """
    if REQUESTS in segments:
        name = endpoint_id(segments[: segments.index(REQUESTS)])
        return is_public(patterns, name) or (len(name) <= MOST_ID_CHARS and _may_have_public(patterns, name))
    # Whether the word belongs to an id, only the list of endpoints knows; `submission` looks at that.
    if segments[-1:] and segments[-1] in _WORDS and is_public(patterns, endpoint_id(segments[:-1])):
        return True
    return is_public(patterns, endpoint_id(segments))


def is_public(patterns: str, endpoint: str) -> bool:
    """Say whether one of the patterns between commas, with * and ? as in a shell, matches an endpoint's whole id."""
    return len(endpoint) <= MOST_ID_CHARS and _is_public(patterns, endpoint)


@lru_cache(maxsize=1024)
def _is_public(patterns: str, endpoint: str) -> bool:
    return any(fnmatchcase(endpoint, pattern) for pattern in _split(patterns))


@lru_cache(maxsize=1024)
def _may_have_public(patterns: str, app: str) -> bool:
    """Say whether a pattern matches anything below an app: then the app with its slash fits a beginning of it."""
    begins = [pattern[:end] for pattern in _split(patterns) for end in range(len(pattern) + 1)]
    return any(fnmatchcase(f"{app}/", begin) for begin in begins)


def _split(patterns: str) -> list[str]:
    return [pattern for text in patterns.split(",") if (pattern := text.strip())]
