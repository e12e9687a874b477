"""Who calls a platform route: dependencies for routes that ask for a key, an admin's, or none (protocol 3.3, 10.1).

A key that is sent must be right, also where none is needed: clients test their key with a call of `GET /models`.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader

from rushes.accounts.keys import Caller
from rushes.errors import Rejection
from rushes.gateway.auth import admit
from rushes.gateway.platform.envelope import ACCESS_DENIED, AUTHENTICATION_REQUIRED, Refused
from rushes.gateway.visit import Visit

_HEADER = APIKeyHeader(
    name="Authorization",
    scheme_name="apiKeyAuth",
    description="`Key <key_id>:<key_secret>`; routes for admins need a key of scope ADMIN.",
    auto_error=False,
)


async def the_visit(request: Request) -> Visit:
    """Return the visit that this call came as; its `services` and `links` are what routes work with."""
    visit: Visit = request.scope["rushes"]
    return visit


AVisit = Annotated[Visit, Depends(the_visit)]


async def key_caller(visit: AVisit, _: Annotated[str | None, Security(_HEADER)]) -> Caller:
    """Ask for a key. Raises Refused(401)."""
    try:
        return admit(visit)
    except Rejection as error:
        # The reference has one text for each status (3.3), where the run and queue hosts tell more.
        raise Refused(error.status, AUTHENTICATION_REQUIRED if error.status == 401 else ACCESS_DENIED) from None


AKey = Annotated[Caller, Depends(key_caller)]


async def optional_caller(visit: AVisit, _: Annotated[str | None, Security(_HEADER)]) -> Caller | None:
    """Return who calls, None where no key was sent. Raises Refused(401) for a wrong one."""
    return await key_caller(visit, None) if visit.header(b"authorization") else None


Anybody = Annotated[Caller | None, Depends(optional_caller)]


async def admin_caller(caller: AKey) -> Caller:
    """Ask for an admin's key. Raises Refused(401), Refused(403)."""
    if caller.scope != "ADMIN":
        raise Refused(403, ACCESS_DENIED)
    return caller


AnAdmin = Annotated[Caller, Depends(admin_caller)]


def is_operator(caller: Caller) -> bool:
    """Say whether this is an admin of the server's own account, who makes keys for other accounts too."""
    return caller.is_operator
