"""One tiny model on the disk, loaded once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

if TYPE_CHECKING:
    from rushes.engines.longcat.components import Components


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An official folder in small."""
    from tests.engines.longcat.tiny import write_model

    return write_model(tmp_path_factory.mktemp("weights") / "tiny")


@pytest.fixture(scope="session")
def components(folder: Path) -> Components:
    """Its parts."""
    from rushes.engines.longcat.components import load_components
    from rushes.engines.longcat.placement import Placement

    return load_components(folder, Placement())


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A decoded picture of 96x60, brighter to the right."""
    path = tmp_path_factory.mktemp("pictures") / "ramp.npy"
    ramp = np.linspace(0, 255, 96).astype(np.uint8)
    np.save(path, np.broadcast_to(ramp[None, :, None], (60, 96, 3)))
    return str(path)


@pytest.fixture(scope="session")
def lora_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA of somebody's own, in the official layout."""
    from safetensors.torch import save_file

    from tests.engines.longcat.tiny import lora, network

    path = tmp_path_factory.mktemp("loras") / "own.safetensors"
    save_file(lora(network(), 9), path)
    return path
