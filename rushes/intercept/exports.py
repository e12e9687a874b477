"""The environment that redirects unchanged programs: what is set beside a key, and how it is all taken back. Pure.

Whatever a shell held before is kept there under another name, by the shell itself: a key of fal's own is never printed.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from rushes.gateway.hosts import HOSTS, is_fals
from rushes.intercept.upstream import spares

EXPORTED = "RUSHES_EXPORTED"
"""Names that are ours in this shell."""
BEFORE = "RUSHES_BEFORE_"
"""Begins the names under which a shell keeps what it held before."""
LOCAL = ("127.0.0.1", "localhost")


def keys(key: str) -> dict[str, str]:
    """The key under each name by which a client asks for it."""
    return {"FAL_KEY": key, "FAL_API_KEY": key, "FAL_AI_API_KEY": key}


ROOTS = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Variables that name a file of roots: Python and curl, Python's requests, curl alone, Node."""


def trusting(bundle: Path, authority: Path, joined: Mapping[str, Path]) -> dict[str, str]:
    """Trust in the local authority; `joined` has a file for each of ROOTS that a shell had set already."""
    plain = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle, "NODE_EXTRA_CA_CERTS": authority}
    return {name: str(path) for name, path in {**plain, **joined}.items()}


def redirecting(proxy: str, before: Mapping[str, str]) -> dict[str, str]:
    """Send https through the intercepting proxy, and nothing of this machine's own."""
    spared = kept_off(before.get("no_proxy") or before.get("NO_PROXY") or "")
    # Both spellings, since programs differ in which they read first; not HTTP_PROXY, which `head` would refuse.
    values = {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": spared, "no_proxy": spared}
    if any(before.get(name) or before.get(name.upper()) for name in ("socks_proxy", "wss_proxy")):
        values["wss_proxy"] = proxy  # which Python's sockets would prefer to https_proxy
    # Node's own fetch looks at a proxy only when told to; litellm would fetch a list of prices at its start.
    return {**values, "NODE_USE_ENV_PROXY": "1", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}


def kept_off(no_proxy: str) -> str:
    """Return the list with this machine in it and without what would let calls to fal's hosts pass by the proxy."""
    # Apart by spaces too, as Node and curl read them.
    passing = [entry for entry in no_proxy.replace(",", " ").split() if not _spares_fal(entry)]
    return ",".join(dict.fromkeys((*passing, *LOCAL)))


def _spares_fal(entry: str) -> bool:
    name = entry.lower().partition(":")[0].lstrip("*.")
    # Node takes what follows a star for the end of any name, within a label too.
    ends = bool(name) and any(host.endswith(name) for host in HOSTS)
    return ends or is_fals(name) or any(spares(entry, host, 443) for host in HOSTS)


def before(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment as it was before ours was put on top."""
    ours = environment.get(EXPORTED, "").split()
    own = {name for name in environment if name in (EXPORTED, *ours) or name.startswith(BEFORE)}
    kept = {name: environment[BEFORE + name] for name in ours if BEFORE + name in environment}
    return {name: value for name, value in environment.items() if name not in own} | kept


def lines(values: Mapping[str, str], environment: Mapping[str, str]) -> str:
    """Return shell lines that set `values`, keep what they replace, and take back what earlier ones set besides."""
    ours = environment.get(EXPORTED, "").split()
    gone = undone([name for name in ours if name not in values], environment)
    # What an earlier run of ours set is not what was there before: that one has kept it.
    saved = [f'export {BEFORE}{name}="${name}"\n' for name in values if name in environment and name not in ours]
    written = [f"export {name}={shlex.quote(value)}\n" for name, value in values.items()]
    return gone + "".join(saved + written) + f"export {EXPORTED}={shlex.quote(' '.join(values))}\n"


def undo(environment: Mapping[str, str]) -> str:
    """Return shell lines that bring back what was there before the first of ours."""
    names = environment.get(EXPORTED, "").split()
    return undone(names, environment) + f"unset {EXPORTED}\n"


def undone(names: list[str], environment: Mapping[str, str]) -> str:
    """Return shell lines that bring back these names."""
    told = ""
    for name in names:
        if not name.isidentifier():  # nobody but us writes the list, and it goes to a shell
            continue
        old = BEFORE + name
        told += f'export {name}="${old}"\nunset {old}\n' if old in environment else f"unset {name}\n"
    return told
