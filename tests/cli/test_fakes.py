"""`rushes fakes`, as somebody rehearses with it: what it prints can be pasted, what answers is each vendor."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from rushes.cli.main import main
from rushes.fakes.servers import MODEL
from rushes.fakes.vendors import EVERY, SERVERS

COMMAND = [sys.executable, "-m", "rushes", "fakes", "--port", "0"]


@contextmanager
def fakes(*words: str) -> Iterator[dict[str, Any]]:
    child = subprocess.Popen([*COMMAND, "--json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    try:
        yield json.loads(child.stdout.readline())
    finally:
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=10)
        assert "Traceback" not in said


def test_every_vendor_answers_at_its_mount_and_is_told_with_its_key() -> None:
    with fakes() as told, httpx2.Client(trust_env=False) as client:
        deployments = tomllib.loads(told["settings"])["deployments"]
        assert list(deployments) == list(EVERY)
        for name, deployment in deployments.items():
            what = {"engine": "server", "dialect": name, "model": MODEL, "weights": "WanImageToVideoPipeline"}
            whom = {"engine": "vendor", "vendor": name, "key": EVERY[name].key}
            assert deployment == {**(what if name in SERVERS else whom), "url": f"{told['url']}/{name}"}
            assert client.get(f"{deployment['url']}/_fake/seen").json() == []
            assert client.get(f"{deployment['url']}/nothing").status_code < 500  # in its own words; one says 200


@pytest.mark.parametrize("words", [["luma"], ["--vendor", "luma"], ["luma", "luma"]])
def test_it_can_be_one_vendor(words: list[str]) -> None:
    with fakes(*words) as told, httpx2.Client(trust_env=False) as client:
        assert list(tomllib.loads(told["settings"])["deployments"]) == ["luma"]
        assert client.get(f"{told['url']}/google/_fake/seen").status_code == 404


@pytest.mark.parametrize("words", [["nobody"], ["--vendor", "nobody"]])
def test_an_unknown_vendor_is_refused_with_the_known_ones(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["fakes", *words])
    assert ended.value.code == 2
    assert "no pretended vendor is called nobody; there are google, dashscope" in capsys.readouterr().err
