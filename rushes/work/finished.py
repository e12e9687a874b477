"""Files that a vendor encoded itself: decoded once, so that what goes to our callers under our name is what it says.

They stay as they came; the decoding gives their length, the small pictures beside them, and what the check of results
looks at. It happens in the sandbox as for a stranger's file, and one that can't be decoded ends the job. That a film is
not quite what was asked for (five seconds instead of six) is said in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rushes.endpoint import Clip, Delivery, Media, Plan, Sound, Stills
from rushes.engines.engine import FinishedFile, FinishedFiles, Picture, Unable
from rushes.errors import ModelError
from rushes.media.companions import Companion, FilmPictures, still_thumbnail
from rushes.media.decode import PictureLimits, decode_picture
from rushes.media.recording import RecordingLimits, decode_video
from rushes.media.sniff import HEAD_BYTES, Looks, looks_like
from rushes.settings import Settings
from rushes.work.heard import hear, hear_raw, is_raw
from rushes.work.products import EXTENSIONS, Product
from rushes.work.tools import Report
from rushes.work.unreeled import frames_of

RAW = "audio/pcm"  # has no first bytes to be known by
MUCH_S = 0.25  # off the length that was asked for
_SORTS = {Clip: "video", Stills: "picture", Sound: "audio"}
_BODY = ("body",)

Check = Callable[[Picture], None]
"""Looks at a picture of the result. Raises ModelError for what may not be shown."""


@dataclass(frozen=True, slots=True)
class Looker:
    """What is needed to look at finished files; `check` is None where results are not checked."""

    plan: Plan | None
    delivery: Delivery
    folder: Path
    settings: Settings
    report: Report
    check: Check | None = None

    def __call__(self, output: FinishedFiles) -> tuple[Product, ...]:
        """Return the files as products. Raises Unable for what is no such file, ModelError for a hit of the check."""
        count = len(output.files)
        try:
            return tuple(self._look(number, file, count) for number, file in enumerate(output.files, start=1))
        except ModelError as error:
            if error.problems[0].type == "content_policy_violation":
                raise
            raise _not_asked_for(str(error)) from None  # what a decoder says of a caller's file, said of a vendor's

    def _look(self, number: int, file: FinishedFile, count: int) -> Product:
        with Path(file.path).open("rb") as opened:
            head = opened.read(HEAD_BYTES)
        looks = looks_like(head)
        raw = file.content_type == RAW and is_raw(head, looks)
        if raw:
            looks = Looks("audio", "raw sound", RAW)
        elif self.plan is not None and not _fits(looks, self.plan):
            raise _not_asked_for(f"it gave {looks.name} ({file.content_type} by its own word)")
        suffix = EXTENSIONS.get(looks.content_type, "")
        name = f"output{suffix}" if count == 1 else f"output-{number}{suffix}"
        product = Product(Path(file.path), name, looks.content_type)
        match looks.sort:
            case "video":
                return self._film(product)
            case "picture":
                return self._still(product, number)
            case "audio":
                return self._sound(product, raw=raw)
        return product

    def _film(self, product: Product) -> Product:
        to, sound_to = self.folder / "seen.mp4", self.folder / "seen.npy"
        limits = RecordingLimits.of(self.settings)
        film = decode_video(product.path, to, sound_to, limits, _BODY, self.report.tick)
        self._compare(film)
        pictures = FilmPictures(film.frames or 1)
        for chunk in frames_of(to):
            self.report.tick()
            pictures.see(chunk)
            if self.check is not None:
                self.check(chunk[0])
        # Decoded it may be many times as large as it came: the disk need not hold it until the job's end.
        to.unlink()
        beside = pictures.write(self.folder) if self.delivery.stored else ()
        width, height = film.size
        return replace(product, width=width, height=height, duration_s=film.duration_s, companions=beside)

    def _still(self, product: Product, number: int) -> Product:
        to = self.folder / f"seen-{number}.npy"
        still = decode_picture(product.path, to, PictureLimits.of(self.settings), _BODY, self.report.tick)
        pixels = np.load(to, allow_pickle=False)
        if self.check is not None:
            self.check(pixels)
        beside: tuple[Companion, ...] = ()
        if self.delivery.stored:
            beside = (still_thumbnail(pixels, self.folder / f"thumbnail-{number}.jpg"),)
        return replace(product, width=still.width, height=still.height, companions=beside)

    def _sound(self, product: Product, *, raw: bool) -> Product:
        tick = self.report.tick
        if raw:
            seconds, wave = hear_raw(product.path, self.delivery.audio, tick)
        else:
            seconds, wave = hear(product.path, self.folder / "heard.npy", RecordingLimits.of(self.settings), tick)
        beside = wave.write(self.folder) if self.delivery.stored else ()
        return replace(product, duration_s=seconds, companions=beside)

    def _compare(self, film: Media) -> None:
        """Say what came, and warn where that is not what was asked for."""
        width, height = film.size
        seconds = film.duration_s or 0.0
        came = f"{width}x{height}, {seconds:.2f} s at {film.fps or 0:g} fps"
        plan = self.plan
        if isinstance(plan, Clip) and abs(seconds - plan.duration_s) > MUCH_S:
            wanted = f"{plan.width}x{plan.height}, {plan.duration_s:.2f} s at {plan.fps:g} fps"
            self.report.say(f"The film that came is {came}; this endpoint's is {wanted}", "WARN")
        else:
            self.report.say(f"The film that came is {came}")


def _fits(looks: Looks, plan: Plan) -> bool:
    wanted = _SORTS[type(plan)]
    return looks.sort == wanted or (wanted == "video" and looks.content_type == "image/gif")


def _not_asked_for(remedy: str) -> Unable:
    words = "The service behind this endpoint gave something else than was asked for"
    return Unable("unknown", ModelError("downstream_service_unavailable", words), remedy)
