"""A server of one's own beside one that is set up by the environment."""

import os
import socket
from pathlib import Path

import pytest

from rushes.cli.embedded import embedded_server


@pytest.mark.acceptance
def test_ports_and_certificates_of_another_server_are_left_to_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for name, value in (("PORT", port), ("INTERCEPT_PORT", port), ("HOST", "0.0.0.0"), ("TLS", "1")):
            monkeypatch.setenv(f"RUSHES_{name}", value)
        with embedded_server(tmp_path, {"RUSHES_RUNNERS": "0"}) as running:
            assert running.url.startswith("http://127.0.0.1:")
            assert running.pid != os.getpid()
