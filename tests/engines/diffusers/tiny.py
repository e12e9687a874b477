"""Tiny real pipelines, built in code: true grids, random weights, less than a megabyte each."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXImageToVideoPipeline,
    LTXVideoTransformer3DModel,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from tokenizers import Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import (
    CLIPImageProcessorPil,
    CLIPVisionConfig,
    CLIPVisionModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

TEXT = {"vocab_size": 256, "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}


def tokenizer() -> PreTrainedTokenizerFast:
    letters = [chr(code) for code in range(33, 127)]
    vocab = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0)]
    vocab += [(one, -2.0) for one in letters] + [(f"▁{one}", -1.0) for one in "abcdefghij"]
    made = Tokenizer(Unigram(vocab, unk_id=2))
    made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    made.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")


def _transformer(channels: tuple[int, int], **more: Any) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, 2, 2),
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels[0],
        out_channels=channels[1],
        text_dim=32,
        freq_dim=256,
        ffn_dim=32,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=1024,
        **more,
    )


def shared() -> dict[str, Any]:
    return {
        "tokenizer": tokenizer(),
        "text_encoder": UMT5EncoderModel(UMT5Config(**TEXT)).eval(),
        "scheduler": UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0),
    }


def _vae(**more: Any) -> AutoencoderKLWan:
    given = {"base_dim": 3, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    return AutoencoderKLWan(**{**given, "temperal_downsample": [False, True, True], **more})


def seeing() -> dict[str, Any]:
    vision = CLIPVisionConfig(
        hidden_size=4,
        projection_dim=4,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=8,
        intermediate_size=16,
    )
    return {"image_encoder": CLIPVisionModel(vision), "image_processor": CLIPImageProcessorPil(size=32, crop_size=32)}


def picture_model(folder: Path) -> Path:
    torch.manual_seed(0)
    WanImageToVideoPipeline(
        vae=_vae(), transformer=_transformer((36, 16), image_dim=4), **seeing(), **shared()
    ).save_pretrained(folder)
    return folder


def variant(folder: Path, of: Path, seed: int) -> Path:
    """The same weights with another network, trained for another shift; the rest is only configured."""
    torch.manual_seed(seed)
    shutil.copytree(of, folder, ignore=shutil.ignore_patterns("*.safetensors", "scheduler"))
    network = WanTransformer3DModel.from_config(WanTransformer3DModel.load_config(of / "transformer"))
    network.save_pretrained(folder / "transformer")
    UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0).save_pretrained(
        folder / "scheduler"
    )
    return folder


def pair_model(folder: Path) -> Path:
    """First and last frame: twice the tokens of a picture (16 and 1), which such weights can't do with fewer of."""
    torch.manual_seed(4)
    network = _transformer((36, 16), image_dim=4, added_kv_proj_dim=24, pos_embed_seq_len=34)
    WanImageToVideoPipeline(vae=_vae(), transformer=network, **seeing(), **shared()).save_pretrained(folder)
    return folder


def two_networks_model(folder: Path) -> Path:
    """Wan 2.2's 14B kind: one network for the noisy steps, another for the rest, no image encoder."""
    torch.manual_seed(5)
    WanImageToVideoPipeline(
        vae=_vae(),
        transformer=_transformer((36, 16)),
        transformer_2=_transformer((36, 16)),
        boundary_ratio=0.9,
        **shared(),
    ).save_pretrained(folder)
    return folder


def text_model(folder: Path) -> Path:
    torch.manual_seed(1)
    WanPipeline(vae=_vae(), transformer=_transformer((16, 16)), **shared()).save_pretrained(folder)
    return folder


def expanding_model(folder: Path) -> Path:
    torch.manual_seed(2)
    vae = _vae(
        z_dim=48,
        is_residual=True,
        patch_size=2,
        in_channels=12,
        out_channels=12,
        scale_factor_spatial=16,
        decoder_base_dim=3,
        latents_mean=[0.0] * 48,
        latents_std=[1.0] * 48,
    )
    WanImageToVideoPipeline(
        vae=vae, transformer=_transformer((48, 48)), expand_timesteps=True, **shared()
    ).save_pretrained(folder)
    return folder


def rated(*, told_noise: bool) -> dict[str, Any]:
    scaling, widths, layers = (True, True, True, False), (8, 8, 8, 8), (1, 1, 1, 1, 1)
    vae = AutoencoderKLLTXVideo(
        latent_channels=8,
        block_out_channels=widths,
        decoder_block_out_channels=widths,
        layers_per_block=layers,
        decoder_layers_per_block=layers,
        spatio_temporal_scaling=scaling,
        decoder_spatio_temporal_scaling=scaling,
        decoder_inject_noise=(False,) * 5,
        upsample_residual=(False,) * 4,
        upsample_factor=(1,) * 4,
        patch_size=4,
        timestep_conditioning=told_noise,
    )
    network = LTXVideoTransformer3DModel(
        in_channels=8,
        out_channels=8,
        num_attention_heads=4,
        attention_head_dim=8,
        cross_attention_dim=32,
        num_layers=2,
        caption_channels=32,
    )
    text_encoder = T5EncoderModel(T5Config(**TEXT)).eval()
    return {"vae": vae, "transformer": network, "text_encoder": text_encoder, "tokenizer": tokenizer()}


def shifting() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True,
        base_shift=0.95,
        max_shift=2.05,
        base_image_seq_len=1024,
        max_image_seq_len=4096,
        shift_terminal=0.1,
    )


def rated_model(folder: Path) -> Path:
    torch.manual_seed(3)
    LTXImageToVideoPipeline(scheduler=shifting(), **rated(told_noise=False)).save_pretrained(folder)
    return folder


def conditioned_model(folder: Path, *, by_size: bool = False) -> Path:
    """The kind of LTX-Video from 0.9.5 on, whose autoencoder is told a noise level."""
    torch.manual_seed(6)
    scheduler = shifting() if by_size else FlowMatchEulerDiscreteScheduler()
    LTXConditionPipeline(scheduler=scheduler, **rated(told_noise=True)).save_pretrained(folder)
    return folder


def photograph(path: Path, width: int = 90, height: int = 70) -> Path:
    ramp = np.linspace(0, 255, width, dtype=np.uint8)
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0], picture[..., 1] = ramp, np.linspace(0, 255, height, dtype=np.uint8)[:, None]
    np.save(path, picture)
    return path
