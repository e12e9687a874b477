"""What `rushes serve` says of deployments and routes that can't work, before anything starts."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        (
            '[deployments.a]\nengine = "vendor"\nvendor = "nobody"\nkey = "k"\n[routes]\n"fal-ai/veo2/*" = ["a"]\n',
            "the settings can't work: deployments.a: no vendor is called 'nobody'; there are: ",
        ),
        ('[routes]\n"fal-ai/veo2/*" = ["b"]\n', "routes: 'fal-ai/veo2/*' names 'b', which is no deployment"),
        ('[routes]\n"fal-ai/veo2/*" = []\n', "routes: 'fal-ai/veo2/*' names no deployment"),
        ('[deployments.a]\nengine = "vendor"\nvendor = "fal"\n', "no key: give key, keys, or key_env"),
        ('[deployments.a]\nengine = "vendor"\nvendor = "fal"\nkey = "k"\nconcurency = 2\n', "deployments.a.concurency"),
    ],
)
def test_it_does_not_start_and_names_the_line(tmp_path: Path, toml: str, words: str) -> None:
    (tmp_path / "rushes.toml").write_text(toml)
    command = [sys.executable, "-m", "rushes", "serve", "--port", "0", "--config", str(tmp_path / "rushes.toml")]
    done = subprocess.run(
        [*command, "--data", str(tmp_path / "data")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
