"""Storage on the platform: who may read a file, signed addresses, and what an account's new files are like (10.1).

Only a file's own account may; to all others it looks unknown. What a decision means is said by `sharing`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from rushes.accounts.keys import ADMIN_ACCOUNT, KeyRing
from rushes.errors import Rejection
from rushes.files.store import StoredFile
from rushes.gateway.auth import LOCAL
from rushes.gateway.lifecycle import AclJson, LifecycleJson, RuleJson
from rushes.gateway.platform.callers import AKey, AVisit
from rushes.gateway.platform.envelope import documented, not_found
from rushes.gateway.sharing import SignedSeconds, owned_at, signed_url
from rushes.gateway.visit import Visit

router = APIRouter(tags=["Storage"])

FileUrl = Annotated[
    str, Query(alias="url", min_length=1, max_length=4_096, description="Address of a file, without its query.")
]


class SignRequest(BaseModel):
    """How long the address is to work."""

    model_config = ConfigDict(extra="ignore")

    expiration_seconds: SignedSeconds


class Signed(BaseModel):
    """An address that opens the file for whoever has it."""

    signed_url: str


class Settings(BaseModel):
    """What becomes of the account's new files when a request asks for nothing."""

    expiration_duration_seconds: float | None = Field(description="How long they are kept; null: for good.")
    initial_acl: AclJson | None = Field(description="Who may read them; null: everybody.")


@router.get("/v1/storage/files/acl", summary="Show who may read a file", responses=documented(404))
async def show_acl(visit: AVisit, caller: AKey, url: FileUrl) -> AclJson:
    """A file that everybody may read has the default `allow` and no rules."""
    return AclJson.of((await _owned(visit, caller.account, url)).acl)


@router.put("/v1/storage/files/acl", summary="Say who may read a file", responses=documented(404, 503))
async def set_acl(visit: AVisit, caller: AKey, url: FileUrl, wanted: AclJson) -> AclJson:
    """Replaces the whole list. Rules for accounts that this server doesn't know are dropped."""
    file = await _owned(visit, caller.account, url)
    acl = wanted.model_copy(update={"rules": _known(visit.services.keys, wanted.rules)}).acl()
    if not await visit.services.files.set_acl(file.id, acl):
        raise not_found("File")
    return AclJson.of(acl)


@router.post("/v1/storage/files/sign", summary="Sign a file's address", responses=documented(404))
async def sign_file(visit: AVisit, caller: AKey, url: FileUrl, wanted: SignRequest) -> Signed:
    """The address opens the file for whoever has it, until its time is over; it can't be taken back before."""
    file = await _owned(visit, caller.account, url)
    return Signed(signed_url=signed_url(visit.services, visit.links, file, wanted.expiration_seconds))


@router.get("/v1/storage/settings", summary="Show what your new files are like")
async def show_settings(visit: AVisit, caller: AKey) -> Settings:
    """Holds for uploads and for files that requests make, where these carry no lifecycle of their own."""
    kept = visit.services.storage.find(caller.account)
    return _shown(LifecycleJson.model_validate_json(kept) if kept else LifecycleJson())


@router.put("/v1/storage/settings", summary="Say what your new files are like", responses=documented(503))
async def set_settings(visit: AVisit, caller: AKey, wanted: LifecycleJson) -> Settings:
    """Replaces all of it; what is left out is cleared. Files that are stored already stay as they are."""
    kept = wanted.model_dump_json(exclude_none=True)
    await visit.services.storage.keep(caller.account, None if kept == "{}" else kept)
    return _shown(wanted)


async def _owned(visit: Visit, account: str, url: str) -> StoredFile:
    try:
        return await owned_at(visit.services, account, url)
    except Rejection:
        raise not_found("File") from None


def _known(keys: KeyRing, rules: list[RuleJson]) -> list[RuleJson]:
    # Accounts stand in no table: one is known by its keys, of which callers in open mode have none.
    known = {LOCAL.account, ADMIN_ACCOUNT, *(key.account for key in keys.listed())}
    return [rule for rule in rules if rule.user in known]


def _shown(lifecycle: LifecycleJson) -> Settings:
    seconds = lifecycle.expiration_duration_seconds
    return Settings(expiration_duration_seconds=seconds or None, initial_acl=lifecycle.initial_acl)
