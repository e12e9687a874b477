"""From the disk: official folders, what may be wrong with them, LoRAs in and out, the autoencoder and previews."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import load_file, save_file  # noqa: E402

from rushes.engines.engine import Unable  # noqa: E402
from rushes.engines.longcat.autoencoder import Autoencoder, latent_frames, to_frames, to_pixels  # noqa: E402
from rushes.engines.longcat.components import Components, load_components  # noqa: E402
from rushes.engines.longcat.film import opening  # noqa: E402
from rushes.engines.longcat.lora import Adapters, changes, module_path, read_lora  # noqa: E402
from rushes.engines.longcat.network import Text  # noqa: E402
from rushes.engines.longcat.placement import Placement  # noqa: E402
from rushes.engines.longcat.preview import Preview  # noqa: E402
from rushes.engines.longcat.refining import enlarged  # noqa: E402
from rushes.engines.longcat.text import tidied  # noqa: E402
from rushes.engines.longcat.waiting import let_wait  # noqa: E402
from rushes.engines.longcat.weights import load_network  # noqa: E402
from tests.engines.longcat import tiny  # noqa: E402

CPU = torch.device("cpu")


def remove(folder: Path, name: str) -> None:
    path = folder / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["tokenizer", "text_encoder", "vae", "dit"])
def test_a_missing_part_is_named(copy: Path, name: str) -> None:
    remove(copy, name)
    with pytest.raises(Unable, match=f"lacks {name}") as caught:
        load_components(copy, Placement())
    assert str(copy) not in str(caught.value.error), "callers learn nothing of folders"


@pytest.mark.parametrize(
    "name",
    ["text_encoder/config.json", "vae/config.json", "dit/config.json", "vae/diffusion_pytorch_model.safetensors"],
)
def test_a_missing_file_is_told_with_its_folder(copy: Path, name: str) -> None:
    remove(copy, name)
    with pytest.raises(Unable, match=name.partition("/")[0]):
        load_components(copy, Placement())


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unable, match="nowhere is no folder"):
        load_components(tmp_path / "nowhere", Placement())


def test_a_shard_that_did_not_come_is_named(copy: Path) -> None:
    remove(copy, "dit/diffusion_pytorch_model-00002-of-00002.safetensors")
    with pytest.raises(Unable, match="lacks diffusion_pytorch_model-00002-of-00002"):
        load_network(copy / "dit", torch.float32, CPU)


def test_a_shard_that_broke_off_is_named(copy: Path) -> None:
    path = copy / "dit/diffusion_pytorch_model-00002-of-00002.safetensors"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(Unable, match=r"00002-of-00002.safetensors can't be read"):
        load_network(copy / "dit", torch.float32, CPU)


def test_weights_of_other_dimensions_are_told_apart(copy: Path) -> None:
    path = copy / "dit/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"caption_channels": 16}))
    with pytest.raises(Unable, match=r"y_embedder.y_proj.0.weight is \(64, 32\), but config.json makes it \(64, 16\)"):
        load_network(copy / "dit", torch.float32, CPU)


@pytest.mark.parametrize(("depth", "told"), [(1, "which the network does not have"), (3, "lacks blocks.2")])
def test_another_number_of_blocks_is_told(copy: Path, depth: int, told: str) -> None:
    path = copy / "dit/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"depth": depth}))
    with pytest.raises(Unable, match=told):
        load_network(copy / "dit", torch.float32, CPU)


def test_a_config_that_makes_no_sense_is_told(copy: Path) -> None:
    (copy / "dit/config.json").write_text('{"num_heads": 7}')
    with pytest.raises(Unable, match=r"config.json can't be used: hidden_size 4096 in 7 heads"):
        load_network(copy / "dit", torch.float32, CPU)


def test_weights_that_are_no_numbers_are_found_before_anything_runs(copy: Path) -> None:
    path = copy / "dit/diffusion_pytorch_model-00001-of-00002.safetensors"
    held = load_file(path)
    name = next(iter(held))
    held[name] = torch.full_like(held[name], float("nan"))
    save_file(held, path)
    with pytest.raises(Unable, match=f"NaN or infinity in {name}"):
        load_network(copy / "dit", torch.float32, CPU)


def test_a_text_encoder_of_another_model_is_told(copy: Path) -> None:
    from transformers import UMT5Config, UMT5EncoderModel

    remove(copy, "text_encoder")
    other = UMT5Config(vocab_size=256, d_model=16, d_kv=8, d_ff=37, num_layers=1, num_heads=2)
    UMT5EncoderModel(other).save_pretrained(copy / "text_encoder")
    with pytest.raises(Unable, match="text_encoder gives 16 numbers per token, dit takes 32"):
        load_components(copy, Placement())


def test_weights_in_one_file_without_an_index_load_too(tmp_path: Path) -> None:
    made = tiny.network()
    tiny.write_dit(tmp_path / "dit", made, shards=1)
    remove(tmp_path, "dit/diffusion_pytorch_model.safetensors.index.json")
    loaded, _ = load_network(tmp_path / "dit", torch.bfloat16, CPU)
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, made.state_dict()[name].to(torch.bfloat16)), name


def test_a_files_key_tells_the_path() -> None:
    key = "lora___lorahyphen___blocks___lorahyphen___3___lorahyphen___attn___lorahyphen___qkv"
    assert module_path(key) == "blocks.3.attn.qkv"


def test_fused_is_the_sum_of_both_and_comes_out_again_to_the_bit() -> None:
    made, plain = tiny.network(), tiny.network()
    held = tiny.lora(made, 5)
    state = {name: value.clone() for name, value in made.state_dict().items()}
    adapters = Adapters(made, state.__getitem__, {"one": lambda: changes(held), "two": lambda: {}})
    adapters.use("one")
    for path in ("attn.qkv", "attn.proj", "cross_attn.kv_linear", "ffn.w2"):
        key = "lora___lorahyphen___" + f"blocks.1.{path}".replace(".", "___lorahyphen___")
        layer, fused = plain.get_submodule(f"blocks.1.{path}"), made.get_submodule(f"blocks.1.{path}")
        x = torch.randn(3, layer.in_features)
        inner = x @ held[f"{key}.lora_down.weight"].T
        ups = [held[f"{key}.lora_up.weight"]] if f"{key}.lora_up.weight" in held else [
            held[f"{key}.lora_up.blocks.{n}.weight"] for n in range(inner.shape[1] // tiny.RANK)
        ]  # fmt: skip
        parts = [part @ up.T for part, up in zip(inner.chunk(len(ups), -1), ups, strict=True)]
        assert torch.allclose(fused(x), layer(x) + 0.5 * torch.cat(parts, -1), atol=1e-4)
    adapters.use(None)
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())
    assert adapters.fused == ()


def test_a_change_of_loras_that_is_interrupted_leaves_nothing_behind() -> None:
    made = tiny.network()
    state = {name: value.clone() for name, value in made.state_dict().items()}
    adapters = Adapters(made, state.__getitem__, {"one": lambda: changes(tiny.lora(made, 5))})
    looks = iter(range(4))

    def look() -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adapters.use("one", look)
    assert not all(torch.equal(value, state[name]) for name, value in made.state_dict().items())
    adapters.use(None)
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())


def test_loras_that_do_not_fit_change_nothing() -> None:
    made = tiny.network()
    state = {name: value.clone() for name, value in made.state_dict().items()}
    strange = {"lora___lorahyphen___nobody.lora_down.weight": torch.ones(4, 64)}
    strange |= {"lora___lorahyphen___nobody.lora_up.weight": torch.ones(64, 4)}
    wide = {"lora___lorahyphen___final_layer___lorahyphen___linear.lora_down.weight": torch.ones(4, 32)}
    wide |= {"lora___lorahyphen___final_layer___lorahyphen___linear.lora_up.weight": torch.ones(64, 4)}
    adapters = Adapters(made, state.__getitem__, {"a": lambda: changes(strange), "b": lambda: changes(wide)})
    for name, told in (
        ("a", "'nobody', which the network does not have"),
        ("b", "'final_layer.linear' by"),
        ("c", "no LoRA"),
    ):
        with pytest.raises(Unable, match=told):
            adapters.use(name)
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({"blocks.0.attn.lora_A.weight": (4, 8)}, "not this model's LoRA layout"),
        ({"lora___lorahyphen___x.lora_down.weight": (4, 8)}, "only one half"),
        (
            {"lora___lorahyphen___x.lora_down.weight": (4, 8), "lora___lorahyphen___x.lora_up.weight": (8, 3)},
            "don't fit",
        ),
    ],
)
def test_a_file_of_another_layout_is_told(held: dict, told: str) -> None:
    with pytest.raises(Unable, match=told):
        changes({name: torch.ones(shape) for name, shape in held.items()})


def test_a_files_own_alpha_is_preferred() -> None:
    held = {
        "lora___lorahyphen___x.lora_down.weight": torch.ones(4, 8),
        "lora___lorahyphen___x.lora_up.weight": torch.ones(8, 4),
    }
    assert changes(held)["x"].scale == 0.5
    assert changes(held | {"lora___lorahyphen___x.alpha": torch.tensor(8.0)})["x"].scale == 2.0


def test_a_lora_that_is_not_there_is_told_when_it_is_needed(tmp_path: Path) -> None:
    with pytest.raises(Unable, match=r"cfg_step_lora.safetensors is missing"):
        read_lora(tmp_path / "cfg_step_lora.safetensors")


def test_frames_come_back_while_they_are_decoded_as_they_do_at_once() -> None:
    autoencoder = Autoencoder(tiny.vae())
    z = torch.randn(1, 16, 4, 4, 6, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        chunks = list(autoencoder.decode(z))
        std, mean = (torch.tensor(one).view(1, 16, 1, 1, 1) for one in (
            autoencoder.vae.config.latents_std, autoencoder.vae.config.latents_mean))  # fmt: skip
        whole = to_frames(autoencoder.vae.decode(z * std + mean).sample)
        fewer = list(autoencoder.decode(z[:, :, :3]))
    assert [len(one) for one in chunks] == [1, 4, 4, 4]
    assert np.array_equal(np.concatenate(chunks), whole)
    assert np.array_equal(np.concatenate(fewer), whole[:9]), "no frame depends on latents behind it"


def test_tiles_give_a_whole_film_too() -> None:
    made = tiny.vae()
    made.enable_tiling(32, 32, 24, 24)
    with torch.no_grad():
        chunks = list(Autoencoder(made).decode(torch.randn(1, 16, 3, 8, 8)))
    assert np.concatenate(chunks).shape == (9, 64, 64, 3)


def test_encoding_has_no_dice_and_normalises() -> None:
    autoencoder = Autoencoder(tiny.vae())
    film = np.random.default_rng(0).integers(0, 256, (9, 16, 32, 3)).astype(np.uint8)
    with torch.no_grad():
        z = autoencoder.encode(to_pixels(film))
        raw = autoencoder.vae.encode(to_pixels(film)).latent_dist.mode()
    assert z.shape == (1, 16, latent_frames(9), 2, 4)
    config = autoencoder.vae.config
    assert torch.allclose(z[0, 5], (raw[0, 5] - config.latents_mean[5]) / config.latents_std[5], atol=1e-5)


def test_pixels_and_frames_are_each_others_way_back() -> None:
    film = np.arange(2 * 3 * 5 * 3).reshape(2, 3, 5, 3).astype(np.uint8)
    assert np.array_equal(to_frames(to_pixels(film)), film)


class Mixed:
    """An encoder that only mixes colours into 16 channels, as a trained one roughly does; a random one loses them."""

    def __init__(self) -> None:
        self.mix = torch.randn(16, 3, generator=torch.Generator().manual_seed(6))

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        cells = torch.nn.functional.avg_pool3d(pixels, (1, 8, 8))
        return torch.einsum("kc,bcthw->bkthw", self.mix, cells) + 0.7


def test_previews_are_fitted_to_the_autoencoder() -> None:
    encoder = Mixed()
    preview = Preview(encoder)  # type: ignore[arg-type]
    film = np.empty((3, 32, 48, 3), np.uint8)
    film[:] = (200, 90, 30)
    film[:, :, 24:] = (10, 60, 250)
    seen = preview.picture(encoder.encode(to_pixels(film)))
    assert seen.shape == (4, 6, 3)
    assert np.abs(seen[0, 0].astype(int) - (200, 90, 30)).max() < 4
    assert np.abs(seen[3, 5].astype(int) - (10, 60, 250)).max() < 4


@pytest.mark.parametrize("shape", [(60, 96), (96, 60), (7, 200), (480, 832)])
def test_a_picture_covers_its_frame_and_keeps_its_centre(tmp_path: Path, shape: tuple[int, int]) -> None:
    source = np.zeros((*shape, 3), np.uint8)
    source[:, shape[1] // 2 :] = 255
    np.save(tmp_path / "a.npy", source)
    got = opening(str(tmp_path / "a.npy"), 48, 64)
    assert got.shape == (1, 48, 64, 3)
    assert got[0, :, :24].mean() < 20
    assert got[0, :, 40:].mean() > 235


def test_a_film_is_enlarged_in_size_and_in_time() -> None:
    film = np.stack([np.full((4, 6, 3), value, np.uint8) for value in (0, 100, 200)])
    got = (enlarged(film, 8, 12, 6, CPU) + 1) * 127.5
    assert got.shape == (1, 3, 6, 8, 12)
    assert got[0, 0, :, 3, 3].tolist() == pytest.approx([0, 40, 80, 120, 160, 200], abs=0.1)
    assert torch.allclose(enlarged(film, 8, 12, 3, CPU)[0, 0, 1], torch.tensor(100 / 127.5 - 1))


def test_prompts_are_tidied() -> None:
    assert tidied("  a &amp;amp; b\n\tc ") == "a & b c"


def test_prompts_become_512_padded_tokens_and_long_ones_are_cut(components: Components) -> None:
    with torch.no_grad():
        found = components.prompts.encode("a fox", "x " * 600, "")
    assert found.states.shape == (3, 512, 32)
    assert found.lengths[1] == 512
    assert found.lengths[2] == 1, "only the end mark"


def test_frames_are_encoded_part_by_part_as_they_are_at_once() -> None:
    autoencoder = Autoencoder(tiny.vae())
    film = np.random.default_rng(0).integers(0, 256, (13, 16, 32, 3)).astype(np.uint8)
    looks: list[int] = []
    with torch.no_grad():
        one = autoencoder.encode(to_pixels(film), lambda: looks.append(1))
        autoencoder.vae.enable_tiling()  # these frames are smaller than a tile, so it is done at once
        assert torch.equal(one, autoencoder.encode(to_pixels(film)))
    assert len(looks) == 1 + 4


def test_blocks_that_wait_give_the_same_and_take_loras(folder: Path) -> None:
    film, words = torch.randn(1, 16, 2, 4, 4), Text(torch.randn(1, 6, 32), (6,))
    outputs = []
    for waits in (False, True):
        network, original = load_network(folder / "dit", torch.float32, CPU, blocks_wait=waits)
        adapters = Adapters(network, original, {"one": lambda: read_lora(folder / "lora/cfg_step_lora.safetensors")})
        for name in (None, "one", None):
            adapters.use(name)
            outputs.append(network(film, torch.full((1, 2), 500.0), words))
    assert torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[0], outputs[1])
    assert all(torch.equal(a, b) for a, b in zip(outputs[:3], outputs[3:], strict=True))


def test_a_block_that_was_sent_for_and_not_run_is_sent_for_anew() -> None:
    network, plain = tiny.network(), tiny.network()
    let_wait(network.blocks, CPU)
    asked = torch.randn(1, 16, 1, 4, 4), torch.zeros(1, 1), Text(torch.randn(1, 6, 32), (6,))
    with pytest.raises(KeyboardInterrupt):
        network(*asked, between=ending_at(2))
    for one in (network, plain):
        one.blocks[1].ffn.w1.weight.data.mul_(3.0)
    assert torch.equal(network(*asked), plain(*asked))


def ending_at(look: int) -> Callable[[], None]:
    """Return what ends a pass at its nth look."""
    is_over = tiny.after(look)

    def between() -> None:
        if is_over():
            raise KeyboardInterrupt

    return between


def test_a_block_that_waits_goes_home_when_it_fails() -> None:
    network = tiny.network()
    let_wait(network.blocks, torch.device("meta"))  # where nothing can be computed with what lies elsewhere
    with pytest.raises((RuntimeError, NotImplementedError)):
        network(torch.randn(1, 16, 1, 4, 4), torch.zeros(1, 1), Text(torch.randn(1, 6, 32), (6,)))
    assert {parameter.device for parameter in network.parameters()} == {CPU}


def test_a_prompt_that_was_encoded_is_not_encoded_again_and_only_the_last_ones_are_kept(components: Components) -> None:
    prompts = components.prompts
    encoded: list[int] = []
    hook = prompts.encoder.register_forward_hook(lambda *_: encoded.append(1))
    first = prompts.encode("grey", "a heron on a roof")
    again = prompts.encode("grey", "a heron  on a roof")
    assert torch.equal(first.states, again.states)
    assert (first.lengths, len(encoded)) == (again.lengths, 2)
    alone = prompts.encode("a heron on a roof")
    assert torch.equal(alone.states[0], first.states[1])
    for number in range(5):
        prompts.encode(f"another {number}")
    assert torch.equal(prompts.encode("a heron on a roof").states, alone.states)
    assert len(encoded) == 2 + 5 + 1
    hook.remove()
