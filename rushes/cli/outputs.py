"""Which files an output holds, as addresses or whole, and under which names they are saved on this side."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from mimetypes import guess_extension
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from rushes.cli.problem import CommandError


@dataclass(frozen=True, slots=True)
class OutputFile:
    """A file in an output: where it lies, and the name the server gave it."""

    url: str
    name: str


def files_in(output: Any) -> Iterator[OutputFile]:
    """Yield every file of an output, in its order, through lists and nested objects."""
    if isinstance(output, list):
        for one in output:
            yield from files_in(one)
    elif isinstance(output, dict):
        url = output.get("url")
        # What has an address is a file, and nothing within it is another one.
        if isinstance(url, str) and url.startswith(("http://", "https://", "data:")):
            yield OutputFile(url, _name(output.get("file_name"), url))
        else:
            for one in output.values():
                yield from files_in(one)


def _name(given: object, url: str) -> str:
    made_up = (
        f"output{guess_extension(_type_of(url)) or ''}" if url.startswith("data:") else unquote(urlsplit(url).path)
    )
    last = given if isinstance(given, str) and given else made_up
    # Somebody else's name: no way out of the folder, nothing hidden, nothing that a shell or terminal would obey.
    cleaned = re.sub(r"[^\w.+ -]", "_", PurePosixPath(last).name).lstrip(".")
    return cleaned or "output"


def _type_of(data_uri: str) -> str:
    return data_uri.removeprefix("data:").partition(",")[0].partition(";")[0]


def carried(data_uri: str) -> bytes:
    """Return the bytes that a data URI carries, as the server writes them: in base64."""
    return b64decode(data_uri.partition(",")[2])


def place(text: str) -> Path:
    """Return where somebody wants the output saved; CommandError when that is in no folder that there is."""
    wanted = Path(os.path.expanduser(text))  # leaves the ~ of a user who is none as it is
    folder = wanted if text.endswith("/") else wanted.parent
    if not folder.is_dir():
        raise CommandError(f"there is no folder {str(folder)!r} to save into; make it first", exit_code=2)
    try:
        wanted.is_dir()
    except OSError as error:
        raise CommandError(f"cannot save {text!r}: {error.strerror}", exit_code=2) from error
    return wanted


def targets(files: Sequence[OutputFile], wanted: Path | None, here: Path) -> list[Path]:
    """Return where each file is saved.

    `wanted` is taken as it is for one file and numbered for several; an existing folder takes the server's names.
    Without `wanted` they go to `here`, and nothing that is there is overwritten.
    """
    if wanted is None:
        return _free([here / file.name for file in files])
    if wanted.is_dir():
        return _free([wanted / file.name for file in files])
    if len(files) == 1:
        return [wanted]
    return [wanted.with_stem(f"{wanted.stem}-{number}") for number in range(1, len(files) + 1)]


def _free(paths: Sequence[Path]) -> list[Path]:
    """Number the paths that exist or that two files would share."""
    taken: list[Path] = []
    for path in paths:
        free, number = path, 1
        while free in taken or free.exists():
            number += 1
            free = path.with_stem(f"{path.stem}-{number}")
        taken.append(free)
    return taken
