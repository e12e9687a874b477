"""Weights that differ in their network only, in one deployment: each film is its own checkpoint's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

import torch
from safetensors.torch import load_file, save_file

from rushes.calls import Lora
from rushes.cli.fitting import questions, report
from rushes.engines.diffusers.deployed import complaint
from rushes.engines.diffusers.device import taken_bytes, waiting_room
from rushes.engines.diffusers.engine import DiffusersEngine
from rushes.engines.diffusers.fitting import ways
from rushes.engines.diffusers.plan import GB, Device
from rushes.engines.diffusers.swapping import Networks, Room
from rushes.engines.diffusers.variants import weights_of
from rushes.engines.engine import Cancelled, Unable
from rushes.engines.fit.verdict import Place
from rushes.engines.residence import Residence
from rushes.families import ENDPOINTS
from rushes.routing import DiffusersDeployment
from rushes.runners.deployments import complaints
from rushes.settings import Settings
from tests.engines.diffusers.films import Folders, Pixels, bare_film, call, engine, film

SMALL, LARGE = "480p", "720p"
ONE_NETWORK_GB, TWO_NETWORKS_GB = 0.0004, 0.001  # all parts with one network take 0.38 MB, a network 0.22


def both(folders: Folders, **setting: Any) -> DiffusersEngine:
    given = {"variants": {SMALL: str(folders["variant"])}, "warm_up": False, **setting}
    return engine(folders["picture"], **given)


@pytest.fixture(scope="module")
def whole(folders: Folders, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The variant's checkpoint with all its parts, as it is published."""
    made = Path(shutil.copytree(folders["picture"], tmp_path_factory.mktemp("whole") / "tiny-whole"))
    for part in ("transformer", "scheduler"):
        shutil.copytree(folders["variant"] / part, made / part, dirs_exist_ok=True)
    return made


@pytest.fixture(scope="module")
def expected(folders: Folders, whole: Path) -> dict[str, Pixels]:
    """The films of the two checkpoints, each by a deployment of its own."""
    return {
        name: film(engine(folder, warm_up=False), call(folders, shift=None))
        for name, folder in ((LARGE, folders["picture"]), (SMALL, whole))
    }


@pytest.fixture(scope="module")
def mine(folders: Folders) -> DiffusersEngine:
    return both(folders)


def asked(folders: Folders, variant: str, **given: Any) -> Any:
    return call(folders, **{"shift": None, "variant": variant, **given})


def pipe_of(one: DiffusersEngine) -> Any:
    assert one._loaded is not None
    return one._loaded.pipe


def test_each_film_is_that_of_its_checkpoints_bare_pipeline(
    mine: DiffusersEngine, folders: Folders, whole: Path, expected: dict[str, Pixels]
) -> None:
    made = bare_film(whole, folders)
    assert np.abs(film(mine, asked(folders, SMALL)) - made * 255).max() <= 0.51
    assert not np.array_equal(expected[SMALL], expected[LARGE])


def test_films_alternate_and_all_but_the_network_is_loaded_once(
    mine: DiffusersEngine, folders: Folders, expected: dict[str, Pixels]
) -> None:
    film(mine, asked(folders, SMALL))
    pipe = pipe_of(mine)
    shared = {name: id(part) for name, part in pipe.components.items() if name not in ("transformer", "scheduler")}
    networks = set()
    for name in (SMALL, LARGE, SMALL, "1080p", SMALL, LARGE):
        made = film(mine, asked(folders, name))
        assert np.array_equal(made, expected[SMALL if name == SMALL else LARGE])
        networks.add(id(pipe.transformer))
    assert pipe_of(mine) is pipe
    assert {name: id(getattr(pipe, name)) for name in shared} == shared
    assert len(networks) == 2, "both stay where there is room"
    assert mine._loaded is not None
    assert mine._loaded.ways.texts is not None
    assert mine._loaded.ways.texts.encoded == 2


def test_who_makes_a_film_is_told_before(mine: DiffusersEngine, folders: Folders) -> None:
    assert mine.maker_of(asked(folders, SMALL)).model == "tiny-variant"
    assert mine.maker_of(asked(folders, LARGE)).model == "tiny-picture"
    assert mine.maker_of(asked(folders, SMALL)).layout == "WanImageToVideoPipeline"


@pytest.mark.parametrize(
    "setting",
    [{"offload": "model"}, {"offload": "group"}, {"fused": True}, {"tiling": True}],
    ids=str,
)
def test_every_way_of_holding_weights_holds_two_networks(
    folders: Folders, expected: dict[str, Pixels], setting: dict[str, Any]
) -> None:
    held = both(folders, **setting)
    made = {name: film(held, asked(folders, name)) for name in (SMALL, LARGE)}
    assert np.array_equal(film(held, asked(folders, SMALL)), made[SMALL])
    for name, one in made.items():
        assert np.abs(one.astype(int) - expected[name]).max() <= 1


def test_a_network_is_stored_in_eight_bits_as_the_first_is(folders: Folders, whole: Path) -> None:
    held = both(folders, quantisation="fp8")
    film(held, asked(folders, LARGE, steps=1))
    alone = engine(whole, quantisation="fp8", warm_up=False)
    assert np.array_equal(film(held, asked(folders, SMALL)), film(alone, asked(folders, SMALL)))


@pytest.mark.parametrize(("memory_gb", "kept"), [(ONE_NETWORK_GB, 1), (TWO_NETWORKS_GB, 2)])
def test_a_network_that_finds_no_room_beside_the_other_is_read_anew(
    folders: Folders, expected: dict[str, Pixels], memory_gb: float, kept: int
) -> None:
    residence = Residence()
    held = both(folders, memory_gb=memory_gb, residence=residence)
    for name in (LARGE, SMALL, LARGE, SMALL):
        assert np.array_equal(film(held, asked(folders, name)), expected[name])
        assert residence.used("cpu") <= memory_gb * GB
    assert held._loaded is not None
    assert len(list(held._loaded.networks.modules())) == kept


def test_a_network_that_is_not_in_use_makes_room_for_another_deployment(
    folders: Folders, expected: dict[str, Pixels]
) -> None:
    residence = Residence()
    held = both(folders, residence=residence)
    other = engine(folders["text"], residence, "other", warm_up=False, memory_gb=0.0007)
    for name in (LARGE, SMALL):
        film(held, asked(folders, name))
    assert residence.names == ("mine's network of its own", "mine")
    film(other, call(folders, image=None))
    assert residence.names == ("mine", "other")
    pipe = pipe_of(held)
    for name in (SMALL, LARGE):
        assert np.array_equal(film(held, asked(folders, name)), expected[name])
    assert pipe_of(held) is pipe
    held.unload()
    assert residence.names == ("other",)


def test_a_lora_is_one_networks_only_while_it_is_asked_for(
    folders: Folders, expected: dict[str, Pixels], tmp_path: Path
) -> None:
    from diffusers import WanImageToVideoPipeline
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict

    torch.manual_seed(5)
    trained = WanImageToVideoPipeline.from_pretrained(folders["picture"])
    trained.transformer.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"], init_lora_weights=False))
    state = get_peft_model_state_dict(trained.transformer)
    WanImageToVideoPipeline.save_lora_weights(tmp_path, transformer_lora_layers=state)
    held, loras = both(folders, fused=True), (Lora(str(tmp_path)),)
    changed = film(held, asked(folders, SMALL, loras=loras))
    assert not np.array_equal(changed, expected[SMALL])
    for name in (LARGE, SMALL):
        assert np.abs(film(held, asked(folders, name)).astype(int) - expected[name]).max() <= 1
    assert not np.array_equal(film(held, asked(folders, LARGE, loras=loras)), changed)
    assert np.array_equal(film(held, asked(folders, SMALL, loras=loras)), changed)


def test_a_cancel_or_too_little_memory_leaves_both_in_order(folders: Folders, expected: dict[str, Pixels]) -> None:
    held = both(folders)
    film(held, asked(folders, LARGE))
    for looks in (1, 2, 12):  # before the network is read, while it is, and in a step
        with pytest.raises(Cancelled):
            film(held, asked(folders, SMALL), looks=looks)
        assert np.array_equal(film(held, asked(folders, LARGE)), expected[LARGE])
    assert held._loaded is not None
    assert list(held._loaded.networks.unused) == [SMALL], "what was read for a film that was cancelled"
    film(held, asked(folders, SMALL))
    full = [1]

    def ask_too_much_once(*_: object) -> None:
        while full:
            torch.empty(full.pop() << 50, dtype=torch.uint8)

    hook = pipe_of(held).transformer.blocks[0].register_forward_pre_hook(ask_too_much_once)
    assert np.array_equal(film(held, asked(folders, SMALL)), expected[SMALL])
    hook.remove()
    assert len(list(held._loaded.networks.modules())) == 1, "the one that wasn't in use made room"
    assert held.plan is not None
    assert not held.plan.tiling
    assert np.array_equal(film(held, asked(folders, LARGE)), expected[LARGE])


def test_each_network_has_its_own_ratios(folders: Folders, tmp_path: Path) -> None:
    ratios = tmp_path / "ratios.json"
    ratios.write_text(json.dumps({"ratios": [1.0] * 12, "most_skipped": 4}))
    held = both(folders, variants={SMALL: {"model": str(folders["variant"]), "ratios": str(ratios)}})
    counts = {}
    for name in (SMALL, LARGE):
        passes: list[int] = []
        film(held, asked(folders, name, steps=1, frames=1, made=1))
        hook = pipe_of(held).transformer.blocks[1].attn1.register_forward_pre_hook(lambda *_: passes.append(1))  # noqa: B023
        film(held, asked(folders, name, steps=12, frames=1, made=1, acceleration="regular"))
        hook.remove()
        counts[name] = len(passes)
    assert counts[SMALL] == 2 * (2 + 2)  # two at the beginning, then each fifth
    assert counts[LARGE] > counts[SMALL]


def test_both_are_tried_at_the_start(folders: Folders) -> None:
    held = both(folders, warm_up=True)
    held.load()
    assert held._loaded is not None
    assert len(list(held._loaded.networks.modules())) == 2
    assert list(held._loaded.networks.unused) == [SMALL], "the first one is left in its place"


def spoilt(folders: Folders, to: Path, spoil: Callable[[Path], None]) -> Path:
    copy = Path(shutil.copytree(folders["variant"], to / "copy"))
    spoil(copy)
    return copy


def _configured(part: str, **members: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / part
        path.write_text(json.dumps({**json.loads(path.read_text()), **members}))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_configured("text_encoder/config.json", d_ff=64), "d_ff = 64, and"),
        (_configured("vae/config.json", z_dim=8), "z_dim = 8, and"),
        (_configured("transformer/config.json", num_layers=3), "num_layers = 3, and"),
        (_configured("model_index.json", expand_timesteps=True), "both have to be of one kind"),
        (lambda folder: shutil.rmtree(folder / "transformer"), "holds no transformer/config.json"),
        (
            lambda folder: (folder / "transformer/diffusion_pytorch_model.safetensors").write_bytes(b"\0" * 9),
            "is no safetensors file",
        ),
    ],
)
def test_a_variant_of_another_kind_is_refused_at_the_start(
    folders: Folders, tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    wrong = spoilt(folders, tmp_path, spoil)
    told = told_of(folders, variants={SMALL: str(wrong)})
    assert told.startswith(f"variants.{SMALL}: ")
    assert words in told


def told_of(folders: Folders, **setting: Any) -> str:
    return complaint(DiffusersDeployment(engine="diffusers", model=str(folders["picture"]), **setting), {})


def test_a_variant_needs_only_its_network_and_one_device(folders: Folders, tmp_path: Path) -> None:
    shutil.copytree(folders["variant"] / "transformer", tmp_path / "bare" / "transformer")
    assert told_of(folders, variants={SMALL: str(tmp_path / "bare")}) == ""
    told = told_of(folders, variants={SMALL: str(folders["variant"])}, devices=["cpu", "cpu"])
    assert "give each variant a deployment of its own" in told
    assert "rushes runner prepare NAME" in told_of(folders, variants={SMALL: "acme/film"})


def test_a_variant_that_no_request_will_ask_for_is_complained_about(folders: Folders) -> None:
    def told(name: str, *endpoints: str) -> list[str]:
        mine = {"engine": "diffusers", "model": str(folders["picture"]), "variants": {name: str(folders["variant"])}}
        settings = {"deployments": {"mine": mine}, "routes": {one: ["mine"] for one in endpoints}}
        return complaints(Settings.model_validate(settings), ENDPOINTS, {})

    assert told(SMALL, "fal-ai/wan-i2v") == []
    assert told(SMALL) == [], "nothing is led there yet"
    assert told("480", "fal-ai/wan-i2v") == [
        "deployments.mine: variants: no endpoint that is led here asks for '480'; they ask for: 480p, 720p"
    ]
    assert "asks for '480p'; they ask for: 720p" in told(SMALL, "fal-ai/wan-pro/image-to-video")[0]


def test_tensors_that_a_variant_lacks_are_told_to_its_jobs_only(
    folders: Folders, expected: dict[str, Pixels], tmp_path: Path
) -> None:
    def drop(folder: Path) -> None:
        (path,) = (folder / "transformer").glob("*.safetensors")
        tensors = load_file(path)
        tensors.pop("blocks.1.attn1.to_q.weight")
        save_file(tensors, path, metadata={"format": "pt"})

    held = both(folders, variants={SMALL: str(spoilt(folders, tmp_path, drop))})
    with pytest.raises(Unable) as raised:
        film(held, asked(folders, SMALL))
    assert "blocks.1.attn1.to_q.weight" in raised.value.remedy
    assert np.array_equal(film(held, asked(folders, LARGE)), expected[LARGE])
    with pytest.raises(Unable):
        film(held, asked(folders, SMALL))


def test_doctor_counts_the_other_networks(folders: Folders) -> None:
    parameters = {"transformer": 16 * GB, "text_encoder": 6 * GB, "vae": GB // 8}
    setting = DiffusersDeployment(engine="diffusers", model="x")
    several = setting.model_copy(update={"variants": {SMALL: None, "other": None}})

    def first(gb: int, setting: DiffusersDeployment) -> Any:
        device = Device("cuda:0", "cuda", "a GPU", gb * GB, (9, 0))
        return next(ways(device, parameters, "WanImageToVideoPipeline", setting, 30))

    assert first(140, several).sampling - first(140, setting).sampling == 2 * 32 * GB
    assert first(80, several).sampling == first(80, setting).sampling, "one at a time"
    assert first(45, several).waiting == 2 * 32 * GB


def test_doctor_asks_about_all_that_a_deployment_is_made_of(folders: Folders) -> None:
    large, small = (f"Wan-AI/Wan2.1-I2V-14B-{size}-Diffusers" for size in ("720P", "480P"))
    deployments = {
        "one": {"engine": "diffusers", "model": large},
        "both": {"engine": "diffusers", "model": large, "variants": {SMALL: small}},
        "file": {"engine": "diffusers", "model": "acme/film/v1.safetensors", "base": "Lightricks/LTX-Video-0.9.5"},
        "here": {"engine": "diffusers", "model": str(folders["picture"]), "variants": {SMALL: str(folders["variant"])}},
        "half": {"engine": "diffusers", "model": str(folders["picture"]), "variants": {SMALL: "acme/film"}},
    }
    found, unknown = questions(Settings.model_validate({"deployments": deployments}))
    asked = {one.name: one for one in found}
    assert unknown == ["half"]
    assert asked["both"].weights.disk_gb == pytest.approx(91 + 65, abs=1)
    assert asked["one"].weights.disk_gb == 91
    assert asked["file"].weights.id == "acme/film/v1.safetensors"
    assert asked["here"].weights.id == "tiny-picture"
    device = Device("cuda:0", "cuda", "a GPU", 140 * GB, (9, 0))
    told = {one["name"]: one for one in report(found, [Place(device, 140.0 * GB, None, None)])}
    assert [told[name]["here"] for name in ("both", "here")] == [False, True]
    peaks = [told[name]["films"][0]["peak_bytes"] for name in ("one", "both")]
    assert peaks[1] - peaks[0] == pytest.approx(1.1 * 2 * 16.395 * GB, rel=0.01)


def test_shared_numbers_count_once(folders: Folders) -> None:
    plain, fused = both(folders), both(folders, fused=True)
    taken = []
    for one in (plain, fused):
        film(one, asked(folders, LARGE))
        taken.append(taken_bytes(pipe_of(one).components.values(), "cpu"))
    assert taken[0] == taken[1]


@pytest.fixture
def limits(tmp_path: Path) -> Path:
    (tmp_path / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable: 100 kB\n")
    (tmp_path / "memory.current").write_text("30000\n")
    return tmp_path


@pytest.mark.parametrize(("limit", "room"), [("max\n", 102_400), ("50000\n", 20_000), ("900000\n", 102_400)])
def test_what_can_wait_in_ordinary_memory_is_limited_by_the_container(limits: Path, limit: str, room: int) -> None:
    (limits / "memory.max").write_text(limit)
    assert waiting_room(limits / "meminfo", limits / "memory.max") == room
    assert waiting_room(limits / "nothing", limits / "memory.max") is None


def test_a_network_waits_in_ordinary_memory_while_the_device_is_full(folders: Folders) -> None:
    """As on a GPU, which tests have none of: what is put aside comes back joint again, and the same."""
    from rushes.engines.diffusers.loading import load_pipe
    from rushes.engines.diffusers.plan import plan_of

    setting = DiffusersDeployment(
        engine="diffusers", model=str(folders["picture"]), variants={SMALL: str(folders["variant"])}, fused=True
    )
    weights = weights_of(setting, {})
    plan = plan_of(Device("cpu", "cpu", "cpu"), weights.parameters, ("vae", "image_encoder"), setting)
    pipe = load_pipe(weights, plan)
    first = pipe.transformer

    class Waiting(Networks):
        def _can_wait(self, room: Room) -> bool:
            return True

    networks, full = Waiting(pipe, weights, plan, ""), Room(10, 0, lambda: 0, lambda: None)
    before = first.blocks[0].attn1.to_qkv.weight.clone()
    networks.use(SMALL, full, lambda: None)
    assert pipe.transformer is not first
    assert not hasattr(first.blocks[0].attn1, "to_qkv")
    networks.use("", full, lambda: None)
    assert pipe.transformer is first
    assert torch.equal(first.blocks[0].attn1.to_qkv.weight, before)
    assert networks.unused == {}, "the other one waits"
