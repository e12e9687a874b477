"""Files on their way to the caller: stored, as data URIs, or stored with their hex."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rushes.endpoint import Clip, Delivery, Stills
from rushes.engines.engine import FinishedFile, FrameChunk, Frames, Picture, Pictures, SoundTrack, Value, Voice
from rushes.errors import ModelError
from rushes.fields import File, Image
from rushes.work.deliver import Delivered, deliver
from tests.work.parts import Shelf, Told


def frames(count: int) -> Iterator[FrameChunk]:
    for number in range(count):
        yield np.full((1, 16, 16, 3), number, np.uint8)


def pictures(count: int) -> Iterator[Picture]:
    for number in range(count):
        yield np.full((16, 32, 3), number, np.uint8)


def sound() -> SoundTrack:
    return SoundTrack(iter([np.zeros((48_000, 1), np.float32)]), 48_000, 1)


def finished(folder: Path, data: bytes = b"sound") -> FinishedFile:
    (folder / "made.mp3").write_bytes(data)
    return FinishedFile(str(folder / "made.mp3"), "audio/mpeg")


def stored_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def test_a_plain_value_needs_no_file(tmp_path: Path) -> None:
    assert deliver(Value({"a": 1}), None, Delivery(), Shelf(tmp_path).files(), Told()) == Delivered(value={"a": 1})


def test_a_file_is_described_by_what_was_stored(tmp_path: Path) -> None:
    delivered = deliver(finished(tmp_path), None, Delivery(), Shelf(tmp_path).files(), Told())
    assert delivered.files[0].model_dump(exclude_none=True) == {
        "url": "rushes-file:/output.mp3/output.mp3",
        "content_type": "audio/mpeg",
        "file_name": "output.mp3",
        "file_size": 5,
    }
    assert delivered.file_ids == ("output.mp3",)


def test_pictures_are_told_with_their_size_and_films_with_their_length(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path).files()
    shown = deliver(Pictures(pictures(2)), Stills(32, 16, 2), Delivery(), shelf, Told()).files
    assert [type(file) for file in shown] == [Image, Image]
    assert shown[0].model_dump()["width"] == 32
    film = deliver(Frames(frames(8)), Clip(16, 16, 8, 4), Delivery(), shelf, Told())
    assert (type(film.files[0]), film.duration_s) == (File, 2.0)


def test_a_data_uri_holds_the_file_and_nothing_is_stored(tmp_path: Path) -> None:
    delivered = deliver(
        Pictures(pictures(2)), Stills(32, 16, 2), Delivery(form="data_uri"), Shelf(tmp_path).files(), Told()
    )
    assert delivered.file_ids == ()
    assert stored_names(tmp_path) == []
    for file in delivered.files:
        head, _, data = file.url.partition(",")
        assert head == "data:image/png;base64"
        assert len(base64.b64decode(data)) == file.file_size


def test_hex_comes_beside_the_stored_file(tmp_path: Path) -> None:
    delivered = deliver(finished(tmp_path), None, Delivery(form="hex"), Shelf(tmp_path).files(), Told())
    assert delivered.files[0].file_data == b"sound".hex()
    assert delivered.file_ids == ("output.mp3",)


@pytest.mark.parametrize("form", ["data_uri", "hex"])
def test_what_is_too_large_for_a_reply_is_refused_before_anything_is_stored(form: str, tmp_path: Path) -> None:
    delivery = Delivery(form=form)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="5 bytes; at most 4") as caught:
        deliver(finished(tmp_path), None, delivery, Shelf(tmp_path).files(), Told(), inline_max_bytes=4)
    assert caught.value.problems[0].ctx == {"max_size": 4}
    assert stored_names(tmp_path) == ["made.mp3"]


def test_a_voices_profile_is_stored_beside_its_preview(tmp_path: Path) -> None:
    voice = Voice(json.dumps({"pitch": 120}), sound())
    delivered = deliver(voice, None, Delivery(), Shelf(tmp_path).files(), Told())
    assert delivered.profile_id == "voice.json"
    assert delivered.file_ids == ("preview.mp3", "waveform.png"), "the profile is no part of the output"
    assert json.loads((tmp_path / "voice.json").read_text()) == {"pitch": 120}
    assert delivered.duration_s == 1.0
