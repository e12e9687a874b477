"""Finished files from elsewhere: what they really are, what is made beside them, and what is not let through."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rushes.endpoint import AudioFormat, Clip, Delivery, Plan, Sound, Stills
from rushes.engines.engine import FinishedFile, FinishedFiles, Picture, Unable
from rushes.errors import ModelError
from rushes.fakes.content import mp3, mp4, png
from rushes.settings import Settings
from rushes.work.finished import RAW, Looker
from rushes.work.products import Product
from tests.work.parts import Told

FILM, STILL, SPOKEN = Clip(320, 180, 24, 24), Stills(64, 48, 1), Sound(1.0, 32_000, 1)


def looked(
    folder: Path,
    plan: Plan | None,
    *contents: bytes,
    claimed: str = "application/octet-stream",
    check: Callable[[Picture], None] | None = None,
    report: Told | None = None,
    delivery: Delivery | None = None,
) -> tuple[Product, ...]:
    files = []
    for number, content in enumerate(contents):
        (folder / f"result-{number}").write_bytes(content)
        files.append(FinishedFile(str(folder / f"result-{number}"), claimed))
    look = Looker(plan, delivery or Delivery(), folder, Settings(), report or Told(), check)
    return look(FinishedFiles(tuple(files)))


def test_a_film_stays_as_it_came_and_gets_its_pictures(tmp_path: Path) -> None:
    content = mp4(320, 180, 1.0)
    (product,) = looked(tmp_path, FILM, content)
    assert product.path.read_bytes() == content
    assert (product.name, product.content_type) == ("output.mp4", "video/mp4")
    assert (product.width, product.height) == (320, 180)
    assert product.duration_s == pytest.approx(1.0, abs=0.05)
    assert [one.rel for one in product.companions] == ["poster", "thumbnail", "contact-sheet"]


def test_pictures_are_numbered_and_measured(tmp_path: Path) -> None:
    first, second = looked(tmp_path, Stills(64, 48, 2), png(64, 48), png(32, 48), claimed="text/html")
    assert (first.name, second.name) == ("output-1.png", "output-2.png")
    assert (second.content_type, second.width, second.height) == ("image/png", 32, 48)
    assert [one.rel for one in first.companions] == ["thumbnail"]


def test_sound_has_its_length_and_its_waveform(tmp_path: Path) -> None:
    (product,) = looked(tmp_path, SPOKEN, mp3(1.0))
    assert product.duration_s == pytest.approx(1.0, abs=0.1)
    assert [one.rel for one in product.companions] == ["waveform"]


def test_raw_sound_is_what_it_is_called(tmp_path: Path) -> None:
    (product,) = looked(tmp_path, SPOKEN, b"\0\1" * 500, claimed=RAW)
    assert product.content_type == RAW


@pytest.mark.parametrize("head", [b"\0\0\1\0", b"\xff\xfb", b"\xff\xd8\xff\0", b"BM", b""])
def test_raw_sound_is_as_long_as_its_samples_however_it_begins(tmp_path: Path, head: bytes) -> None:
    content = (head + b"\0\0" * 96_000)[:96_000]
    delivery = Delivery(audio=AudioFormat("pcm", 8_000, channels=2))
    (product,) = looked(tmp_path, SPOKEN, content, claimed=RAW, delivery=delivery)
    assert (product.name, product.content_type, product.duration_s) == ("output.pcm", RAW, 3.0)
    assert [one.rel for one in product.companions] == ["waveform"]


@pytest.mark.parametrize("content", [b"", b"<html>sorry</html>"])
def test_what_is_no_sound_is_not_raw_sound_either(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unable):
        looked(tmp_path, SPOKEN, content, claimed=RAW)


def test_speech_may_last_longer_than_what_callers_may_send(tmp_path: Path) -> None:
    look = Looker(SPOKEN, Delivery(), tmp_path, Settings(media_max_s=1.0), Told())
    (tmp_path / "long.mp3").write_bytes(mp3(3.0))
    (product,) = look(FinishedFiles((FinishedFile(str(tmp_path / "long.mp3"), "audio/mpeg"),)))
    assert product.duration_s == pytest.approx(3.0, abs=0.1)


def test_nothing_is_made_beside_what_is_not_stored(tmp_path: Path) -> None:
    (product,) = looked(tmp_path, FILM, mp4(320, 180, 1.0), delivery=Delivery(form="data_uri"))
    assert product.companions == ()


@pytest.mark.parametrize("content", [b"<html>sorry</html>", b"", png(64, 48), mp4(320, 180, 1.0)[:3_000]])
def test_what_is_no_film_is_nothing_that_was_asked_for(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Unable) as found:
        looked(tmp_path, FILM, content)
    assert found.value.blame == "unknown"
    assert "gave something else" in str(found.value.error)


def test_a_film_of_another_length_is_told_of(tmp_path: Path) -> None:
    report = Told()
    looked(tmp_path, Clip(1920, 1080, 180, 30), mp4(320, 180, 1.0), report=report)
    (line,) = [line for line in report.lines if "The film that came" in str(line)]
    assert "320x180, 1.00 s at 24 fps; this endpoint's is 1920x1080, 6.00 s at 30 fps" in str(line)


def test_the_check_sees_the_film_and_its_hit_is_the_callers(tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def check(picture: Picture) -> None:
        seen.append(picture.shape)
        if len(seen) == 3:
            raise ModelError("content_policy_violation", "what was made seems to show what may not be shown")

    with pytest.raises(ModelError, match="may not be shown"):
        looked(tmp_path, FILM, mp4(320, 180, 1.0), check=check)
    assert set(seen) == {(180, 320, 3)}
