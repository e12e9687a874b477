"""The docs can't rot: generated pages equal what the code writes, every name has its place, licences are true."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import metadata
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from rushes.cli.main import COMMANDS
from rushes.errors import MODEL_ERRORS, REQUEST_ERRORS
from rushes.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]

# What packages write where an SPDX expression is not yet used.
SAME = {"MIT License": "MIT", "Apache 2.0": "Apache-2.0", "Apache 2.0 License": "Apache-2.0"}


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["settings.md", "cli.md", "errors.md"])
def test_a_generated_page_is_up_to_date(generate: ModuleType, page: str) -> None:
    path = DOCS / "reference" / page
    assert path.read_text() == generate.pages()[path], "run `make docs`"


def test_every_setting_has_its_place() -> None:
    text = (DOCS / "reference" / "settings.md").read_text()
    assert [name for name in Settings.model_fields if f"`RUSHES_{name.upper()}`" not in text] == []


def test_every_command_has_its_place() -> None:
    text = (DOCS / "reference" / "cli.md").read_text()
    assert [name for name in COMMANDS if f"## rushes {name}\n" not in text] == []


def test_every_command_of_a_group_has_its_place(generate: ModuleType) -> None:
    text = (DOCS / "reference" / "cli.md").read_text()
    assert ["keys", "create"] in generate.every_command()
    assert ["webhooks", "rotate-key"] in generate.every_command()
    assert [words for words in generate.every_command() if f"## {' '.join(['rushes', *words])}\n" not in text] == []


def test_every_error_type_has_its_place() -> None:
    text = (DOCS / "reference" / "errors.md").read_text()
    assert [name for name in (*MODEL_ERRORS, *REQUEST_ERRORS) if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text())
    broken = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert broken == []


def dependencies() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    every = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    return [re.split(r"[^\w-]", one)[0] for one in every]


def stated() -> dict[str, str]:
    rows = re.findall(r"^\| (\S+) \| ([^|]+) \| [^|]+ \|$", (DOCS / "licences.md").read_text(), re.MULTILINE)
    return dict(rows)


def licence_of(package: str) -> str:
    """What the installed package says of itself: an expression, else classifiers, else a line of free text."""
    found = metadata(package)
    if "License-Expression" in found:
        return str(found["License-Expression"])
    names = {"Apache Software License": "Apache-2.0", "MIT License": "MIT", "BSD License": "BSD-3-Clause"}
    classified = [
        one.rpartition(" :: ")[2] for one in found.get_all("Classifier") or [] if one.startswith("License ::")
    ]
    if known := sorted((names[one] for one in classified if one in names), reverse=True):
        return " OR ".join(known)
    return SAME.get(found["License"] or "", found["License"] or "")


@pytest.mark.parametrize("package", dependencies())
def test_the_stated_licence_is_the_installed_one(package: str) -> None:
    licence = licence_of(package)
    if package == "espeakng-loader":  # says nothing either; what it brings is under the GPL, as the page tells
        assert (licence, stated()[package]) == ("", "see below")
        return
    if package == "fal-client":  # says nothing in its metadata; its licence file is the Apache licence
        assert licence == ""
        return
    assert stated()[package] == licence


def test_every_dependency_is_listed() -> None:
    npm = json.loads((ROOT / "package.json").read_text())["devDependencies"]
    assert sorted({*dependencies(), *npm} - set(stated())) == []


def test_every_dependency_is_pinned() -> None:
    pinned = {
        line.partition("==")[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().splitlines()
    }
    assert sorted(set(dependencies()) - pinned) == []


def test_the_photograph_carries_no_metadata() -> None:
    from PIL import Image

    with Image.open(ROOT / "examples" / "mountain-path.jpg") as picture:
        assert dict(picture.getexif()) == {}
        assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
