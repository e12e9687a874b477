"""Engine `server`: one inference server that the operator runs, for many jobs at once.

The way of a task (a note before it is sent, its ticket right after, waits, cancel, the film's download) is that of
vendors' tasks. Here a call of open weights becomes a request in the server's dialect, and the film that comes back
becomes the frames that were asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from pydantic import SecretStr

from rushes import __version__
from rushes.calls import Attachment, Call, VendorCall
from rushes.engines.engine import Errand, FilmFile, FinishedFiles, FrameChunk, Maker, Output, Progress, Receipt
from rushes.engines.server.answers import NO_PATH
from rushes.engines.server.contract import Dialect, Way
from rushes.engines.server.refused import told
from rushes.engines.server.wish import Wish, wish_of
from rushes.engines.vendor.asking import Time
from rushes.engines.vendor.contract import Trouble
from rushes.engines.vendor.engine import VendorEngine
from rushes.outbound.addresses import Network
from rushes.routing import ServerDeployment, VendorDeployment


class ServerEngine:
    """One deployment; see the module docstring. May be used from several threads at once."""

    def __init__(
        self,
        name: str,
        dialect: Dialect,
        setting: ServerDeployment,
        secrets: tuple[str, ...],
        *,
        allowed: tuple[Network, ...] = (),
        times: Time | None = None,
    ) -> None:
        self._name, self._dialect, self._setting = name, dialect, setting
        terms = _terms(setting)
        self._askers = [
            # A keyring with no key would lend none: a server that wants no key has the empty one.
            VendorEngine(name, way.vendor, terms, secrets or ("",), allowed=allowed, times=times)
            for way in dialect.ways
        ]
        self._known_way = 0  # what this server's version has, as far as is known

    @property
    def places(self) -> int:
        """How many jobs can be under way at once."""
        return self._askers[0].places

    def load(self) -> Maker:
        """Nothing to load: nothing is asked of a server before there is a job."""
        return self._maker()

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        """No server works so; see `run_errand`."""
        raise TypeError(f"{self._name} runs errands; it makes nothing in this process")

    def unload(self) -> None:
        """Nothing to give back."""

    def run_errand(self, call: Call, errand: Errand) -> Receipt:
        """Have a film made. Raises CallerError, Unable, Cancelled."""
        wish = wish_of(call, self._setting, self._dialect.fixed)
        for ignored in wish.ignored:
            errand.say(f"Not used by {self._dialect.title}: {ignored}")
        if unsent := sorted(member for member, name in self._setting.rename.items() if not name):
            errand.say(f"By its deployment {self._dialect.title} is not sent: {', '.join(unsent)}")
        try:
            output = self._brought(wish, errand).output
        except Trouble as trouble:
            film = f"{wish.made} frames of {wish.size}"
            raise told(trouble, self._name, self._dialect.title, film) from None
        assert isinstance(output, FinishedFiles)  # a task of a server is done when its film is there
        brought = FilmFile(output.files[0].path, wish.width, wish.height, wish.frames, partial(as_wished, wish))
        asked_seed = getattr(call, "seed", wish.seed)
        return Receipt(output=brought, maker=self._maker(), seed=wish.seed if wish.seed != asked_seed else None)

    def _brought(self, wish: Wish, errand: Errand) -> Receipt:
        """Have it made in the first way that the server has. Raises Trouble."""
        count = len(self._askers)
        for number in range(count):
            at = (self._known_way + number) % count
            call = call_of(self._dialect.name, self._dialect.ways[at], wish, self._setting)
            try:
                receipt = self._askers[at].bring(call, errand)
            except Trouble as trouble:
                # Any other no is about the film; only where there is no such path was nothing asked yet.
                if trouble.code != NO_PATH or number == count - 1:
                    raise
                continue
            self._known_way = at
            return receipt
        raise AssertionError("the last way's trouble is raised")

    def _maker(self) -> Maker:
        few = self._setting.options.get("steps")
        model = f"{self._setting.model}+{few}-steps" if few else self._setting.model
        return Maker(self._dialect.name, model, __version__, stand_in=False, layout=self._setting.weights or "")


def call_of(name: str, way: Way, wish: Wish, setting: ServerDeployment) -> VendorCall:
    """Return what the server is asked, its picture as it will be filmed: cropped at the centre, of the film's size."""
    body: dict[str, Any] = dict(way.body(wish))
    if wish.image is not None:
        body[way.picture] = Attachment(
            kind="image",
            path=wish.image,
            content_type="image/png",
            form=way.form,  # type: ignore[arg-type]
            loc=("body",),  # the picture's own field is the family's to know, and it was decoded well
            pixels=wish.image,
            shape=wish.width / wish.height,
            size=(wish.width, wish.height),
        )
    renamed = {setting.rename.get(member, member): value for member, value in body.items()}
    renamed.pop("", None)  # what the operator says that this version has not
    return VendorCall(name, "a film", setting.model, {**renamed, **setting.extra})


def as_wished(wish: Wish, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
    """Yield the frames that were asked for: the first of them, cropped evenly, finished where that is part of it."""
    kept = _kept(wish, chunks)
    if wish.finish is None:
        return kept
    # OpenCV's optical flow, which most films don't need.
    from rushes.engines.diffusers.finish import finished  # noqa: PLC0415

    return finished(kept, wish.fps, wish.finish)


def _kept(wish: Wish, chunks: Iterator[FrameChunk]) -> Iterator[FrameChunk]:
    left_over, (width, height) = wish.frames, wish.cut
    top, left = (wish.height - height) // 2, (wish.width - width) // 2
    for chunk in chunks:
        yield np.ascontiguousarray(chunk[:left_over, top : top + height, left : left + width])
        left_over -= len(chunk)
        if left_over <= 0:
            return


def _terms(setting: ServerDeployment) -> VendorDeployment:
    """Return the setting as the loop that asks vendors reads it; the keys are given to it apart."""
    return VendorDeployment(
        engine="vendor",
        vendor=setting.dialect,
        key=SecretStr("given apart"),  # this kind of deployment must have one
        keys=(),
        key_env=None,
        url=setting.url,
        concurrency=setting.concurrency,
        per_minute=setting.per_minute,
        deadline_s=setting.deadline_s,
        poll_s=setting.poll_s,
        patience_s=setting.patience_s,
    )
