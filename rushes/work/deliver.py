"""From the engine's output to what the caller gets: files in storage, or data URIs, or stored files and their hex.

Files are encoded first (`products`); what their place in the output is called is the family's business.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.accounts.voices import PROFILE_NAME, PROFILE_TYPE
from rushes.endpoint import Delivery, Plan
from rushes.engines.engine import FinishedFiles, Frames, Output, Pictures, SoundTrack, Value, Voice
from rushes.errors import ModelError
from rushes.fields import File, Image
from rushes.work.tools import Files, Report

if TYPE_CHECKING:
    from rushes.work.products import Product
    from rushes.work.sign import Sign

INLINE_MAX_BYTES = 64 * 1024 * 1024  # of a reply's files together, where they stand in the reply itself


Shown = tuple[tuple[File, ...], tuple[str, ...]]
"""Files as outputs show them, and the ids of the stored ones."""

Beside = Mapping[str, str]
"""Addresses of small pictures beside a result, in their stored form, to what each is."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came out: files as the output shows them, the ids of the stored ones, or a plain value.

    `profile_id` is the stored file of a voice that was made; `duration_s` of sound or film; `companions` are as in
    `jobs.job.Outcome`, their ids among `file_ids`.
    """

    files: tuple[File, ...] = ()
    file_ids: tuple[str, ...] = ()
    value: Any = None
    duration_s: float | None = None
    profile_id: str | None = None
    companions: Beside = field(default_factory=dict)


def deliver(
    output: Output,
    plan: Plan | None,
    delivery: Delivery,
    files: Files,
    report: Report,
    *,
    inline_max_bytes: int = INLINE_MAX_BYTES,
    sign: Sign | None = None,
    look: Callable[[FinishedFiles], tuple[Product, ...]] | None = None,
) -> Delivered:
    """Make files of the output, have them signed, and bring them on their way. Raises Cancelled; ModelError for files

    too large to inline, or that could not be signed; ValueError when the engine did not make what was planned.
    """
    if isinstance(output, Value):
        return Delivered(value=output.value)
    # PyAV, OpenCV and NumPy take 0.3 s to load, which a runner that encodes nothing need not pay.
    from rushes.work.products import make_products  # noqa: PLC0415

    if isinstance(output, FinishedFiles) and look is not None:
        products = look(output)
    else:
        products = make_products(output, plan, delivery, files.folder(), report)
    if sign is not None:
        # These four are encoded here, so that nobody else's manifest can be in them.
        products = sign(products, not isinstance(output, Frames | Pictures | SoundTrack | Voice))
    if delivery.form != "url":
        check_inline(products, inline_max_bytes)
    if delivery.form == "data_uri":
        shown, ids = inline(products)
    else:
        shown, ids = store(products, files, report, with_hex=delivery.form == "hex")
    beside, their_ids = store_companions(products, files, report)
    profile = output.profile if isinstance(output, Voice | FinishedFiles) else None
    profile_id = store_profile(profile, files, report) if profile is not None else None
    duration_s = next((product.duration_s for product in products if product.duration_s is not None), None)
    return Delivered(shown, ids + their_ids, duration_s=duration_s, profile_id=profile_id, companions=beside)


def check_inline(products: Sequence[Product], most: int) -> None:
    """Refuse what would make the reply itself too large."""
    size = sum(product.path.stat().st_size for product in products)
    if size > most:
        msg = (
            f"the result has {size} bytes; at most {most} can stand in the reply itself: ask for it as a URL "
            "(without sync_mode or hex), or for something shorter or smaller"
        )
        raise ModelError("file_too_large", msg, ctx={"max_size": most})


def inline(products: Sequence[Product]) -> Shown:
    """Describe files that are in the reply itself; nothing is stored."""
    shown: list[File] = []
    for product in products:
        data = product.path.read_bytes()
        url = f"data:{product.content_type};base64,{base64.b64encode(data).decode()}"
        shown.append(describe(product, url, len(data)))
    return tuple(shown), ()


def store(products: Sequence[Product], files: Files, report: Report, *, with_hex: bool = False) -> Shown:
    """Put the files into storage."""
    shown: list[File] = []
    ids: list[str] = []
    for product in products:
        stored = files.put(product.path, product.name, product.content_type, report.tick)
        file = describe(product, stored.url, stored.size_bytes)
        shown.append(file.model_copy(update={"file_data": product.path.read_bytes().hex()}) if with_hex else file)
        ids.append(stored.file_id)
    return tuple(shown), tuple(ids)


def store_companions(products: Sequence[Product], files: Files, report: Report) -> tuple[Beside, tuple[str, ...]]:
    """Put the small pictures beside the products into storage; return what each address shows, and their ids."""
    shows: dict[str, str] = {}
    ids: list[str] = []
    companions = [companion for product in products for companion in product.companions]
    for companion in companions:
        stored = files.put(companion.path, companion.path.name, companion.content_type, report.tick)
        shows[stored.url] = companion.rel
        ids.append(stored.file_id)
    if companions:
        report.say(f"Stored beside the result: {', '.join(one.path.name for one in companions)}")
    return shows, tuple(ids)


def describe(product: Product, url: str, size_bytes: int) -> File:
    """Describe a file as outputs do; a picture with its size."""
    facts: dict[str, Any] = {
        "url": url,
        "content_type": product.content_type,
        "file_name": product.name,
        "file_size": size_bytes,
        "file_data": None,
    }
    if product.content_type.startswith("image/") and product.duration_s is None:  # a GIF film is a file like others
        return Image(**facts, width=product.width, height=product.height)
    return File(**facts)


def store_profile(profile: str, files: Files, report: Report) -> str:
    """Store a voice's profile and return its file's id; it is no part of the output."""
    path: Path = files.folder() / PROFILE_NAME
    path.write_text(profile)
    return files.put(path, PROFILE_NAME, PROFILE_TYPE, report.tick).file_id
