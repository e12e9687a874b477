import json
import os
import re
import subprocess
import sys

import pytest

from rushes.cli.conformance import target_at
from rushes.cli.problem import CommandError
from tests.conformance import careless
from tests.conformance.serving import serving


def conformance(*words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RUSHES_", "FAL_"))}
    command = [sys.executable, "-m", "rushes.cli", "conformance", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.acceptance
def test_another_server_is_tested_by_its_address_and_a_failure_is_exit_code_1() -> None:
    with serving(careless.app) as url:
        done = conformance("--url", url, "--key", "a:very-secret", "--only", "R-11", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert told["counts"] == {"passed": 0, "failed": 1, "not applicable": 0}
    assert "very-secret" not in done.stdout + done.stderr


@pytest.mark.acceptance
def test_our_own_server_is_started_for_it_and_passing_is_exit_code_0() -> None:
    done = conformance("--only", "Q-07,R-11")
    assert done.returncode == 0, done.stdout
    assert "2 passed, 0 failed" in done.stdout


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--only", "Q-99"], "no rule Q-99"),
        (["--url", "nonsense"], "'nonsense' is no http(s) URL"),
        (["--url", "http://127.0.0.1:9", "--input", "[]"], "--input must be a JSON object"),
        (["--url", "http://127.0.0.1:9", "--input", "{"], "--input is not JSON"),
    ],
)
@pytest.mark.acceptance
def test_a_mistyped_command_is_told_in_one_line(words: list[str], complaint: str) -> None:
    done = conformance(*words)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("url", ["http://[", "http://", "ftp://a.test", "http://a.test:x"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(CommandError, match=re.escape(f"{url!r} is no http(s) URL")), target_at(url, None):
        pass


@pytest.mark.acceptance
def test_a_server_that_is_not_there_is_told() -> None:
    done = conformance("--url", "http://127.0.0.1:9")
    assert done.returncode == 1
    assert "cannot reach http://127.0.0.1:9" in done.stderr
