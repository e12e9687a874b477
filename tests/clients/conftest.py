"""fal_client as it was installed, pointed at the shared server the documented way; undone after each test."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from types import ModuleType

import pytest

import rushes
from rushes.cli.embedded import Running

GLOBALS = ("RUN_URL_FORMAT", "QUEUE_URL_FORMAT", "REALTIME_URL_FORMAT", "REST_URL", "CDN_URL")


@pytest.fixture
def pristine(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """fal_client, with its globals and the environment put back at the end."""
    import fal_client.client

    for name in GLOBALS:
        monkeypatch.setattr(fal_client.client, name, getattr(fal_client.client, name))
    for name in ("FAL_KEY", "NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    monkeypatch.delenv("FAL_KEY")
    yield fal_client
    used = vars(fal_client.sync_client).pop("_client", None)
    if used is not None:
        used.close()
    with warnings.catch_warnings():
        # The client leaves the connections of its uploads open; they are collected here, not in somebody else's test.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def client(pristine: ModuleType, server: Running) -> ModuleType:
    """fal_client, connected."""
    rushes.connect(server.url, server.key)
    return pristine
