"""Who may read a stored file, and how its owner lets others: ACLs, signed URLs, the account's defaults (protocol 7.6).

A public file asks nobody anything. A restricted one opens for its owner, for accounts that its ACL allows, and for
whoever brings a URL that its owner signed. To everybody but its owner a file that can't be managed looks unknown.
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rushes.errors import ModelError, Problem, Rejection
from rushes.files.acl import decision
from rushes.files.store import StoredFile
from rushes.files.urls import own_file
from rushes.gateway.auth import admit, signer_of
from rushes.gateway.lifecycle import HEADERS, Lifecycle, read_lifecycle
from rushes.gateway.links import Links
from rushes.gateway.replies import Reply
from rushes.gateway.visit import Answer, Services, Visit

CDN = "cdn"  # purposes of signed tokens
READ = "read"
IDENTITY = "identity"  # query member of a signed URL
MOST_SIGNED_S = 604_800  # a week, as the Platform API has it (10.1)
JSON_BODY_BYTES = 16 * 1024

SignedSeconds = Annotated[int, Field(ge=1, le=MOST_SIGNED_S, description="How long the URL works, in seconds.")]


class SignRequest(BaseModel):
    """The body of the CDN's sign route."""

    model_config = ConfigDict(extra="ignore")

    duration: SignedSeconds
    scope: list[Literal["read"]] = Field(default=["read"], min_length=1, max_length=8)


def not_found() -> Rejection:
    """What an unknown, deleted or hidden file is answered with."""
    # Made anew: an error that is raised again keeps the frames, and so the requests, of all times before.
    return Rejection(404, "File not found")


def check_reader(visit: Visit, file: StoredFile) -> None:
    """Let a reader pass. Raises Rejection: 403 where the ACL forbids, 404 where it hides."""
    if file.acl is None:
        return
    identity = visit.query().get(IDENTITY)
    if identity is not None and opens(visit.services, identity, file.id):
        return
    match decision(file.acl, token_account(visit) or _key_account(visit), file.account):
        case "forbid":
            told = "send a key or token of an account that may read it, or ask its owner for a signed URL"
            raise Rejection(403, f"This file is restricted: {told}")
        case "hide":
            raise not_found()


def may_use(services: Services, account: str, file: StoredFile, url: str) -> bool:
    """Say whether an account's job may read this file, given the URL under which the job names it (F-08)."""
    if decision(file.acl, account, file.account) == "allow":
        return True
    identities = parse_qs(urlsplit(url).query).get(IDENTITY, [])
    # One only: an input may have any number of them, each a signature to check.
    return any(opens(services, identity, file.id) for identity in identities[:1])


def opens(services: Services, identity: str, file_id: str) -> bool:
    """Say whether a signed URL's `identity` was made for this file and still counts."""
    payload = services.signer.read(READ, identity, services.clock())
    return payload is not None and payload.get("file") == file_id


def signed_url(services: Services, links: Links, file: StoredFile, lasts_s: float) -> str:
    """Return an address under which anybody may read the file for so long, whatever its ACL says by then."""
    identity = services.signer.sign(READ, {"file": file.id}, services.clock() + lasts_s)
    return f"{links.file(file.id, file.name)}?{IDENTITY}={identity}"


async def sign(visit: Visit, file_id: str) -> Answer:
    """Answer the owner with a signed URL, as text."""
    account = token_account(visit) or admit(visit).account  # fal's SDK comes with its CDN token
    try:
        asked = SignRequest.model_validate_json(await visit.body(JSON_BODY_BYTES))
    except ValidationError as error:
        raise ModelError.of([Problem(e["type"], e["msg"], ("body", *e["loc"])) for e in error.errors()[:20]]) from None
    file = await owned(visit.services, account, file_id)
    url = signed_url(visit.services, visit.links, file, asked.duration)
    return Reply(200, url.encode(), [_NOT_KEPT], (b"content-type", b"text/plain; charset=utf-8"))


async def owned(services: Services, account: str, file_id: str | None) -> StoredFile:
    """Return an account's own file. Raises Rejection(404) for any other, whether it is there or not."""
    file = await services.files.stat(file_id or "")
    if file is None or file.account != account:
        raise not_found()
    return file


async def owned_at(services: Services, account: str, url: str) -> StoredFile:
    """Return an account's own file by its address, whatever the host. Raises Rejection(404)."""
    return await owned(services, account, own_file(url))


def asked_lifecycle(visit: Visit, account: str) -> Lifecycle:
    """Return what is to become of an upload: by its header, else by the account's settings.

    Raises Rejection(400) for a malformed header (F-07).
    """
    for header in HEADERS:
        try:
            asked = read_lifecycle(visit.header(header))
        except ValueError as error:
            raise Rejection(400, f"Invalid {header.decode()} header: {error}") from None
        if asked is not None:
            return asked
    return produced_lifecycle(visit.services, account, None)


def produced_lifecycle(services: Services, account: str, preference: str | None) -> Lifecycle:
    """Return what is to become of a file that a job makes: by the wish kept with it, else by the account's settings."""
    return _followed(preference) or _followed(services.storage.find(account)) or Lifecycle()


def token_account(visit: Visit) -> str | None:
    """Return the account of the CDN token that the caller brings; None without a good one.

    The key that it was made with must still work; tokens of open mode have none.
    """
    services = visit.services
    token = (visit.header(b"authorization") or "").strip().partition(" ")[2].strip()
    payload = services.signer.read(CDN, token, services.clock())
    if payload is None:
        return None
    caller = signer_of(services, payload.get("key_id", ""))
    return caller.account if caller is not None and caller.account == payload["account"] else None


def _followed(kept: str | None) -> Lifecycle | None:
    """Read what was checked when it was kept, perhaps by another version of ours."""
    try:
        return read_lifecycle(kept)
    except ValueError:
        return None


def _key_account(visit: Visit) -> str | None:
    try:
        return admit(visit).account
    except Rejection:  # whoever brings a wrong key is whom nobody knows
        return None


_NOT_KEPT = (b"cache-control", b"private, no-store")
