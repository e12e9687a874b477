"""Who the caller is, and what is left to them: /v1/users/me, /v1/user and /v1/account/billing."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from rushes.gateway.platform.callers import AKey, AnAdmin, AVisit
from rushes.gateway.platform.envelope import documented
from rushes.gateway.platform.lists import chosen
from rushes.gateway.platform.pricing import CURRENCY, Usd

router = APIRouter(tags=["Account"])


class User(BaseModel):
    """Who calls."""

    username: str = Field(description="The account.")
    scope: Literal["API", "ADMIN"]
    key_id: str


class Credits(BaseModel):
    """What is left."""

    current_balance: float
    currency: Usd
    unlimited: bool = Field(description="Ours: the account has a key without a budget.")


class Billing(BaseModel):
    """The account's standing."""

    username: str
    credits: Credits | None = Field(default=None, description="With expand=credits.")


@router.get("/users/me", include_in_schema=False)
@router.get("/v1/user", include_in_schema=False)
@router.get("/v1/users/me", summary="Say who calls")
async def read_user(caller: AKey) -> User:
    """The account and the scope of the key that this call was made with."""
    return User(username=caller.account, scope=caller.scope, key_id=caller.key_id)


@router.get(
    "/v1/account/billing", summary="Read the balance", response_model_exclude_unset=True, responses=documented(403)
)
async def read_billing(
    visit: AVisit,
    caller: AnAdmin,
    expand: Annotated[list[str] | None, Query(description="`credits`.")] = None,
) -> Billing:
    """The account; with expand=credits what is left of the budgets of its keys, 0 where none has one."""
    if not chosen("expand", expand, ("credits",)):
        return Billing(username=caller.account)
    keys = visit.services.keys.listed(caller.account)
    # Work in hand may come to more than was set aside for it: below nothing there is no balance.
    left = [max(key.budget_usd - key.spent_usd - key.reserved_usd, 0.0) for key in keys if key.budget_usd is not None]
    told = Credits(current_balance=sum(left), currency=CURRENCY, unlimited=len(left) < len(keys))
    return Billing(username=caller.account, credits=told)
