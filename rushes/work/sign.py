"""The step between encoding and storing: every file gets its content credentials, or the job fails.

What a manifest says and how it gets into a file is `media.provenance`'s business, the key is the gateway's. Nothing
leaves unsigned without a word: where results are signed and one can't be, the job ends with an error that says why; a
data URI of a format without a place for a manifest is the one exception, and the log says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rushes import __version__
from rushes.endpoint import Delivery, MediaMap, ServedBy
from rushes.errors import ModelError
from rushes.jobs.protocol import SignerAnswer
from rushes.media.provenance import EMBEDS, MANIFEST_TYPE, Facts, InputFile, NotSigned, Signature, Signed, sign_file
from rushes.work.tools import Report, Tools

if TYPE_CHECKING:
    from rushes.work.products import Product

_CHUNK_BYTES = 4 * 1024 * 1024

Sign = Callable[[Sequence["Product"], bool], "tuple[Product, ...]"]
"""Signs the products; True says that they were not encoded here and may bring manifests of their own."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a job's results are to say of themselves; `prompt` is told only where the gateway says so."""

    endpoint: str
    request_id: str
    served_by: ServedBy
    trained: bool
    media: MediaMap
    prompt: str


def signing_step(work: Work, delivery: Delivery, tools: Tools) -> Sign | None:
    """Return what signs the results, None where this runner's tools have no way to do it.

    The gateway is asked only once there is something to be signed: many a job makes no file.
    """
    signing = tools.signing
    if signing is None:
        return None

    def sign(products: Sequence[Product], finished: bool) -> tuple[Product, ...]:
        try:
            # Asked for every job: a gateway that starts again while runners live may have another key.
            signer = signing.signer()
            if signer is None:
                return tuple(products)
            facts = facts_of(work, signer, tools.report)
            signature = Signature(signer.chain, signing.sign)
            how = _How(facts, signature, delivery.stored, finished)
            return tuple(_signed(one, how, tools) for one in products)
        except NotSigned as error:
            msg = (
                f"the result was made, but could not be given its content credentials, so it is not delivered: {error}"
            )
            raise ModelError("internal_server_error", msg) from error

    return sign


def facts_of(work: Work, signer: SignerAnswer, report: Report) -> Facts:
    """Gather what the manifests of a job's files say."""
    told = work.prompt if signer.with_prompt and work.prompt else None
    inputs = hashed(work.media, report.tick)
    return Facts(work.endpoint, work.request_id, work.served_by, work.trained, __version__, inputs=inputs, prompt=told)


def hashed(media: MediaMap, tick: Callable[[], None]) -> tuple[InputFile, ...]:
    """Describe the inputs as they came, each file read once; what never was a file has no hash."""
    seen: dict[str, str] = {}
    found: list[InputFile] = []
    for field, one in media.items():
        if one.source is None:
            continue
        if one.source not in seen:
            seen[one.source] = hash_of(Path(one.source), tick)
        found.append(InputFile(field, one.kind, Path(one.source), one.content_type, one.size_bytes, seen[one.source]))
    return tuple(found)


def hash_of(path: Path, tick: Callable[[], None]) -> str:
    """Return a file's SHA-256 in hex."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
            tick()
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class _How:
    facts: Facts
    signature: Signature
    stored: bool
    finished: bool


def _signed(product: Product, how: _How, tools: Tools) -> Product:
    report = tools.report
    if product.content_type not in EMBEDS and not how.stored:
        report.say(
            f"{product.name} carries no content credentials: its format has no place for them, and nothing is "
            "stored beside a result that stands in the reply itself",
            "WARN",
        )
        return product
    done = sign_file(
        product.path,
        how.facts,
        how.signature,
        title=product.name,
        content_type=product.content_type,
        folder=tools.files.folder(),
        tick=report.tick,
        finished=how.finished,
    )
    _tell(product, done, report)
    if done.embedded:
        return replace(product, path=done.path)
    # Loaded with NumPy and OpenCV, which by now have been needed for the product itself.
    from rushes.media.companions import Companion  # noqa: PLC0415

    # The rel that C2PA gives to a manifest which lies elsewhere.
    beside = Companion("c2pa-manifest", done.path, MANIFEST_TYPE)
    return replace(product, companions=(*product.companions, beside))


def _tell(product: Product, done: Signed, report: Report) -> None:
    where = "in the file" if done.embedded else f"beside it, in {done.path.name}"
    report.say(f"Signed {product.name}: content credentials of {done.manifest_bytes:,} bytes {where}")
    for field, why in done.left_out.items():
        report.say(f"The content credentials hold {field} by its hash only: {why}", "WARN")
