"""The address of a server as a person wrote it: checked once, before anything is asked of it or exported."""

from __future__ import annotations

from urllib.parse import urlsplit

from rushes.cli.problem import CommandError
from rushes.connect import DEFAULT_URL


def server_address(text: str) -> str:
    """Return the address without a slash at its end; CommandError for what is no http address."""
    try:
        parts = urlsplit(text.strip())
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or any(one.isspace() for one in text.strip()):
        raise CommandError(f"{text!r} is no address of a server; one looks like {DEFAULT_URL}", exit_code=2)
    return text.strip().rstrip("/")
