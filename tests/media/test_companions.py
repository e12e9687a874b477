"""Small pictures beside a result: made in passing, small, alike every time."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from rushes.media.companions import CELLS, FilmPictures, Waveform, contact_sheet, sheet_frames, shrunk, still_thumbnail
from tests.media.films import moving, tone

Pixels = npt.NDArray[np.uint8]


def read(path: Path) -> Pixels:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    assert picture is not None
    return picture.astype(np.uint8)


def pictures_of(film: Pixels, folder: Path, piece: int = 5) -> dict[str, Path]:
    folder.mkdir(exist_ok=True)
    passing = FilmPictures(len(film))
    for at in range(0, len(film), piece):
        passing.see(film[at : at + piece])
    return {one.rel: one.path for one in passing.write(folder)}


@pytest.mark.parametrize("frames", [1, 2, 11, 12, 13, 81, 300])
def test_a_contact_sheet_spans_the_film_and_shows_no_frame_twice(frames: int) -> None:
    shown = sheet_frames(frames)
    assert (shown[0], shown[-1], len(set(shown))) == (0, frames - 1, min(CELLS, frames))
    assert shown == sorted(shown)


@pytest.mark.parametrize(
    ("width", "height", "poster", "thumbnail"),
    [(640, 360, (640, 360), (320, 180)), (1920, 1080, (1280, 720), (320, 180)), (64, 1280, (64, 1280), (16, 320))],
)
def test_every_picture_is_small_and_keeps_its_shape(
    width: int, height: int, poster: tuple[int, int], thumbnail: tuple[int, int], tmp_path: Path
) -> None:
    made = pictures_of(moving(3, width, height), tmp_path)
    sizes = {rel: read(path).shape[1::-1] for rel, path in made.items()}
    assert (sizes["poster"], sizes["thumbnail"]) == (poster, thumbnail)
    assert max(sizes["contact-sheet"]) <= 1400


def test_colours_are_those_of_the_film(tmp_path: Path) -> None:
    film = np.empty((2, 64, 96, 3), np.uint8)
    film[:] = (200, 60, 30)
    for path in pictures_of(film, tmp_path).values():
        picture = read(path)
        assert np.abs(picture[20, 20].astype(int) - (200, 60, 30)).max() <= 4


def test_the_poster_is_the_first_frame_unless_a_later_one_shows_clearly_more(tmp_path: Path) -> None:
    film = moving(24)
    assert np.abs(read(pictures_of(film, tmp_path)["poster"]).astype(int) - film[0]).mean() < 4
    fading = (film * np.linspace(0, 1, 24)[:, None, None, None]).astype(np.uint8)
    assert read(pictures_of(fading, tmp_path / "fading")["poster"]).mean() > 0.7 * film[-1].mean()


@pytest.mark.parametrize("piece", [1, 4, 30])
def test_the_same_film_gives_the_same_bytes_however_it_comes(piece: int, tmp_path: Path) -> None:
    film = moving(30)
    first = pictures_of(film, tmp_path / "first", 7)
    second = pictures_of(film, tmp_path / "second", piece)
    assert {rel: path.read_bytes() for rel, path in first.items()} == {
        rel: path.read_bytes() for rel, path in second.items()
    }


def test_frames_may_change_once_they_have_passed(tmp_path: Path) -> None:
    film = moving(6)
    kept = pictures_of(film, tmp_path / "kept")["contact-sheet"].read_bytes()
    passing = FilmPictures(6)
    for frame in film:
        passing.see(frame[None])
        frame[:] = 0
    (tmp_path / "changed").mkdir()
    sheet = next(one for one in passing.write(tmp_path / "changed") if one.rel == "contact-sheet")
    assert sheet.path.read_bytes() == kept


def test_no_frames_make_no_pictures(tmp_path: Path) -> None:
    assert FilmPictures(4).write(tmp_path) == ()


@pytest.mark.parametrize(("width", "height"), [(320, 180), (180, 320), (320, 20), (16, 320)])
def test_a_contact_sheet_has_nearly_the_shape_of_a_screen(width: int, height: int) -> None:
    sheet = contact_sheet([np.full((height, width, 3), 200, np.uint8)] * 12)
    assert 0.7 < sheet.shape[1] / sheet.shape[0] < 3.2
    assert (sheet == 200).all(-1).sum() == 12 * width * height


def test_nothing_is_enlarged_and_the_thinnest_picture_keeps_a_pixel() -> None:
    assert shrunk(moving(1)[0], 1280).shape == (64, 96, 3)
    assert shrunk(np.zeros((2, 4000, 3), np.uint8), 320).shape == (1, 320, 3)


def test_a_still_has_a_thumbnail(tmp_path: Path) -> None:
    made = still_thumbnail(moving(1, 640, 480)[0], tmp_path / "thumbnail-1.jpg")
    assert (made.rel, made.content_type, read(made.path).shape) == ("thumbnail", "image/jpeg", (240, 320, 3))


def test_a_waveform_is_high_where_the_sound_is_loud(tmp_path: Path) -> None:
    wave = Waveform()
    loud = tone(2.0)
    loud[48_000:] *= 0.1
    for at in range(0, len(loud), 1_000):
        wave.hear(loud[at : at + 1_000])
    (drawing,) = wave.write(tmp_path)
    high = (read(drawing.path).astype(int).max(-1) > 60).sum(0)
    assert high[:300].mean() == pytest.approx(10 * high[340:].mean(), rel=0.3)


def test_a_long_sound_takes_no_more_memory_and_looks_the_same(tmp_path: Path) -> None:
    wave, minute = Waveform(), np.repeat(np.linspace(0, 1, 60), 8_000)[:, None].astype(np.float32)
    for _ in range(30):
        wave.hear(minute)
        assert len(wave._peaks) <= 16 * 640
    (drawing,) = wave.write(tmp_path)
    assert drawing.path.stat().st_size < 20_000


def test_what_is_no_number_is_silent_and_no_sound_has_no_waveform(tmp_path: Path) -> None:
    assert Waveform().write(tmp_path) == ()
    wave = Waveform()
    wave.hear(np.full((500, 1), np.nan, np.float32))
    assert len(wave.write(tmp_path)) == 1
