from __future__ import annotations

from pathlib import Path

from rushes.web.assets import FOLDER, load_assets


def test_every_file_of_the_folder_is_served_and_small() -> None:
    assets = load_assets()
    assert set(assets) == {path.name for path in FOLDER.iterdir()}
    assert sum(len(one.content) for one in assets.values()) < 30_000


def test_a_version_changes_with_the_content_only(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a {}")
    (tmp_path / "b.css").write_text("a {}")
    first = load_assets(tmp_path)
    assert first["a.css"].version == first["b.css"].version
    (tmp_path / "a.css").write_text("b {}")
    assert load_assets(tmp_path)["a.css"].version != first["a.css"].version


def test_files_of_other_kinds_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.html").write_text("<b>")
    assert load_assets(tmp_path) == {}
