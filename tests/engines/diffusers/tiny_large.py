"""Tiny weights for films of full size: few numbers for each pixel, so that a CPU makes 480p and 720p in seconds.

The autoencoders fold larger squares of pixels into one (`patch_size`); all rules of the pipelines stay.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    LTXImageToVideoPipeline,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)

from tests.engines.diffusers.tiny import rated, seeing, shared, shifting

CHANNELS = 16
QUIET = 0.1


def _quiet(layer: torch.nn.Module) -> None:
    """Let random weights make pictures of little contrast: noise at full contrast keeps encoders and decoders busy."""
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(QUIET)


def _vae(fold: int) -> AutoencoderKLWan:
    made = AutoencoderKLWan(
        base_dim=3,
        decoder_base_dim=3,
        z_dim=CHANNELS,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        is_residual=True,
        patch_size=fold,
        in_channels=3 * fold**2,
        out_channels=3 * fold**2,
        scale_factor_spatial=8 * fold,
        latents_mean=[0.0] * CHANNELS,
        latents_std=[1.0] * CHANNELS,
    )
    _quiet(made.decoder.conv_out)
    return made


def _network(inputs: int, patch: int, **more: Any) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        patch_size=(1, patch, patch),
        num_attention_heads=1,
        attention_head_dim=12,
        in_channels=inputs,
        out_channels=CHANNELS,
        text_dim=32,
        freq_dim=64,
        ffn_dim=16,
        num_layers=2,
        cross_attn_norm=True,
        qk_norm="rms_norm_across_heads",
        rope_max_seq_len=1024,
        **more,
    )


def picture_model(folder: Path) -> Path:
    """Wan 2.1's kind: the picture is seen by an image encoder too. Sides are multiples of 64 inside."""
    torch.manual_seed(10)
    network = _network(2 * CHANNELS + 4, 1, image_dim=4)
    WanImageToVideoPipeline(vae=_vae(8), transformer=network, **seeing(), **shared()).save_pretrained(folder)
    return folder


def expanding_model(folder: Path) -> Path:
    """The kind of Wan 2.2's 5B weights. Sides are multiples of 256 inside."""
    torch.manual_seed(11)
    WanImageToVideoPipeline(
        vae=_vae(16), transformer=_network(CHANNELS, 2), expand_timesteps=True, **shared()
    ).save_pretrained(folder)
    return folder


def text_model(folder: Path) -> Path:
    """The kind of Wan 2.1's weights that need no picture."""
    torch.manual_seed(12)
    WanPipeline(vae=_vae(8), transformer=_network(CHANNELS, 1), **shared()).save_pretrained(folder)
    return folder


def rated_model(folder: Path) -> Path:
    """LTX-Video's kind. Sides are multiples of 128 inside."""
    torch.manual_seed(13)
    scaling, widths, layers = (True, True, True, False), (4, 4, 4, 4), (1, 1, 1, 1, 1)
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
        patch_size=16,
        timestep_conditioning=False,
    )
    _quiet(vae.decoder.conv_out)
    given = rated(told_noise=False)
    LTXImageToVideoPipeline(**{**given, "vae": vae, "scheduler": shifting()}).save_pretrained(folder)
    return folder
