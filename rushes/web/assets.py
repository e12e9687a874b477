"""The files that pages load (style sheet, script, icon): read once, served with an ETag and a long life.

Pages link them with a version made of their content, so that a browser may keep them for ever and still sees changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "static"
TYPES: Mapping[str, bytes] = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file; `version` is a digest of its content."""

    content: bytes
    content_type: bytes
    version: str


def load_assets(folder: Path = FOLDER) -> Mapping[str, Asset]:
    """Read every file of a known type, by name."""
    return dict(_assets(folder))


def digest(content: bytes) -> str:
    """Return a short name of some content, for ETags and versions."""
    return sha256(content).hexdigest()[:16]  # 64 bits: versions of one file, not files of strangers


def _assets(folder: Path) -> Iterator[tuple[str, Asset]]:
    for path in sorted(folder.iterdir()):
        if path.suffix in TYPES:
            content = path.read_bytes()
            yield path.name, Asset(content, TYPES[path.suffix], digest(content))
