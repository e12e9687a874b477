from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from rushes.cli.embedded import Running
from rushes.endpoint import Endpoint
from rushes.families import ENDPOINTS
from rushes.web.bases import Bases
from rushes.web.examples import Samples, literal, local_files, samples
from tests.web.visiting import Page

ROOT = Path(__file__).parents[2]
NODE = shutil.which("node")
CLIENT = ROOT / "node_modules" / "@fal-ai" / "client"
HERE = Bases("http://here:1", "", "http://here:1/run", "http://here:1/queue", "http://here:1/files/upload", True)
FAL = Bases("https://fal.ai", "", "https://fal.run", "https://queue.fal.run", "https://rest.fal.ai/files/upload", False)
VIDEO, ECHO = "fal-ai/wan-i2v", "rushes/echo"
NASTY = {
    "text": 'it\'s "$HOME" `id` \\n back\\slash\nline ünï </script> {{ x }}',
    "deep": [{"on": True, "off": False, "none": None, "n": 1.5, "odd-name": []}, {}],
    "image_url": "https://example.com/1 bad'name$(id).jpg",
}

PARSE_ALL = """
import { SourceTextModule } from "node:vm";
import { readFileSync } from "node:fs";
for (const code of JSON.parse(readFileSync(0, "utf8"))) new SourceTextModule(code);
"""


def every(endpoint: Endpoint) -> tuple[Samples, Samples]:
    return samples(endpoint.id, endpoint.example, HERE), samples(endpoint.id, endpoint.example, FAL)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_python_sample_compiles(endpoint: Endpoint) -> None:
    for one in every(endpoint):
        for sample in (one.run, one.authenticate, one.submit, one.status, one.result, one.cancel, one.upload):
            compile(sample["python"], endpoint.id, "exec")


@pytest.mark.skipif(NODE is None, reason="needs Node.js; `make test` installs it")
def test_every_javascript_sample_parses() -> None:
    codes = []
    for endpoint in ENDPOINTS.values():
        for one in every(endpoint):
            once = (one.run, one.authenticate, one.submit, one.status, one.result, one.cancel, one.upload)
            codes += [sample["javascript"] for sample in once]
    command = [NODE or "node", "--no-warnings", "--experimental-vm-modules", "--input-type=module", "-e", PARSE_ALL]
    done = subprocess.run(command, input=json.dumps(codes), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda one: one.id)
def test_every_shell_sample_parses(endpoint: Endpoint) -> None:
    for one in every(endpoint):
        script = "\n".join(sample["http"] for sample in (one.run, one.submit, one.status, one.result, one.cancel))
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
        assert done.stderr == ""


def test_odd_values_survive_in_every_language(tmp_path: Path) -> None:
    plain = {name: NASTY[name] for name in ("text", "deep")}
    assert eval(literal(plain, "python")) == plain
    shell = f"cat <<INPUT\n{literal(plain, 'http')}\nINPUT\n"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert json.loads(done.stdout) == plain
    if NODE:
        script = f"console.log(JSON.stringify({literal(plain, 'javascript')}))"
        done = subprocess.run([NODE, "-e", script], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == plain


def test_files_become_variables_of_a_name_that_every_language_takes() -> None:
    found = local_files({"a": NASTY["image_url"], "b": ["https://example.com/x/import.mp4", "https://example.com/a"]})
    assert [one.content_type for one in found] == ["image/jpeg", "video/mp4", "application/octet-stream"]
    assert all(re.fullmatch(r"[a-z_][a-z0-9_]*", one.variable) for one in found)
    assert [one.variable for one in found][1:] == ["my_import", "a"]
    assert all(re.fullmatch(r"[\w.-]+", one.name, re.ASCII) for one in found)


def test_two_files_of_one_name_are_told_apart() -> None:
    one, two = local_files(["https://example.com/a/face.png", "https://example.com/b/face.png"])
    assert one.variable != two.variable
    text = literal(["https://example.com/a/face.png", "https://example.com/b/face.png"], "python", (one, two))
    assert one.variable in text
    assert two.variable in text


def test_samples_are_spaced_as_people_write_them() -> None:
    for endpoint in ENDPOINTS.values():
        for sample in samples(endpoint.id, endpoint.example, HERE).run.values():
            assert "\n\n\n\n" not in sample
            assert sample == sample.strip()


def test_on_fals_own_hosts_samples_point_nowhere() -> None:
    one = samples(VIDEO, ENDPOINTS[VIDEO].example, FAL)
    assert "proxyUrl" not in one.run["javascript"]
    assert "connect" not in one.run["python"]
    assert f'"https://fal.run/{VIDEO}"' in one.run["http"]


@pytest.fixture
def place(tmp_path: Path, photograph: Path) -> Path:
    """A folder with what the samples ask for: the photograph, and the JavaScript client."""
    shutil.copy(photograph, tmp_path / "photograph.jpg")
    if CLIENT.exists():
        (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


def sample_of_page(server: Running, endpoint: str, label: str) -> str:
    """The text of a sample as the page of a real server shows it."""
    html = httpx2.get(f"{server.url}/models/{endpoint}", trust_env=False).text
    found = re.search(rf'<pre[^>]*aria-label="{label}"[^>]*><code>(.*?)</code></pre>', html, re.DOTALL)
    assert found
    return "".join(Page(found[1]).words)


def run_sample(server: Running, place: Path, command: list[str]) -> str:
    environment = {**os.environ, "FAL_KEY": server.key, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}
    done = subprocess.run(command, env=environment, cwd=place, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.acceptance
@pytest.mark.parametrize("endpoint", [ECHO, VIDEO])
def test_the_python_sample_runs_as_it_stands(server: Running, place: Path, endpoint: str) -> None:
    (place / "sample.py").write_text(sample_of_page(server, endpoint, "Run in Python"))
    said = run_sample(server, place, [sys.executable, "sample.py"])
    assert "'hello': 'world'" in said if endpoint == ECHO else server.url in said


@pytest.mark.acceptance
@pytest.mark.parametrize("endpoint", [ECHO, VIDEO])
def test_the_shell_sample_runs_as_it_stands(server: Running, place: Path, endpoint: str) -> None:
    said = json.loads(run_sample(server, place, ["bash", "-c", sample_of_page(server, endpoint, "Run in HTTP")]))
    if endpoint == ECHO:
        assert said == {"payload": {"hello": "world"}}
    else:
        film = httpx2.get(said["video"]["url"], trust_env=False)
        assert film.headers["content-type"] == "video/mp4"


@pytest.mark.acceptance
@pytest.mark.skipif(NODE is None or not CLIENT.exists(), reason="needs Node.js and `npm ci`; `make test` does both")
@pytest.mark.parametrize("endpoint", [ECHO, VIDEO])
def test_the_javascript_sample_runs_as_it_stands(server: Running, place: Path, endpoint: str) -> None:
    (place / "sample.mjs").write_text(sample_of_page(server, endpoint, "Run in JavaScript"))
    said = run_sample(server, place, [NODE or "node", "sample.mjs"])
    assert "world" in said if endpoint == ECHO else server.url in said


@pytest.mark.acceptance
def test_the_queue_samples_follow_one_request(server: Running, place: Path) -> None:
    submitted = json.loads(run_sample(server, place, ["bash", "-c", sample_of_page(server, ECHO, "Submit in HTTP")]))
    asked = f"REQUEST_ID={submitted['request_id']}; "
    status = run_sample(server, place, ["bash", "-c", asked + sample_of_page(server, ECHO, "Status in HTTP")])
    assert json.loads(status)["request_id"] == submitted["request_id"]
    script = "\n".join(
        sample_of_page(server, ECHO, f"{part} in Python") for part in ("Key", "Submit", "Status", "Result")
    )
    (place / "sample.py").write_text(script.replace('"id:secret"', repr(server.key)) + "\nprint(result)")
    assert "'hello': 'world'" in run_sample(server, place, [sys.executable, "sample.py"])
