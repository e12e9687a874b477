"""The one table of what becomes of trouble: whose fault it is, what the caller reads, what the operator is told."""

from typing import get_args

import pytest

from rushes.calls import VendorCall
from rushes.engines.engine import Blame, Unable
from rushes.engines.vendor.contract import Trouble
from rushes.engines.vendor.refused import SHOWN_CHARS, TABLE, told
from rushes.errors import ModelError
from tests.engines.vendor.scripted import PLAIN

CALL = VendorCall("plain", "films", "m", {}, {"cfg_scale": ("body", "guidance")})


@pytest.mark.parametrize("blame", get_args(Blame))
def test_what_is_no_fault_of_the_request_is_a_5xx_with_a_remedy_for_the_operator(blame: Blame) -> None:
    unable = told(Trouble(blame, "account 4711 owes 3 USD", code=77), CALL, PLAIN)
    assert isinstance(unable, Unable)
    assert unable.error.failure().status >= 500
    assert ("4711" in str(unable.error)) == (blame in {"unknown", "lost"})
    assert "4711" in unable.remedy
    assert TABLE[blame].remedy in unable.remedy


def test_a_mistake_names_our_field_for_theirs() -> None:
    for member, loc in (("cfg_scale", ("body", "guidance")), ("prompt", ("body", "prompt")), (None, ("body",))):
        error = told(Trouble("invalid", "out of range", code=1201, member=member), CALL, PLAIN)
        assert isinstance(error, ModelError)
        assert (error.failure().status, error.problems[0].loc) == (422, loc)
        assert "1201" in error.problems[0].msg


def test_moderation_is_a_policy_violation() -> None:
    error = told(Trouble("moderated", "no boats"), CALL, PLAIN)
    assert isinstance(error, ModelError)
    assert error.problems[0].type == "content_policy_violation"


def test_a_lost_line_shows_no_host_to_the_caller() -> None:
    unable = told(Trouble("lost", "proxy.lan gave no whole answer"), CALL, PLAIN)
    assert isinstance(unable, Unable)
    assert "proxy.lan" not in str(unable.error)


def test_long_words_are_cut_and_stay_on_one_line() -> None:
    unable = told(Trouble("unknown", "x\n" * 5_000), CALL, PLAIN)
    assert isinstance(unable, Unable)
    assert len(str(unable.error)) < SHOWN_CHARS + 200
    assert "\n" not in str(unable.error)


def test_a_task_that_was_taken_is_named_to_the_operator() -> None:
    trouble = Trouble("gone", "not found")
    trouble.task = "task-4711"
    unable = told(trouble, CALL, PLAIN)
    assert isinstance(unable, Unable)
    assert unable.taken
    assert "task-4711" in unable.remedy
