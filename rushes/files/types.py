"""Content types: reading them off the first bytes, and which may be shown in a browser instead of saved.

A table of magic numbers of the formats that pass through a video studio; whether a file really decodes is not asked.
"""

from __future__ import annotations

import re

HEAD_BYTES = 512
UNKNOWN = "application/octet-stream"

_WELL_FORMED = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(\s*;[\x20-\x7e]*)?", re.ASCII)
_MAX_TYPE_CHARS = 200

# (offset, bytes that must stand there, type); the first match wins.
_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (8, b"AVI ", "video/x-msvideo"),
    (8, b"WAVE", "audio/wav"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"\xff\xf3", "audio/mpeg"),
    (0, b"\xff\xf1", "audio/aac"),
    (0, b"fLaC", "audio/flac"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"{", "application/json"),
)

# Documents that may run scripts or load more; `image/*` also has one of them, SVG.
_INLINE = re.compile(r"(image|video|audio)/[a-z0-9.+-]+|text/plain|application/json|application/pdf", re.ASCII)
_ACTIVE = re.compile(r"xml|svg|html|script", re.ASCII)


def given_type(text: str | None) -> str | None:
    """Return a declared type if it can be sent back in a header; None for nonsense and for nothing."""
    stripped = (text or "").strip()
    if len(stripped) > _MAX_TYPE_CHARS or not _WELL_FORMED.fullmatch(stripped):
        return None
    return stripped


def sniffed_type(head: bytes) -> str:
    """Return the type that the first bytes show, application/octet-stream when they show nothing."""
    if head.startswith(b"\x1aE\xdf\xa3"):  # Matroska; its document type follows within the head
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(b"OggS"):
        return "video/ogg" if b"theora" in head[:64] else "audio/ogg"
    if head.startswith(b"BM") and head[6:10] == bytes(4):  # two letters alone could be the start of any text
        return "image/bmp"
    for offset, magic, content_type in _MAGIC:
        if head.startswith(magic, offset):
            return content_type
    return UNKNOWN


def suffix_of(content_type: str) -> str:
    """Return the usual file suffix with its dot, for a file that came without a name; "" for unknown types."""
    return _SUFFIXES.get(essence(content_type), "")


def essence(content_type: str) -> str:
    """Return `type/subtype` in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def may_show(content_type: str) -> bool:
    """Say whether a browser may show it in place; everything that could run a script is only ever saved."""
    kind = essence(content_type)
    return _INLINE.fullmatch(kind) is not None and _ACTIVE.search(kind) is None


_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/bmp": ".bmp",
    "image/tiff": ".tiff",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "image/svg+xml": ".svg",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "video/quicktime": ".mov",
    "video/x-matroska": ".mkv",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "audio/ogg": ".ogg",
    "audio/mp4": ".m4a",
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "text/plain": ".txt",
}
