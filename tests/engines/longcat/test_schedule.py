"""Noise levels, steps, guidance, sizes and stretches: the numbers of the reference."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from diffusers import FlowMatchEulerDiscreteScheduler  # noqa: E402

from rushes.engines.longcat import buckets, plan  # noqa: E402
from rushes.engines.longcat.guidance import guided  # noqa: E402
from rushes.engines.longcat.refining import padding  # noqa: E402
from rushes.engines.longcat.schedule import (  # noqa: E402
    clean_guess,
    distilled_sigmas,
    euler_step,
    full_sigmas,
    refine_sigmas,
)
from rushes.families.longcat import SIZES_480P, SIZES_REFINED, nearest_size  # noqa: E402


def test_the_full_schedule_is_even_from_1_to_a_thousandth() -> None:
    assert full_sigmas(40) == pytest.approx(torch.linspace(1, 0.001, 40).tolist(), abs=1e-6)
    assert full_sigmas(1) == (1.0,)


def test_the_distilled_schedule_has_the_published_points() -> None:
    assert distilled_sigmas(12) == (1.0, 0.92, 0.84, 0.76, 0.68, 0.60, 0.5, 0.42, 0.34, 0.26, 0.18, 0.1)
    assert distilled_sigmas(16)[:9] == (1.0, 0.94, 0.88, 0.82, 0.76, 0.70, 0.64, 0.58, 0.5)
    assert distilled_sigmas(16)[-1] == 0.08


@pytest.mark.parametrize("steps", range(1, 51))
def test_the_distilled_levels_are_picked_as_the_reference_picks_them(steps: int) -> None:
    picked = np.floor(np.linspace(0, 50, steps, endpoint=False)).astype(int)
    assert distilled_sigmas(steps) == pytest.approx([(50 - number) / 50 for number in picked])


def test_the_distilled_model_knows_fifty_levels_and_no_more() -> None:
    assert len(distilled_sigmas(50)) == len(distilled_sigmas(100)) == 50
    assert distilled_sigmas(50)[-1] == 0.02


@pytest.mark.parametrize(("steps", "asked"), [(40, 21), (12, 7), (50, 26), (1, 1), (2, 2)])
def test_refining_starts_half_way(steps: int, asked: int) -> None:
    levels = refine_sigmas(steps, 0.5)
    assert (levels[0], len(levels)) == (0.5, asked)
    assert all(a > b for a, b in pairwise(levels))


@pytest.mark.parametrize("sigmas", [full_sigmas(7), distilled_sigmas(12), full_sigmas(1)])
def test_steps_are_those_of_the_flow_match_scheduler(sigmas: tuple[float, ...]) -> None:
    scheduler = FlowMatchEulerDiscreteScheduler(shift=1.0)
    scheduler.set_timesteps(sigmas=list(sigmas))
    ours = theirs = torch.randn(1, 16, 2, 4, 4)
    for at, following, time in zip(sigmas, (*sigmas[1:], 0.0), scheduler.timesteps, strict=True):
        output = torch.randn(1, 16, 2, 4, 4)
        ours = euler_step(ours, output, at, following)
        theirs = scheduler.step(-output, time, theirs, return_dict=False)[0]
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_a_straight_way_is_guessed_from_anywhere_on_it() -> None:
    clean, noise = torch.randn(1, 2, 3, 4, 4), torch.randn(1, 2, 3, 4, 4)
    output = clean - noise  # the network's output is the velocity from clean to noise, negated
    assert torch.allclose(clean_guess(0.3 * noise + 0.7 * clean, output, 0.3), clean, atol=1e-6)


def test_guidance_fits_the_negative_part_first() -> None:
    n, p = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    s = [float((p[i] * n[i]).sum() / ((n[i] * n[i]).sum() + 1e-8)) for i in (0, 1)]
    wanted = torch.stack([s[i] * n[i] + 4 * (p[i] - s[i] * n[i]) for i in (0, 1)])
    assert torch.allclose(guided(n, p, 4.0), wanted, atol=1e-5)
    assert torch.equal(guided(n, p, 1.0), p)
    assert bool(guided(torch.zeros_like(n), p, 4.0).isfinite().all())


@pytest.mark.parametrize(
    ("table", "size", "found"),
    [
        (buckets.FILM_480P, (1080, 1920), (480, 832)),
        (buckets.FILM_480P, (10, 10), (608, 640)),
        (buckets.FILM_480P, (5000, 100), (1280, 320)),
        (buckets.FILM_720P, (10, 10), (960, 960)),
        (buckets.REFINED, (480, 832), (704, 1280)),
        (buckets.REFINED, (832, 480), (1280, 704)),
        (buckets.REFINED, (640, 640), (960, 960)),
    ],
)
def test_the_nearest_shape_is_taken(table: dict, size: tuple[int, int], found: tuple[int, int]) -> None:
    assert buckets.nearest(table, *size) == found


@pytest.mark.parametrize(
    ("table", "side", "count"), [(buckets.FILM_480P, 16, 26), (buckets.FILM_720P, 32, 31), (buckets.REFINED, 64, 21)]
)
def test_tables_keep_to_their_grid_and_their_ratios(table: dict, side: int, count: int) -> None:
    assert len(table) == count
    for ratio, (height, width) in table.items():
        assert height % side == width % side == 0
        assert height / width == pytest.approx(ratio, abs=0.021)


@pytest.mark.parametrize(("ours", "families"), [(buckets.FILM_480P, SIZES_480P), (buckets.REFINED, SIZES_REFINED)])
def test_what_callers_are_promised_is_what_the_model_was_trained_on(ours: dict, families: tuple) -> None:
    assert [(width, height) for height, width in ours.values()] == list(families)
    for height, width in [(480, 832), (832, 480), (600, 600), (320, 1000), (901, 700)]:
        assert nearest_size(families, width, height) == buckets.nearest(ours, height, width)[::-1]


def test_the_usual_request_is_two_stretches() -> None:
    assert plan.stretches(162) == (plan.Stretch(93, 0, 93), plan.Stretch(93, 13, 69))
    assert plan.stretches(50) == (plan.Stretch(53, 0, 50),)
    assert plan.refine_stretches(162) == (plan.RefineStretch(0, 81, 0, 162),)


@given(frames=st.integers(1, 1000))
def test_stretches_make_just_the_frames_asked_for(frames: int) -> None:
    parts = plan.stretches(frames)
    assert sum(part.used for part in parts) == frames
    for number, part in enumerate(parts):
        assert part.frames % 4 == 1
        assert part.frames <= 93
        assert part.known == (13 if number else 0)
        assert 0 < part.used <= part.frames - part.known


@given(frames=st.integers(1, 1000))
def test_refined_stretches_make_just_the_frames_asked_for(frames: int) -> None:
    parts, made = plan.refine_stretches(frames), 0
    for part in parts:
        assert 2 * part.start + part.known == made, "a stretch starts where what is known starts"
        assert part.stop - part.start <= 93
        assert part.stop <= plan.first_frames(frames)
        assert 0 < part.used <= 2 * (part.stop - part.start) - part.known
        made += part.used
    assert made == frames


@given(frames=st.integers(1, 400), clean=st.integers(0, 40))
def test_padding_makes_both_parts_whole_chunks_and_loses_no_frame(frames: int, clean: int) -> None:
    clean = min(clean, frames - 1)
    pads = padding(frames, clean)
    whole = pads.front + frames + pads.back
    assert whole % 4 == 1
    latents = (whole - 1) // 4 + 1
    assert latents % 4 == pads.condition % 4 == 0
    assert min(pads.front, pads.back) >= 0
    if clean:
        assert 1 + 4 * (pads.condition - 1) == pads.front + clean
