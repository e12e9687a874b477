"""The status object in its two ways of being written, which must say the same."""

import json
from typing import Any

import pytest

from rushes.gateway.ids import app_of
from rushes.gateway.links import Links
from rushes.gateway.statuses import log_entry, open_job, status_object
from rushes.jobs.job import JobState, LogLine, Status

LINKS = Links("https://studio.example/base", "https://studio.example/base/queue")
WAITING = JobState(
    id="r",
    endpoint="fal-ai/wan-i2v/pro",
    account="me",
    status=Status.IN_QUEUE,
    position=3,
    cancel_requested=False,
    created_at=1.0,
    started_at=None,
    ended_at=None,
    error_type=None,
    error=None,
    served_by=None,
    inference_s=None,
)


@pytest.mark.parametrize(
    "changed", [{}, {"position": 0}, {"status": Status.IN_PROGRESS, "position": None}, {"endpoint": 'workflows/u/w"'}]
)
def test_the_short_way_writes_what_the_long_one_does(changed: dict[str, Any]) -> None:
    state = WAITING._replace(**changed)
    short = open_job(LINKS, app_of(state.endpoint), state.id, state.status.name, state.position)
    assert json.loads(short) == status_object(state, LINKS, None)


def test_a_failure_is_told_with_its_type_and_what_made_it() -> None:
    failed = WAITING._replace(
        status=Status.COMPLETED, position=None, error_type="missing", error="body.x: Field required"
    )
    told = status_object(failed._replace(served_by="animatic/1", inference_s=1.5), LINKS, [])
    assert (told["error_type"], told["error"]) == ("missing", "body.x: Field required")
    assert (told["metrics"], told["logs"], told["served_by"]) == ({"inference_time": 1.5}, [], "animatic/1")
    assert "queue_position" not in told
    assert status_object(failed._replace(error=None), LINKS, None)["error"] == "missing"


def test_a_log_line_has_its_moment_in_milliseconds_and_labels_only_where_there_are_any() -> None:
    line = LogLine(1_767_225_600.0004, "half", "WARN", {"progress": "0.5"})
    assert log_entry(line) == {
        "message": "half",
        "level": "WARN",
        "source": "USER",
        "timestamp": "2026-01-01T00:00:00.000Z",
        "labels": {"progress": "0.5"},
    }
    assert "labels" not in log_entry(LogLine(0.0, "x"))
