"""The parts of the model from an official folder: tokenizer, text encoder, autoencoder, network, LoRAs.

    FOLDER/tokenizer  text_encoder  vae  dit  lora/cfg_step_lora.safetensors  lora/refinement_lora.safetensors

Nothing is downloaded here. Where each part lives is `Placement`'s to say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor
from transformers import AutoTokenizer, UMT5EncoderModel

from rushes.engines.longcat.autoencoder import Autoencoder
from rushes.engines.longcat.lora import Adapters, Change, read_lora
from rushes.engines.longcat.network import Network
from rushes.engines.longcat.problems import weights_problem
from rushes.engines.longcat.text import Prompts
from rushes.engines.longcat.weights import load_network

FOLDERS = ("tokenizer", "text_encoder", "vae", "dit")
DISTILLED, REFINING = "cfg_step_lora", "refinement_lora"
CPU = torch.device("cpu")
ALL_BYTES, NETWORK_BYTES = 60e9, 40e9  # network 27 GB, text encoder 11 GB, and room for a film


Offload = Literal["none", "model", "group"]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts live and in which type; the autoencoder is always in float32.

    `offload`: with "model" the text encoder is on the device only while it is used, once per stretch of film; with
    "group" each block of the network too. `tiling` decodes in tiles, which takes less memory and more time. float16 is
    refused: the network's numbers leave its range.
    """

    device: torch.device = CPU
    dtype: torch.dtype = torch.float32
    offload: Offload = "none"
    tiling: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in (torch.bfloat16, torch.float32):
            raise ValueError(f"dtype is {self.dtype}; it must be torch.bfloat16 or torch.float32")


@dataclass(frozen=True, slots=True)
class Parts:
    """What the folder holds, loaded: tokenizer and encoder of transformers, autoencoder of diffusers, our network.

    `original` gives a parameter of the network as the weights have it; a LoRA is read when it is first used.
    """

    tokenizer: Any
    encoder: Any
    vae: Any
    network: Network
    original: Callable[[str], Tensor]
    loras: Mapping[str, Callable[[], Mapping[str, Change]]]


@dataclass(frozen=True, slots=True)
class Components:
    """The parts, loaded and placed."""

    prompts: Prompts
    autoencoder: Autoencoder
    network: Network
    adapters: Adapters
    device: torch.device


def chosen_placement(
    device: str | None = None,
    dtype: Literal["bfloat16", "float32"] | None = None,
    offload: Offload | None = None,
    tiling: bool | None = None,
) -> Placement:
    """Fill in what is not told by what the device has: all of 60 GB on it, the network alone of 40, else its blocks."""
    where = torch.device(device or ("cuda:0" if torch.cuda.is_available() else "cpu"))
    told = {"bfloat16": torch.bfloat16, "float32": torch.float32}
    if where.type != "cuda":
        return Placement(where, told[dtype or "float32"], offload or "none", bool(tiling))
    memory = torch.cuda.get_device_properties(where).total_memory
    fitting: Offload = "none" if memory >= ALL_BYTES else "model" if memory >= NETWORK_BYTES else "group"
    small = memory < NETWORK_BYTES if tiling is None else tiling
    return Placement(where, told[dtype or "bfloat16"], offload or fitting, small)


def load_components(folder: Path, placement: Placement) -> Components:
    """Load everything. Raises Unable, naming the folder or file, for what is missing or wrong."""
    check_folder(folder)
    tokenizer = _part(folder / "tokenizer", partial(AutoTokenizer.from_pretrained, local_files_only=True))
    encoder = _part(
        folder / "text_encoder",
        partial(UMT5EncoderModel.from_pretrained, local_files_only=True, dtype=placement.dtype),
    )
    vae = _part(folder / "vae", partial(AutoencoderKLWan.from_pretrained, local_files_only=True))
    network, original = load_network(
        folder / "dit", placement.dtype, placement.device, blocks_wait=placement.offload == "group"
    )
    _check_fit(network, encoder, vae)
    loras = {name: partial(read_lora, folder / "lora" / f"{name}.safetensors") for name in (DISTILLED, REFINING)}
    return placed(Parts(tokenizer, encoder, vae, network, original, loras), placement)


def placed(parts: Parts, placement: Placement) -> Components:
    """Put loaded parts where they belong; also parts that never were on a disk."""
    home = placement.device if placement.offload == "none" else CPU
    parts.encoder.to(home).eval().requires_grad_(False)
    parts.vae.to(placement.device).eval().requires_grad_(False)
    if placement.tiling:
        parts.vae.enable_tiling()
    return Components(
        Prompts(parts.tokenizer, parts.encoder, placement.device, home),
        Autoencoder(parts.vae),
        parts.network,
        Adapters(parts.network, parts.original, parts.loras),
        placement.device,
    )


def check_folder(folder: Path) -> None:
    """Raise Unable unless all parts have a folder here."""
    if not folder.is_dir():
        raise weights_problem(f"{folder} is no folder; give the folder of the official weights")
    missing = [name for name in FOLDERS if not (folder / name).is_dir()]
    if missing:
        raise weights_problem(f"{folder} lacks {', '.join(missing)}; the official weights have {', '.join(FOLDERS)}")


def _part(folder: Path, load: Callable[[Path], Any]) -> Any:
    """Load one part. What the libraries raise for a bad folder is of many types, all of them about its files."""
    try:
        return load(folder)
    except torch.OutOfMemoryError:
        raise
    except Exception as error:
        raise weights_problem(f"{folder} can't be loaded: {type(error).__name__}: {str(error)[:300]}") from error


def _check_fit(network: Network, encoder: Any, vae: Any) -> None:
    """Parts of different models load one by one, and fail only when they meet."""
    config = network.config
    if encoder.config.d_model != config.caption_channels:
        raise weights_problem(
            f"text_encoder gives {encoder.config.d_model} numbers per token, dit takes {config.caption_channels}"
        )
    if vae.config.z_dim != config.in_channels:
        raise weights_problem(f"vae has {vae.config.z_dim} latent channels, dit takes {config.in_channels}")
