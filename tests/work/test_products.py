"""An engine's output to files: what is refused and promised; whole jobs are in test_perform."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rushes.endpoint import AudioFormat, Clip, Delivery, Plan, Sound, Stills, VideoFormat
from rushes.engines.engine import (
    Cancelled,
    FinishedFile,
    FrameChunk,
    Frames,
    Output,
    Picture,
    Pictures,
    SoundChunk,
    SoundTrack,
    Value,
    Voice,
)
from rushes.errors import ModelError
from rushes.work.products import Product, make_products, watched
from tests.work.parts import Told

CLIP = Clip(32, 16, 8, 8)


def chunks(count: int, width: int = 32) -> Iterator[FrameChunk]:
    for number in range(count):
        yield np.full((1, 16, width, 3), number, np.uint8)


def hum(seconds: float = 1.0) -> SoundTrack:
    def pieces() -> Iterator[SoundChunk]:
        for _ in range(round(seconds * 10)):
            yield np.full((2_400, 1), 0.25, np.float32)

    return SoundTrack(pieces(), 24_000, 1)


def pictures(count: int) -> Iterator[Picture]:
    for number in range(count):
        yield np.full((16, 32, 3), number, np.uint8)


def make(output: Output, plan: Plan | None, folder: Path, delivery: Delivery | None = None) -> tuple[Product, ...]:
    return make_products(output, plan, delivery or Delivery(), folder, Told())


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


@pytest.mark.parametrize(
    ("output", "plan", "says"),
    [
        (Frames(chunks(1)), None, "made Frames for an endpoint whose family plans nothing"),
        (Frames(chunks(1)), Stills(16, 16, 1), "made Frames for an endpoint whose family plans Stills"),
        (Pictures(pictures(1)), CLIP, "made Pictures for an endpoint whose family plans Clip"),
        (Value(1), CLIP, "made Value"),
    ],
)
def test_what_was_not_planned_is_refused(output: Output, plan: Plan | None, says: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=says):
        make(output, plan, tmp_path)


@pytest.mark.parametrize(
    ("output", "plan"), [(Frames(chunks(0)), CLIP), (Pictures(pictures(0)), Stills(32, 16, 1))], ids=["film", "stills"]
)
def test_an_engine_that_makes_nothing_is_an_error_the_caller_knows(output: Output, plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        make(output, plan, tmp_path)
    assert caught.value.failure().type == "no_media_generated"


def test_frames_of_the_wrong_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8 of shape"):
        make(Frames(chunks(8, 34)), CLIP, tmp_path)


@pytest.mark.parametrize(
    ("container", "name", "content_type"),
    [
        ("mp4", "output.mp4", "video/mp4"),
        ("webm", "output.webm", "video/webm"),
        ("mov", "output.mov", "video/quicktime"),
        ("gif", "output.gif", "image/gif"),
    ],
)
def test_a_film_is_written_as_asked(container: str, name: str, content_type: str, tmp_path: Path) -> None:
    look = VideoFormat(container)  # type: ignore[arg-type]
    (product,) = make(Frames(chunks(8)), CLIP, tmp_path, Delivery(video=look))
    assert replace(product, companions=()) == Product(tmp_path / name, name, content_type, 32, 16, 1.0)
    assert [one.rel for one in product.companions] == ["poster", "thumbnail", "contact-sheet"]
    with av.open(str(product.path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 8


@pytest.mark.parametrize("audio", [True, False])
def test_sound_is_in_the_film_where_the_clip_has_it(audio: bool, tmp_path: Path) -> None:
    track = hum()
    (product,) = make(Frames(chunks(8), track), Clip(32, 16, 8, 8, audio), tmp_path)
    with av.open(str(product.path)) as file:
        assert bool(file.streams.audio) is audio
    assert list(track.chunks) == [], "closed in any case"


def test_sound_that_was_promised_and_is_missing_is_a_warning(tmp_path: Path) -> None:
    told = Told()
    make_products(Frames(chunks(8)), Clip(32, 16, 8, 8, True), Delivery(), tmp_path, told)
    assert told.lines[0][1] == "WARN"


def test_pictures_are_numbered(tmp_path: Path) -> None:
    made = make(Pictures(pictures(3)), Stills(32, 16, 3), tmp_path)
    assert [product.name for product in made] == ["image-1.png", "image-2.png", "image-3.png"]
    assert {(p.content_type, p.width, p.height) for p in made} == {("image/png", 32, 16)}
    with Image.open(made[2].path) as picture:
        assert np.asarray(picture).max() == 2


@pytest.mark.parametrize("plan", [Stills(32, 16, 2), Stills(32, 16, 4), Stills(16, 16, 3)])
def test_another_number_or_size_of_pictures_is_refused(plan: Stills, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="asked for"):
        make(Pictures(pictures(3)), plan, tmp_path)


@pytest.mark.parametrize(
    ("container", "name"),
    [("mp3", "speech.mp3"), ("pcm", "speech.pcm"), ("flac", "speech.flac"), ("wav", "speech.wav")],
)
def test_speech_is_written_as_asked(container: str, name: str, tmp_path: Path) -> None:
    form = AudioFormat(container)  # type: ignore[arg-type]
    (product,) = make(hum(1.5), Sound(1.5, 24_000, 1), tmp_path, Delivery(audio=form))
    assert (product.name, product.duration_s) == (name, 1.5)


def test_a_voice_gives_its_preview(tmp_path: Path) -> None:
    (product,) = make(Voice("{}", hum(0.5)), None, tmp_path)
    assert (product.name, product.content_type, product.duration_s) == ("preview.mp3", "audio/mpeg", 0.5)


def test_a_type_without_a_known_extension_keeps_the_files_own(tmp_path: Path) -> None:
    (product,) = make(FinishedFile(str(tmp_path / "made.glb"), "model/gltf-binary"), None, tmp_path)
    assert product.name == "output.glb"


def test_a_cancel_while_sound_is_encoded_closes_the_engine(tmp_path: Path) -> None:
    track = hum(60)
    with pytest.raises(Cancelled):
        make_products(track, None, Delivery(), tmp_path, Told(cancel_after=4))
    assert list(track.chunks) == []
    assert list(tmp_path.iterdir()) == []
