"""The gateway that most of the runners' tests talk to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runners.live import Live, running


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(tmp_path) as gateway:
        yield gateway
