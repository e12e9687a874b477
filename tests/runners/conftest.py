"""The gateways that the runners' tests talk to."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runners.live import Live, running
from tests.runners.moody import Moody


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with running(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def moody() -> Iterator[Moody]:
    made = Moody()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()
