"""What a server says of itself when it is asked, in a line for the operator. Nothing is begun by it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from rushes.engines.server.dialects import dialect
from rushes.engines.server.jobs import authorization, last_part, root
from rushes.engines.vendor.contract import Account, Request, Response
from rushes.engines.vendor.hidden import without_secrets
from rushes.engines.vendor.wire import Unanswered, Wire
from rushes.routing import ServerDeployment

WITHIN_S = 5.0
_SHOWN = 200


def look(setting: ServerDeployment, environment: Mapping[str, str] | None = None) -> str:
    """Ask the server how it is, and return what it says, or why it says nothing; it never raises for a server."""
    try:
        spoken = dialect(setting.dialect)
        secrets = setting.secrets(os.environ if environment is None else environment)
    except ValueError as error:
        return str(error)
    account = Account(secrets[0] if secrets else "", setting.url.rstrip("/"))
    found: list[str] = []
    is_known = False
    for path in spoken.health:
        request = Request("GET", root(account) + path, authorization(account))
        try:
            answer = Wire(account.url).ask(request, lambda: None, WITHIN_S, WITHIN_S)
        except Unanswered as error:
            return f"{spoken.title} at {root(account)} does not answer: {without_secrets(str(error), secrets)}"
        found.append(f"{path}: {_said(answer, setting.model)}")
        is_known |= answer.status not in (404, 405)  # a refused key is a server of that kind all the same
    if not is_known:
        where = " and ".join(spoken.health)
        found = [
            f"it answered that it knows nothing of {where}; is dialect the right one, and does url lead to its root?"
        ]
    return f"{spoken.title} at {root(account)}: " + without_secrets("; ".join(found), secrets)


def _said(answer: Response, model: str) -> str:
    if answer.status in (401, 403):
        return f"{answer.status}, the key is refused"
    if answer.status >= 300:
        return f"{answer.status}, it has no such path" if answer.status == 404 else f"it answered {answer.status}"
    body = answer.json()
    served = _models(body)
    if served:
        fits = any(last_part(one) == last_part(model) for one in served)
        return f"serves {', '.join(served)}" + ("" if fits else f", which is not the deployment's {model}")
    text = json.dumps(body) if body else answer.body.decode("utf-8", "replace")
    return f"ok {text[:_SHOWN]}".strip()


def _models(body: Any) -> list[str]:
    """Return the models' ids of a list in the form that most servers have."""
    data = body.get("data") if isinstance(body, dict) else None
    return [str(one["id"]) for one in data if isinstance(one, dict) and "id" in one] if isinstance(data, list) else []
