"""Weights in diffusers' layout written as one file in their makers': the reverse of diffusers' own conversion.

The names are those that `diffusers.loaders.single_file_utils` reads; each writer sees that they come back as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from diffusers.loaders.single_file_utils import (
    convert_ltx_transformer_checkpoint_to_diffusers,
    convert_ltx_vae_checkpoint_to_diffusers,
    convert_wan_transformer_to_diffusers,
)
from safetensors.torch import load_file, save_file
from torch import Tensor

Tensors = dict[str, Tensor]
PREFIX = "model.diffusion_model."
NETWORK = (("proj_in", "patchify_proj"), ("time_embed", "adaln_single"), ("norm_q", "q_norm"), ("norm_k", "k_norm"))
ENCODER = {
    "down_blocks.0": "down_blocks.0",
    "down_blocks.0.downsamplers.0": "down_blocks.1",
    "down_blocks.1": "down_blocks.3",
    "down_blocks.1.downsamplers.0": "down_blocks.4",
    "down_blocks.2": "down_blocks.6",
    "down_blocks.2.downsamplers.0": "down_blocks.7",
    "down_blocks.3": "down_blocks.8",
    "mid_block": "down_blocks.9",
}
DECODER = {
    "mid_block": "up_blocks.0",
    "up_blocks.0": "up_blocks.1",
    "up_blocks.1.upsamplers.0": "up_blocks.2",
    "up_blocks.1": "up_blocks.3",
    "up_blocks.2.upsamplers.0": "up_blocks.5",
    "up_blocks.2": "up_blocks.6",
    "up_blocks.3.upsamplers.0": "up_blocks.8",
    "up_blocks.3": "up_blocks.9",
}
TOLD_NOISE = {  # from 0.9.1 on
    "mid_block": "up_blocks.0",
    **{f"up_blocks.{number}.upsamplers.0": f"up_blocks.{2 * number + 1}" for number in range(4)},
    **{f"up_blocks.{number}": f"up_blocks.{2 * number + 2}" for number in range(4)},
    "time_embedder": "last_time_embedder",
    "scale_shift_table": "last_scale_shift_table",
}
WAN = (
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("attn2", "cross_attn"),
    ("attn1", "self_attn"),
    (".to_out.0.", ".o."),
    (".to_q.", ".q."),
    (".to_k.", ".k."),
    (".to_v.", ".v."),
    (".add_k_proj.", ".k_img."),
    (".add_v_proj.", ".v_img."),
    (".norm_added_k.", ".norm_k_img."),
    ("ffn.net.0.proj", "ffn.0"),
    ("ffn.net.2", "ffn.2"),
    ("norm2", "norm_"),
    ("norm3", "norm2"),
    ("norm_.", "norm3."),
    ("proj_out", "head.head"),
    ("scale_shift_table", "modulation"),
)


def ltx_file(folder: Path, to: Path, *, autoencoder: bool = True) -> Path:
    """Write network and autoencoder of LTX-Video."""
    network = _tensors(folder / "transformer")
    found = {PREFIX + _renamed(name, NETWORK): one for name, one in network.items()}
    _check(network, found, convert_ltx_transformer_checkpoint_to_diffusers)
    if autoencoder:
        vae = _tensors(folder / "vae")
        blocks = TOLD_NOISE if "decoder.time_embedder.timestep_embedder.linear_1.weight" in vae else DECODER
        written = {f"vae.{_of_autoencoder(name, blocks)}": one for name, one in vae.items()}
        _check(vae, written, convert_ltx_vae_checkpoint_to_diffusers)
        found |= written
    save_file(found, to)
    return to


def wan_file(folder: Path, to: Path, prefix: str = "") -> Path:
    """Write the network of Wan."""
    network = _tensors(folder / "transformer")
    found = {prefix + _renamed(name, WAN): one for name, one in network.items()}
    found[f"{prefix}head.modulation"] = found.pop(f"{prefix}modulation")
    _check(network, found, convert_wan_transformer_to_diffusers)
    save_file(found, to)
    return to


def _tensors(folder: Path) -> Tensors:
    (path,) = folder.glob("*.safetensors")
    return load_file(path)


def _renamed(name: str, names: tuple[tuple[str, str], ...]) -> str:
    for ours, theirs in names:
        name = name.replace(ours, theirs)
    return name


def _of_autoencoder(name: str, decoder: Mapping[str, str]) -> str:
    statistics = {"latents_mean": "mean-of-means", "latents_std": "std-of-means"}
    if name in statistics:
        return f"per_channel_statistics.{statistics[name]}"
    side, _, rest = name.partition(".")
    blocks = ENCODER if side == "encoder" else decoder
    block = max((one for one in blocks if rest == one or rest.startswith(f"{one}.")), key=len, default="")
    if block:
        rest = blocks[block] + rest.removeprefix(block)
    return f"{side}.{rest}".replace("resnets", "res_blocks").replace("norm3", "norm3.norm")


def _check(ours: Tensors, theirs: Tensors, convert: Callable[..., dict[str, Any]]) -> None:
    back = convert(checkpoint=dict(theirs))
    assert back.keys() == ours.keys()
    assert all(back[name].equal(one) for name, one in ours.items())
