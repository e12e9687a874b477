"""The diffusion transformer: noisy latents, a time for each latent frame and a text -> the negated velocity.

Parameters are named as in the published weights, so that these load as they are. Block-sparse attention, the first
block's cache and sampling have files of their own; what is done with the output is `sampling`'s business.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch._dynamo.exc import TorchDynamoException
from torch.nn import functional

from rushes.engines.longcat.attention import (
    Attend,
    CrossAttention,
    KeyValue,
    SelfAttention,
    View,
    Words,
    dense,
)
from rushes.engines.longcat.config import NetworkConfig
from rushes.engines.longcat.embedders import (
    NORM_EPS,
    FinalLayer,
    PatchEmbedder,
    TextEmbedder,
    TimeEmbedder,
    linear_fp32,
    modulated,
    unpatchified,
)
from rushes.engines.longcat.first_block import FirstBlock
from rushes.engines.longcat.rotary import Grid, Rotation, rotation

ROTATIONS = 4  # kept; at 720p one is 90 MB
VARIANTS = 32  # of a compiled block: with and without clean frames, remembered ones, text, chunks; each in a few sizes

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Text:
    """The text encoder's last hidden states, (B, L, caption_channels), and each sample's tokens before the padding."""

    states: Tensor
    lengths: tuple[int, ...]


def _nothing() -> None:
    """Do nothing between blocks."""


class FeedForward(nn.Module):
    """SwiGLU: w2(silu(w1 x) * w3 x), no bias."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.w1 = nn.Linear(config.hidden_size, config.ffn_size, bias=False)
        self.w2 = nn.Linear(config.ffn_size, config.hidden_size, bias=False)
        self.w3 = nn.Linear(config.hidden_size, config.ffn_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(…, hidden) -> (…, hidden)."""
        inner = functional.silu(self.w1(x), inplace=True)  # in place: at 720p each is 3.7 GB
        out: Tensor = self.w2(inner.mul_(self.w3(x)))
        return out


class AffineNorm(nn.LayerNorm):
    """LayerNorm with weights, in float32; the type stays what it was."""

    def __init__(self, width: int) -> None:
        super().__init__(width, eps=NORM_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """(…, width) -> (…, width)."""
        normed = functional.layer_norm(x.float(), x.shape[-1:], self.weight.float(), self.bias.float(), self.eps)
        return normed.to(x.dtype)


class Block(nn.Module):
    """Self-attention, attention to the text, feed-forward; the first and the last are modulated by the time."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(config.adaln_tembed_dim, 6 * config.hidden_size))
        self.pre_crs_attn_norm = AffineNorm(config.hidden_size)
        self.attn = SelfAttention(config)
        self.cross_attn = CrossAttention(config)
        self.ffn = FeedForward(config)

    def forward(
        self, x: Tensor, time: Tensor, words: Words | None, view: View, kept: KeyValue | None = None
    ) -> tuple[Tensor, KeyValue]:
        """x is (B, frames, tokens of a frame, hidden), `time` (B, frames, width); without `words` no text is heard."""
        told = linear_fp32(self.adaLN_modulation[1], functional.silu(time))[:, :, None]  # (B, frames, 1, 6 * hidden)
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = told.chunk(6, dim=-1)
        seen, here = self.attn(modulated(x, shift_a, scale_a, x.dtype).flatten(1, 2), view, kept)
        x = _gated(x, gate_a, seen.view_as(x))
        if words is not None:
            x = self._heard(x, words, 0 if view.kept else view.condition)
        return _gated(x, gate_f, self.ffn(modulated(x, shift_f, scale_f, x.dtype))), here

    def _heard(self, x: Tensor, words: Words, condition: int) -> Tensor:
        """Add what the text says to all frames but the clean ones."""
        clean, new = x[:, :condition], x[:, condition:]
        if new.shape[1] == 0:
            return x
        new = new + self.cross_attn(self.pre_crs_attn_norm(new).flatten(1, 2), words).view_as(new)
        return torch.cat((clean, new), dim=1) if condition else new


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _gated(x: Tensor, gate: Tensor, change: Tensor) -> Tensor:
    """x + gate * change, in float32; the type stays x's."""
    return torch.addcmul(x.float(), gate, change).to(x.dtype)


class Network(nn.Module):
    """The whole network; see the module docstring."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        self.x_embedder = PatchEmbedder(config)
        self.t_embedder = TimeEmbedder(config)
        self.y_embedder = TextEmbedder(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.final_layer = FinalLayer(config)
        self.dense: Attend = dense
        self._rotations: dict[tuple[Grid, torch.device], Rotation] = {}

    def forward(
        self,
        latents: Tensor,
        timesteps: Tensor,
        text: Text | Words,
        *,
        condition: int = 0,
        kept: Sequence[KeyValue] | None = None,
        attend: Attend | None = None,
        first_block: FirstBlock | None = None,
        between: Callable[[], None] = _nothing,
    ) -> Tensor:
        """(B, C, T, H, W), (B, T) from 0 to 1000 -> (B, C, T, H, W) float32; H and W are even.

        The first `condition` frames are clean and have timestep 0. With `kept` they are not in `latents` at all: their
        keys and values are what `remember` gave. Without `attend` it is the network's own `dense`. `between` is called
        before each block; what it raises ends the pass.
        """
        if kept is None:
            grid, inside = self.grid_of(latents), condition
        else:
            frames, *area = self.grid_of(latents)
            grid, inside = (frames + condition, area[0], area[1]), 0
        view = View(grid, self._rotation(grid, latents.device), condition, kept is not None, attend or self.dense)
        time = self.t_embedder(timesteps)
        words = self.words(text) if isinstance(text, Text) else text

        def run(x: Tensor, blocks: range) -> Tensor:
            for number in blocks:
                between()
                x, _ = self._block(number, x, time, words, view, None if kept is None else kept[number])
            return x

        here = (grid[0] - condition + inside, *grid[1:])  # of the frames in this pass; `grid` is the whole film's
        x = self._tokens(latents, here[0])
        x = run(x, range(len(self.blocks))) if first_block is None else first_block(x, run, len(self.blocks))
        out = self.final_layer(x, time).flatten(1, 2)
        return unpatchified(out, here, self.config.patch_size, self.config.out_channels).float()

    def remember(
        self, clean: Tensor, *, attend: Attend | None = None, between: Callable[[], None] = _nothing
    ) -> tuple[KeyValue, ...]:
        """Run clean frames (1, C, T, H, W) once at timestep 0, without text; return every block's keys and values."""
        grid = self.grid_of(clean)
        view = View(grid, self._rotation(grid, clean.device), grid[0], attend=attend or self.dense)
        # Without text and at time 0 nothing of it depends on the step or the prompt: so one pass serves the whole film.
        time = self.t_embedder(torch.zeros(clean.shape[0], grid[0], device=clean.device))
        x = self._tokens(clean, grid[0])
        kept = []
        for number in range(len(self.blocks)):
            between()
            x, here = self._block(number, x, time, None, view)
            kept.append(here)
        return tuple(kept)

    def compile_blocks(self, backend: str | Callable[..., object] = "inductor", *, whole: bool = False) -> None:
        """Let the blocks, all alike, be compiled when they first run; one compilation serves them all.

        What is called around a block stays outside of it: hooks, and the look at cancel. A size that was not seen
        before is compiled once more, and from then on sizes are variables. Where that fails the film goes on without.
        `whole` refuses what can't be one graph, for tests.
        """
        for block in self.blocks:
            # Not the module itself: hooks would be compiled with it, and those that come later overlooked.
            block.forward = torch.compile(  # type: ignore[call-overload]  # torch's types lack the limit
                block.forward, backend=backend, fullgraph=whole, recompile_limit=VARIANTS
            )

    def stop_compiling(self) -> bool:
        """Run blocks as they are written again; say whether any was compiled."""
        # A list, since any() over a generator would leave all blocks behind the first as they are.
        return any([vars(block).pop("forward", None) is not None for block in self.blocks])

    def grid_of(self, latents: Tensor) -> Grid:
        """Return the token grid of latents. Raises ValueError where a side is no multiple of the patch."""
        _, ph, pw = self.config.patch_size
        frames, rows, columns = latents.shape[2:]
        if rows % ph or columns % pw:
            raise ValueError(f"latents of {rows}x{columns} can't be cut into patches of {ph}x{pw}")
        return frames, rows // ph, columns // pw

    def words(self, text: Text) -> Words:
        """Embed the text; its padding becomes zeros that are seen, or is left out.

        A film's passes all hear the same words: embedded once, no pass waits for its lengths to reach the device.
        """
        tokens = self.y_embedder(text.states)
        if not self.config.text_tokens_zero_pad:
            return Words(tokens, text.lengths)
        lengths = torch.tensor(text.lengths, device=tokens.device)
        real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
        return Words(tokens * real[..., None])

    def _block(self, number: int, *given: object) -> tuple[Tensor, KeyValue]:
        """Run a block; where it can't be compiled, that and all others as they are written, from now on."""
        try:
            out: tuple[Tensor, KeyValue] = self.blocks[number](*given)
        except TorchDynamoException as error:
            if not self.stop_compiling():
                raise
            LOG.warning("the network's blocks can't be compiled and run without: %s", _first_line(error))
            out = self.blocks[number](*given)
        return out

    def _tokens(self, latents: Tensor, frames: int) -> Tensor:
        """(B, C, T, H, W) -> (B, frames, tokens of a frame, hidden)."""
        tokens: Tensor = self.x_embedder(latents)
        batch, _, width = tokens.shape
        # A tensor of its own, in the order that blocks leave behind; else the first block would be compiled apart.
        return tokens.reshape(batch, frames, -1, width).clone(memory_format=torch.contiguous_format)

    def _rotation(self, grid: Grid, device: torch.device) -> Rotation:
        """Return the grid's rotation; a film's passes all ask for the same one or two."""
        if (grid, device) not in self._rotations:
            if len(self._rotations) >= ROTATIONS:
                self._rotations.clear()
            self._rotations[grid, device] = rotation(grid, self.config.rope_split, device)
        return self._rotations[grid, device]
