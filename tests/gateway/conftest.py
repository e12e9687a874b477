"""The one fixture of the gateway's tests: a running gateway with a key, in a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gateway.live import Gateway, running


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def gateway_with_small_limit(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, max_body_bytes=1_000) as gateway:
        yield gateway
