"""Makes the gallery anew: `python -m docs.gallery.make`, or `make gallery`. Takes a few minutes.

A server of its own is started in a temporary folder; material is made first, then every request is handed to its
queue, and previews are made while it works. Unchanged code gives the same page and the same pictures, on a machine
with the same speech synthesiser (espeak-ng where its extra is installed).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from docs.gallery.drawn import DRAWINGS, PHOTOGRAPH
from docs.gallery.material import ASKED, NAMES, Asked
from docs.gallery.page import PAGE, PICTURES, Result, material_of, picture_of, text
from docs.gallery.previews import preview
from docs.gallery.shots import CLONED, SHOTS
from rushes.cli.client import Client, Submitted
from rushes.cli.embedded import embedded_server
from rushes.cli.inputs import wire
from rushes.cli.outputs import files_in
from rushes.cli.problem import CommandError
from rushes.endpoint import Endpoint
from rushes.families import served

ENDPOINTS: Mapping[str, Endpoint] = served(test_endpoints=False)
CLONE = "fal-ai/minimax/voice-clone"


@dataclass(frozen=True, slots=True)
class Made:
    """What a request gave: its files on this side, the answer, and who made it for how many units."""

    files: Sequence[Path]
    output: Any
    units: float | None
    served_by: str


class Studio:
    """Hands requests to one server and fetches what comes of them into a folder, which holds the material too."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._uploaded: dict[Path, str] = {}

    def submit(self, endpoint: str, body: Mapping[str, Any]) -> Submitted:
        """Hand over a request whose files are named as `@name`."""
        request = ENDPOINTS[endpoint].input.model_validate(body)
        with chdir(self._folder):
            return self._client.submit(endpoint, wire(request, self._upload))

    def _upload(self, path: Path) -> str:
        if path not in self._uploaded:
            self._uploaded[path] = self._client.upload(path)
        return self._uploaded[path]

    def fetch(self, endpoint: str, submitted: Submitted, name: str) -> Made:
        """Wait for a request, and download its files as `name`, numbered from the second on, each with its ending."""
        for _ in self._client.follow(submitted):
            pass
        try:
            answer = self._client.result(submitted)
        except CommandError as error:
            raise CommandError(f"{endpoint}: {error}") from error
        paths = []
        for number, file in enumerate(files_in(answer.output)):
            path = self._folder / f"{name}{number or ''}{Path(file.name).suffix}"
            self._client.download(file.url, path)
            paths.append(path)
        return Made(paths, answer.output, answer.units, answer.served_by or "")


def material(studio: Studio, folder: Path, say: Callable[[str], None]) -> None:
    """Put everything that requests are fed with into the folder, and its small pictures on the page."""
    shutil.copy(PHOTOGRAPH, folder)
    for name, draw in DRAWINGS.items():
        cv2.imwrite(str(folder / name), draw())
    films = [one for one in ASKED if one.name.endswith(".mp4")]
    _make(studio, folder, [one for one in ASKED if one not in films], say)
    _make(studio, folder, films, say)
    for name in NAMES:
        preview([folder / name], material_of(name))


def _make(studio: Studio, folder: Path, wanted: Sequence[Asked], say: Callable[[str], None]) -> None:
    waiting = [(one, studio.submit(one.endpoint, one.body)) for one in wanted]
    for one, submitted in waiting:
        made = studio.fetch(one.endpoint, submitted, f"raw-{Path(one.name).stem}")
        made.files[0].rename(folder / one.name)
        say(one.name)


def results(studio: Studio, say: Callable[[str], None]) -> dict[str, Result]:
    """Send every request, wait for all, and write a preview of each."""
    waiting = {name: studio.submit(name, body) for name, body in SHOTS.items() if CLONED not in body.values()}
    found: dict[str, Result] = {}
    for name, submitted in waiting.items():
        made = studio.fetch(name, submitted, picture_of(name).stem)
        found[name] = _shown(name, made)
        say(name)
        if name == CLONE:
            found |= _with_voice(studio, made.output["custom_voice_id"])
    return found


def _with_voice(studio: Studio, voice: str) -> dict[str, Result]:
    """Send the requests about the cloned voice, which has another id each time."""
    found = {}
    for name, body in SHOTS.items():
        if CLONED in body.values():
            given = {key: voice if value == CLONED else value for key, value in body.items()}
            made = studio.fetch(name, studio.submit(name, given), picture_of(name).stem)
            found[name] = _shown(name, made)
    return found


def _shown(name: str, made: Made) -> Result:
    facts = preview(made.files, picture_of(name)) if made.files else None
    size = made.files[0].stat().st_size if made.files else 0
    return Result(facts, size, made.units, made.served_by, made.output)


def main() -> None:
    """Make everything and write the page."""

    def say(what: str) -> None:
        print(what, file=sys.stderr)

    shutil.rmtree(PICTURES, ignore_errors=True)
    PICTURES.mkdir()
    with (
        tempfile.TemporaryDirectory(prefix="rushes-") as data,
        tempfile.TemporaryDirectory(prefix="rushes-") as room,
        embedded_server(Path(data)) as server,
        Client(server.url, server.key) as client,
    ):
        studio = Studio(client, Path(room))
        material(studio, Path(room), say)
        found = results(studio, say)
    endpoints = sorted((ENDPOINTS[name] for name in SHOTS), key=lambda one: list(ENDPOINTS).index(one.id))
    PAGE.write_text(text(endpoints, SHOTS, found))


if __name__ == "__main__":
    main()
