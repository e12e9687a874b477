"""Content credentials (C2PA) of what was made: what its manifest says, and how it gets into the file or beside it.

    facts (pure) → definition → sign_file → the same file with a manifest, or a manifest of its own

A manifest says who made a file (the signer), with what (`org.rushes.generation`), from which inputs (their hashes in
`org.rushes.inputs`, and as ingredients, with the manifests that they brought). It holds no address of an input, and the
prompt only where the server says so. Who signs, and with which key, is the caller's business; all parsing of files
happens in the sandbox (`provenance_task`).
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rushes.endpoint import ServedBy
from rushes.media.sandbox import Sandbox, SandboxError, SandboxLimits, TaskFailed, media_sandbox

MANIFEST_TYPE = "application/c2pa"
SIDECAR_SUFFIX = ".c2pa"
GENERATION, INPUTS = "org.rushes.generation", "org.rushes.inputs"

EMBEDS = frozenset(
    {
        "video/mp4",
        "video/quicktime",
        "image/gif",
        "image/png",
        "image/jpeg",
        "image/webp",
        "image/avif",
        "image/heic",
        "image/heif",
        "image/tiff",
        "audio/mpeg",
        "audio/mp4",
        "audio/wav",
        "audio/x-wav",
        "audio/flac",
    }
)
"""Content types that have a place for a manifest; every other gets one beside it."""

_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# A chain of films, each made from the one before, carries all their manifests along; this is where that ends.
MAX_STORE_BYTES = 4 * 1024 * 1024
_MEMORY_BYTES = 1024 * 1024 * 1024
_CPU_S, _BYTES_PER_CPU_S = 20, 20_000_000  # hashing does 300 MB/s and more; copying comes on top
_MOST_SIGNATURES = 2  # for a file; one is needed

Relation = Literal["parentOf", "componentOf", "inputTo"]


class NotSigned(Exception):
    """A file could not be given its manifest; says why."""


@dataclass(frozen=True, slots=True)
class InputFile:
    """An input as it came: the field that named it (`image_url`, `images.0`), the file, its hash in hex."""

    field: str
    kind: str
    path: Path
    content_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a manifest says of one job. `trained` is as in `engines.engine.Maker`; `prompt` None: not to be told."""

    endpoint: str
    request_id: str
    served_by: ServedBy
    trained: bool
    software: str
    inputs: tuple[InputFile, ...] = ()
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs: the certificates that go along (PEM), and what turns a claim into the bytes of its signature."""

    chain: str
    sign: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A file that this one was made from."""

    label: str
    path: Path
    content_type: str
    relation: Relation


@dataclass(frozen=True, slots=True)
class Signed:
    """What became of a file: where its manifest is, its size, and the inputs that stand in it by hash only."""

    path: Path
    embedded: bool
    manifest_bytes: int
    left_out: Mapping[str, str]


def ingredients_of(facts: Facts, content_type: str) -> tuple[Ingredient, ...]:
    """Return the inputs that the manifest takes along, each file once.

    A film made from a film goes on from it: that one is its parent, of which there can only be one. Weights only learn
    from their inputs what to make, whereas what is drawn by rule shows them.
    """
    other: Relation = "inputTo" if facts.trained else "componentOf"
    taken: list[Ingredient] = []
    for one in facts.inputs:
        if one.content_type not in EMBEDS or any(one.path == before.path for before in taken):
            continue
        films = one.kind == "video" and content_type.startswith(("video/", "image/gif"))
        parent = films and not any(before.relation == "parentOf" for before in taken)
        taken.append(Ingredient(one.field, one.path, one.content_type, "parentOf" if parent else other))
    return tuple(taken)


def definition(facts: Facts, title: str, content_type: str, ingredients: Sequence[Ingredient]) -> dict[str, Any]:
    """Return the manifest as the library takes it; the claim's version and the hash of the file are its business."""
    assertions = [
        {"label": "c2pa.actions.v2", "data": {"actions": actions(facts, ingredients)}},
        {"label": GENERATION, "data": generation(facts)},
    ]
    if facts.inputs:
        assertions.append({"label": INPUTS, "data": {"inputs": [_described(one) for one in facts.inputs]}})
    return {
        "claim_generator_info": [{"name": "Rushes", "version": facts.software}],
        "title": title,
        "format": content_type,
        "assertions": [{**one, "created": True} for one in assertions],
    }


def actions(facts: Facts, ingredients: Sequence[Ingredient]) -> list[dict[str, Any]]:
    """Return what was done, in order: made from nothing, or opened and worked over; then what was put in."""
    served = facts.served_by
    made = {
        "softwareAgent": {"name": f"{served.engine}: {served.model}", "version": served.version},
        "digitalSourceType": _SOURCE_TYPE + source_type(facts, ingredients),
    }
    parents = [one.label for one in ingredients if one.relation == "parentOf"]
    if parents:
        opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": parents}}
        done = [opened, {"action": "c2pa.edited", **made}]
    else:
        done = [{"action": "c2pa.created", **made}]
    placed = [one.label for one in ingredients if one.relation == "componentOf"]
    return done + [{"action": "c2pa.placed", "parameters": {"ingredientIds": [label]}} for label in placed]


def source_type(facts: Facts, ingredients: Sequence[Ingredient]) -> str:
    """Return the IPTC's word for what this is.

    An animatic is drawn by rule, with no training data behind it; with inputs it is a composite. `compositeSynthetic`
    would say that a generative model took part, and `digitalCreation` that a person drew it.
    """
    if facts.trained:
        parent = any(one.relation == "parentOf" for one in ingredients)
        return "compositeWithTrainedAlgorithmicMedia" if parent else "trainedAlgorithmicMedia"
    return "composite" if facts.inputs else "algorithmicMedia"


def generation(facts: Facts) -> dict[str, Any]:
    """Return with what it was made, in words of our own; members that don't apply are left out."""
    served = facts.served_by
    told = {
        "endpoint": facts.endpoint,
        "request_id": facts.request_id,
        "engine": served.engine,
        "model": served.model,
        "version": served.version,
        "deployment": served.deployment,
        "stand_in": served.stand_in,
        "seed": _writable(served.seed),
        "prompt": facts.prompt,
    }
    return {name: value for name, value in told.items() if value is not None}


def _writable(seed: int | None) -> int | str | None:
    """Return a seed as the manifest's writer takes it: a number of more than 63 bits and a sign only as text."""
    return seed if seed is None or -(2**63) <= seed < 2**63 else str(seed)


def _described(one: InputFile) -> dict[str, Any]:
    return {
        "field": one.field,
        "content_type": one.content_type,
        "size_bytes": one.size_bytes,
        "sha256": one.sha256,
    }


def sign_file(
    path: Path,
    facts: Facts,
    signature: Signature,
    *,
    title: str,
    content_type: str,
    folder: Path,
    tick: Callable[[], None] = lambda: None,
    sandbox: Sandbox | None = None,
    finished: bool = False,
) -> Signed:
    """Sign a file: it has its manifest in it afterwards (and may lie elsewhere), or the manifest lies in `folder`.

    Inputs whose bytes the library can't take, or that bring it down, are left out as ingredients; their hashes stay.
    A `finished` file came from elsewhere: a manifest that it brings stays in it, as its parent's. Raises NotSigned,
    and what `signature.sign` or `tick` raise.
    """
    embed = content_type in EMBEDS
    to = folder / (f"signed-{path.name}" if embed else f"{title}{SIDECAR_SUFFIX}")
    task = _Task(path, title, content_type, facts, signature, to, embed, tick, sandbox or media_sandbox())
    ingredients = ingredients_of(facts, content_type)
    # A file that comes finished is the work that is passed on; what went into it can't be its parent too.
    if finished and embed and task.carries():
        others = tuple(_demoted(one, facts) for one in ingredients)
        ingredients = (Ingredient("finished", path, content_type, "parentOf"), *others)
    left_out: dict[str, str] = {}
    while True:
        try:
            answer = task.run(ingredients)
        except SandboxError as error:
            if not ingredients:
                raise NotSigned(_why(error)) from error
            answer = {"left_out": {one.label: _why(error) for one in ingredients}, "size_bytes": 0}
        if not answer["left_out"]:
            break
        left_out |= answer["left_out"]
        ingredients = tuple(one for one in ingredients if one.label not in left_out)
    if embed:
        to = _in_place(to, path, folder)
    return Signed(to, embed, answer["size_bytes"], left_out)


def _in_place(signed: Path, path: Path, folder: Path) -> Path:
    """Put the signed file where the unsigned one was, unless that is not ours."""
    return signed.replace(path) if path.parent == folder else signed


def _demoted(one: Ingredient, facts: Facts) -> Ingredient:
    return replace(one, relation="inputTo" if facts.trained else "componentOf")


@dataclass(frozen=True, slots=True)
class _Task:
    """A file that is to be signed, and how."""

    path: Path
    title: str
    content_type: str
    facts: Facts
    signature: Signature
    to: Path
    embed: bool
    tick: Callable[[], None]
    sandbox: Sandbox

    def carries(self) -> bool:
        """Say whether the file brings a manifest; what brings the library down counts as none."""
        arguments = {"source": str(self.path.absolute()), "content_type": self.content_type}
        function = "rushes.media.provenance_task:carried"
        try:
            return bool(self.sandbox.run(function, arguments, _limits([self.path]), self.tick))
        except SandboxError:
            return False

    def run(self, ingredients: Sequence[Ingredient]) -> dict[str, Any]:
        """Try it with these ingredients."""
        told = definition(self.facts, self.title, self.content_type, ingredients)
        paper = self.to.with_name(f"{self.to.name}.json")  # a prompt may be longer than what a request to it holds
        paper.write_text(json.dumps(told))
        arguments = {
            "source": str(self.path.absolute()),
            "to": str(self.to.absolute()),
            "content_type": self.content_type,
            "embed": self.embed,
            "definition": str(paper.absolute()),
            "ingredients": [_handed(one) for one in ingredients],
            "chain": self.signature.chain,
            "max_store_bytes": MAX_STORE_BYTES,
        }
        limits = _limits([self.path, *(one.path for one in ingredients)])
        try:
            answer: dict[str, Any] = self.sandbox.run(
                "rushes.media.provenance_task:sign", arguments, limits, self.tick, _bounded(self.signature.sign)
            )
        finally:
            paper.unlink(missing_ok=True)
        return answer


def _handed(one: Ingredient) -> dict[str, str]:
    return {
        "path": str(one.path.absolute()),
        "content_type": one.content_type,
        "title": one.label,
        "label": one.label,
        "relationship": one.relation,
    }


def _bounded(sign: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Sign as often as a file needs it: whoever took the sandbox over gets no more."""
    left = _MOST_SIGNATURES

    def once_more(claim: bytes) -> bytes:
        nonlocal left
        if not left:
            raise NotSigned("more signatures were asked for than one file needs")
        left -= 1
        return sign(claim)

    return once_more


def _limits(paths: Sequence[Path]) -> SandboxLimits:
    size = sum(path.stat().st_size for path in paths)
    cpu_s = _CPU_S + size // _BYTES_PER_CPU_S
    # What is written is the file once more, with a manifest of at most a quarter of the room beside it.
    return SandboxLimits(_MEMORY_BYTES, cpu_s, 3.0 * cpu_s, size + 16 * 1024 * 1024)


def _why(error: SandboxError) -> str:
    return error.msg if isinstance(error, TaskFailed) else str(error)


@dataclass(frozen=True, slots=True)
class Found:
    """A manifest that was read: the library's JSON, with what the anchors made of its signer."""

    report: Mapping[str, Any]

    @property
    def valid(self) -> bool:
        """Whether file and manifest are as they were when they were signed, whoever signed them."""
        return self.report.get("validation_state") in {"Valid", "Trusted"}

    @property
    def trusted(self) -> bool:
        """Whether the signer's certificate comes from one of the given authorities."""
        return self.report.get("validation_state") == "Trusted"

    @property
    def active(self) -> Mapping[str, Any]:
        """The manifest of the file itself, not those of its ingredients."""
        return dict(self.report.get("manifests", {}).get(self.report.get("active_manifest"), {}))

    def assertion(self, label: str) -> Mapping[str, Any]:
        """Return an assertion's content, empty where there is none."""
        found = (one.get("data") for one in self.active.get("assertions", ()) if one.get("label") == label)
        content = next(found, None)
        return content if isinstance(content, dict) else {}

    @property
    def problems(self) -> tuple[Mapping[str, str], ...]:
        """What is wrong, with the standard's codes; not that nobody vouches for the signer."""
        results = self.report.get("validation_results", {})
        deltas = [one.get("validationDeltas", {}) for one in results.get("ingredientDeltas", ())]
        parts = [results.get("activeManifest", {}), *deltas]
        every = [one for part in parts for one in part.get("failure", ())]
        return tuple(one for one in every if one.get("code") != "signingCredential.untrusted")


def read_manifest(path: Path, manifest: Path | None, anchors: str, sandbox: Sandbox | None = None) -> Found | None:
    """Read a file's manifest, or the one that lies beside it; None where there is none. Raises SandboxError."""
    with _scratch() as folder:
        trusted = folder / "anchors.pem"  # as a file, since public lists are longer than a request may be
        trusted.write_text(anchors)
        arguments = {
            "source": str(path.absolute()),
            "content_type": None if manifest is None else MANIFEST_TYPE,
            "manifest": None if manifest is None else str(manifest.absolute()),
            "anchors": str(trusted),
            "to": str(folder / "found.json"),
        }
        function = "rushes.media.provenance_task:read"
        if not (sandbox or media_sandbox()).run(function, arguments, _limits([path])):
            return None
        report = json.loads((folder / "found.json").read_text())
    return Found(report if isinstance(report, dict) else {})


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="rushes-verify-") as folder:
        yield Path(folder)
