"""A film asked for with the official client carries its content credentials, and a film made from it keeps them."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from rushes.cli.embedded import Running, embedded_server

pytestmark = pytest.mark.acceptance
ASK = """
import json, sys, fal_client, rushes
rushes.connect(sys.argv[1], sys.argv[2])
given = json.loads(sys.argv[4])
for name in [name for name in given if name.endswith("_url") and given[name].startswith("/")]:
    given[name] = fal_client.upload_file(given[name])
print(fal_client.subscribe(sys.argv[3], given)["video"]["url"])
"""


def film(running: Running, to: Path, endpoint: str, **given: Any) -> Path:
    """Ask as a stranger's program would, and fetch the film."""
    command = [sys.executable, "-W", "ignore", "-c", ASK, running.url, running.key, endpoint, json.dumps(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    with urllib.request.urlopen(done.stdout.strip(), timeout=30) as answer:
        to.write_bytes(answer.read())
    return to


def verify(path: Path, data: Path) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "rushes", "verify", str(path), "--data", str(data), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_film_and_the_film_made_from_it(tmp_path: Path, small_picture: Path) -> None:
    with embedded_server(tmp_path / "data", {}) as running:
        given = {"image_url": str(small_picture), "prompt": "a walk"}
        first = film(running, tmp_path / "first.mp4", "fal-ai/wan-i2v", resolution="480p", **given)
        again = {"video_url": str(first), "prompt": "on and on"}
        second = film(running, tmp_path / "second.mp4", "fal-ai/pixverse/extend", **again)
    code, found = verify(first, running.data)
    assert (code, found["state"], found["signer"]["standing"]) == (0, "valid", "this server")
    assert (found["generation"]["stand_in"], found["source_type"]) == (True, "composite")
    assert "a walk" not in json.dumps(found)
    code, child = verify(second, running.data)
    assert code == 0
    assert child["ingredients"] == [
        {"title": "video_url", "format": "video/mp4", "relationship": "parentOf", "has_manifest": True}
    ]


def test_it_can_be_switched_off(tmp_path: Path, small_picture: Path) -> None:
    with embedded_server(tmp_path / "data", {"RUSHES_PROVENANCE": "off"}) as running:
        given = {"image_url": str(small_picture), "prompt": "a walk", "resolution": "480p"}
        path = film(running, tmp_path / "plain.mp4", "fal-ai/wan-i2v", **given)
    assert verify(path, running.data)[0] == 3
    assert not (running.data / "provenance").exists()


def test_a_given_certificate_that_is_no_good_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "odd.pem").write_text("odd")
    command = [sys.executable, "-m", "rushes", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    given = {"RUSHES_PROVENANCE_CERT": str(tmp_path / "odd.pem"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode != 0
    assert "no certificate in PEM" in done.stderr
    assert "Traceback" not in done.stderr
