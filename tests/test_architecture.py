"""The tree's own rules (design notes, "the tree"): who may import whom, what stays light, what every file says."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rushes"
FILES = sorted(PACKAGE.rglob("*.py"))

FOUNDATION = {"errors", "routing", "settings", "fields", "endpoint", "calls"}
MAY_IMPORT = {
    **{name: FOUNDATION for name in FOUNDATION},
    **{name: FOUNDATION for name in ("families", "outbound", "files", "db")},
    "engines": FOUNDATION | {"outbound"},
    "media": FOUNDATION | {"outbound"},
    "jobs": FOUNDATION | {"db", "families", "files"},
    "accounts": FOUNDATION | {"db", "families", "files"},
    "work": FOUNDATION | {"families", "media", "files", "engines", "db", "jobs", "accounts"},
    "runners": FOUNDATION | {"families", "media", "files", "engines", "db", "jobs", "accounts", "work"},
    "webhooks": FOUNDATION | {"db", "outbound", "jobs"},
    "gateway": FOUNDATION | {"families", "jobs", "files", "accounts", "webhooks"},
    "fakes": set(),  # what judges our requests to vendors shares no table and no code with what makes them
}
ON_TOP = {"web", "cli", "app", "connect", "conformance", "fakes", "intercept", "__init__", "__main__"}
FOUNDATION_ORDER = ["errors", "routing", "settings", "fields", "calls", "endpoint"]


def station(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported_stations(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from the package's root"
            base = node.module or ""
            found |= {f"{base}.{alias.name}" for alias in node.names} if base == "rushes" else {base}
    names = {name.split(".")[1] for name in found if name.startswith("rushes.")}
    return {name for name in names if not name.startswith("__")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_downwards_only(path: Path) -> None:
    here = station(path)
    if here in ON_TOP:
        return
    allowed = MAY_IMPORT[here] | {here}
    assert imported_stations(path) <= allowed, f"{here} may import {sorted(allowed)}"


@pytest.mark.parametrize("name", FOUNDATION_ORDER)
def test_the_foundation_has_an_order_of_its_own(name: str) -> None:
    below = set(FOUNDATION_ORDER[: FOUNDATION_ORDER.index(name)])
    assert imported_stations(PACKAGE / f"{name}.py") <= below


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_its_job(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), "a module docstring: its one job, what it leaves to others"


def family_words() -> set[str]:
    """Names that only a family may know: its file's name, and its endpoints' aliases."""
    from rushes.families import ENDPOINTS

    words = {path.stem for path in (PACKAGE / "families").glob("*.py")} - {"__init__", "echo"}
    words |= {endpoint.id.split("/")[1] for endpoint in ENDPOINTS.values() if not endpoint.test_only}
    return words - {"camera"}  # our own endpoint has an ordinary word for its name: every film is made with one


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_shared_file_knows_a_family(path: Path) -> None:
    if station(path) in {"families", "app", "fakes"} or path.parent.name == "vendors":
        return  # a vendor is often called as its models are
    if path.parent == PACKAGE / "engines" / "longcat":
        return  # a model's own network
    text = path.read_text().lower()
    for word in family_words():
        assert not re.search(rf"\b{re.escape(word)}\b", text), f"{path} names the family {word!r}"


def loaded_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_listing_every_endpoint_loads_no_engine() -> None:
    heavy = {"torch", "diffusers", "numpy", "cv2", "av", "PIL"}
    assert not loaded_after("from rushes.families import ENDPOINTS; len(ENDPOINTS)") & heavy


def test_the_gateway_loads_no_engine() -> None:
    heavy = {"torch", "diffusers", "numpy", "cv2", "av", "PIL"}
    assert not loaded_after("import rushes.app") & heavy
