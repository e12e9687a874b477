"""Small real parts for the tests of the work on a job: an engine, an endpoint, storage in a folder, a report."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from rushes.calls import AnimaticCall, Call
from rushes.endpoint import Clip, Endpoint, MediaMap, Roles
from rushes.engines.engine import Cancelled, FinishedFile, FrameChunk, Frames, Maker, Output, Progress
from rushes.fields import File, ImageUrl, WireModel
from rushes.jobs.job import Level
from rushes.jobs.protocol import ClaimAnswer, StoredFile
from rushes.settings import Settings
from rushes.work.tools import Deployment, Files, Tools

CHUNK = 4


class TinyInput(WireModel):
    image_url: ImageUrl | None = None
    tail_url: ImageUrl | None = None
    seed: int | None = None
    frames: int = 12


class TinyOutput(WireModel):
    video: File
    seed: int


def tiny_clip(request: TinyInput, media: MediaMap) -> Clip:
    width, height = media["image_url"].size if "image_url" in media else (64, 48)
    return Clip(width, height, request.frames, 12)


def tiny_call(request: TinyInput, media: MediaMap, clip: Clip) -> AnimaticCall:
    image = media["image_url"].path if "image_url" in media else None
    assert request.seed is not None, "the seed is chosen before the call is made"
    return AnimaticCall("", clip.width, clip.height, clip.frames, clip.fps, request.seed, image)


ENDPOINT = Endpoint(
    id="test/tiny",
    title="Tiny",
    category="test",
    about="",
    input=TinyInput,
    output=TinyOutput,
    units=lambda request, clip: clip.frames / 10,
    unit="frame",
    engines={"tiny": tiny_call},
    reply=lambda request, made: TinyOutput(video=made.files[0], seed=made.seed),
    clip=tiny_clip,
    roles=Roles(prompt=None, seed="seed"),
)


class TinyEngine:
    """Grey frames that follow from the seed; `finished` is a file to give instead."""

    def __init__(self, finished: Path | None = None, short_by: int = 0) -> None:
        self.finished = finished
        self.short_by = short_by
        self.made = 0
        self.closed = False

    def load(self) -> Maker:
        return Maker("tiny", "grey frames", "1", stand_in=True)

    def generate(self, call: Call, progress: Callable[[Progress], None], cancelled: Callable[[], bool]) -> Output:
        assert isinstance(call, AnimaticCall)
        if self.finished is not None:
            return FinishedFile(str(self.finished), "video/webm")
        return Frames(self._chunks(call, progress, cancelled))

    def unload(self) -> None: ...

    def _chunks(
        self, call: AnimaticCall, progress: Callable[[Progress], None], cancelled: Callable[[], bool]
    ) -> Iterator[FrameChunk]:
        try:
            while self.made < call.frames - self.short_by:
                if cancelled():
                    raise Cancelled
                count = min(CHUNK, call.frames - self.short_by - self.made)
                yield np.full((count, call.height, call.width, 3), call.seed % 256, np.uint8)
                self.made += count
                progress(Progress(self.made, call.frames, "frames"))
        finally:
            self.closed = True


@dataclass
class Told:
    """A report that keeps what it is told; wants no more after `cancel_after` signs of life."""

    cancel_after: int | None = None
    lines: list[tuple[str, Level, Mapping[str, str] | None]] = field(default_factory=list)
    ticks: int = 0
    watched: bool = False
    previews: list[bytes] = field(default_factory=list)

    def say(self, message: str, level: Level = "INFO", labels: Mapping[str, str] | None = None) -> None:
        self.lines.append((message, level, labels))

    def tick(self) -> None:
        if self.cancelled():
            raise Cancelled

    def wants_preview(self) -> bool:
        return self.watched

    def show(self, jpeg: bytes) -> None:
        self.previews.append(jpeg)

    def cancelled(self) -> bool:
        self.ticks += 1
        return self.cancel_after is not None and self.ticks > self.cancel_after

    @property
    def messages(self) -> list[str]:
        return [message for message, _, _ in self.lines]


@dataclass
class Shelf:
    """Storage in a folder; the id of a file is its name."""

    root: Path
    fetched: list[str] = field(default_factory=list)

    def files(self) -> Files:
        (self.root / "job").mkdir(exist_ok=True)
        return Files(get=self._get, put=self._put, folder=lambda: self.root / "job")

    def _get(self, file_id: str, to: Path, tick: Callable[[], None]) -> str:
        self.fetched.append(file_id)
        shutil.copyfile(self.root / file_id, to)
        tick()
        return "image/png"

    def _put(self, path: Path, name: str, content_type: str, tick: Callable[[], None]) -> StoredFile:
        tick()
        shutil.copyfile(path, self.root / name)
        return StoredFile(file_id=name, url=f"rushes-file:/{name}/{name}", size_bytes=path.stat().st_size)


def tools(shelf: Shelf, report: Told, engine: TinyEngine | None = None, settings: Settings | None = None) -> Tools:
    made_by = engine or TinyEngine()
    deployment = Deployment("tiny", "tiny", made_by, made_by.load())
    seconds = iter(range(1000))
    return Tools(
        endpoints={ENDPOINT.id: ENDPOINT},
        routes={ENDPOINT.id: (deployment,)},
        files=shelf.files(),
        settings=settings or Settings(),
        report=report,
        clock=lambda: float(next(seconds)),
    )


def job(text: str = "{}", job_id: str = "job-1", own_files: dict[str, str] | None = None) -> ClaimAnswer:
    return ClaimAnswer(
        job_id=job_id,
        token=1,
        lease_s=15,
        endpoint=ENDPOINT.id,
        account="a",
        input=text,
        attempt=1,
        created_at=0,
        own_files=own_files or {},
    )


def png(width: int = 96, height: int = 64) -> bytes:
    done, data = cv2.imencode(".png", np.full((height, width, 3), 90, np.uint8))
    assert done
    return data.tobytes()
