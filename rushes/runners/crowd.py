"""The process for deployments that have their work done elsewhere: many jobs that wait at once, a thread for each.

    RUSHES_RUNNER_KEY=… python -m rushes.runners.crowd --url http://127.0.0.1:8787 --deployments NAME,… --name NAME

Each place of a deployment (its keys times its concurrency) claims for itself, as a worker does, under the process's
name and a number, and only what its own deployment leads: a slow vendor's jobs take no other's places. What a thread
does with a job stands in `worker`.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from rushes.engines.engine import RemoteEngine
from rushes.families import served
from rushes.jobs.protocol import Leave
from rushes.media.sandbox import media_sandbox
from rushes.runners.client import GatewayAway, Refused, RunnerClient
from rushes.runners.deployments import load, take_keys
from rushes.runners.process import Given, run_process
from rushes.runners.sending import Sending
from rushes.runners.worker import LAST_WORD_S, Worker
from rushes.settings import Settings
from rushes.work.breaker import Breakers

LOOK_S = 0.5
ARRIVE_S = 8  # for tasks that are on their way when the process is told to stop

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Crowd:
    """Implements process.Life: a worker in a thread of its own for every place."""

    name: str
    client: RunnerClient
    workers: tuple[Worker, ...]
    sending: Sending
    refusal: Refused | None = None

    def run(self) -> None:
        """Work until the parent is gone. Raises Refused."""
        threads = [threading.Thread(target=self._work, args=(one,), daemon=True) for one in self.workers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) and self.refusal is None:
            time.sleep(LOOK_S)
        if self.refusal is not None:
            raise self.refusal

    def leave(self) -> None:
        """Give back what all threads hold; tasks go on at their vendors, and the next runner waits for them."""
        signal.alarm(ARRIVE_S + 1)  # later than for a process that has no task on its way
        if not self.sending.leave(ARRIVE_S):
            LOG.warning("leaving although a task is still on its way to a vendor; it may be paid for nothing")
        try:
            self.client.leave(Leave(runner=self.name), LAST_WORD_S)
        except (GatewayAway, Refused) as error:
            LOG.info("could not take leave, so jobs held here wait for their leases to run out: %s", error)

    def _work(self, worker: Worker) -> None:
        try:
            worker.run()
        except Refused as refusal:
            self.refusal = refusal
        except Exception:
            LOG.exception("the place %s ended", worker.name)
            self.refusal = Refused(0, f"the place {worker.name} ended unexpectedly")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process; see `process.run_process` for the exit code."""
    return run_process(argv, "rushes.runners.crowd", crowd_of)


def crowd_of(given: Given, key: str, settings: Settings) -> Crowd:
    """Set the process up: its deployments, and a worker for each of their places."""
    endpoints = served(test_endpoints=settings.test_endpoints)
    media_sandbox().start()
    client, breakers, turn = RunnerClient(given.url, key), Breakers(time.monotonic), threading.Lock()
    sending = Sending()
    routes = load(given.wanted, endpoints, settings, take_keys(settings))
    workers = []
    for name in given.wanted:
        led = {served_id: route for served_id, route in routes.items() if route[0].name == name}
        # One engine leads all of them, since one deployment does; none where others come first everywhere.
        leading = next((route[0].engine for route in led.values()), None)
        places = leading.places if isinstance(leading, RemoteEngine) else 0
        workers += [
            Worker(
                f"{given.name}/{name}-{number}",
                client,
                endpoints,
                led,
                settings,
                given.parent,
                breakers=breakers,
                sending=sending,
                turn=turn,
            )
            for number in range(places)
        ]
    return Crowd(given.name, client, tuple(workers), sending)


if __name__ == "__main__":
    sys.exit(main())
