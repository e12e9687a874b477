"""What a failed try leads to."""

import pytest

from rushes.errors import REQUEST_ERRORS, Cancelled, Failure, ModelError
from rushes.jobs.job import MAX_ATTEMPTS, Try, after_failure, after_stop, may_retry
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
    assert after_failure(failure, Try(attempt, cancel, retry=True)) == expected


def test_a_job_that_may_not_be_tried_again_ends_with_its_first_loss() -> None:
    assert after_failure(lost(), Try(1, cancel_requested=False, retry=False)) == lost()
    assert after_stop(lost(), Try(1, cancel_requested=False, retry=False)) == lost()


def test_a_try_that_was_stopped_sends_the_job_back_however_often() -> None:
    assert after_stop(lost(), Try(99, cancel_requested=False, retry=True)) is None
    assert after_stop(lost(), Try(1, cancel_requested=True, retry=True)) == Cancelled().failure
