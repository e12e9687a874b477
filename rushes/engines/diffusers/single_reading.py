"""A part read from a single file in its makers' own layout, by diffusers' own conversion.

diffusers leaves a tensor that is missing without numbers, and ends in an error that names none; so all are compared
with the configuration before the model is filled. The configuration is the folder's, so that none is asked of the Hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import diffusers
import torch
from accelerate import init_empty_weights  # type: ignore[import-untyped]
from diffusers.loaders.single_file_model import SINGLE_FILE_LOADABLE_CLASSES
from safetensors import safe_open
from torch import Tensor

from rushes.engines.checkpoints import WeightsProblem, read_json
from rushes.engines.diffusers.reading import lacking
from rushes.engines.diffusers.single import AUTOENCODER

REMEDY = "fetch or copy the file again, or name in base the weights that it was derived from"


def read_part(path: Path, folder: Path, part: str, numbers: torch.dtype, quantisation: Any = None) -> torch.nn.Module:
    """Return a part whose configuration lies in a pipeline's folder. Raises WeightsProblem, torch.OutOfMemoryError."""
    config = read_json(folder / part / "config.json", REMEDY)
    made_by = getattr(diffusers, config["_class_name"])
    converted = _converted(path, config)
    with init_empty_weights():
        wanted: Mapping[str, Tensor] = made_by.from_config(config).state_dict()
    if missing := wanted.keys() - converted.keys():
        raise WeightsProblem(lacking(str(path), missing))
    for name, tensor in wanted.items():
        if converted[name].shape != tensor.shape:
            sides = f"{tuple(converted[name].shape)}, and {folder / part} asks for {tuple(tensor.shape)}"
            raise WeightsProblem(f"{path}: {name} is {sides}; {REMEDY}")
    # Just those that are wanted: by this diffusers sees that nothing is to be converted any more.
    exactly = {name: converted[name] for name in wanted}
    read: torch.nn.Module = made_by.from_single_file(
        exactly,
        config=str(folder),
        subfolder=part,
        local_files_only=True,
        dtype=numbers,
        quantization_config=quantisation,
    )
    return read


def _converted(path: Path, config: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the tensors by diffusers' names, those of other parts aside as far as their names tell."""
    name = str(config["_class_name"])
    is_autoencoder = name.startswith("Autoencoder")
    with safe_open(path, framework="pt") as file:  # tensors lie in the file's memory until they are copied
        tensors = {
            key: file.get_tensor(key)
            for key in file.keys()  # noqa: SIM118 - it is no mapping
            if key.startswith(AUTOENCODER) == is_autoencoder
        }
    convert: Any = SINGLE_FILE_LOADABLE_CLASSES[name]
    found: dict[str, Tensor] = convert["checkpoint_mapping_fn"](checkpoint=tensors, config=dict(config))
    return found
