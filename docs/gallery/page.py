"""The text of the gallery's page, from what was asked and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docs.gallery.drawn import DRAWINGS
from docs.gallery.material import ASKED, PHOTO
from docs.gallery.previews import Facts
from docs.gallery.shots import CLONED
from rushes.endpoint import Endpoint

HERE = Path(__file__).parent
PAGE = HERE / "index.md"
PICTURES = HERE / "pictures"

HEAD = """# Gallery

<!-- Written by docs/gallery; change the code there, then run `make gallery`. -->

One result of every endpoint, made without a GPU by the *animatic* engine: the moving storyboard that a machine without
weights can draw (what it can and can't do: [note 04](../design/04-the-animatic.md)). None of it was made by the model
that an endpoint is named for, and every result says so in its header `x-rushes-served-by`.

Previews are at most 320 pixels wide and show films whole, but in few frames and faster than they run; the line under
some is their sound. The films themselves have the sizes and rates that stand beside them. To make one at home:
`rushes run ENDPOINT name=value …`, or any of [the clients](../guide/clients.md). `@name` is one of the files
[at the end of this page](#what-was-given).
"""

MATERIAL = """## What was given

`@name` in a request stands for one of these. One is a photograph, some are drawn in code, and the others came from
endpoints before.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a request: its facts and size unless it made no file, its price in units, and who made it."""

    facts: Facts | None
    size_bytes: int
    units: float | None
    served_by: str
    output: Any


def text(endpoints: Sequence[Endpoint], bodies: Mapping[str, Mapping[str, Any]], results: Mapping[str, Result]) -> str:
    """Return the whole page, family by family."""
    parts = [HEAD, *_contents(endpoints)]
    family = ""
    for one in endpoints:
        if (now := family_of(one.id)) != family:
            family = now
            parts.append(f"## {family}\n")
        parts.append(_entry(one, bodies[one.id], results[one.id]))
    return "\n".join([*parts, *_material()])


def family_of(endpoint_id: str) -> str:
    """Name the family by the part of the id that its endpoints share."""
    owner, name, *_ = endpoint_id.split("/")
    return name if owner == "fal-ai" else owner


def picture_of(endpoint_id: str) -> Path:
    """Return where the preview of an endpoint lies."""
    return PICTURES / f"{endpoint_id.removeprefix('fal-ai/').replace('/', '-')}.webp"


def material_of(name: str) -> Path:
    """Return where the small picture of a given file lies."""
    return PICTURES / f"given-{name.replace('.', '-')}.webp"


def _contents(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    names = list(dict.fromkeys(family_of(one.id) for one in endpoints))
    yield " · ".join(f"[{name}](#{name})" for name in names) + "\n"


def _entry(endpoint: Endpoint, body: Mapping[str, Any], result: Result) -> str:
    lines = [f"### `{endpoint.id}`\n"]
    if result.facts is not None:
        path = picture_of(endpoint.id).relative_to(HERE)
        lines.append(f"![{endpoint.title}: {_wish(body)}]({path})\n")
    lines.append(_facts(endpoint, result) + "\n")
    lines.append(f"```json\n{json.dumps(body, ensure_ascii=False, indent=2)}\n```\n")
    if CLONED in json.dumps(body):
        answer = json.dumps({**result.output, "voice_id": CLONED}, ensure_ascii=False)
        lines.append(f"Given the id that `voice-clone` answered with. The answer: `{answer}`\n")
    return "\n".join(lines)


def _wish(body: Mapping[str, Any]) -> str:
    """What was asked for, in words, for those who see no picture."""
    found = next((body[name] for name in ("prompt", "text", "effect_scene") if name in body), "as given")
    return str(found).replace("[", "(").replace("]", ")").replace("<", "").replace(">", "")


def _facts(endpoint: Endpoint, result: Result) -> str:
    parts = [endpoint.category]
    facts = result.facts
    if facts is not None:
        parts += _of_file(facts)
        parts.append(_short(result.size_bytes))
    if result.units is not None:
        parts.append(f"{result.units:g} × {endpoint.unit}")
    if result.served_by:
        parts.append(f"by {result.served_by.partition(';')[0]}")
    return " · ".join(parts)


def _short(size_bytes: int) -> str:
    """Write a size in two digits."""
    unit, name = (1e6, "MB") if size_bytes >= 995_000 else (1e3, "kB")
    return f"{float(f'{size_bytes / unit:.2g}'):g} {name}"


def _of_file(facts: Facts) -> Iterator[str]:
    if facts.size is not None:
        yield f"{facts.size[0]}x{facts.size[1]}"
    if facts.frames is not None:
        yield f"{facts.frames} frames at {facts.fps:g} per second"
    if facts.seconds is not None:
        yield f"{facts.seconds:.2f} s"
    yield facts.codec + (f" with {facts.sound}" if facts.sound else "")


def _material() -> Iterator[str]:
    yield MATERIAL
    yield "| name | | how it came to be |\n|---|---|---|"
    told = {
        PHOTO: "a photograph, in `examples/`",
        **{name: "drawn in code" for name in DRAWINGS},
        **{one.name: f"`{one.endpoint}`: {_wish(one.body)}" for one in ASKED},
    }
    for name, how in told.items():
        shown = f'<img src="{material_of(name).relative_to(HERE)}" width="160" alt="{name}">'
        yield f"| `{name}` | {shown} | {how} |"
    yield ""
