"""The table's films are those that the endpoints really ask for by default."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rushes.calls import LongCatCall
from rushes.endpoint import Clip, Media
from rushes.engines.fit.table import Film, Published, published
from rushes.engines.longcat.plan import stretches
from rushes.families import ENDPOINTS
from tests.families.test_open_weights import call_of

GRID: Mapping[str, tuple[int, int]] = {  # frames and pixels of a token's side, by the kind of weights
    "WanImageToVideoPipeline": (4, 16),
    "WanPipeline": (4, 16),
    "WanImageToVideoPipeline+expand_timesteps": (4, 32),
    "LTXImageToVideoPipeline": (8, 32),
    "LTXConditionPipeline": (8, 32),
}
FILMS = [(one, film) for one in published() for film in one.films]
OWN = [(one, film) for one, film in FILMS if one.engine == "network"]
PIPELINES = [(one, film) for one, film in FILMS if one.engine == "diffusers"]


@pytest.mark.parametrize(("weights", "film"), PIPELINES, ids=lambda one: getattr(one, "id", None) or one.name)
def test_a_pipeline_s_film_is_what_its_endpoint_asks_for(weights: Published, film: Film) -> None:
    (named,) = film.endpoints
    members = {"resolution": "480p"} if film.name.startswith("480p") else {}
    call = call_of(ENDPOINTS[named], **members)
    frame_step, side = GRID[weights.layout]
    tokens = ((call.made - 1) // frame_step + 1) * (call.width // side) * (call.height // side)
    (stage,) = film.stages
    assert (film.size, film.frames, film.steps) == ((call.width, call.height), call.made, call.steps)
    assert (stage.tokens, stage.passes) == (tokens, call.steps * (2 if call.guidance > 1 else 1))
    assert film.accelerated == (call.acceleration == "regular")


@pytest.mark.parametrize(("weights", "film"), OWN, ids=lambda one: getattr(one, "id", None) or one.name)
def test_our_network_s_film_is_what_its_endpoints_ask_for(weights: Published, film: Film) -> None:
    for named in film.endpoints:
        call, first = own_call(named), film.stages[0]
        made = call.frames if call.refine is None else call.frames // 2  # refining doubles them
        latents = (stretches(made)[0].frames - 1) // 4 + 1
        tokens = latents * (call.width // 16) * (call.height // 16)
        guided = 1 if call.distilled else 2
        assert (first.tokens, first.passes) == (tokens, call.steps * guided)
        assert film.together == guided
        if call.refine is None:
            assert len(film.stages) == len(stretches(call.frames))
        else:
            assert film.size == (call.refine.width, call.refine.height)
            assert film.stages[1].passes == evaluations(call.refine.steps)


def own_call(named: str) -> LongCatCall:
    endpoint = ENDPOINTS[named]
    request = endpoint.input.model_validate({"prompt": "a boat", "image_url": "https://example.com/a.png"})
    media = {"image_url": Media("image", "/tmp/a.npy", "image/png", 10, width=1664, height=960)}
    if "image_url" not in endpoint.input.model_fields:
        media = {}
    assert endpoint.clip is not None
    plan = endpoint.clip(request, media)
    assert isinstance(plan, Clip)
    call = endpoint.engines["longcat"](request, media, plan)
    assert isinstance(call, LongCatCall)
    return call


def evaluations(steps: int) -> int:
    pytest.importorskip("torch")
    from rushes.engines.longcat.schedule import refine_sigmas

    return len(refine_sigmas(steps, 0.5))
