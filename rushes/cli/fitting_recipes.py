"""`rushes doctor --fit` for models' own programs: what their recipes say that they need, beside what there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rushes.engines.fit.verdict import Place
from rushes.engines.upstream.recipe import Recipe, RecipeProblem, Variant, built_in, read_recipe
from rushes.families import ENDPOINTS
from rushes.routing import UpstreamDeployment
from rushes.settings import Settings


def recipes_report(places: Sequence[Place], *, several: bool) -> list[dict[str, Any]]:
    """Return the answers for every built-in recipe, all its sets of weights.

    `several` is whether there may be more devices than are told, as when one is asked about by its name.
    """
    found = ((name, read_recipe(name)) for name in built_in())
    return [_answer(name, recipe, list(recipe.variants.items()), places, several) for name, recipe in found]


def own_report(settings: Settings, places: Sequence[Place], *, several: bool) -> Iterator[dict[str, Any]]:
    """Return the answers for the deployments of recipes; one that can't be read is `rushes doctor`'s to tell."""
    for name, setting in settings.deployments.items():
        if not isinstance(setting, UpstreamDeployment):
            continue
        try:
            recipe = read_recipe(setting.recipe)
            variant = recipe.chosen(setting.variant)
        except RecipeProblem:
            continue
        known = next((called for called, one in recipe.variants.items() if one == variant), "")
        wanted = variant if setting.gpus is None else variant.model_copy(update={"gpus": setting.gpus})
        yield _answer(name, recipe, [(known, wanted)], places, several)


def _answer(
    name: str, recipe: Recipe, variants: Sequence[tuple[str, Variant]], places: Sequence[Place], several: bool
) -> dict[str, Any]:
    endpoints = [one.id for one in ENDPOINTS.values() if recipe.layout in one.weights]
    disk = max(one.weights_gb for _, one in variants) + recipe.environment.gb + recipe.source.gb
    return {
        "name": name,
        "model": name,
        "licence": recipe.licence,
        "disk_bytes": int(disk * 1e9),
        "here": False,
        "needs_set": {},
        "films": [_film(called, one, endpoints, places, several) for called, one in variants],
    }


def _film(
    called: str, variant: Variant, endpoints: Sequence[str], places: Sequence[Place], several: bool
) -> dict[str, Any]:
    roomy = [one for one in places if one.device.kind == "cuda" and one.room >= variant.gpu_gb * 1e9]
    fits = len(roomy) >= (1 if several else variant.gpus)
    return {
        "film": called,
        "endpoints": list(endpoints),
        "fits": fits,
        "why_not": None if fits else f"there is {len(roomy) or 'none'} here",
        "held": f"on {_cards(variant)}",
        "peak_bytes": int(variant.gpu_gb * 1e9),
        "seconds": None,
        "ordinary_bytes": 0,
        "set": None,
    }


def _cards(variant: Variant) -> str:
    return "one GPU" if variant.gpus == 1 else f"{variant.gpus} such GPUs"
