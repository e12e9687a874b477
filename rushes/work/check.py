"""The checks of a job: its prompt and its pictures before an engine runs, and samples of what comes out of it.

`Roles.safety` says where they are on and who may switch them off; the operator may overrule both. A hit is a
`content_policy_violation` at the field that caused it, or at the whole body for a result, of which nothing is stored.
What a bad prompt is stands in `prompt_check`, what a bad picture is in `media.nudity`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pydantic import BaseModel

from rushes.endpoint import Clip, Endpoint, MediaMap, Plan
from rushes.engines.engine import FinishedFile, FrameChunk, Frames, Output, Picture, Pictures
from rushes.errors import Loc, ModelError
from rushes.fields import media_inputs
from rushes.settings import Settings
from rushes.work.prompt_check import what_is_wrong
from rushes.work.tools import Report

if TYPE_CHECKING:
    from rushes.endpoint import Media

FILM_S_PER_SAMPLE = 2.5  # seconds of film to a sample: 15 ms each, about one in a hundred of the work on a 720p job
MOST_SAMPLES = 12
VIDEO_SAMPLES = (0.1, 0.5, 0.9)  # places in an input video, in shares of it
POLICY = "content_policy_violation"


def is_checked(endpoint: Endpoint, request: BaseModel, settings: Settings) -> bool:
    """Whether this job is checked."""
    if settings.safety != "auto":
        return settings.safety == "on"
    switch = endpoint.roles.safety
    return switch is True or (switch is not None and getattr(request, switch) is True)


def check_prompt(endpoint: Endpoint, *prompts: str) -> None:
    """Raise ModelError at the prompt's field when what was given, or what became of it, asks for what is not made."""
    for prompt in prompts:
        wrong = what_is_wrong(prompt)
        if wrong is not None:
            where: Loc = ("body", endpoint.roles.prompt) if endpoint.roles.prompt else ("body",)
            msg = f"the prompt seems to ask for {wrong}, which is not made here; change it and try again"
            raise ModelError(POLICY, msg, loc=where)


@dataclass(frozen=True, slots=True)
class PictureCheck:
    """Looks at pictures: raises ModelError when one shows what may not be shown."""

    threshold: float

    @classmethod
    def installed(cls, settings: Settings, report: Report) -> PictureCheck | None:
        """Return the check; None, with a line in the log, where the detector is not installed."""
        # OpenCV and NumPy, which a job without pictures need not load.
        from rushes.media.nudity import HOW_TO, available  # noqa: PLC0415

        if available():
            return cls(settings.safety_threshold)
        report.say(f"Pictures and frames are not checked: the detector is not installed ({HOW_TO})", "WARN")
        return None

    def inputs(self, request: BaseModel, media: MediaMap, report: Report) -> None:
        """Look at input pictures, and at samples of input videos."""
        for given in media_inputs(request):
            found = media.get(given.key)
            if found is None or found.kind not in ("image", "video"):
                continue
            for picture in _pictures_of(found):
                report.tick()
                self._look(picture, f"the {found.kind}", given.loc)

    def result(self, output: Output, plan: Plan | None, report: Report) -> Output:
        """Return the output, which will be looked at while it comes."""
        match output:
            case Frames():
                return replace(output, chunks=self._film(output.chunks, plan))
            case Pictures():
                return Pictures(self._stills(output.pictures))
            case FinishedFile(_, content_type) if content_type.startswith(("image/", "video/")):
                report.say("The result is not checked here: its maker gave a finished file", "WARN")
        return output

    def made(self, picture: Picture) -> None:
        """Look at a picture of a result that came finished."""
        self._look(picture, "what was made", ("body",))

    def _film(self, chunks: Iterator[FrameChunk], plan: Plan | None) -> Iterator[FrameChunk]:
        samples = _Samples.of(plan)
        try:
            for chunk in chunks:
                for index in samples.within(len(chunk)):
                    self._look(chunk[index], "the film that was made", ("body",))
                yield chunk
        finally:
            _close(chunks)

    def _stills(self, pictures: Iterator[Picture]) -> Iterator[Picture]:
        try:
            for picture in pictures:
                self._look(picture, "the picture that was made", ("body",))
                yield picture
        finally:
            _close(pictures)

    def _look(self, picture: Picture, what: str, loc: Loc) -> None:
        from rushes.media.nudity import nudity, shrink  # noqa: PLC0415

        bare = nudity(shrink(picture), self.threshold)
        if bare is not None:
            raise ModelError(POLICY, f"{what} seems to show bare {bare}, which is not made here", loc=loc)


@dataclass(slots=True)
class _Samples:
    """Which frames of a film are looked at: evenly spread, the last one among them."""

    wanted: frozenset[int]
    seen: int = field(default=0)

    @classmethod
    def of(cls, plan: Plan | None) -> _Samples:
        if not isinstance(plan, Clip):
            # How many there will be is not known, but there is a first one.
            return cls(frozenset({0}))
        # Two at least: a film that is made from a picture begins with what was looked at before.
        count = min(max(2, round(plan.duration_s / FILM_S_PER_SAMPLE)), MOST_SAMPLES, plan.frames)
        return cls(frozenset(plan.frames * (number + 1) // count - 1 for number in range(count)))

    def within(self, length: int) -> list[int]:
        """Return which frames of the next chunk are wanted, by their places in it."""
        first, self.seen = self.seen, self.seen + length
        return [number - first for number in range(first, self.seen) if number in self.wanted]


def _pictures_of(media: Media) -> Iterator[Picture]:
    # As `deliver`: only for jobs that have pictures. These files are our own decoder's, and safe to open.
    import av  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    if media.kind == "image":
        yield np.load(media.path, mmap_mode="r")
        return
    with av.open(media.path) as video:
        stream = video.streams.video[0]
        length = stream.duration or 0
        for share in VIDEO_SAMPLES:
            video.seek(int(length * share), stream=stream)
            frame = next(video.decode(stream), None)
            if frame is not None:
                yield frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)


def _close(chunks: object) -> None:
    close: Callable[[], None] | None = getattr(chunks, "close", None)
    if close is not None:
        close()
