"""What deliver refuses and promises; whole deliveries are in test_perform."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rushes.endpoint import Clip
from rushes.engines.engine import FinishedFile, FrameChunk, Frames
from rushes.work.deliver import Product, deliver, save, watched
from tests.work.parts import Shelf, Told


def chunks(count: int) -> Iterator[FrameChunk]:
    for number in range(count):
        yield np.full((1, 16, 16, 3), number, np.uint8)


def test_frames_need_a_clip(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="plans no clip"):
        deliver(Frames(chunks(1)), None, Shelf(tmp_path).files(), Told())


def test_every_chunk_is_a_sign_of_life() -> None:
    told = Told()
    assert len(list(watched(chunks(5), told.tick))) == 5
    assert told.ticks == 5


def test_closing_the_watched_frames_closes_the_engines() -> None:
    frames = chunks(5)
    seen = watched(frames, Told().tick)
    next(seen)
    seen.close()  # type: ignore[attr-defined]
    assert list(frames) == []


def test_frames_of_the_wrong_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8 of shape"):
        deliver(Frames(chunks(2)), Clip(32, 16, 2, 8), Shelf(tmp_path).files(), Told())


def test_a_type_without_a_known_extension_keeps_the_files_own(tmp_path: Path) -> None:
    (tmp_path / "made.glb").write_bytes(b"mesh")
    delivery = save(Product(tmp_path / "made.glb", "model/gltf-binary"), Shelf(tmp_path).files(), Told())
    assert delivery.files[0].file_name == "output.glb"


def test_a_finished_file_is_described_by_what_was_stored(tmp_path: Path) -> None:
    (tmp_path / "made.mp3").write_bytes(b"sound")
    finished = FinishedFile(str(tmp_path / "made.mp3"), "audio/mpeg")
    delivery = deliver(finished, None, Shelf(tmp_path).files(), Told())
    assert delivery.files[0].file_size == 5
    assert delivery.file_ids == ("output.mp3",)
