"""What the engine knows of each of diffusers' pipeline classes: their grids, what they are told, which parts they have.

A layout is a class's name, with what in the weights' own index changes how the class works behind a plus sign. Sources:
the classes' signatures and checks, and the weights' published sampling settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Layout:
    """One kind of weights.

    Frames are `frame_step` * n + 1. Parts named in `exact` stay in float32, since their rounding shows. `takes` are the
    inputs that are passed on besides those that every class has; `shifts` where the noise levels' shift is a setting of
    the scheduler; `told_noise` where the autoencoder may be told a noise level. `causal` autoencoders decode a few
    frames at a time, with what they remember of those before; `masked` networks are told which words of a text count,
    which not every attention backend knows; `fuses` where queries, keys and values can come from one multiplication;
    `apart` where the two passes of a guided step are made one after the other; `paired` networks need a first and a
    last picture; `steady` where the scheduler must not shift by the film's size, as nobody tells it that.
    """

    frame_step: int
    exact: tuple[str, ...] = ()
    takes: frozenset[str] = frozenset()
    shifts: bool = True
    told_noise: bool = False
    text_tokens: int = 512
    causal: bool = True
    masked: bool = False
    fuses: bool = True
    apart: bool = True
    paired: bool = False
    steady: bool = False


_PICTURE, _RATED = frozenset({"image", "last_image"}), frozenset({"image", "frame_rate"})


def _rated(text_tokens: int) -> Layout:
    """Return the layout of weights that are told a rate."""
    return Layout(
        8,
        takes=_RATED,
        shifts=False,
        told_noise=True,
        text_tokens=text_tokens,
        causal=False,
        masked=True,
        fuses=False,
        apart=False,
    )


LAYOUTS: Mapping[str, Layout] = {
    "WanPipeline": Layout(4, ("vae",)),
    "WanPipeline+expand_timesteps": Layout(4, ("vae",)),
    "WanPipeline+boundary_ratio": Layout(4, ("vae",)),
    "WanImageToVideoPipeline": Layout(4, ("vae", "image_encoder"), _PICTURE),
    "WanImageToVideoPipeline+last_image": Layout(4, ("vae", "image_encoder"), _PICTURE, paired=True),
    "WanImageToVideoPipeline+expand_timesteps": Layout(4, ("vae",), frozenset({"image"})),
    "WanImageToVideoPipeline+boundary_ratio": Layout(4, ("vae",), _PICTURE),
    "LTXImageToVideoPipeline": _rated(128),
    "LTXConditionPipeline": replace(_rated(256), steady=True),
}

NETWORKS = ("transformer", "transformer_2")
"""The parts of a pipeline that make its steps; variants of weights differ in these."""

FLAGS = ("expand_timesteps", "boundary_ratio")
"""Members of a pipeline's index that change how its class works."""

PAIRED = ("WanImageToVideoPipeline", "pos_embed_seq_len")
"""The class whose weights are those of a pair of pictures where their network's configuration has this member."""


def paired_layout(layout: str, network: Mapping[str, object]) -> str:
    """Return the layout's name by its network's configuration too."""
    name, member = PAIRED
    return f"{layout}+last_image" if layout == name and network.get(member) else layout


def layout_of(index: Mapping[str, object]) -> str:
    """Return the layout's name for the content of a `model_index.json`; it need not be one that is known."""
    name = str(index.get("_class_name", ""))
    return name + "".join(f"+{flag}" for flag in FLAGS if index.get(flag))
