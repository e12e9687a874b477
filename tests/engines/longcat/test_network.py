"""The network's pieces, each against a plain computation of its own: no call of ours stands on both sides."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from dataclasses import replace  # noqa: E402

from torch.nn import functional  # noqa: E402

from rushes.engines.longcat.attention import View  # noqa: E402
from rushes.engines.longcat.config import NetworkConfig  # noqa: E402
from rushes.engines.longcat.embedders import time_features, unpatchified  # noqa: E402
from rushes.engines.longcat.first_block import FirstBlock  # noqa: E402
from rushes.engines.longcat.network import Network, Text  # noqa: E402
from rushes.engines.longcat.rotary import rotation  # noqa: E402
from tests.engines.longcat.tiny import CONFIG, PARAMETERS, network  # noqa: E402

DROPPED = replace(CONFIG, text_tokens_zero_pad=False)


def text(*lengths: int, seed: int = 0) -> Text:
    generator = torch.Generator().manual_seed(seed)
    return Text(torch.randn(len(lengths), 12, 32, generator=generator), lengths)


def latents(frames: int = 3, rows: int = 6, columns: int = 8, batch: int = 1) -> torch.Tensor:
    return torch.randn(batch, 16, frames, rows, columns, generator=torch.Generator().manual_seed(1))


def times(batch: int, frames: int, value: float = 700.0, clean: int = 0) -> torch.Tensor:
    found = torch.full((batch, frames), value)
    found[:, :clean] = 0
    return found


def test_the_tiny_network_has_as_many_parameters_as_the_reference_says() -> None:
    assert sum(parameter.numel() for parameter in network().parameters()) == PARAMETERS


def test_the_published_network_has_as_many_parameters_as_the_reference_says() -> None:
    with torch.device("meta"):
        made = Network(NetworkConfig())
    assert round(sum(parameter.numel() for parameter in made.parameters()) / 1e9, 3) == 13.581
    assert made.config.ffn_size == 11008
    assert made.config.rope_split == (44, 42, 42)


def test_parameters_are_named_as_in_the_published_weights() -> None:
    block = "adaLN_modulation.1 attn.qkv attn.proj cross_attn.q_linear cross_attn.kv_linear cross_attn.proj"
    plain = "x_embedder.proj t_embedder.mlp.0 t_embedder.mlp.2 y_embedder.y_proj.0 y_embedder.y_proj.2"
    biased = f"{plain} final_layer.linear final_layer.adaLN_modulation.1".split()
    biased += [f"blocks.{n}.{name}" for n in (0, 1) for name in (block + " pre_crs_attn_norm").split()]
    norms = ["attn.q_norm", "attn.k_norm", "cross_attn.q_norm", "cross_attn.k_norm", "ffn.w1", "ffn.w2", "ffn.w3"]
    wanted = {f"{name}.{part}" for name in biased for part in ("weight", "bias")}
    wanted |= {f"blocks.{n}.{name}.weight" for n in (0, 1) for name in norms}
    assert set(network().state_dict()) == wanted


def test_rotation_turns_each_pair_by_its_axis_position() -> None:
    split, grid = (8, 4, 4), (2, 3, 2)
    x = torch.randn(1, 1, 12, 16)
    turned = rotation(grid, split).turn(x)
    token = 0
    for f in range(2):
        for r in range(3):
            for c in range(2):
                at = 0
                for width, position in zip(split, (f, r, c), strict=True):
                    for i in range(width // 2):
                        angle = position / 10000 ** (2 * i / width)
                        pair = complex(x[0, 0, token, at], x[0, 0, token, at + 1])
                        got = complex(turned[0, 0, token, at], turned[0, 0, token, at + 1])
                        assert abs(got - pair * complex(math.cos(angle), math.sin(angle))) < 1e-5
                        at += 2
                token += 1


def test_time_is_told_by_cosines_then_sines() -> None:
    found = time_features(torch.tensor([250.0]), 8)[0]
    angles = [250.0 / 10000 ** (i / 4) for i in range(4)]
    wanted = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
    assert torch.allclose(found, torch.tensor(wanted), atol=1e-4)


def test_patches_go_back_where_they_came_from() -> None:
    film = latents()
    patches = torch.stack(
        [film[0, :, f, 2 * r : 2 * r + 2, 2 * c : 2 * c + 2].permute(1, 2, 0).flatten()
         for f in range(3) for r in range(3) for c in range(4)]
    )  # fmt: skip
    assert torch.equal(unpatchified(patches[None], (3, 3, 4), (1, 2, 2), 16), film)


def plain_norm(x: torch.Tensor) -> torch.Tensor:
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, unbiased=False, keepdim=True) + 1e-6).sqrt()


def plain_rms(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * weight


def plain_forward(  # noqa: PLR0917
    state: dict, film: torch.Tensor, when: torch.Tensor, words: Text, clean: int, zeros: bool
) -> torch.Tensor:
    """The whole network once more, by loops over heads and an explicit mask, for one sample."""
    heads, width, grid = 4, 16, (film.shape[2], film.shape[3] // 2, film.shape[4] // 2)
    area = grid[1] * grid[2]

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        out = x @ state[f"{name}.weight"].T
        return out + state[f"{name}.bias"] if f"{name}.bias" in state else out

    x = functional.conv3d(film, state["x_embedder.proj.weight"], state["x_embedder.proj.bias"], stride=(1, 2, 2))
    x = x[0].flatten(1).T
    t = linear("t_embedder.mlp.2", functional.silu(linear("t_embedder.mlp.0", time_features(when[0], 32))))
    y = functional.gelu(linear("y_embedder.y_proj.0", words.states[0]), approximate="tanh")
    y = linear("y_embedder.y_proj.2", y)
    if zeros:
        y[words.lengths[0] :] = 0
    else:
        y = y[: words.lengths[0]]
    turn = rotation(grid, (8, 4, 4))
    seen = torch.ones(len(x), len(x), dtype=torch.bool)
    seen[: clean * area, clean * area :] = False

    def attend(q, k, v, mask):
        scores = q @ k.T / math.sqrt(width)
        return scores.masked_fill(~mask, -math.inf).softmax(-1) @ v

    for n in (0, 1):
        block = f"blocks.{n}"
        told = linear(f"{block}.adaLN_modulation.1", functional.silu(t)).repeat_interleave(area, 0)
        shift_a, scale_a, gate_a, shift_f, scale_f, gate_f = told.chunk(6, -1)
        qkv = linear(f"{block}.attn.qkv", plain_norm(x) * (1 + scale_a) + shift_a)
        out = []
        for h in range(heads):
            q, k, v = (qkv[:, part * 64 + h * width : part * 64 + (h + 1) * width] for part in range(3))
            q = turn.turn(plain_rms(q, state[f"{block}.attn.q_norm.weight"])[None, None])[0, 0]
            k = turn.turn(plain_rms(k, state[f"{block}.attn.k_norm.weight"])[None, None])[0, 0]
            out.append(attend(q, k, v, seen))
        x = x + gate_a * linear(f"{block}.attn.proj", torch.cat(out, -1))
        name = f"{block}.pre_crs_attn_norm"
        normed = plain_norm(x) * state[f"{name}.weight"] + state[f"{name}.bias"]
        q_all = linear(f"{block}.cross_attn.q_linear", normed)
        kv = linear(f"{block}.cross_attn.kv_linear", y)
        out = []
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            q = plain_rms(q_all[:, part], state[f"{block}.cross_attn.q_norm.weight"])
            k = plain_rms(kv[:, :64][:, part], state[f"{block}.cross_attn.k_norm.weight"])
            out.append(attend(q, k, kv[:, 64:][:, part], torch.ones(len(q), len(k), dtype=torch.bool)))
        heard = linear(f"{block}.cross_attn.proj", torch.cat(out, -1))
        heard[: clean * area] = 0
        x = x + heard
        z = plain_norm(x) * (1 + scale_f) + shift_f
        inner = functional.silu(linear(f"{block}.ffn.w1", z)) * linear(f"{block}.ffn.w3", z)
        x = x + gate_f * linear(f"{block}.ffn.w2", inner)
    told = linear("final_layer.adaLN_modulation.1", functional.silu(t)).repeat_interleave(area, 0)
    shift, scale = told.chunk(2, -1)
    x = linear("final_layer.linear", plain_norm(x) * (1 + scale) + shift)
    return unpatchified(x[None], grid, (1, 2, 2), 16)


@pytest.mark.parametrize("clean", [0, 1, 2, 3])
@pytest.mark.parametrize("config", [CONFIG, DROPPED], ids=["zeros", "dropped"])
def test_the_network_does_what_a_plain_one_does(config: NetworkConfig, clean: int) -> None:
    made, film, words, when = network(config), latents(), text(5), times(1, 3, clean=clean)
    got = made(film, when, words, condition=clean)
    wanted = plain_forward(made.state_dict(), film, when, words, clean, config.text_tokens_zero_pad)
    assert got.dtype == torch.float32
    assert torch.allclose(got, wanted, atol=2e-5)


@pytest.mark.parametrize("config", [CONFIG, DROPPED], ids=["zeros", "dropped"])
def test_samples_of_a_batch_do_not_see_each_other(config: NetworkConfig) -> None:
    made, film, words = network(config), latents(batch=2), text(3, 9)
    both = made(film, times(2, 3), words)
    for n in (0, 1):
        alone = made(film[n : n + 1], times(1, 3), Text(words.states[n : n + 1], words.lengths[n : n + 1]))
        assert torch.allclose(both[n : n + 1], alone, atol=1e-5)


def test_padding_of_the_text_changes_nothing() -> None:
    made, film, words = network(DROPPED), latents(), text(5)
    states = words.states.clone()
    states[:, 5:] = 100
    assert torch.allclose(made(film, times(1, 3), words), made(film, times(1, 3), Text(states, (5,))), atol=1e-6)


def test_remembered_clean_frames_stand_in_for_them() -> None:
    made, film, words = network(), latents(frames=6, batch=1), text(4, 7)
    whole = made(film.expand(2, -1, -1, -1, -1), times(2, 6, clean=4), words, condition=4)
    kept = made.remember(film[:, :, :4])
    rest = made(film[:, :, 4:].expand(2, -1, -1, -1, -1), times(2, 2), words, condition=4, kept=kept)
    assert torch.allclose(whole[:, :, 4:], rest, atol=1e-5)


def test_clean_frames_hear_neither_the_text_nor_the_noise() -> None:
    made, film = network(), latents()
    first = made(film, times(1, 3, clean=1), text(5), condition=1)[:, :, :1]
    other = torch.cat((film[:, :, :1], latents(2) + 3), dim=2)
    assert torch.allclose(first, made(other, times(1, 3, clean=1), text(9, seed=4), condition=1)[:, :, :1], atol=1e-6)


def test_half_precision_stays_near_full_precision() -> None:
    film, words = latents(), text(5)
    full = network()(film, times(1, 3), words)
    half = network().to(torch.bfloat16)(film, times(1, 3), words)
    assert half.dtype == torch.float32
    assert ((half - full).square().mean() / full.square().mean()).sqrt() < 0.05


def test_sizes_that_are_no_patches_are_refused() -> None:
    with pytest.raises(ValueError, match="latents of 5x8"):
        network()(latents(rows=5), times(1, 3), text(5))


def test_the_look_between_blocks_can_end_a_pass() -> None:
    class Enough(Exception):
        pass

    looks = []

    def look() -> None:
        looks.append(1)
        if len(looks) == 2:
            raise Enough

    with pytest.raises(Enough):
        network()(latents(), times(1, 3), text(5), between=look)
    assert len(looks) == 2


def test_the_first_block_decides_whether_the_others_run() -> None:
    made, film, words = network(), latents(), text(5)
    plain = made(film, times(1, 3), words)
    cache = FirstBlock(threshold=0.05, max_skips=2)
    assert torch.equal(made(film, times(1, 3), words, first_block=cache), plain)
    for _ in range(2):
        assert torch.allclose(made(film, times(1, 3), words, first_block=cache), plain, atol=1e-5)
    assert (cache.computed, cache.skipped) == (1, 2)
    made(film, times(1, 3), words, first_block=cache)
    assert (cache.computed, cache.skipped) == (2, 2), "never more in a row than max_skips"
    made(film * -3, times(1, 3, 10.0), words, first_block=cache)
    assert (cache.computed, cache.skipped) == (3, 2), "a different input is computed"


def test_parts_of_a_grid_follow_from_its_clean_frames() -> None:
    view = View((6, 2, 3), rotation((6, 2, 3), (8, 4, 4)), condition=4)
    assert (view.condition_grid, view.new_grid) == ((4, 2, 3), (2, 2, 3))


@pytest.mark.parametrize(("told", "zeros"), [({}, False), ({"text_tokens_zero_pad": True}, True)])
def test_padded_words_are_left_out_unless_the_weights_say_otherwise(told: dict, zeros: bool) -> None:
    assert NetworkConfig.of(told).text_tokens_zero_pad == zeros


@pytest.mark.parametrize(
    ("told", "about"),
    [({"num_heads": 3}, "3 heads"), ({"patch_size": (2, 2, 2)}, "patch_size"), ({"sparsity": 1.0}, "sparsity")],
)
def test_dimensions_that_make_no_network_are_refused(told: dict, about: str) -> None:
    with pytest.raises(ValueError, match=about):
        NetworkConfig(**told)
