"""Open weights on the disk: where a name leads, and what is said of one that leads nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rushes.engines.checkpoints import WeightsProblem, find, find_file, find_lora, in_repository, named, shapes_in

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cached(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "hub" / "models--acme--film"
    (folder / "snapshots" / COMMIT / "loras").mkdir(parents=True)
    (folder / "snapshots" / COMMIT / "loras" / "few.safetensors").touch()
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(COMMIT)
    return {"HF_HUB_CACHE": str(tmp_path / "hub")}


def test_a_model_is_a_folder_or_what_was_fetched_by_its_branch_or_commit(
    cached: dict[str, str], tmp_path: Path
) -> None:
    assert find(str(tmp_path), None, cached) == tmp_path
    found = find("acme/film", None, cached)
    assert (found.name, find("acme/film", COMMIT, cached), named(found, "acme/film")) == (
        COMMIT,
        found,
        "acme/film@0123456789ab",
    )
    for revision in ("v2", COMMIT[::-1]):
        with pytest.raises(WeightsProblem, match=rf"acme/film at {revision} is not on this machine; fetch it with"):
            find("acme/film", revision, cached)


def test_a_lora_is_a_folder_a_file_or_one_of_a_repository(cached: dict[str, str], tmp_path: Path) -> None:
    assert find_lora(str(tmp_path), cached) == tmp_path
    file = find_lora("acme/film/loras/few.safetensors", cached)
    assert file == find("acme/film", None, cached) / "loras" / "few.safetensors"
    assert find_lora(str(file), cached) == file
    with pytest.raises(WeightsProblem, match=r"other.safetensors of acme/film is not on this machine"):
        find_lora("acme/film/other.safetensors", cached)
    with pytest.raises(WeightsProblem, match="there is no file acme/film; name one, or ORGANISATION/NAME/FILE"):
        find_file("acme/film", None, cached)


@pytest.mark.parametrize("name", ["/a/b/c.safetensors", "./a/b/c.safetensors", "~/b/c.safetensors", "a/b.safetensors"])
def test_a_path_is_no_name_on_the_hub(name: str) -> None:
    assert in_repository(name) == ("", "")


def test_a_head_that_makes_no_sense_is_told_and_no_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    tensor = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    for wrong in ({"data_offsets": [0, "4"]}, {"data_offsets": [0]}, {"shape": None}, {"shape": ["x"]}):
        head = json.dumps({"a": {**tensor, **wrong}}).encode()
        path.write_bytes(len(head).to_bytes(8, "little") + head + bytes(4))
        with pytest.raises(WeightsProblem, match="is no safetensors file"):
            shapes_in(path, "fetch it again")
    path.write_bytes((10**12).to_bytes(8, "little"))
    with pytest.raises(WeightsProblem, match="its beginning is broken"):
        shapes_in(path, "fetch it again")
