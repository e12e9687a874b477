"""A tiny LongCat-Video, built in code: every part is of its real class, with a few hundred thousand random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import AutoencoderKLWan  # noqa: E402
from safetensors.torch import save_file  # noqa: E402
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors  # noqa: E402
from transformers import PreTrainedTokenizerFast, UMT5Config, UMT5EncoderModel  # noqa: E402

from rushes.engines.longcat.config import NetworkConfig  # noqa: E402
from rushes.engines.longcat.network import Network  # noqa: E402

torch.set_num_threads(1)

CONFIG = NetworkConfig(
    hidden_size=64,
    depth=2,
    num_heads=4,
    caption_channels=32,
    adaln_tembed_dim=32,
    frequency_embedding_size=32,
    sparsity=0.5,
)
PARAMETERS = 211_520
QUICK = replace(CONFIG, hidden_size=16, depth=1, num_heads=1, adaln_tembed_dim=8, sparsity=0.9375)
RANK = 4


def tokenizer() -> PreTrainedTokenizerFast:
    mark = "\u2581"
    letters = [chr(code) for code in range(33, 127)]
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), (mark, -2.0)]
    pieces += [(letter, -2.0) for letter in letters] + [(mark + letter, -1.0) for letter in "abcdefghijklmnopqrst"]
    made = Tokenizer(models.Unigram(pieces, unk_id=2))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def text_encoder() -> UMT5EncoderModel:
    torch.manual_seed(1)
    config = UMT5Config(vocab_size=256, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
    return UMT5EncoderModel(config).eval()


def vae() -> AutoencoderKLWan:
    torch.manual_seed(2)
    return AutoencoderKLWan(
        base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    ).eval()


def quick_vae() -> AutoencoderKLWan:
    """One that takes four pixels as one, so that a CPU makes films of full size in seconds; all rules stay."""
    torch.manual_seed(2)
    return AutoencoderKLWan(
        base_dim=2,
        z_dim=16,
        dim_mult=[1, 1, 1],
        num_res_blocks=0,
        temperal_downsample=[True, True],
        patch_size=2,
        in_channels=12,
        out_channels=12,
    ).eval()


def network(config: NetworkConfig = CONFIG, seed: int = 3) -> Network:
    """Random weights; larger ones where a trained network's would be, so that every part has a say."""
    torch.manual_seed(seed)
    made = Network(config).eval().requires_grad_(False)
    for name, parameter in made.named_parameters():
        if "norm" in name:
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return made


def told(config: NetworkConfig = CONFIG) -> dict[str, object]:
    """The config.json of the official layout, with members of other programs too."""
    return {
        "_class_name": "LongCatVideoTransformer3DModel",
        "hidden_size": config.hidden_size,
        "depth": config.depth,
        "num_heads": config.num_heads,
        "caption_channels": config.caption_channels,
        "adaln_tembed_dim": config.adaln_tembed_dim,
        "frequency_embedding_size": config.frequency_embedding_size,
        "in_channels": 16,
        "out_channels": 16,
        "mlp_ratio": 4,
        "patch_size": [1, 2, 2],
        "text_tokens_zero_pad": config.text_tokens_zero_pad,
        "enable_flashattn2": True,
        "bsa_params": {"sparsity": config.sparsity, "chunk_3d_shape_q": [4, 4, 4], "chunk_3d_shape_k": [4, 4, 4]},
    }


def lora(made: Network, seed: int, strength: float = 0.3) -> dict[str, torch.Tensor]:
    """A LoRA file for every Linear of the blocks, the fused ones in parts, as the published files are."""
    generator = torch.Generator().manual_seed(seed)
    parts = {"attn.qkv": 3, "cross_attn.kv_linear": 2}
    found: dict[str, torch.Tensor] = {}
    for path, module in made.named_modules():
        if not isinstance(module, torch.nn.Linear) or not path.startswith("blocks."):
            continue
        key = "lora___lorahyphen___" + path.replace(".", "___lorahyphen___")
        count = parts.get(path.split(".", 2)[2], 1)
        out, into = module.weight.shape
        found[f"{key}.lora_down.weight"] = torch.randn(count * RANK, into, generator=generator) * strength
        names = [f"{key}.lora_up.weight"] if count == 1 else [f"{key}.lora_up.blocks.{n}.weight" for n in range(count)]
        for name in names:
            found[name] = torch.randn(out // count, RANK, generator=generator) * strength
    return found


def write_dit(folder: Path, made: Network, shards: int = 2) -> None:
    """Save the network as the official folder has it, in shards with an index."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(told(made.config)))
    state = made.state_dict()
    names, where = list(state), {}
    for number in range(shards):
        file = f"diffusion_pytorch_model-{number + 1:05}-of-{shards:05}.safetensors"
        part = names[number::shards]
        save_file({name: state[name].contiguous() for name in part}, folder / file)
        where |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": where}
    (folder / "diffusion_pytorch_model.safetensors.index.json").write_text(json.dumps(index))


def write_model(folder: Path, config: NetworkConfig = CONFIG, autoencoder: AutoencoderKLWan | None = None) -> Path:
    """Save everything as the official folder has it."""
    made = network(config)
    write_dit(folder / "dit", made)
    (folder / "lora").mkdir()
    for seed, name in enumerate(("cfg_step_lora", "refinement_lora")):
        save_file(lora(made, seed), folder / "lora" / f"{name}.safetensors")
    tokenizer().save_pretrained(folder / "tokenizer")
    text_encoder().save_pretrained(folder / "text_encoder")
    (autoencoder or vae()).save_pretrained(folder / "vae")
    return folder


def never() -> bool:
    return False


def after(count: int) -> Callable[[], bool]:
    """Return what says True from the `count`th time it is asked on."""
    asked = 0

    def is_over() -> bool:
        nonlocal asked
        asked += 1
        return asked >= count

    return is_over
