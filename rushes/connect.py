"""Pointing the official Python client at a Rushes server: `rushes.connect(url, key)`, for this process.

fal_client reads two host names from the environment at import, always with https, and has its storage hosts built in;
its module globals are the one place that covers plain http, uploads and sockets alike (protocol 2.3 C). Only those are
set: fal_client itself stays as it was installed. This file loads nothing heavy, since `import rushes` loads it.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

DEFAULT_URL = "http://127.0.0.1:8787"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
KEPT_BY_CLIENTS = ("_auth", "_client", "_token_manager")
"""What a client object keeps after its first call: credentials, connections and the address of the token route."""


def connect(url: str | None = None, key: str | None = None) -> None:
    """Let `fal_client` in this process talk to the server at `url`, whether it was imported before or not.

    `url` is RUSHES_URL or http://127.0.0.1:8787 when not given. `key` ("id:secret") becomes FAL_KEY; without it
    RUSHES_KEY does, if it is set, else FAL_KEY stays as it is. May be called again for another server.
    Raises ImportError when fal-client is not installed and ValueError for a URL that is not http or https.
    """
    base = (url or os.environ.get("RUSHES_URL") or DEFAULT_URL).rstrip("/")
    scheme, _, rest = base.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise ValueError(f"a server's URL starts with http:// or https://, for example {DEFAULT_URL}; got {base!r}")
    _point(_client_module(), base, f"{scheme.replace('http', 'ws')}://{rest}")
    chosen = key or os.environ.get("RUSHES_KEY")
    if chosen:  # clients read it when they first need it
        os.environ["FAL_KEY"] = chosen
    _keep_off_web_proxies(rest)


def _client_module() -> ModuleType:
    try:
        return import_module("fal_client.client")
    except ModuleNotFoundError as missing:
        raise ImportError(
            "rushes.connect() points the official client at a server, and that client is not installed: "
            "pip install fal-client"
        ) from missing


def _point(client: ModuleType, base: str, socket_base: str) -> None:
    wanted = {
        "RUN_URL_FORMAT": f"{base}/run/",
        "QUEUE_URL_FORMAT": f"{base}/queue/",
        "REALTIME_URL_FORMAT": f"{socket_base}/run/",
        "REST_URL": f"{base}/rest",
        "CDN_URL": f"{base}/cdn",
    }
    # Setting a name that a later version has no more would do nothing, and calls would go to fal with the key.
    unknown = [name for name in wanted if not hasattr(client, name)]
    if unknown:
        raise ImportError(f"this fal-client has no {', '.join(unknown)}; rushes.connect() knows version 1.0.3")
    for name, value in wanted.items():
        setattr(client, name, value)
    # The module's own functions, such as fal_client.run, go through these two.
    package = import_module("fal_client")
    for made_at_import in (package.sync_client, package.async_client):
        for kept in KEPT_BY_CLIENTS:
            vars(made_at_import).pop(kept, None)


def _keep_off_web_proxies(rest: str) -> None:
    """A machine's HTTP_PROXY cannot reach this machine's own loopback, and must not see the key."""
    authority = rest.partition("/")[0]
    host = authority.partition("]")[0].lstrip("[") if authority.startswith("[") else authority.partition(":")[0]
    if host not in LOOPBACK:
        return
    for name, other in (("NO_PROXY", "no_proxy"), ("no_proxy", "NO_PROXY")):
        # Where one is unset, with what the other says: programs heed only one, and most the lower-case one first.
        listed = [part for part in os.environ.get(name, os.environ.get(other, "")).split(",") if part]
        if host not in listed:
            os.environ[name] = ",".join([*listed, host])
