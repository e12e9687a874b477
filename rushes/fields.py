"""The wire's field types, and how to find the media inputs in any request.

A family writes `image_url: ImageUrl` and shared code finds it through the annotation, never through the name.
This file knows nothing about fetching or decoding; it only says which strings are media and which limits they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from rushes.errors import Loc

MediaKind = Literal["image", "video", "audio", "file"]


@dataclass(frozen=True, slots=True)
class MediaField:
    """Marks a string field as the URL (http, https or data) of one input file; `max_bytes` is the page's own limit."""

    kind: MediaKind
    max_bytes: int | None = None


ImageUrl = Annotated[str, MediaField("image")]
VideoUrl = Annotated[str, MediaField("video")]
AudioUrl = Annotated[str, MediaField("audio")]


@dataclass(frozen=True, slots=True)
class MediaInput:
    """One media input of one request: where it stands (`loc` starts with "body"), what it must be, and its URL."""

    loc: Loc
    field: MediaField
    url: str

    @property
    def key(self) -> str:
        """The name families look it up by: "image_url", "image_urls.0"."""
        return ".".join(str(part) for part in self.loc[1:])


class WireModel(BaseModel):
    """Base of request and response types: unknown members are ignored, as the protocol asks (E-03)."""

    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class File(WireModel):
    """A file in an output; only `url` is always there."""

    url: str = Field(description="Where the file can be downloaded.")
    content_type: str | None = Field(None, description="MIME type of the file.")
    file_name: str | None = Field(None, description="Name of the file; made up when none was given.")
    file_size: int | None = Field(None, description="Size of the file in bytes.")
    file_data: str | None = Field(None, description="The bytes themselves, base64-encoded, where asked for.")


def media_inputs(request: BaseModel) -> Iterator[MediaInput]:
    """Yield every media input of a validated request, in field order, through lists and nested types."""
    yield from _walk(request, ("body",))


def _walk(model: BaseModel, loc: Loc) -> Iterator[MediaInput]:
    for name, info in type(model).model_fields.items():
        yield from _from_value(getattr(model, name), _mark(info), (*loc, name))


def _from_value(value: Any, mark: MediaField | None, loc: Loc) -> Iterator[MediaInput]:
    if isinstance(value, BaseModel):
        yield from _walk(value, loc)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _from_value(item, mark, (*loc, index))
    elif mark is not None and isinstance(value, str):
        yield MediaInput(loc, mark, value)


def _mark(info: FieldInfo) -> MediaField | None:
    """Find the mark on the field itself, or inside `list[ImageUrl]` and `ImageUrl | None`."""
    for item in info.metadata:
        if isinstance(item, MediaField):
            return item
    return _mark_in(info.annotation)


def _mark_in(annotation: Any) -> MediaField | None:
    for item in getattr(annotation, "__metadata__", ()):
        if isinstance(item, MediaField):
            return item
    for inner in getattr(annotation, "__args__", ()):
        found = _mark_in(inner)
        if found is not None:
            return found
    return None
