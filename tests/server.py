"""A real server process on a free loopback port, for acceptance tests: start, kill, stop."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

KEY = "tester:secret-of-the-tester"


class Server:
    """One running `rushes serve`; `url` is where it listens."""

    def __init__(self, process: "subprocess.Popen[str]", url: str) -> None:
        self.process = process
        self.url = url

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def runner_pids(self) -> list[int]:
        """Pids of the server's own runner processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in children if b"rushes.runners" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def kill_runners(self) -> None:
        """SIGKILL every runner of this server."""
        for pid in self.runner_pids():
            os.kill(pid, signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=15)


@contextmanager
def start_server(data: Path, *, runners: int = 1, port: int = 0, **settings: str) -> Iterator[Server]:
    """Start a server with rushes/echo, wait until it listens, and stop it at the end; `settings` are RUSHES_*."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "FAL_"))}
    environment |= {"RUSHES_KEY": KEY, "RUSHES_TEST_ENDPOINTS": "1", "RUSHES_RUNNERS": str(runners)}
    environment |= {f"RUSHES_{name.upper()}": value for name, value in settings.items()}
    log = data.parent / f"{data.name}.log"
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "rushes.cli", "serve", "--port", str(port), "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, f"the server said {line!r}; its log: {log.read_text()}"
        yield Server(process, found[0])
        Server(process, found[0]).stop()
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
