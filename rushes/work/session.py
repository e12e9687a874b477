"""A session's inputs, one after the other, each to one output: the ordered steps of one answer.

What an input leaves out is taken from earlier ones where the endpoint says so, and its files are fetched once for as
long as the same are named. How inputs come and answers go is the runner's business.
"""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from rushes.calls import Call
from rushes.endpoint import Delivery, Endpoint, Frame, MediaMap, Realtime
from rushes.engines.engine import Pictures
from rushes.fields import forms, media_inputs
from rushes.jobs.job import Outcome
from rushes.media.stills import encode_still
from rushes.work.check import is_checked
from rushes.work.fetch import fetch_inputs
from rushes.work.given import checked
from rushes.work.perform import check_inputs
from rushes.work.products import watched
from rushes.work.serve import announce
from rushes.work.tools import Deployment, Tools


@dataclass(slots=True)
class SessionWork:
    """One session of one endpoint. `turn` is held while the engine works: it serves one thread at a time."""

    endpoint: Endpoint
    realtime: Realtime
    deployment: Deployment
    tools: Tools
    turn: AbstractContextManager[Any]
    answered: int = 0
    units: float = 0.0
    busy_s: float = 0.0
    _kept: dict[str, Any] = field(default_factory=dict)
    _named: tuple[str, ...] = ()  # the addresses of the files that `_media` holds
    _media: MediaMap = field(default_factory=dict)
    _folder: Path | None = None

    def answer(self, given: Mapping[str, Any], own_files: Mapping[str, str]) -> Mapping[str, Any]:
        """Make one output; bytes in it are pictures. Raises CallerError for what the caller must know."""
        started = self.tools.clock()
        request = checked(self.endpoint.input, self._kept | with_addresses(self.endpoint.input, given))
        media = self._fetched(request, own_files)
        # Not before its files are there: an input that fails leaves nothing for later ones.
        self._kept = {name: getattr(request, name) for name in self.realtime.kept}
        plan = self.endpoint.clip(request, media) if self.endpoint.clip else None
        call = self.endpoint.engines[self.deployment.kind](request, media, plan)
        output = self.realtime.reply(request, self._frames(call, self.endpoint.delivery(request)))
        self.answered += 1
        self.units += self.endpoint.units(request, plan)
        self.busy_s += self.tools.clock() - started
        return output

    def outcome(self) -> Outcome:
        """Say what became of the session, for its job."""
        served_by = announce(self.endpoint, self.deployment.name, self.deployment.maker, None, self.tools.report)
        seconds = round(self.busy_s, 6)
        output = f'{{"outputs":{self.answered},"busy_seconds":{seconds}}}'
        return Outcome(output.encode(), served_by.header(), self.units, seconds)

    def _fetched(self, request: BaseModel, own_files: Mapping[str, str]) -> MediaMap:
        """Return the input's files; those of the input before it where the same are named."""
        named = tuple(one.url for one in media_inputs(request))
        if named != self._named or not self._media:
            tools, before = self.tools, self._folder
            # A folder of their own: an engine that knows the earlier files by their paths must not take these for them.
            folder = Path(tempfile.mkdtemp(dir=tools.files.folder()))
            files = replace(tools.files, folder=lambda: folder)
            # Named only when fetched: after a failure the next input fetches again, whatever it names.
            self._folder, self._named = folder, ()
            media = fetch_inputs(request, own_files, files, tools.settings, tools.report, self.endpoint.voices)
            if is_checked(self.endpoint, request, tools.settings):
                check_inputs(self.endpoint, request, media, None, tools)
            self._media, self._named = media, named
            if before is not None:
                shutil.rmtree(before, ignore_errors=True)
        return self._media

    def _frames(self, call: Call, delivery: Delivery) -> tuple[Frame, ...]:
        report = self.tools.report
        with self.turn:
            made = self.deployment.engine.generate(call, lambda _: report.tick(), report.cancelled)
            if not isinstance(made, Pictures):
                raise TypeError(f"a session shows pictures; the engine made {type(made).__name__}")
            pictures = list(watched(made.pictures, report.tick))
        return tuple(
            Frame(encode_still(one, delivery.still), delivery.still, one.shape[1], one.shape[0]) for one in pictures
        )


def with_addresses(model: type[BaseModel], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input with the bytes of a file, where they stand in its address's place, as a data URI."""
    members = dict(given)
    for form in forms(model):
        value = members.get(form.name)
        if form.media and isinstance(value, bytes):
            members[form.name] = f"data:application/octet-stream;base64,{base64.b64encode(value).decode()}"
    return members
