"""How a stored file is written down: `rushes-file:/ID/NAME` in stored outputs, `/files/b/ID/NAME` in addresses.

Pure text. Whether the file exists is the store's to say, and under which host we are reached the gateway's.
"""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from rushes.files.store import is_id

SCHEME = "rushes-file"


def stored_url(file_id: str, name: str) -> str:
    """Return the form for stored outputs, independent of host and port."""
    return f"{SCHEME}:/{file_id}/{quote(name, safe='')}"


def own_file(url: str) -> str | None:
    """Return the file id that a URL may mean, whatever its host: ids are unguessable, so whoever knows one may read it.

    Understands the stored form and addresses whose path is `[/cdn]/files/b/ID/NAME`. The caller asks the store.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # e.g. an unclosed [ in the host
        return None
    steps = [unquote(step) for step in parts.path.split("/") if step]
    if parts.scheme == SCHEME:
        steps = ["files", "b", *steps]
    elif parts.scheme not in {"http", "https"}:
        return None
    # As it is spelled where fal's hosts are paths of this server.
    if steps[:1] == ["cdn"]:
        steps = steps[1:]
    if len(steps) != 4 or steps[:2] != ["files", "b"] or not is_id(steps[2]):
        return None
    return steps[2]
