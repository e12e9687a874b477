"""What `gpu.py` measures: models in their full size, and the same in a size that a CPU runs in seconds.

Dimensions are those of the published weights; the guide's pages on models name them. Weights are random: speed doesn't
depend on their values. Text encoders and picture encoders run before the first step, so one layer stands for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gpu_work import Transformer, work_of_pass

TEXT = 512  # tokens; the picture's 257 come before them in the network that sees one
PICTURE_TOKENS = 257


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to be measured.

    `layout` is a pipeline's class, or "" for our own network. `network` are its dimensions, `parts` those of the other
    models; `counts` how many parameters each part of the published weights has, by which the engine plans. A step makes
    `passes` samples' passes. `rounds` of `steps` are made with either; `seconds` is what all of it should take at most
    on an H100.
    """

    name: str
    title: str
    layout: str
    width: int
    height: int
    frames: int
    work: Transformer
    network: Mapping[str, Any]
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    grid: tuple[int, int, int] = (4, 16, 16)  # frames, rows and columns of pixels for each token
    passes: int = 2
    refines: bool = False
    sparsity: float = 0.0
    fps: float = 16.0
    guidance: float = 5.0
    shift: float | None = None
    steps: int = 3
    rounds: int = 3
    seconds: int = 300

    @property
    def tokens(self) -> int:
        """The network's tokens for a film of this size."""
        latents = (self.frames - 1) // self.grid[0] + 1
        if self.refines:
            latents = -(-latents // 4) * 4  # whole chunks
        return latents * (self.height // self.grid[1]) * (self.width // self.grid[2])

    @property
    def work_of_step(self) -> float:
        """A step's operations."""
        return self.passes * work_of_pass(self.work, self.tokens, 1 - self.sparsity)


_WAN = {
    "patch_size": (1, 2, 2), "num_attention_heads": 40, "attention_head_dim": 128, "in_channels": 36,
    "out_channels": 16, "text_dim": 4096, "freq_dim": 256, "ffn_dim": 13824, "num_layers": 40,
    "cross_attn_norm": True, "qk_norm": "rms_norm_across_heads", "image_dim": 1280, "added_kv_proj_dim": 5120,
    "rope_max_seq_len": 1024,
}  # fmt: skip
_WAN_PARTS = {
    "vae": {},
    "text_encoder": {"d_model": 4096, "d_kv": 64, "d_ff": 1024, "num_layers": 1, "num_heads": 64, "vocab_size": 256},
    "image_encoder": {
        "hidden_size": 1280, "num_hidden_layers": 2, "num_attention_heads": 16, "image_size": 224, "patch_size": 14,
        "intermediate_size": 1280, "projection_dim": 1024,
    },
}  # fmt: skip
_WAN_COUNTS = {
    "transformer": 16_395_000_000, "text_encoder": 5_681_000_000, "image_encoder": 631_000_000, "vae": 127_000_000
}  # fmt: skip
_WAN_WORK = Transformer(layers=40, width=5120, inner=13824, text=TEXT + PICTURE_TOKENS)

_LTX_2B = {
    "in_channels": 128, "out_channels": 128, "num_attention_heads": 32, "attention_head_dim": 64,
    "cross_attention_dim": 2048, "num_layers": 28, "caption_channels": 4096,
}  # fmt: skip
_LTX_13B = _LTX_2B | {"attention_head_dim": 128, "cross_attention_dim": 4096, "num_layers": 48}
_LTX_PARTS = {"vae": {}, "text_encoder": _WAN_PARTS["text_encoder"]}
_LTX_COUNTS = {"transformer": 1_923_000_000, "text_encoder": 4_762_000_000, "vae": 419_000_000}
_LTX_GRID = (8, 32, 32)

_LONGCAT_WORK = Transformer(layers=48, width=4096, inner=11008, text=TEXT, matrices=3)

FULL: tuple[Case, ...] = (
    Case(
        "wan-480p", "Wan 2.1 I2V 14B, 832x480, 81 frames", "WanImageToVideoPipeline", 832, 480, 81, _WAN_WORK, _WAN,
        _WAN_PARTS, _WAN_COUNTS, shift=3.0,
    ),
    Case(
        "wan-720p", "Wan 2.1 I2V 14B, 1280x720, 81 frames", "WanImageToVideoPipeline", 1280, 720, 81, _WAN_WORK, _WAN,
        _WAN_PARTS, _WAN_COUNTS, shift=5.0, rounds=2, seconds=460,
    ),
    Case(
        "ltx-2b", "LTX-Video 2B, 768x512, 121 frames", "LTXImageToVideoPipeline", 768, 512, 121,
        Transformer(layers=28, width=2048, inner=8192, text=128), _LTX_2B, _LTX_PARTS, _LTX_COUNTS, _LTX_GRID,
        fps=24.0, guidance=3.0, steps=12, rounds=4, seconds=180,
    ),
    Case(
        "ltx-13b", "LTX-Video 13B, 768x512, 121 frames", "LTXImageToVideoPipeline", 768, 512, 121,
        Transformer(layers=48, width=4096, inner=16384, text=128), _LTX_13B, _LTX_PARTS,
        _LTX_COUNTS | {"transformer": 13_043_000_000}, _LTX_GRID, fps=24.0, guidance=3.0, steps=8, seconds=240,
    ),
    Case(
        "longcat-480p", "LongCat-Video 13.6B, 832x480, 93 frames", "", 832, 480, 93, _LONGCAT_WORK, {},
        guidance=4.0, fps=15.0,
    ),
    Case(
        "longcat-refine-720p", "LongCat-Video 13.6B refining to 1280x704, 162 frames, sparse attention", "", 1280, 704,
        162, _LONGCAT_WORK, {}, passes=1, refines=True, sparsity=0.9375, fps=30.0, rounds=2, seconds=460,
    ),
)  # fmt: skip

_TINY_TEXT = {"vocab_size": 256, "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
_TINY_WAN_PARTS = {
    "vae": {
        "base_dim": 3, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1,
        "temperal_downsample": [False, True, True],
    },
    "text_encoder": _TINY_TEXT,
    "image_encoder": {
        "hidden_size": 4, "projection_dim": 4, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32,
        "patch_size": 8, "intermediate_size": 16,
    },
}  # fmt: skip
_TINY_WAN = _WAN | {
    "num_attention_heads": 2, "attention_head_dim": 12, "text_dim": 32, "ffn_dim": 32, "num_layers": 2, "image_dim": 4,
    "added_kv_proj_dim": 24,
}  # fmt: skip
_WIDTHS, _LAYERS, _SCALED = (8, 8, 8, 8), (1, 1, 1, 1, 1), (True, True, True, False)
_TINY_LTX_PARTS = {
    "vae": {
        "latent_channels": 8, "block_out_channels": _WIDTHS, "decoder_block_out_channels": _WIDTHS,
        "layers_per_block": _LAYERS, "decoder_layers_per_block": _LAYERS, "spatio_temporal_scaling": _SCALED,
        "decoder_spatio_temporal_scaling": _SCALED, "decoder_inject_noise": (False,) * 5,
        "upsample_residual": (False,) * 4, "upsample_factor": (1,) * 4,
    },
    "text_encoder": _TINY_TEXT,
}  # fmt: skip
_TINY_LTX = {
    "in_channels": 8, "out_channels": 8, "num_attention_heads": 4, "attention_head_dim": 8, "cross_attention_dim": 32,
    "num_layers": 2, "caption_channels": 32,
}  # fmt: skip
_TINY_LONGCAT = {
    "hidden_size": 64, "depth": 2, "num_heads": 4, "caption_channels": 32, "adaln_tembed_dim": 32,
    "frequency_embedding_size": 32,
}  # fmt: skip
_TINY_LONGCAT_WORK = Transformer(layers=2, width=64, inner=256, text=12, matrices=3)

TINY: tuple[Case, ...] = (
    Case(
        "wan-480p", "Wan, tiny, 96x64, 17 frames", "WanImageToVideoPipeline", 96, 64, 17,
        Transformer(layers=2, width=24, inner=32, text=TEXT + 17), _TINY_WAN, _TINY_WAN_PARTS, shift=3.0, rounds=2,
        seconds=20,
    ),
    Case(
        "ltx-2b", "LTX-Video, tiny, 96x64, 17 frames", "LTXImageToVideoPipeline", 96, 64, 17,
        Transformer(layers=2, width=32, inner=128, text=128), _TINY_LTX, _TINY_LTX_PARTS, grid=_LTX_GRID, fps=24.0,
        guidance=3.0, rounds=2, seconds=20,
    ),
    Case(
        "longcat-480p", "LongCat-Video, tiny, 96x64, 17 frames", "", 96, 64, 17, _TINY_LONGCAT_WORK, _TINY_LONGCAT,
        guidance=4.0, rounds=2, seconds=20,
    ),
    Case(
        "longcat-refine-720p", "LongCat-Video, tiny, refining to 128x64, 29 frames, sparse attention", "", 128, 64, 29,
        _TINY_LONGCAT_WORK, _TINY_LONGCAT, passes=1, refines=True, sparsity=0.5, rounds=2, seconds=20,
    ),
)  # fmt: skip
