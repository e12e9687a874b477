"""Secrets kept out of words: what a vendor says may hold the key that it was shown, and goes to logs and callers.

A key is known here in every form that a request may have carried it in: whole, by its parts, in base64, and as any
signed token (JWT), whose secret is in none of its words but which opens the same door for a while.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable

SHOWN = "[hidden]"
LEAST_CHARS = 6  # a shorter part of a key would blank ordinary words
LEAST_BEGUN = 10  # of a key's beginning: excerpts of answers end anywhere, and may end within it
_TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?")


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which no key and no token shows, and which any encoding of ours can hold."""
    text = _TOKEN.sub(SHOWN, text.encode("utf-8", "replace").decode())
    for form in sorted(forms(secrets), key=len, reverse=True):
        text = _blanked(text, form)
    return text


def _blanked(text: str, form: str) -> str:
    """Return a text without this form of a key, whole or begun."""
    begun, at = form[:LEAST_BEGUN], 0
    while (at := text.find(begun, at)) >= 0:
        end = at + len(begun)
        while end < len(text) and end - at < len(form) and text[end] == form[end - at]:
            end += 1
        text, at = text[:at] + SHOWN + text[end:], at + len(SHOWN)
    return text


def forms(secrets: Iterable[str]) -> set[str]:
    """Return what must not show of these keys."""
    found: set[str] = set()
    for secret in secrets:
        parts = [part for part in (secret, *secret.split(":")) if len(part) >= LEAST_CHARS]
        for part in parts:
            packed = base64.b64encode(part.encode()).decode()
            # A text that stands deeper within what is encoded has other letters at its ends.
            found |= {part, packed.rstrip("="), packed.rstrip("=").replace("+", "-").replace("/", "_")}
    return found
