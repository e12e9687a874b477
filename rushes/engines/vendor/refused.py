"""What becomes of a vendor's trouble: the one table from its kind to what the caller and the operator are told.

What the caller did wrong names our field and carries the vendor's words; what the operator has to mend tells the caller
no more than that it was no fault of theirs, and the log how to mend it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rushes.calls import VendorCall
from rushes.engines.engine import Unable
from rushes.engines.vendor.contract import Kind, Trouble, Vendor
from rushes.errors import CallerError, Loc, ModelError

SHOWN_CHARS = 300  # of a vendor's own words
INVALID = "value_error"  # pydantic's word for a value that a check refused


@dataclass(frozen=True, slots=True)
class Row:
    """What a kind of trouble leads to: the caller's error and its words, and the operator's remedy."""

    error: str
    words: str
    remedy: str


_UNAVAILABLE = "downstream_service_unavailable"

TABLE: Mapping[Kind, Row] = {
    "key": Row(
        _UNAVAILABLE,
        "The service behind this endpoint can't be used at the moment; the operator has to look at its key",
        "the key is refused: check it, and whether it belongs to this region's address",
    ),
    "balance": Row(
        _UNAVAILABLE,
        "The service behind this endpoint can't be used at the moment; the operator has to look at its account",
        "the account has no balance or quota left: top it up",
    ),
    "access": Row(
        _UNAVAILABLE,
        "The service behind this endpoint does not let this server use what was asked for",
        "the account may not use this: activate the model or feature, or check which addresses it allows",
    ),
    "busy": Row(
        _UNAVAILABLE,
        "The service behind this endpoint takes no more requests at the moment; try again later",
        "it took no more for longer than patience_s: lower the deployment's concurrency or per_minute, or raise the "
        "account's limits",
    ),
    "server": Row(
        _UNAVAILABLE,
        "The service behind this endpoint failed; it is no fault of the request",
        "it failed by itself; nothing to mend here",
    ),
    "gone": Row(
        _UNAVAILABLE,
        "The service behind this endpoint lost the task or its result; it is no fault of the request",
        "it no longer knows the task, or its result could not be fetched",
    ),
    "retired": Row(
        _UNAVAILABLE,
        "The model behind this endpoint is no longer offered",
        "name a successor for it in the deployment's models",
    ),
    "lost": Row(
        _UNAVAILABLE,
        "It is not known whether the service behind this endpoint took the task, so it was given up; it may have been "
        "paid",
        "look into the vendor's own list of tasks; a request that got no answer is not repeated blindly",
    ),
    "slow": Row(
        "generation_timeout",
        "The service behind this endpoint took longer than one task may take",
        "raise the deployment's deadline_s if such times are usual",
    ),
    "unknown": Row(
        _UNAVAILABLE,
        "The service behind this endpoint answered something that is not understood",
        "its answer is in no documentation that this adapter was written to; please report it",
    ),
    "here": Row(
        _UNAVAILABLE,
        "This server is not set up to reach the service behind this endpoint",
        "see the log line before this one",
    ),
}


def told(trouble: Trouble, call: VendorCall, vendor: Vendor) -> CallerError | Unable:
    """Return what the job is to end with."""
    said = shortened(trouble.text)
    code = f" ({trouble.code})" if trouble.code is not None else ""
    if trouble.kind == "invalid":
        return ModelError(INVALID, f"{vendor.title} refuses it{code}: {said}", loc=_place(trouble, call))
    if trouble.kind == "moderated":
        msg = f"{vendor.title} refused it for what it shows or says{code}: {said}"
        return ModelError("content_policy_violation", msg, loc=_place(trouble, call))
    row = TABLE[trouble.kind]
    # An unknown word is shown to the caller too: it is all there is to go by, and says nothing about the account.
    is_shown = trouble.kind == "unknown" or (trouble.kind == "lost" and trouble.code is not None)
    words = f"{row.words}{code}: {said}" if is_shown else row.words
    remedy = f"{vendor.title}: {said}{code}; {row.remedy}"
    if trouble.task is not None:
        remedy += f"; its task {shortened(trouble.task)} was taken and may have been paid"
    return Unable(trouble.kind, ModelError(row.error, words), remedy, taken=trouble.task is not None)


def shortened(text: str) -> str:
    """Return a vendor's words on one line, and not too many of them."""
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARS else f"{flat[:SHOWN_CHARS]}…"


def _place(trouble: Trouble, call: VendorCall) -> Loc:
    """Find our field for the member that the vendor named."""
    # What is not told of stands for itself: a prompt is a prompt with most vendors.
    if trouble.member is None:
        return ("body",)
    return call.fields.get(trouble.member, ("body", trouble.member))
