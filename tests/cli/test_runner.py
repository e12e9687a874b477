"""`rushes runner`: what is fetched for which deployment, also after a kill; a runner for a server elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rushes.cli.embedded import Running
from rushes.cli.main import main
from tests.cli.words import rushes
from tests.engines.weights.pretended import COMMIT, PretendedHub, pretended_hub
from tests.server import KEY, start_server


def settings(folder: Path, model: str = "acme/film") -> Path:
    config = folder / "rushes.toml"
    config.write_text(f'[deployments.mine]\nengine = "diffusers"\nmodel = "{model}"\n')
    return config


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("diffusers")
    from tests.engines.diffusers import tiny

    folder = tiny.text_model(tmp_path_factory.mktemp("weights") / "film")
    (folder / "vae" / "diffusion_pytorch_model.bin").write_bytes(b"x" * 5000)
    return folder


def prepare(hub: PretendedHub, folder: Path, *more: str) -> subprocess.CompletedProcess[str]:
    words = ("runner", "prepare", "mine", "--config", str(settings(folder)), *more)
    return rushes(*words, folder=folder, environment=hub.environment(folder / "home"))


@pytest.mark.acceptance
def test_a_deployment_s_weights_come_and_are_whole(weights: Path, tmp_path: Path) -> None:
    with pretended_hub(film=weights) as hub:
        dry = prepare(hub, tmp_path, "--dry-run")
        assert not (tmp_path / "home").exists()
        done = prepare(hub, tmp_path)
    assert (dry.returncode, done.returncode, done.stderr) == (0, 0, "")
    assert f"  verified   commit {COMMIT}" in done.stdout
    assert "  ready      acme/film@0123456789ab, WanPipeline, 0.00 billion parameters" in done.stdout
    assert max(map(len, dry.stdout.splitlines()[:2])) < 80
    assert not list((tmp_path / "home").rglob("*.bin"))


@pytest.mark.acceptance
def test_what_a_killed_one_fetched_is_not_fetched_again(weights: Path, tmp_path: Path) -> None:
    grown = shutil.copytree(weights, tmp_path / "grown")
    with pretended_hub(film=grown) as hub:
        hub.behaviour.slow_s = 0.3
        words = ["runner", "prepare", "mine", "--config", str(settings(tmp_path))]
        environment = {**os.environ, **hub.environment(tmp_path / "home")}
        process = subprocess.Popen(
            [sys.executable, "-m", "rushes", *words], env=environment, stdout=subprocess.DEVNULL, text=True
        )
        blobs = tmp_path / "home" / "hub" / "models--acme--film" / "blobs"
        while not any(one.stat().st_size >= 20_000 for one in blobs.glob("*.incomplete")):
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
        process.wait()
        hub.behaviour.slow_s = 0.0
        hub.behaviour.ranged.clear()
        done = prepare(hub, tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert any(int(one.removeprefix("bytes=").removesuffix("-")) >= 20_000 for one in hub.behaviour.ranged)
    assert not list(blobs.glob("*.incomplete"))


@pytest.mark.acceptance
def test_what_goes_wrong_is_one_line_with_the_step(weights: Path, tmp_path: Path) -> None:
    with pretended_hub(film=weights) as hub:
        hub.behaviour.gated = True
        gated = prepare(hub, tmp_path)
        offline = rushes(
            *("runner", "prepare", "mine", "--config", str(settings(tmp_path))),
            environment=hub.environment(tmp_path / "home", HF_HUB_OFFLINE="1"),
        )
    assert gated.returncode == 1
    assert gated.stderr.startswith("rushes: mine: acme/film is gated; accept its terms at http://127.0.0.1")
    assert offline.stderr.endswith("unset it, then fetch it with: rushes runner prepare mine\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("yours",), "no deployment is called 'yours'; there are: mine"),
        (("mine", "yours"), "no deployment is called 'yours'; there are: mine"),
    ],
)
def test_a_mistyped_name_is_told_before_anything_is_fetched(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    done = rushes("runner", "prepare", *words, "--config", str(settings(tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"rushes: {told}\n")


def test_a_vendor_needs_nothing(tmp_path: Path) -> None:
    config = tmp_path / "rushes.toml"
    config.write_text('[deployments.v]\nengine = "vendor"\nvendor = "kling"\nkey = "a:b"\n')
    done = rushes("runner", "prepare", "v", "--config", str(config))
    assert (done.returncode, done.stdout) == (0, "v: nothing is to be fetched\n")


def test_a_folder_is_looked_at(weights: Path, tmp_path: Path) -> None:
    found = rushes("runner", "prepare", "mine", "--config", str(settings(tmp_path, str(weights))))
    assert "ready      film, WanPipeline" in found.stdout
    missing = rushes("runner", "prepare", "mine", "--config", str(settings(tmp_path, str(tmp_path / "none"))))
    assert missing.returncode == 1
    assert "there is no folder" in missing.stderr


@pytest.mark.parametrize("names", ["", ",", " , "])
def test_a_runner_of_nothing_is_refused(names: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["runner", "start", "--url", "http://127.0.0.1:9", "--deployments", names, "--name", "x"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "rushes: --deployments names nothing to load; one is called animatic\n"


@pytest.mark.acceptance
def test_a_runner_can_be_started_for_a_server_elsewhere(server: Running, tmp_path: Path) -> None:
    words = ("runner", "start", "--url", server.url, "--deployments", "echo", "--name", "far-1")
    nameless = rushes(*words, environment={"RUSHES_RUNNER_KEY": ""})
    assert (nameless.returncode, "RUSHES_RUNNER_KEY is not set" in nameless.stderr) == (2, True)
    refused = rushes(*words, environment={"RUSHES_RUNNER_KEY": "nobody:nothing-at-all"})
    assert refused.returncode == 2
    unknown = {"RUSHES_RUNNER_KEY": "nobody:nothing-at-all"}
    wrong = rushes("runner", "start", "--url", server.url, "--deployments", "x", "--name", "far-2", environment=unknown)
    assert "no deployment is called 'x'" in wrong.stderr


@pytest.mark.acceptance
def test_a_runner_with_the_server_s_runner_key_does_its_work(tmp_path: Path) -> None:
    secret = "a key for runners elsewhere"
    absent = '{"far": {"engine": "diffusers", "model": "acme/film"}}'  # weights that are on the other machine only
    with start_server(tmp_path / "data", runners=0, runner_key=secret, deployments=absent) as one:
        words = ["runner", "start", "--url", one.url, "--deployments", "echo", "--name", "far-1"]
        runner = subprocess.Popen(
            [sys.executable, "-m", "rushes", *words],
            env={**os.environ, "RUSHES_RUNNER_KEY": secret, "RUSHES_TEST_ENDPOINTS": "1"},
            stderr=subprocess.DEVNULL,
        )
        try:
            asked = {"RUSHES_URL": one.url, "RUSHES_KEY": KEY, "RUSHES_TEST_ENDPOINTS": "1"}
            done = rushes("run", "rushes/echo", "payload=hello", "--json", environment=asked)
        finally:
            runner.terminate()
            assert runner.wait(timeout=15) == 0
    assert done.returncode == 0, done.stderr
    assert "hello" in done.stdout
