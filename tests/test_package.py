"""What `pip install` brings: every file of the package, and nothing beside it."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as an installer builds it, with the build backend that is installed already: no network is needed."""
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (built,) = folder.iterdir()
    return built


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    files = {path.relative_to(ROOT) for path in (ROOT / "rushes").rglob("*") if path.is_file()}
    there = {str(path) for path in files if "__pycache__" not in path.parts and not path.name.startswith(".")}
    assert {Path(one).suffix for one in there} >= {".py", ".sql", ".html", ".css", ".js", ".svg", ".typed"}
    assert sorted(there - set(zipfile.ZipFile(wheel).namelist())) == []


def test_the_wheel_brings_no_package_but_rushes_and_says_its_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"rushes"}
    assert [name for name in names if name.endswith("/licenses/LICENSE")]


def test_the_command_is_installed_with_it(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel)
    (points,) = [name for name in packed.namelist() if name.endswith("/entry_points.txt")]
    assert "rushes = rushes.cli.main:main" in packed.read(points).decode()
