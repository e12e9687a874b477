"""What the pretended platform answers for an endpoint: its output type, filled, with real files where it wants files.

A type is walked, never known by name: a file is what its member is called after (video, audio, image), a number or text
repeats the input's where it has one. An endpoint that we don't know has a video.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from rushes.endpoint import Clip, Plan, Sound, Stills
from rushes.fakes.content import mp4, png, small
from rushes.fakes.recorded import recorded
from rushes.fields import BriefFile, File, Image, WireModel

RATIOS = {
    "16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3, "3:4": 3 / 4, "21:9": 21 / 9, "9:21": 9 / 21,
    "3:2": 1.5, "2:3": 2 / 3,
}  # fmt: skip
SEED = 1234567
FPS = 24.0
SHORT_SIDE = 720


class AnyVideo(WireModel):
    """What an endpoint that nobody described answers."""

    video: File
    seed: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be filled in: the input, and how large and long the result is; `link` puts a file somewhere.

    `link(make, suffix, content type)` returns its address.
    """

    asked: Mapping[str, Any]
    ratio: float | None
    link: Callable[[Callable[[], bytes], str, str], str]

    @property
    def seconds(self) -> float:
        """Length in seconds, as `duration` says in any of its spellings; 5 without one."""
        text = str(self.asked.get("duration") or 5).removesuffix("s")
        return float(text) if text.replace(".", "", 1).isdigit() else 5.0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels: of the asked shape, else the picture's."""
        ratio = RATIOS.get(str(self.asked.get("aspect_ratio")), self.ratio or RATIOS["16:9"])
        digits = "".join(letter for letter in str(self.asked.get("resolution", "")) if letter.isdigit())
        short = int(digits) if digits else SHORT_SIDE
        return (round(short * ratio), short) if ratio >= 1 else (short, round(short / ratio))

    @property
    def count(self) -> int:
        """How many of a list."""
        count = self.asked.get("num_images") or 1
        return count if isinstance(count, int) else 1

    def plan(self, output: type[BaseModel]) -> Plan:
        """Return what was made, for the price."""
        width, height = self.size
        if "audio" in output.model_fields:
            return Sound(self.seconds, 32_000, 1)
        if "images" in output.model_fields:
            return Stills(width, height, self.count)
        return Clip(width, height, round(self.seconds * FPS), FPS)

    def output(self, kind: type[BaseModel]) -> dict[str, Any]:
        """Return a valid output of this type."""
        filled = {}
        for name, info in kind.model_fields.items():
            wanted = _bare(info.annotation)
            if info.is_required() or _holds_file(wanted):
                filled[name] = self._value(name, wanted)
            elif name in self.asked:
                filled[name] = self.asked[name]
        return filled

    def _value(self, name: str, wanted: Any) -> Any:
        if get_origin(wanted) is list:
            return [self._value(name, _bare(get_args(wanted)[0])) for _ in range(self.count)]
        if get_origin(wanted) is Literal:
            return get_args(wanted)[0]
        if isinstance(wanted, type) and issubclass(wanted, BriefFile):
            return self._file(name, wanted)
        if isinstance(wanted, type) and issubclass(wanted, BaseModel):
            return self.output(wanted)
        if name in self.asked and isinstance(self.asked[name], wanted):
            return self.asked[name]
        if wanted in {int, float}:
            return wanted(self.seconds * 1000) if name.endswith("_ms") else SEED
        return False if wanted is bool else f"fake-{name}"

    def _file(self, name: str, wanted: type[BriefFile]) -> dict[str, Any]:
        width, height = small(*self.size)
        make: Callable[[], bytes]
        if "audio" in name:
            make, suffix, kind = partial(recorded, self.seconds, "mp3", 32_000, 128_000, 1), "mp3", "audio/mpeg"
        elif "image" in name or issubclass(wanted, Image):
            make, suffix, kind = partial(png, width, height), "png", "image/png"
        else:
            make, suffix, kind = partial(mp4, width, height, self.seconds, FPS), "mp4", "video/mp4"
        content = make()
        data = f"data:{kind};base64,{base64.b64encode(content).decode()}"
        told = {"url": data if self.asked.get("sync_mode") is True else self.link(make, suffix, kind)}
        told |= {"content_type": kind, "file_name": f"output.{suffix}"}
        sized = {"width": width, "height": height} if issubclass(wanted, Image) else {}
        spelled = {"file_data": content.hex()} if self.asked.get("output_format") == "hex" else {}
        return told | {"file_size": len(content)} | sized | spelled


def _bare(annotation: Any) -> Any:
    """Return the type within Annotated and `| None`."""
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__)
    inner = [arg for arg in get_args(annotation) if arg is not type(None)]
    return _bare(inner[0]) if type(None) in get_args(annotation) and len(inner) == 1 else annotation


def _holds_file(wanted: Any) -> bool:
    item = _bare(get_args(wanted)[0]) if get_origin(wanted) is list else wanted
    return isinstance(item, type) and issubclass(item, BriefFile)
