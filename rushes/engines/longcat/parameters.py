"""What parameters the network has, by name and shape, so that weights can be judged by their files' heads alone.

Names and shapes are those of `network`, which a test compares; nothing heavy is loaded here.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from rushes.engines.longcat.config import NetworkConfig

Shape = tuple[int, ...]


def parameters(config: NetworkConfig) -> dict[str, Shape]:
    """Return every parameter's shape."""
    hidden, inner = config.hidden_size, config.adaln_tembed_dim
    found = {
        "x_embedder.proj.weight": (hidden, config.in_channels, *config.patch_size),
        "x_embedder.proj.bias": (hidden,),
    }
    found |= _linear("t_embedder.mlp.0", inner, config.frequency_embedding_size)
    found |= _linear("t_embedder.mlp.2", inner, inner)
    found |= _linear("y_embedder.y_proj.0", hidden, config.caption_channels)
    found |= _linear("y_embedder.y_proj.2", hidden, hidden)
    found |= _linear("final_layer.linear", prod(config.patch_size) * config.out_channels, hidden)
    found |= _linear("final_layer.adaLN_modulation.1", 2 * hidden, inner)
    block = dict(_block(config))
    for number in range(config.depth):
        found |= {f"blocks.{number}.{name}": shape for name, shape in block.items()}
    return found


def _block(config: NetworkConfig) -> Iterator[tuple[str, Shape]]:
    hidden, head, ffn = config.hidden_size, config.head_dim, config.ffn_size
    yield from _linear("adaLN_modulation.1", 6 * hidden, config.adaln_tembed_dim).items()
    yield from (("pre_crs_attn_norm.weight", (hidden,)), ("pre_crs_attn_norm.bias", (hidden,)))
    for name, width in (("attn.qkv", 3), ("attn.proj", 1), ("cross_attn.q_linear", 1), ("cross_attn.kv_linear", 2)):
        yield from _linear(name, width * hidden, hidden).items()
    yield from _linear("cross_attn.proj", hidden, hidden).items()
    yield from ((f"{part}.{norm}.weight", (head,)) for part in ("attn", "cross_attn") for norm in ("q_norm", "k_norm"))
    yield from (("ffn.w1.weight", (ffn, hidden)), ("ffn.w2.weight", (hidden, ffn)), ("ffn.w3.weight", (ffn, hidden)))


def _linear(name: str, out: int, into: int) -> dict[str, Shape]:
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
