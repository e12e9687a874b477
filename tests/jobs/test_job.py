"""What a failed try leads to."""

import pytest

from rushes.errors import REQUEST_ERRORS, Cancelled, Failure, ModelError
from rushes.jobs.job import MAX_ATTEMPTS, after_failure, may_retry
from tests.jobs.queue import lost


def test_only_lost_connections_and_missing_runners_are_tried_again() -> None:
    assert set(MAX_ATTEMPTS) <= set(REQUEST_ERRORS)
    assert all(REQUEST_ERRORS[name].retryable for name in MAX_ATTEMPTS)
    assert may_retry("runner_disconnected", 2)
    assert not may_retry("runner_disconnected", 3)
    assert not may_retry("internal_error", 1)


@pytest.mark.parametrize(
    ("failure", "attempt", "cancel", "expected"),
    [
        (lost(), 1, False, None),
        (lost(), 10, False, lost()),
        (lost(), 1, True, Cancelled().failure),
        (lost("runner_disconnected"), 3, True, Cancelled().failure),
        (lost("internal_error"), 1, False, lost("internal_error")),
        (ModelError("image_too_small").failure(), 1, True, ModelError("image_too_small").failure()),
    ],
)
def test_a_failure_ends_the_job_or_sends_it_back(
    failure: Failure, attempt: int, cancel: bool, expected: Failure | None
) -> None:
    assert after_failure(failure, attempt, cancel) == expected
