"""The parts of the model from an official folder, loaded and placed: tokenizer, encoder, autoencoder, network, LoRAs.

Nothing is downloaded here. What the folder must hold is `official`'s to say, where each part lives `placement`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLWan
from torch import Tensor, nn
from transformers import AutoTokenizer, UMT5EncoderModel

from rushes.engines.alive import kept_alive
from rushes.engines.longcat.autoencoder import SPATIAL, TEMPORAL, Autoencoder
from rushes.engines.longcat.lora import Adapters, Change, read_lora
from rushes.engines.longcat.network import Network
from rushes.engines.longcat.official import DISTILLED, FOLDERS, REFINING
from rushes.engines.longcat.placement import Placement
from rushes.engines.longcat.quantising import store_small
from rushes.engines.longcat.text import Prompts
from rushes.engines.longcat.weights import load_network
from rushes.engines.trouble import weights_problem

CPU = torch.device("cpu")
TYPES: Mapping[str, torch.dtype] = {"bfloat16": torch.bfloat16, "float32": torch.float32}


@dataclass(frozen=True, slots=True)
class Parts:
    """What the folder holds, loaded: tokenizer and encoder of transformers, autoencoder of diffusers, our network.

    `original` gives a parameter of the network as the weights have it; a LoRA is read when it is first used, and those
    that are `lasting` are always on, so strong.
    """

    tokenizer: Any
    encoder: Any
    vae: Any
    network: Network
    original: Callable[[str], Tensor]
    loras: Mapping[str, Callable[[], Mapping[str, Change]]]
    lasting: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Components:
    """The parts, loaded and placed; `batched` says whether both prompts may be asked for in one pass."""

    prompts: Prompts
    autoencoder: Autoencoder
    network: Network
    adapters: Adapters
    device: torch.device
    batched: bool = True


def load_components(
    folder: Path,
    placement: Placement,
    lasting: Mapping[Path, float] | None = None,
    between: Callable[[], None] = lambda: None,
) -> Components:
    """Load everything, with LoRAs of the operator's own that are always on.

    `between` is called while weights are read, and ends that by what it raises. Raises Unable, naming the folder or
    file, for what is missing or wrong.
    """
    check_folder(folder)
    device, dtype, in_int8 = torch.device(placement.device), TYPES[placement.dtype], placement.quantisation == "int8"
    # The network last: what is wrong with the small parts is told before 27 GB are read.
    tokenizer = _part(folder / "tokenizer", partial(AutoTokenizer.from_pretrained, local_files_only=True), between)
    encoder = _part(folder / "text_encoder", partial(_encoder, dtype=dtype, in_int8=in_int8), between)
    vae = _part(folder / "vae", partial(AutoencoderKLWan.from_pretrained, local_files_only=True), between)
    network, original = load_network(
        folder / "dit", dtype, device, blocks_wait=placement.offload == "group", in_int8=in_int8, between=between
    )
    _check_fit(network, encoder, vae)
    own = {str(path): path for path in lasting or {}}
    official = {name: folder / "lora" / f"{name}.safetensors" for name in (DISTILLED, REFINING)}
    loras = {name: partial(read_lora, path) for name, path in (official | own).items()}
    strengths = {str(path): strength for path, strength in (lasting or {}).items()}
    return placed(Parts(tokenizer, encoder, vae, network, original, loras, strengths), placement)


def placed(parts: Parts, placement: Placement) -> Components:
    """Put loaded parts where they belong; also parts that never were on a disk."""
    device = torch.device(placement.device)
    home = device if placement.offload == "none" else CPU
    # Without gradients for good, since not all that runs here is under no_grad: previews are fitted while loading.
    parts.encoder.to(home).eval().requires_grad_(False)
    parts.vae.to(home).eval().requires_grad_(False)
    if placement.tiling:
        parts.vae.enable_tiling()
    if placement.compile:
        parts.network.compile_blocks()
    adapters = Adapters(parts.network, parts.original, parts.loras, parts.lasting, device)
    return Components(
        Prompts(parts.tokenizer, parts.encoder, device, home),
        Autoencoder(parts.vae, device, home),
        parts.network,
        adapters,
        device,
        placement.batched,
    )


def retuned(components: Components, placement: Placement) -> Components:
    """Return the same parts, used as a placement says that differs in nothing that moves them."""
    if placement.tiling:
        components.autoencoder.vae.enable_tiling()
    else:
        components.autoencoder.vae.disable_tiling()
    return replace(components, batched=placement.batched)


def check_folder(folder: Path) -> None:
    """Raise Unable unless all parts have a folder here."""
    if not folder.is_dir():
        raise weights_problem(f"{folder} is no folder; give the folder of the official weights")
    missing = [name for name in FOLDERS if not (folder / name).is_dir()]
    if missing:
        raise weights_problem(f"{folder} lacks {', '.join(missing)}; the official weights have {', '.join(FOLDERS)}")


def _part(folder: Path, load: Callable[[Path], Any], between: Callable[[], None]) -> Any:
    """Load one part. What the libraries raise for a bad folder is of many types, all of them about its files."""

    def loaded() -> Any:
        try:
            return load(folder)
        except (torch.OutOfMemoryError, MemoryError):  # no fault of the files; the engine has a remedy for it
            raise
        except Exception as error:
            raise weights_problem(f"{folder} can't be loaded: {type(error).__name__}: {str(error)[:300]}") from error

    return kept_alive(loaded, between)


def _encoder(folder: Path, dtype: torch.dtype, *, in_int8: bool) -> UMT5EncoderModel:
    """Load the text encoder; its table of words stays as it is, since nothing is multiplied with it."""
    found = UMT5EncoderModel.from_pretrained(folder, local_files_only=True, dtype=dtype)
    if in_int8:
        linears = [path for path, module in found.named_modules() if isinstance(module, nn.Linear)]
        store_small(found, linears, dtype)
    return found


def _check_fit(network: Network, encoder: Any, vae: Any) -> None:
    """Parts of different models load one by one, and fail only when they meet."""
    config = network.config
    if encoder.config.d_model != config.caption_channels:
        raise weights_problem(
            f"text_encoder gives {encoder.config.d_model} numbers per token, dit takes {config.caption_channels}"
        )
    if vae.config.scale_factor_spatial != SPATIAL or vae.config.scale_factor_temporal != TEMPORAL:
        raise weights_problem(f"vae is none that makes {SPATIAL}x{SPATIAL} pixels of {TEMPORAL} frames one latent")
    if vae.config.z_dim != config.in_channels:
        raise weights_problem(f"vae has {vae.config.z_dim} latent channels, dit takes {config.in_channels}")
