"""GET, POST and DELETE /v1/keys: an account's keys, for its admins.

Admins of the server's own account also make, see and revoke the keys of other accounts. What a key is worth is checked
in `accounts.keys`; limits are kept by the queue.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from rushes.accounts.keys import SERVERS_OWN, Caller, KeyFacts
from rushes.gateway.platform.callers import AnAdmin, AVisit, is_operator
from rushes.gateway.platform.envelope import ACCESS_DENIED, Refused, documented
from rushes.gateway.platform.lists import chosen
from rushes.gateway.platform.paging import Cursor, Limit, read_cursor, write_cursor
from rushes.gateway.platform.times import write_moment

router = APIRouter(tags=["Keys"])

MOST_KEYS = 1_000  # of an account; all live keys are held in memory
_ACCOUNT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_PRINTABLE = r"^[^\x00-\x1f\x7f]+$"


class NewKey(BaseModel):
    """What the key may do."""

    # No unknown members: a limit with a typo would make a key without one.
    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"alias": "studio"}]})
    alias: str = Field(min_length=1, max_length=255, pattern=_PRINTABLE, description="A name to know it by.")
    scope: Literal["API", "ADMIN"] = Field("API", description="Ours: ADMIN may also read usage and make keys.")
    account: str | None = Field(
        None, pattern=_ACCOUNT, description="Ours: whose key it is. Only for admins of the server's own account."
    )
    max_concurrent: int | None = Field(None, ge=1, le=1_000_000, description="Ours: most requests that run at once.")
    budget_usd: float | None = Field(
        None, ge=0, le=10**9, allow_inf_nan=False, description="Ours: what all its requests together may cost."
    )


class MadeKey(BaseModel):
    """The key. Its secret is never shown again."""

    key_id: str
    key_secret: str
    key: str = Field(description="key_id:key_secret, as clients want it.")


class KeyItem(BaseModel):
    """What is told of a key."""

    key_id: str
    alias: str
    scope: Literal["API", "ADMIN"]
    created_at: str
    creator_nickname: str | None = Field(None, description="With expand=creator_info: the account.")
    account: str
    max_concurrent: int | None
    budget_usd: float | None
    spent_usd: float = Field(description="What its ended requests came to; counted for a key with a budget.")
    reserved_usd: float = Field(description="What its requests under way are estimated at; for a key with a budget.")
    running: int = Field(description="Its requests that run now; counted for a key with max_concurrent.")


class Keys(BaseModel):
    """A page of keys, oldest first."""

    keys: list[KeyItem]
    next_cursor: str | None
    has_more: bool


@router.get("/v1/keys", summary="List keys", response_model_exclude_unset=True, responses=documented(403))
async def list_keys(
    visit: AVisit,
    caller: AnAdmin,
    expand: Annotated[list[str] | None, Query(description="`creator_info`.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Keys:
    """The account's keys that work, oldest first; for admins of the server's own account, those of all accounts."""
    with_creator = bool(chosen("expand", expand, ("creator_info",)))
    after = read_cursor(cursor, "keys", float, str)
    found = visit.services.keys.listed(_reach(caller))
    # By time and id, as they are sorted: pages hold no key twice when others are made or revoked meanwhile.
    found = [one for one in found if after is None or (one.created_at, one.id) > after]
    page, has_more = found[:limit], len(found) > limit
    last = page[-1] if has_more else None
    return Keys(
        keys=[_item(one, with_creator) for one in page],
        next_cursor=write_cursor("keys", last.created_at, last.id) if last else None,
        has_more=has_more,
    )


@router.post("/v1/keys", status_code=201, summary="Make a key", responses=documented(403, 413, 503))
async def create_key(visit: AVisit, caller: AnAdmin, wanted: NewKey) -> MadeKey:
    """A new key of the account; its secret is in this answer only."""
    keys = visit.services.keys
    account = wanted.account or caller.account
    if account != caller.account and not is_operator(caller):
        raise Refused(403, ACCESS_DENIED)
    if caller.max_concurrent is not None or caller.budget_usd is not None:
        raise Refused(403, f"{ACCESS_DENIED}: a key with limits makes no keys, which could have none")
    if wanted.alias == SERVERS_OWN:  # at the next start, keys of this alias but the present one are revoked
        raise Refused(400, f"body.alias: {SERVERS_OWN!r} is the name of the key that the server began with")
    if len(keys.listed(account)) >= MOST_KEYS:
        raise Refused(400, f"The account has {MOST_KEYS} keys, the most there may be; revoke one first")
    key_id, secret = await keys.create(
        account,
        alias=wanted.alias,
        scope=wanted.scope,
        max_concurrent=wanted.max_concurrent,
        budget_usd=wanted.budget_usd,
    )
    return MadeKey(key_id=key_id, key_secret=secret, key=f"{key_id}:{secret}")


@router.delete("/v1/keys/{key_id}", status_code=204, summary="Revoke a key", responses=documented(403, 503))
async def revoke_key(
    visit: AVisit, caller: AnAdmin, key_id: Annotated[str, Path(max_length=255, description="The key's id.")]
) -> Response:
    """Let a key stop working at once; what was accepted under it is still done. 204 also where there is none."""
    if is_operator(caller) and any(one.id == key_id and one.alias == SERVERS_OWN for one in _listed(visit, caller)):
        told = "it is set by RUSHES_KEY or the file DATA/key; change it there and restart the server"
        raise Refused(400, f"The server's own key can't be revoked: {told}")
    await visit.services.keys.revoke(key_id, _reach(caller))
    return Response(status_code=204)


def _listed(visit: AVisit, caller: Caller) -> list[KeyFacts]:
    return visit.services.keys.listed(caller.account)


def _reach(caller: Caller) -> str | None:
    """Return the account whose keys the caller may touch; None for all."""
    return None if is_operator(caller) else caller.account


def _item(key: KeyFacts, with_creator: bool) -> KeyItem:
    creator = {"creator_nickname": key.account} if with_creator else {}
    return KeyItem(
        key_id=key.id,
        alias=key.alias or "",
        scope=key.scope,
        created_at=write_moment(key.created_at),
        account=key.account,
        max_concurrent=key.max_concurrent,
        budget_usd=key.budget_usd,
        spent_usd=key.spent_usd,
        reserved_usd=key.reserved_usd,
        running=key.running,
        **creator,
    )
