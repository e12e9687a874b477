"""The way back of an errand: notes that end it, tickets that wait for the gateway, and a process that leaves."""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rushes.engines.engine import Cancelled
from rushes.jobs.protocol import BeatReply, Note
from rushes.runners.client import GatewayAway, RunnerClient
from rushes.runners.errands import JobErrand
from rushes.runners.reporter import Reporter
from rushes.runners.sending import Sending
from tests.runners.live import Live
from tests.work.parts import job


def note(ticket: str | None = None) -> str:
    return json.dumps({"deployment": "d", "key": "k", "model": "m", "name": "n-1", "ticket": ticket})


@dataclass
class Client(RunnerClient):
    """Stands where the gateway's client does: away so many times, then it takes notes or refuses them."""

    away: int = 0
    takes: bool = True
    notes: list[Note] = field(default_factory=list)

    def keep_note(self, job_id: str, note: Note) -> bool:
        if self.away:
            self.away -= 1
            raise GatewayAway("it restarts")
        self.notes.append(note)
        return self.takes


def errand(client: RunnerClient, tmp_path: Path) -> JobErrand:
    reporter = Reporter(lambda lines, preview: BeatReply(answer="carry on"), 1.0, time.time)
    reporter.close()
    return JobErrand(job(), client, reporter, lambda: tmp_path)


def test_only_a_ticket_may_come_late_and_all_notes_of_a_task_have_its_name(tmp_path: Path) -> None:
    client = Client()
    one = errand(client, tmp_path)
    for kept in (note(), "", note(), note("t")):
        one.keep(kept)
    assert [(kept.mark, kept.late) for kept in client.notes] == [("n-1", False)] * 3 + [("n-1", True)]


def test_a_note_that_is_refused_ends_the_errand(tmp_path: Path) -> None:
    one = errand(Client(takes=False), tmp_path)
    with pytest.raises(Cancelled):
        one.keep(note())
    assert one.sending.leave(0)


def test_a_ticket_waits_for_the_gateway_and_a_note_before_a_task_does_not(tmp_path: Path) -> None:
    client = Client(away=3)
    errand(client, tmp_path).keep(note("t"))
    assert len(client.notes) == 1
    one = errand(Client(away=3), tmp_path)
    with pytest.raises(GatewayAway):
        one.keep(note())
    assert one.sending.leave(0)


def test_a_process_that_leaves_waits_for_a_task_on_its_way_and_sends_no_other() -> None:
    sending, left = Sending(), list[bool]()
    sending.begin("a")
    assert not sending.leave(0.05)
    thread = threading.Thread(target=lambda: left.append(sending.leave(5)))
    thread.start()
    other = threading.Thread(target=lambda: sending.begin("b"), daemon=True)
    other.start()
    sending.end("a")
    thread.join(5)
    other.join(0.1)
    assert (left, other.is_alive()) == ([True], True)


def test_a_note_is_on_the_gateways_disk(live: Live, tmp_path: Path) -> None:
    client = RunnerClient(live.url, live.services.keys.runner_key)
    job_id = live.submit()
    claimed = live.call(live.services.jobs.claim("r", ["rushes/echo"], 60.0))
    assert claimed is not None
    one = errand(client, tmp_path)
    one.job = job(job_id=job_id).model_copy(update={"token": claimed.lease.token})
    one.keep(note("t"))
    one.job = one.job.model_copy(update={"job_id": "nobody"})
    with pytest.raises(Cancelled):
        one.keep(note("t"))
    client.close()
