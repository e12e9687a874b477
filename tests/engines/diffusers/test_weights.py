"""What is said of weights before anything is loaded, and how they are held on which device."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from rushes.engines.diffusers.plan import GB, Device, leaner, plan_of
from rushes.engines.diffusers.weights import WeightsProblem, inspect
from rushes.families import ENDPOINTS
from rushes.routing import DiffusersDeployment
from rushes.runners.deployments import complaints
from rushes.settings import Settings

LARGE = {"transformer": 16_395_000_000, "text_encoder": 5_681_000_000, "image_encoder": 631_000_000, "vae": 127_000_000}
SMALL = {"transformer": 1_923_000_000, "text_encoder": 4_762_000_000, "vae": 419_000_000}
SETTING = DiffusersDeployment(engine="diffusers", model="x")


def test_a_whole_folder_is_told_by_kind_and_size(folders: Mapping[str, Path]) -> None:
    found = inspect(str(folders["expanding"]), None, {})
    assert (found.name, found.layout) == ("tiny-expanding", "WanImageToVideoPipeline+expand_timesteps")
    assert set(found.parameters) == {"text_encoder", "transformer", "vae"}


def test_what_is_not_here_is_refused_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsProblem, match=r"acme/film at v2 is not on this machine; .* rushes runner prepare NAME"):
        inspect("acme/film", "v2", {"HF_HOME": str(tmp_path)})


def test_a_fetched_id_is_found_in_the_hub_s_cache(folders: Mapping[str, Path], tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--acme--film"
    shutil.copytree(folders["text"], repository / "snapshots" / "0123456789abcdef")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0123456789abcdef")
    assert inspect("acme/film", None, {"HF_HOME": str(tmp_path)}).name == "acme/film@0123456789ab"


@pytest.mark.parametrize(
    ("gone", "words"),
    [
        ("vae", "'vae'"),
        ("transformer/diffusion_pytorch_model.safetensors", "no weights"),
        ("model_index.json", "-Diff"),
    ],
)
def test_a_missing_part_is_named(folders: Mapping[str, Path], tmp_path: Path, gone: str, words: str) -> None:
    copy = shutil.copytree(folders["text"], tmp_path / "copy")
    shutil.rmtree(copy / gone) if (copy / gone).is_dir() else (copy / gone).unlink()
    with pytest.raises(WeightsProblem, match=words):
        inspect(str(copy), None, {})


def test_a_file_that_was_cut_short_is_named(folders: Mapping[str, Path], tmp_path: Path) -> None:
    copy = shutil.copytree(folders["text"], tmp_path / "copy")
    weights = copy / "vae" / "diffusion_pytorch_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(WeightsProblem, match=r"diffusion_pytorch_model.safetensors has .* bytes where"):
        inspect(str(copy), None, {})


@pytest.mark.parametrize(
    ("parameters", "exact", "gb", "offload"),
    [
        (LARGE, ("vae", "image_encoder"), 80, "none"),
        (LARGE, ("vae", "image_encoder"), 47, "model"),
        (LARGE, ("vae", "image_encoder"), 24, "group"),
        (SMALL, (), 24, "none"),
        (SMALL, (), 12, "model"),
        (SMALL, (), 8, "group"),
    ],
)
def test_what_waits_outside_follows_from_the_device(
    parameters: dict[str, int], exact: tuple[str, ...], gb: int, offload: str
) -> None:
    device = Device("cuda:0", "cuda", "a GPU", gb * GB, (8, 9))
    plan = plan_of(device, parameters, exact, SETTING)
    assert (plan.offload, plan.dtype) == (offload, "bfloat16")
    less = leaner(plan, device)
    assert less is None or less != plan


def test_what_the_operator_sets_counts() -> None:
    device = Device("cuda:0", "cuda", "a GPU", 80 * GB, (9, 0))
    setting = SETTING.model_copy(update={"offload": "group", "tiling": False, "dtype": "float32"})
    plan = plan_of(device, LARGE, (), setting)
    assert (plan.offload, plan.tiling, plan.dtype, plan.attention) == ("group", False, "float32", None)


def test_weights_on_the_wrong_route_are_complained_about(folders: Mapping[str, Path], tmp_path: Path) -> None:
    raw = {"engine": "diffusers", "model": str(folders["rated"])}
    settings = Settings(deployments={"mine": raw}, routes={"fal-ai/wan-i2v": ("mine",)})  # type: ignore[dict-item]
    (line,) = complaints(settings, ENDPOINTS, {})
    assert line.startswith("routes: fal-ai/wan-i2v is led to the deployment 'mine', whose weights are LTXImage")
    missing = {"engine": "diffusers", "model": "acme/film"}
    settings = Settings(deployments={"mine": missing}, routes={"fal-ai/wan-i2v": ("mine",)})  # type: ignore[dict-item]
    (line,) = complaints(settings, ENDPOINTS, {"HF_HOME": str(tmp_path)})
    assert line.endswith("fetch it with: rushes runner prepare mine")
