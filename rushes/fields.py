"""The wire's field types, and how to find the media inputs in any request.

A family writes `image_url: ImageUrl` and shared code finds it through the annotation, never through the name.
`forms` says of a type what pages, the command line and the reference show of it.
This file knows nothing about fetching or decoding; it only says which strings are media and which limits they have.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from rushes.errors import Loc

MediaKind = Literal["image", "video", "audio", "voice"]
"""What an input string leads to; a voice is named by its id, all others by a URL."""


@dataclass(frozen=True, slots=True)
class MediaField:
    """Marks a string field as an input that has to be fetched: a URL (http, https or data), or a voice's id.

    The limits are the page's own, beside those that the server sets for all: bytes of the file, seconds of its length.
    `mask` says that the picture is a region painted over another one.
    """

    kind: MediaKind
    max_bytes: int | None = None
    min_s: float | None = None
    max_s: float | None = None
    mask: bool = False


ImageUrl = Annotated[str, MediaField("image")]
MaskUrl = Annotated[str, MediaField("image", mask=True)]
VideoUrl = Annotated[str, MediaField("video")]
AudioUrl = Annotated[str, MediaField("audio")]
VoiceId = Annotated[str, MediaField("voice"), Field(max_length=256)]  # which errors repeat in full

MOST_TEXT = 100_000  # characters
Text = Annotated[str, Field(max_length=MOST_TEXT)]
"""Words where the page sets no limit: many times what any model reads, yet no more than is soon checked and signed."""

_UNUSUAL = 10**9  # no enum has such numbers, and far larger ones can't be written out


def _spelled(value: object, check: ValidatorFunctionWrapHandler) -> object:
    """5 and 5.0 are "5"; what the enum has in neither form is refused as it was sent."""
    # True is an int to Python; of infinity there is no int(), and of NaN no comparison holds.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _UNUSUAL and value == int(value):
        with suppress(ValidationError):
            return check(str(int(value)))
    return check(value)


Spelled = WrapValidator(_spelled)
"""For enums of numbers, which the pages print as text and callers also send as numbers:
`Annotated[Literal["5", "10"], Spelled]`."""


LEAST_SEED, MOST_SEED = -(2**63), 2**64 - 1


def _of_64_bits(seed: int | None) -> int | None:
    # A larger number is refused by many a JSON reader on its way, and that only when the film is made already.
    # In words of our own, since Pydantic's would round the limit.
    if seed is not None and seed > MOST_SEED:
        raise PydanticCustomError("less_than_equal", "Input should be less than or equal to {le}", {"le": MOST_SEED})
    if seed is not None and seed < LEAST_SEED:
        words = "Input should be greater than or equal to {ge}"
        raise PydanticCustomError("greater_than_equal", words, {"ge": LEAST_SEED})
    return seed


Seed = Annotated[
    int | None,
    AfterValidator(_of_64_bits),  # not ge and le, which forms would show as a range to choose from
    Field(description="Makes a result repeatable; without it, or with -1, one is chosen."),
]
"""A seed of any endpoint: a number of up to 64 bits, which each engine brings into its own range."""


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

    wire_name: ClassVar[str] = ""
    """The type's name on the page, where it isn't the class's own."""

    @classmethod
    def page_name(cls) -> str:
        """Return the name under which pages and OpenAPI documents show this type."""
        return cls.wire_name or cls.__name__


class BriefFile(WireModel):
    """A file in an output as some pages print it, where it is called File too; only `url` is always there."""

    wire_name: ClassVar[str] = "File"

    url: str = Field(description="Address that the file is served at.")
    content_type: str | None = Field(None, description="MIME type of the file.")
    file_name: str | None = Field(None, description="Name of the file; made up when none was given.")
    file_size: int | None = Field(None, description="How many bytes the file has.")


class File(BriefFile):
    """A file in an output."""

    file_data: str | None = Field(None, description="The bytes themselves, in the form that was asked for.")


class Image(File):
    """A picture in an output."""

    wire_name: ClassVar[str] = "Image"

    width: int | None = Field(None, description="Width of the picture in pixels.")
    height: int | None = Field(None, description="Height of the picture in pixels.")


def media_inputs(request: BaseModel) -> Iterator[MediaInput]:
    """Yield every media input of a validated request, in field order, through lists and nested types."""
    yield from _walk(request, ("body",))


@lru_cache(maxsize=1024)  # asked for every job that a runner claims, and a type never changes
def media_kinds(model: type[BaseModel]) -> frozenset[MediaKind]:
    """Return which kinds of media a request of this type can name, in nested types too."""
    found: set[MediaKind] = set()
    for info in model.model_fields.values():
        mark = _mark(info)
        found |= {mark.kind} if mark else set()
        for inner in nested_types(info.annotation):
            found |= media_kinds(inner)
    return frozenset(found)


def nested_types(annotation: Any) -> tuple[type[BaseModel], ...]:
    """Return the wire types that an annotation names: of `list[Point] | None` that is Point."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    return tuple(found for inner in get_args(annotation) for found in nested_types(inner))


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
    # Pydantic takes the outermost Annotated off a field's type and keeps its marks here; inner ones stay in the type.
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


@dataclass(frozen=True, slots=True)
class Form:
    """One field as people and tools are shown it. `type` is the page's word: string, integer, float, boolean, list<…>
    or a type's name; `choices` are the values of an enum; `default` is None where there is none.
    """

    name: str
    type: str
    required: bool
    default: Any
    choices: tuple[Any, ...]
    about: str
    least: float | None = None
    most: float | None = None
    media: MediaKind | None = None


_PAGE_WORDS = {str: "string", int: "integer", float: "float", bool: "boolean"}


def forms(model: type[BaseModel]) -> tuple[Form, ...]:
    """Describe every field of a wire type, in order."""
    return tuple(_form(name, info) for name, info in model.model_fields.items())


def _form(name: str, info: FieldInfo) -> Form:
    bare = _bare(info.annotation)
    mark = _mark(info)
    choices = get_args(bare) if get_origin(bare) is Literal else ()
    limits = [item for item in info.metadata if isinstance(item, Ge | Gt | Le | Lt | MinLen | MaxLen)]
    required = info.is_required()
    return Form(
        name=name,
        type=_word(bare),
        required=required,
        # Pydantic wants the fields before for factories that take them; no family has such a one.
        default=None if required else info.get_default(call_default_factory=True, validated_data={}),
        choices=choices,
        about=info.description or "",
        least=next((_bound(i) for i in limits if isinstance(i, Ge | Gt | MinLen)), None),
        most=next((_bound(i) for i in limits if isinstance(i, Le | Lt | MaxLen)), None),
        media=mark.kind if mark else None,
    )


def _bound(limit: Ge | Gt | Le | Lt | MinLen | MaxLen) -> float:
    names = ("ge", "gt", "le", "lt", "min_length", "max_length")
    return float(next(getattr(limit, name) for name in names if hasattr(limit, name)))


def _bare(annotation: Any) -> Any:
    """Strip `| None` and Annotated."""
    if hasattr(annotation, "__metadata__"):
        return _bare(annotation.__origin__)
    inner = [arg for arg in get_args(annotation) if arg is not type(None)]
    if len(inner) == 1 and type(None) in get_args(annotation):  # a union of several types has no plainer word
        return _bare(inner[0])
    return annotation


def _word(bare: Any) -> str:
    if get_origin(bare) is list:
        return f"list<{_word(_bare(get_args(bare)[0]))}>"
    if get_origin(bare) is Literal:
        return _PAGE_WORDS[type(get_args(bare)[0])]  # the values of one enum are all of one type
    if isinstance(bare, type) and issubclass(bare, WireModel):
        return bare.page_name()
    return _PAGE_WORDS.get(bare) or str(getattr(bare, "__name__", bare))
