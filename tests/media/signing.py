"""A server's key in a folder, and what tests sign with it: for tests of content credentials."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from rushes.endpoint import ServedBy
from rushes.files.credentials import AUTHORITY, Credentials, claim_in
from rushes.media.provenance import Facts, InputFile, Signature

SERVED_BY = ServedBy("animatic", "first", "animatic", "0.1.0", True, 7)


class Key:
    """A server's key, and how often it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.credentials = Credentials(folder, time.time)
        self.signature = Signature(self.credentials.chain, self.sign)
        self.signed = 0

    def sign(self, claim: bytes) -> bytes:
        self.signed += 1
        return self.credentials.sign(claim_in(claim))

    @property
    def anchors(self) -> str:
        return (self.folder / AUTHORITY).read_text()


def facts(*inputs: InputFile, trained: bool = False, prompt: str | None = None) -> Facts:
    return Facts("test/film", "job-1", SERVED_BY, trained, "0.1.0", inputs, prompt)


def given(field: str, kind: str, path: Path, content_type: str) -> InputFile:
    content = path.read_bytes()
    return InputFile(field, kind, path, content_type, len(content), hashlib.sha256(content).hexdigest())
