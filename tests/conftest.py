"""The server that acceptance tests share: a real process with a real runner on loopback, started when first needed."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.cli.embedded import Running, embedded_server

ROOT = Path(__file__).parent.parent
OURS = ("RUSHES_", "FAL_")

# Several tests run at once, each with its processes: threads that compute together would spend their time waiting for
# each other. Set before torch is imported, and passed on to runners.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_finish() -> None:
    """Leave what all tests were made of out of later collections, of which some tests ask for one each.

    With the libraries of open weights imported, looking through it takes most of a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    """A developer's own RUSHES_* and FAL_* must not decide whether a test passes."""
    for name in [name for name in os.environ if name.startswith(OURS)]:
        del os.environ[name]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with one runner and the test endpoints."""
    with embedded_server(tmp_path_factory.mktemp("server"), {"RUSHES_TEST_ENDPOINTS": "1"}) as running:
        yield running


@pytest.fixture(scope="session")
def photograph() -> Path:
    """The picture that the examples film."""
    return ROOT / "examples" / "mountain-path.jpg"


@pytest.fixture(scope="session")
def small_picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of a few kilobytes, for tests that only need one."""
    from PIL import Image

    path = tmp_path_factory.mktemp("pictures") / "small.png"
    Image.linear_gradient("L").convert("RGB").resize((320, 180)).save(path)
    return path
