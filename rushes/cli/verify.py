"""`rushes verify FILE`: the content credentials of a file, read offline: who made it, with what, from which inputs.

The file may be anybody's, so it is read in the sandbox, and what it says is stripped of what a terminal would obey.
Exit codes: 0 as it was signed, 1 changed or not rightly signed, 2 mistyped, 3 no manifest. That nobody here knows the
signer is said, and is no failure: it is for the reader to judge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rushes.cli.configured import settings_from
from rushes.cli.problem import CommandError
from rushes.files import credentials
from rushes.media.provenance import GENERATION, INPUTS, SIDECAR_SUFFIX, Found, read_manifest
from rushes.media.sandbox import Sandbox, SandboxError, Unavailable
from rushes.settings import Settings

CHANGED, NO_MANIFEST = 1, 3
Standing = Literal["this server", "known", "unknown"]

_ACTIONS = "c2pa.actions.v2"
_TASKS = ("rushes.media.provenance_task",)


def verify(
    file: Annotated[Path, typer.Argument(help="File to look at.")],
    manifest: Annotated[
        Path | None, typer.Option(help="Manifest that lies elsewhere. Default: in the file, or else in FILE.c2pa.")
    ] = None,
    trust: Annotated[
        Path | None, typer.Option(help="Certificates (PEM) of authorities whose signers are known. Default: none.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Data folder of the server. Default: as for `rushes serve`.")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON. Default: off.")] = False,
) -> None:
    """Say who made a file, with what and from which inputs, and whether it is as it was signed."""
    settings = settings_from(data=data)
    found, where, standing = look(file, manifest, own=own_authorities(settings), known=_pem(trust) if trust else "")
    told = summary(file, found, where, standing)
    # In ASCII: JSON leaves control characters above it as they are.
    typer.echo(json.dumps(told, indent=2) if json_ else "\n".join(map(plain, lines(told))))
    if found is None:
        raise typer.Exit(NO_MANIFEST)
    if not found.valid:
        raise typer.Exit(CHANGED)


def look(file: Path, manifest: Path | None, *, own: str, known: str) -> tuple[Found | None, str, Standing]:
    """Read the manifest; return also where it was, and what is known of its signer. Raises CommandError."""
    for one in filter(None, (file, manifest)):
        if not one.is_file():
            raise CommandError(f"there is no file {one}", exit_code=2)
    beside = file.with_name(file.name + SIDECAR_SUFFIX)
    # One that loads this task alone: loading every decoder takes longer than the look does.
    sandbox = Sandbox(_TASKS)
    try:
        places = [manifest] if manifest is not None else [None, *([beside] if beside.is_file() else [])]
        for place in places:
            found, standing = _read(file, place, own, known, sandbox)
            if found is not None:
                return found, "in the file" if place is None else str(place), standing
    finally:
        sandbox.close()
    return None, "", "unknown"


def _read(file: Path, place: Path | None, own: str, known: str, sandbox: Sandbox) -> tuple[Found | None, Standing]:
    try:
        found = read_manifest(file, place, own, sandbox)
        if found is None or not found.valid or found.trusted:
            return found, "this server" if found is not None and found.trusted else "unknown"
        # Read again, since the library says only that a signer is trusted, not by which of the authorities.
        again = read_manifest(file, place, known, sandbox) if known else None
    except Unavailable as error:
        raise CommandError(str(error)) from error
    except SandboxError as error:
        # A format in which nothing can be embedded is no fault of the file's: there is just no manifest in it.
        if place is None and _no_place(error):
            return None, "unknown"
        raise CommandError(f"the manifest of {file} cannot be read: {error}", exit_code=CHANGED) from error
    return (again, "known") if again is not None and again.trusted else (found, "unknown")


def _no_place(error: SandboxError) -> bool:
    return "NotSupported" in str(error) or "type is unsupported" in str(error)


def own_authorities(settings: Settings) -> str:
    """Return the certificates whose signers are this server; "" where it has none yet."""
    if settings.provenance_cert is not None:
        return _pem(settings.provenance_cert)
    made = settings.data / credentials.FOLDER / credentials.AUTHORITY
    return _pem(made) if made.is_file() else ""


def _pem(path: Path) -> str:
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"cannot read certificates from {path}: {error}", exit_code=2) from error
    if "-----BEGIN CERTIFICATE-----" not in text:
        raise CommandError(f"{path} holds no certificate in PEM", exit_code=2)
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    certificates = [part.partition(end)[0] for part in text.split(begin)[1:]]  # a file may hold the key as well
    return "\n".join(f"{begin}{one}{end}" for one in certificates) + "\n"


def summary(file: Path, found: Found | None, where: str, standing: Standing) -> dict[str, Any]:
    """Return what there is to say, as --json prints it."""
    if found is None:
        return {"file": str(file), "state": "no manifest"}
    signer = found.active.get("signature_info", {})
    done = _records(found.assertion(_ACTIONS).get("actions"))
    kinds = [str(one["digitalSourceType"]).rpartition("/")[2] for one in done if "digitalSourceType" in one]
    return {
        "file": str(file),
        "state": "valid" if found.valid else "invalid",
        "manifest": where,
        "signer": {
            "name": signer.get("common_name"),
            "organisation": signer.get("issuer"),
            "standing": standing if found.valid else "unknown",
        },
        "generator": _generator(found.active),
        "actions": [one.get("action") for one in done],
        # The first action says what the file is; later ones say what was put into it.
        "source_type": kinds[0] if kinds else None,
        "generation": dict(found.assertion(GENERATION)),
        "inputs": _records(found.assertion(INPUTS).get("inputs")),
        "ingredients": [_ingredient(one) for one in found.active.get("ingredients", ())],
        "problems": [{"code": one.get("code"), "explanation": one.get("explanation")} for one in found.problems],
    }


def _records(found: Any) -> list[dict[str, Any]]:
    """What a stranger's assertion has where ours have a list of records."""
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _generator(active: Mapping[str, Any]) -> str | None:
    infos = active.get("claim_generator_info") or [{}]
    words = " ".join(str(infos[0][name]) for name in ("name", "version") if name in infos[0])
    return words or active.get("claim_generator")


def _ingredient(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": one.get("title"),
        "format": one.get("format"),
        "relationship": one.get("relationship"),
        "has_manifest": "active_manifest" in one,
    }


def lines(told: Mapping[str, Any]) -> Iterator[str]:
    """Say it in words for people."""
    if told["state"] == "no manifest":
        yield f"{told['file']}: no content credentials"
        return
    good = told["state"] == "valid"
    yield f"{told['file']}: " + ("as it was signed" if good else "NOT as it was signed, or not rightly signed")
    for problem in told["problems"]:
        yield f"  problem     {problem['code']}: {problem['explanation']}"
    signer = told["signer"]
    whose = {"this server": "this server's key", "known": "known", "unknown": "nobody known here"}[signer["standing"]]
    yield f"  made by     {signer['name']} ({signer['organisation']}): {whose}"
    yield from _made_with(told)
    for one in told["inputs"]:
        yield f"  from        {one.get('field')}: {one.get('content_type')}, sha256 {one.get('sha256')}"
    for one in told["ingredients"]:
        with_own = ", with a manifest of its own" if one["has_manifest"] else ""
        yield f"  {one['relationship'] or 'ingredient':<11} {one['title']} ({one['format']}){with_own}"
    yield f"  manifest    {told['manifest']}"


def plain(line: str) -> str:
    """Return a line without what moves a terminal's cursor, or turns the reading direction."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line)


def _made_with(told: Mapping[str, Any]) -> Iterator[str]:
    made = told["generation"]
    if told["generator"]:
        yield f"  with        {told['generator']}; {told['source_type'] or 'kind not told'}"
    if made:
        note = ", a stand-in for what the endpoint's name promises" if made.get("stand_in") else ""
        yield f"  engine      {made.get('engine')} {made.get('version')} ({made.get('model')}{note})"
        yield f"  request     {made.get('request_id')} on {made.get('endpoint')}, deployment {made.get('deployment')}"
    for name in ("seed", "prompt"):
        if name in made:
            yield f"  {name:<11} {made[name]}"
