"""File names as people give them, made safe to store, to put into a URL and to save under on any system.

The name is for people only: a file is found by its id.
"""

from __future__ import annotations

import re
import unicodedata

MAX_NAME_BYTES = 160  # percent-encoded three times as long, which still fits every proxy's idea of a path segment
MAX_SUFFIX_BYTES = 20
FALLBACK = "file"

_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\.|$)", re.IGNORECASE)


def clean_name(name: str, suffix: str = "") -> str:
    """Return the last segment of a name without what is dangerous in it; `file` + suffix when nothing is left.

    Spaces, plus signs and every script's letters stay. Control and invisible characters go (a right-to-left mark can
    make an .exe look like a .mp4), as do leading dots, trailing dots and spaces; Windows device names get a `_`.
    """
    text = unicodedata.normalize("NFC", name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1])
    text = "".join(letter for letter in text if unicodedata.category(letter)[0] != "C")
    text = _FORBIDDEN.sub("_", text)
    text = " ".join(text.split()).lstrip(". ").rstrip(". ")
    if not text:
        return FALLBACK + suffix
    if _RESERVED.match(text):
        text = f"_{text}"
    return _shorten(text)


def _shorten(name: str) -> str:
    """Cut the stem, never within a letter, and keep a suffix of ordinary length."""
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or not stem or len(suffix.encode()) > MAX_SUFFIX_BYTES:
        stem, dot, suffix = name, "", ""
    room = MAX_NAME_BYTES - len((dot + suffix).encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(". ") + dot + suffix
