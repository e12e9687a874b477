"""Inputs made up for any endpoint from its types alone, and media to go with them, for property tests."""

from collections.abc import Callable
from typing import Any, get_args

from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from rushes.endpoint import Endpoint, Media
from rushes.fields import Form, MediaKind, forms, media_inputs

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40).filter(
    str.strip
)
URLS: dict[MediaKind, str] = {
    "image": "https://example.com/a.png",
    "video": "https://example.com/a.mp4",
    "audio": "https://example.com/a.wav",
    "voice": "Wise_Woman",
}


def inputs(model: type[BaseModel]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw bodies whose every field is within its own limits; rules between fields may still refuse some."""
    required: dict[str, st.SearchStrategy[Any]] = {}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    for form in forms(model):
        place = required if form.required else optional
        place[form.name] = _values(form, model.model_fields[form.name])
    return st.fixed_dictionaries(required, optional=optional)


def bodies(endpoint: Endpoint) -> st.SearchStrategy[dict[str, Any]]:
    """Draw bodies for an endpoint; a voice that is to be deleted is a cloned one."""
    drawn, field = inputs(endpoint.input), endpoint.roles.forgets_voice
    return drawn.map(lambda body: {**body, field: "voice-0123456789ab"}) if field else drawn


def _values(form: Form, info: FieldInfo) -> st.SearchStrategy[Any]:
    if form.media and not form.type.startswith("list"):
        return st.just(URLS[form.media])
    if form.choices:
        return st.sampled_from(form.choices)
    if form.type.startswith("list"):
        item = st.just(URLS[form.media]) if form.media else _items(info)
        return st.lists(item, min_size=int(form.least or 0), max_size=int(form.most or 4))
    nested = _model_in(info.annotation)
    if nested is not None:
        return inputs(nested)
    by_type: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "string": lambda: WORDS.map(lambda text: text[: int(form.most or 40)]),
        "integer": lambda: st.integers(_int(form.least, -1), _int(form.most, 2**31 - 1)) | _endless(form),
        "float": lambda: st.floats(form.least or 0.0, form.most or 10.0, exclude_min=True, allow_nan=False),
        "boolean": st.booleans,
    }
    return by_type[form.type]()


def _items(info: FieldInfo) -> st.SearchStrategy[Any]:
    nested = _model_in(info.annotation)
    return inputs(nested) if nested is not None else st.just("word/(wurd)")


def _endless(form: Form) -> st.SearchStrategy[int]:
    """JSON has no largest number: where a field has no limit of its own, a caller may send one that no float holds."""
    return st.nothing() if form.most is not None or form.name == "seed" else st.just(10**400)


def _int(limit: float | None, otherwise: int) -> int:
    return otherwise if limit is None else int(limit)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner)) is not None), None)


@st.composite
def media_for(draw: st.DrawFn, endpoint: Endpoint, request: BaseModel) -> dict[str, Media]:
    """Draw what the inputs of this request may turn out to be."""
    sides = st.integers(64, 4096)
    found: dict[str, Media] = {}
    for given in media_inputs(request):
        kind = given.field.kind
        if kind == "voice" and given.url in endpoint.voices:
            continue
        seconds = draw(st.floats(max(given.field.min_s or 0.5, 0.5), min(given.field.max_s or 60.0, 60.0)))
        fps = draw(st.sampled_from([12.0, 16.0, 24.0, 30.0]))
        path = f"/tmp/{given.key}"
        if kind == "image":
            found[given.key] = Media(kind, path, "image/png", 1000, draw(sides), draw(sides))
        elif kind == "video":
            frames = max(1, round(seconds * fps))
            size = (draw(sides) // 2 * 2, draw(sides) // 2 * 2)
            found[given.key] = Media(kind, path, "video/mp4", 1000, *size, frames, fps, frames / fps, sound=path)
        else:
            found[given.key] = Media(kind, path, "audio/wav", 1000, duration_s=seconds, has_audio=True)
    return found
