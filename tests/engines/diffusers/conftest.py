"""Tiny weights on the disk, built once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A folder of each layout, by a short name, and a picture."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("diffusers")
    torch.set_num_threads(1)
    from tests.engines.diffusers import tiny

    root = tmp_path_factory.mktemp("weights")
    picture = tiny.picture_model(root / "tiny-picture")
    return {
        "picture": picture,
        "variant": tiny.variant(root / "tiny-variant", picture, 20),
        "text": tiny.text_model(root / "tiny-text"),
        "expanding": tiny.expanding_model(root / "tiny-expanding"),
        "rated": tiny.rated_model(root / "tiny-rated"),
        "pair": tiny.pair_model(root / "tiny-pair"),
        "two": tiny.two_networks_model(root / "tiny-two"),
        "conditioned": tiny.conditioned_model(root / "tiny-conditioned"),
        "shifting": tiny.conditioned_model(root / "tiny-shifting", by_size=True),
        "photograph": tiny.photograph(root / "photograph.npy"),
    }
