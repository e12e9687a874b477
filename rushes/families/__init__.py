"""Station 1: what can be asked. Collects every family's ENDPOINTS list; knows no family by name.

A family is one file in this folder; it is found there, so that adding a model touches nothing else. A sibling whose
name ends in `_vendor` holds how its maker's API is asked, one that ends in `_weights` how open weights are; neither has
endpoints.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from rushes.endpoint import Endpoint


def collect(lists: Iterable[Iterable[Endpoint]]) -> Mapping[str, Endpoint]:
    """Join the families' lists, in order; ValueError for an id that two of them claim."""
    found: dict[str, Endpoint] = {}
    for endpoint in (one for several in lists for one in several):
        if endpoint.id in found:
            raise ValueError(f"two families describe the endpoint {endpoint.id!r}; ids are unique")
        found[endpoint.id] = endpoint
    return MappingProxyType(found)


def _families() -> Iterable[list[Endpoint]]:
    for module in sorted(iter_modules(__path__), key=lambda m: m.name):  # the order in which lists show them
        if module.name.endswith(("_vendor", "_weights")):
            continue
        yield import_module(f"{__name__}.{module.name}").ENDPOINTS


ENDPOINTS: Mapping[str, Endpoint] = collect(_families())
"""Every endpoint by id, the test-only ones included; see `served`."""


def served(*, test_endpoints: bool) -> Mapping[str, Endpoint]:
    """Return the endpoints that a server offers, with or without the ones made for tests."""
    return MappingProxyType({k: e for k, e in ENDPOINTS.items() if test_endpoints or not e.test_only})


def nearest(endpoint_id: str, among: Mapping[str, Endpoint] = ENDPOINTS, most: int = 3) -> tuple[str, ...]:
    """Return up to `most` known ids that a mistyped one may have meant, nearest first; the owner may be left out.

    What lies below the wanted one comes before what only looks like it: fal-ai/veo2 meant fal-ai/veo2/image-to-video.
    """
    wanted = endpoint_id.strip("/").lower()
    names: dict[str, str] = {}
    for known in among:
        names.setdefault(known.lower(), known)
        names.setdefault(known.lower().partition("/")[2], known)
    # Twice as many, since an endpoint may be found under both of its names and is told once.
    matches = get_close_matches(wanted, names, n=most * 2, cutoff=0.6)
    is_owner = any(known.lower().startswith(f"{wanted}/") for known in among) and "/" not in wanted
    # Below an owner lie dozens: the first three by the alphabet would be no help.
    below = [] if is_owner else [known for name, known in names.items() if name.startswith(f"{wanted}/")]
    return tuple(dict.fromkeys((*below, *(names[match] for match in matches))))[:most]
