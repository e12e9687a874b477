"""The test engine and its endpoint: the payload, the steps, the ways to end."""

import subprocess
import sys
import time
from typing import Any

import pytest
from pydantic import ValidationError

from rushes.calls import AnimaticCall, EchoCall
from rushes.endpoint import Made
from rushes.engines.echo import Echo
from rushes.engines.engine import Cancelled, Progress
from rushes.errors import MODEL_ERRORS, REQUEST_ERRORS, CallerError, ModelError
from rushes.families.echo import ENDPOINTS, EchoInput
from rushes.gateway.intake import take

ENDPOINT = ENDPOINTS[0]


def call(**given: Any) -> EchoCall:
    return ENDPOINT.engines["echo"](EchoInput(**given), {}, None)  # type: ignore[return-value]


def generate(asked: EchoCall, looks: list[bool] | None = None) -> tuple[object, list[Progress]]:
    seen: list[Progress] = []
    answers = iter(looks or [])
    output = Echo().generate(asked, seen.append, lambda: next(answers, False))
    return output.value, seen


@pytest.mark.parametrize("payload", [None, 0, "", [1, None, {"a": None}], {"deep": {"null": None}}])
def test_the_payload_comes_back_as_it_was(payload: object) -> None:
    value, _ = generate(call(payload=payload))
    output = ENDPOINT.reply(EchoInput(), Made(value=value))
    assert output.model_dump(exclude_none=True) == {"payload": payload}


def test_the_sleep_is_cut_into_steps_with_progress_after_each() -> None:
    started = time.monotonic()
    _, seen = generate(call(sleep_s=0.06, steps=3))
    assert seen == [Progress(1, 3, "steps"), Progress(2, 3, "steps"), Progress(3, 3, "steps")]
    assert time.monotonic() - started >= 0.06


def test_cancel_is_looked_at_before_each_step() -> None:
    seen: list[Progress] = []
    looks = iter([False, False, True])
    with pytest.raises(Cancelled):
        Echo().generate(call(sleep_s=0.03, steps=10), seen.append, lambda: next(looks))
    assert len(seen) == 2


@pytest.mark.parametrize("name", [*MODEL_ERRORS, *REQUEST_ERRORS])
def test_it_fails_with_any_type_of_the_protocol(name: str) -> None:
    with pytest.raises(CallerError) as caught:
        generate(call(fail=name))
    assert caught.value.failure().type == name
    assert isinstance(caught.value, ModelError) == (name in MODEL_ERRORS)


def test_an_unknown_type_is_refused_at_the_door_with_the_known_ones() -> None:
    with pytest.raises(ValidationError):
        EchoInput(fail="no_such_type")
    failure = take(ENDPOINT, b'{"fail": "no_such_type"}').failure
    assert failure is not None
    assert (failure.status, failure.type) == (422, "one_of")
    assert b'"internal_server_error"' in failure.body


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_an_exit_code_ends_the_process_halfway(steps: int) -> None:
    program = (
        "from rushes.engines.echo import Echo\n"
        "from rushes.calls import EchoCall\n"
        f"asked = EchoCall(payload=None, sleep_s=0.2, steps={steps}, fail=None, exit_code=37)\n"
        "Echo().generate(asked, lambda p: print(p.done, flush=True), lambda: False)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 37
    assert done.stdout.split() == [str(step + 1) for step in range(steps // 2)]


def test_it_takes_no_other_engines_call() -> None:
    other = AnimaticCall(prompt="", width=16, height=16, frames=1, fps=1, seed=0)
    with pytest.raises(TypeError, match="takes an EchoCall, not AnimaticCall"):
        Echo().generate(other, lambda _: None, lambda: False)


def test_the_endpoint_is_for_tests_only_and_costs_a_unit() -> None:
    assert ENDPOINT.test_only
    assert ENDPOINT.units(EchoInput(), None) == 1.0
    assert not Echo().load().stand_in


def test_an_echo_runner_starts_without_picture_libraries() -> None:
    program = (
        "import sys, rushes.runners.worker, rushes.engines.echo\n"
        "print({'numpy', 'cv2', 'av', 'PIL', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
