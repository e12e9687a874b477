"""What `provenance` has the sandbox do: write a manifest into a file or beside it, and read one. No key comes here.

A given file's own manifest is strangers' bytes, and so is the rest of the file in which it is looked for; that is why
also the signing of our own results runs here, with the signature itself asked for outside. Nothing is fetched: neither
manifests that a file only points to, nor certificates' status, nor a time stamp.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import c2pa

__all__ = ["carried", "read", "sign"]

# No pictures of the inputs in the manifest: they would tell more than their hashes, and cost more than all the rest.
_SETTINGS: dict[str, Any] = {
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
    "builder": {"thumbnail": {"enabled": False}},
}
_TEXT_CHARS = 300


def warm() -> None:
    """Have the library's tables of formats ready before children are forked."""
    c2pa.Builder.get_supported_mime_types()
    c2pa.Reader.get_supported_mime_types()


def sign(
    *,
    source: str,
    to: str,
    content_type: str,
    embed: bool,
    definition: str,
    ingredients: list[dict[str, str]],
    chain: str,
    max_store_bytes: int,
    ask: Callable[[bytes], bytes],
) -> dict[str, Any]:
    """Write `source` with its manifest as `to`, or the manifest alone where it is not to be embedded.

    `definition` is the path of the manifest's JSON; `ingredients` have `path`, `content_type`, and the members of
    the library's own. Answers which of them could not be taken, by label, with the reason, and the manifest's size.
    """
    with c2pa.Context.from_dict(_SETTINGS) as context, c2pa.Builder(Path(definition).read_text(), context) as builder:
        if not embed:
            builder.set_no_embed()
        left_out = {}
        for one in ingredients:
            known = {name: value for name, value in one.items() if name not in {"path", "content_type"}}
            try:
                with open(one["path"], "rb") as file:
                    builder.add_ingredient(json.dumps(known), one["content_type"], file)
            except c2pa.C2paError as error:
                left_out[one["label"]] = str(error)[:_TEXT_CHARS]
        if left_out:  # actions that name it would make the manifest invalid: it is built anew without
            return {"left_out": left_out, "size_bytes": 0}
        with c2pa.Signer.from_callback(ask, c2pa.C2paSigningAlg.ES256, chain) as signer:
            manifest = _write(builder, signer, content_type, Path(source), Path(to), embed=embed)
    if len(manifest) > max_store_bytes:
        Path(to).unlink()
        return {"left_out": {one["label"]: "its manifest is too large" for one in ingredients}, "size_bytes": 0}
    return {"left_out": {}, "size_bytes": len(manifest)}


def _write(
    builder: c2pa.Builder, signer: c2pa.Signer, content_type: str, source: Path, to: Path, *, embed: bool
) -> bytes:
    """Sign; the library copies from stream to stream, so memory stays flat."""
    with source.open("rb") as file, to.open("w+b") as out:
        manifest: bytes = builder.sign(signer, content_type, file, out)
        if not embed:  # the file came out as it was
            out.seek(0)
            out.truncate()
            out.write(manifest)
    return manifest


def carried(*, source: str, content_type: str) -> bool:
    """Say whether a file brings a manifest of its own, good or bad."""
    with c2pa.Context.from_dict(_SETTINGS) as context, open(source, "rb") as file:
        try:
            with c2pa.Reader(content_type, file, context=context):
                return True
        except c2pa.C2paError.ManifestNotFound:
            return False
        except c2pa.C2paError:
            return True


def read(*, source: str, content_type: str | None, manifest: str | None, anchors: str, to: str) -> bool:
    """Write what is known of a file as JSON to the path `to`; False when it has no manifest.

    `manifest` is the path of one that lies beside it; `anchors` is the path of the authorities' certificates that
    count, in PEM.
    """
    certificates = Path(anchors).read_text()
    settings = {**_SETTINGS, "trust": {"user_anchors": certificates}} if certificates else _SETTINGS
    with contextlib.ExitStack() as stack:
        context = stack.enter_context(c2pa.Context.from_dict(settings))
        file = stack.enter_context(open(source, "rb"))
        beside = Path(manifest).read_bytes() if manifest is not None else None
        try:
            found = stack.enter_context(c2pa.Reader(content_type, file, beside, context=context))
        except c2pa.C2paError.ManifestNotFound:
            return False
        Path(to).write_text(found.json())
    return True
