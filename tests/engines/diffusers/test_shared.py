"""Two processes that make films together, on the CPU: the same films, and what becomes of a cancel or a death."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from safetensors.torch import load_file, save_file

from rushes.engines.diffusers.shared import SharedEngine
from rushes.engines.engine import Cancelled, Progress, Unable
from rushes.engines.residence import Residence
from rushes.routing import DiffusersDeployment
from tests.engines.diffusers.test_engine import Folders, call, engine

pytestmark = pytest.mark.slow

Film = np.ndarray[Any, np.dtype[np.uint8]]


def shared(folder: Path, **setting: Any) -> SharedEngine:
    made = DiffusersDeployment(engine="diffusers", model=str(folder), devices=("cpu", "cpu"), **setting)
    return SharedEngine("ours", made, Residence())


def film(made_by: Any, asked: Any, seen: list[Progress] | None = None, gone: Any = lambda: False) -> Film:
    told: list[Progress] = [] if seen is None else seen
    return np.concatenate(list(made_by.generate(asked, told.append, gone).chunks))


@pytest.fixture(scope="module")
def ours(folders: Folders) -> Iterator[SharedEngine]:
    made = shared(folders["picture"])
    made.load()
    yield made
    made.unload()


def near(one: Film, other: Film) -> bool:
    return one.shape == other.shape and int(np.abs(one.astype(int) - other).max()) <= 1


def test_a_film_of_two_is_the_film_of_one(ours: SharedEngine, folders: Folders) -> None:
    alone = engine(folders["picture"], warm_up=False)
    assert len(ours.process_ids) == 2
    for asked in (
        call(folders, width=64, steps=3),
        call(folders, width=64, steps=10, frames=1, made=1, acceleration="regular"),
    ):
        seen: list[Progress] = []
        assert near(film(ours, asked, seen), film(alone, asked))
        assert [one.done for one in seen] == list(range(1, asked.steps + 1))
        assert seen[0].look is not None
        assert seen[0].look().shape == (4, 8, 3)


def test_tokens_that_cannot_be_halved_are_made_more(ours: SharedEngine, folders: Folders) -> None:
    assert film(ours, call(folders, width=48, height=48)).shape == (9, 48, 48, 3)


def test_a_cancel_ends_the_film_and_not_the_processes(ours: SharedEngine, folders: Folders) -> None:
    asked = call(folders, width=64, steps=6)
    expected, before = film(ours, asked), ours.process_ids
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        film(ours, asked, seen, lambda: len(seen) >= 2)
    assert len(seen) < 6
    chunks = ours.generate(asked, seen.append, lambda: False).chunks
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert np.array_equal(film(ours, asked), expected)
    assert ours.process_ids == before


def test_a_process_that_died_in_between_is_not_missed(ours: SharedEngine, folders: Folders) -> None:
    asked = call(folders, width=64)
    expected, before = film(ours, asked), ours.process_ids
    os.kill(before[1], signal.SIGKILL)
    assert ours._group is not None
    while ours._group.alive:
        time.sleep(0.01)
    assert np.array_equal(film(ours, asked), expected)
    assert ours.process_ids != before


def test_a_process_that_dies_ends_the_film_and_all_the_others(ours: SharedEngine, folders: Folders) -> None:
    asked = call(folders, width=64, steps=40)
    film(ours, replace(asked, steps=1))
    before, seen = ours.process_ids, list[Progress]()

    def watch() -> bool:
        if seen:
            os.kill(before[1], signal.SIGKILL)
        return False

    with pytest.raises(Unable) as raised:
        film(ours, asked, seen, watch)
    assert "ended" in raised.value.remedy
    assert not any(Path(f"/proc/{one}").exists() for one in before)
    assert ours.process_ids == (), "as before the first film, so the next one starts them anew"


def test_what_cannot_be_loaded_is_told_and_leaves_nothing_running(folders: Folders, tmp_path: Path) -> None:
    copy = shutil.copytree(folders["picture"], tmp_path / "copy")
    (path,) = (copy / "text_encoder").glob("*.safetensors")
    tensors = load_file(path)
    tensors.pop("encoder.block.1.layer.0.SelfAttention.q.weight")  # which transformers would make up at random
    save_file(tensors, path, metadata={"format": "pt"})
    wrong, started = shared(copy), time.monotonic()
    with pytest.raises(Unable) as raised:
        film(wrong, call(folders))
    assert (
        "lacks tensors that its config.json asks for: encoder.block.1.layer.0.SelfAttention.q.weight"
        in raised.value.remedy
    )
    assert wrong.process_ids == ()
    assert time.monotonic() - started < 120


def test_weights_that_are_told_a_rate_are_shared_too(folders: Folders) -> None:
    both = shared(folders["rated"])
    asked = call(folders, width=64, height=64, shift=None)
    assert near(film(both, asked), film(engine(folders["rated"], warm_up=False), asked))
    both.unload()
    assert both.process_ids == ()
