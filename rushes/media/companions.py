"""Small pictures beside a result: a film's poster, thumbnail and contact sheet, a still's thumbnail, a waveform.

They are made while frames and sound pass by on their way to the encoder, never from the finished file; how many frames
pass does not change the memory that this takes. The same frames give the same bytes. Where the files go is `work`'s.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from rushes.media.sound import Heard

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3) uint8 RGB, or BGR where it says so."""

Rel = Literal["poster", "thumbnail", "contact-sheet", "waveform", "c2pa-manifest"]

POSTER_SIDE, THUMBNAIL_SIDE, CELL_SIDE = 1280, 320, 320  # pixels of the long side; nothing is ever enlarged
CELLS = 12  # of a contact sheet, evenly over the film, its first and last frames among them
_SHEET_RATIO = 16 / 9  # of the whole sheet, as near as its cells allow
_GAP, _GROUND = 4, 24
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 85)
# A later frame becomes the poster only when it shows clearly more: most films begin with the picture they are about,
# and those that fade in do not.
_CLEARLY_MORE = 1.25
WAVE_WIDTH, WAVE_HEIGHT = 640, 160
_WAVE_COLOUR = (214, 158, 74)  # BGR
_MOST_BLOCKS = 16 * WAVE_WIDTH  # 8 to 16 peaks for each column, however long the sound is


@dataclass(frozen=True, slots=True)
class Companion:
    """A small picture beside a result, or the manifest of one that has no place for it (`provenance`)."""

    rel: Rel
    path: Path
    content_type: str


class FilmPictures:
    """Looks at a film of `frames` frames as it passes, and writes its poster, thumbnail and contact sheet after it."""

    def __init__(self, frames: int) -> None:
        self._wanted = sheet_frames(frames)
        self._passed = 0
        self._cells: list[Pixels] = []
        self._poster: Pixels | None = None
        self._shown = 0.0

    def see(self, chunk: npt.NDArray[np.uint8]) -> None:
        """Take what is needed of (T, H, W, 3) RGB frames; they may change afterwards."""
        while len(self._cells) < len(self._wanted):
            at = self._wanted[len(self._cells)] - self._passed
            if at >= len(chunk):
                break
            self._take(chunk[at])
        self._passed += len(chunk)

    def _take(self, frame: Pixels) -> None:
        cell = shrunk(frame, CELL_SIDE)
        self._cells.append(cell)
        shown = how_much_it_shows(cell)
        if self._poster is None or shown > self._shown * _CLEARLY_MORE:
            self._poster, self._shown = shrunk(frame, POSTER_SIDE), shown

    def write(self, folder: Path) -> tuple[Companion, ...]:
        """Write the pictures; none where no frame passed."""
        if self._poster is None:
            return ()
        return (
            _write_jpeg("poster", self._poster, folder / "poster.jpg"),
            _write_jpeg("thumbnail", shrunk(self._poster, THUMBNAIL_SIDE), folder / "thumbnail.jpg"),
            _write_jpeg("contact-sheet", contact_sheet(self._cells), folder / "contact-sheet.jpg"),
        )


class Waveform:
    """Hears a sound as it passes, and draws its waveform after it."""

    def __init__(self) -> None:
        self._block = 256  # samples that one peak stands for; doubled when peaks become too many
        self._peaks: list[float] = []
        self._rest: npt.NDArray[np.float32] = np.empty(0, np.float32)

    def hear(self, chunk: Heard) -> None:
        """Take the loudest of each block of (N, channels) float32."""
        loud = np.abs(np.nan_to_num(chunk, nan=0.0)).max(1, initial=0.0).astype(np.float32)
        loud = np.concatenate([self._rest, loud])
        whole = len(loud) // self._block * self._block
        self._peaks += loud[:whole].reshape(-1, self._block).max(1, initial=0.0).tolist()
        self._rest = loud[whole:].copy()
        while len(self._peaks) > _MOST_BLOCKS:
            self._halve()

    def _halve(self) -> None:
        """Let one peak stand for twice as many samples; the odd one out goes back to what no block is full of yet."""
        if len(self._peaks) % 2:
            self._rest = np.concatenate([np.full(self._block, self._peaks.pop(), np.float32), self._rest])
        self._peaks = [max(pair) for pair in zip(self._peaks[::2], self._peaks[1::2], strict=True)]
        self._block *= 2

    def write(self, folder: Path) -> tuple[Companion, ...]:
        """Write the drawing; none where no sound passed."""
        peaks = np.array([*self._peaks, *([float(self._rest.max())] if len(self._rest) else [])])
        if not len(peaks):
            return ()
        path = folder / "waveform.png"
        _write(path, ".png", waveform(np.minimum(peaks, 1.0)), (cv2.IMWRITE_PNG_COMPRESSION, 6))
        return (Companion("waveform", path, "image/png"),)


def still_thumbnail(picture: Pixels, path: Path) -> Companion:
    """Write the thumbnail of a still."""
    return _write_jpeg("thumbnail", shrunk(picture, THUMBNAIL_SIDE), path)


def sheet_frames(frames: int) -> list[int]:
    """Return which frames stand on a film's contact sheet, in order: at most CELLS, no frame twice."""
    cells = min(CELLS, frames)
    return [round(cell * (frames - 1) / max(1, cells - 1)) for cell in range(cells)]


def shrunk(picture: Pixels, side: int) -> Pixels:
    """Return a copy of (H, W, 3) pixels whose long side is at most `side`; never larger than it was."""
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture.copy()
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small: Pixels = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return small


def how_much_it_shows(picture: Pixels) -> float:
    """Return a number that grows with contrast and detail: standard deviation plus mean gradient, in levels."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(grey.std()) + float(np.abs(cv2.Laplacian(grey, cv2.CV_16S)).mean())


def contact_sheet(cells: list[Pixels]) -> Pixels:
    """Lay equal (H, W, 3) cells out in rows on a dark ground."""
    height, width = cells[0].shape[:2]
    columns = _columns(len(cells), width, height)
    rows = math.ceil(len(cells) / columns)
    size = rows * (height + _GAP) + _GAP, columns * (width + _GAP) + _GAP, 3
    sheet = np.full(size, _GROUND, np.uint8)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        top, left = _GAP + row * (height + _GAP), _GAP + column * (width + _GAP)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def _columns(count: int, width: int, height: int) -> int:
    """Choose the number of columns whose sheet is nearest to the wanted ratio and leaves the fewest holes."""

    def cost(columns: int) -> float:
        rows = math.ceil(count / columns)
        return abs(math.log(columns * width / (rows * height) / _SHEET_RATIO)) + (rows * columns - count) / count

    return min(range(1, count + 1), key=cost)


def waveform(peaks: npt.NDArray[np.float64]) -> Pixels:
    """Draw peaks from 0 to 1, any number of them, as BGR pixels: a bar for each column, around the middle."""
    drawing = np.full((WAVE_HEIGHT, WAVE_WIDTH, 3), _GROUND, np.uint8)
    edges = np.arange(WAVE_WIDTH + 1) * len(peaks) // WAVE_WIDTH
    middle = WAVE_HEIGHT // 2
    for x in range(WAVE_WIDTH):
        high = peaks[edges[x] : max(edges[x] + 1, edges[x + 1])].max()
        half = round(float(high) * (middle - 4))
        drawing[middle - half : middle + half + 1, x] = _WAVE_COLOUR
    return drawing


def _write_jpeg(rel: Rel, picture: Pixels, path: Path) -> Companion:
    _write(path, ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), _JPEG)
    return Companion(rel, path, "image/jpeg")


def _write(path: Path, suffix: str, picture: cv2.typing.MatLike, how: tuple[int, int]) -> None:
    done, data = cv2.imencode(suffix, picture, how)
    if not done:
        raise ValueError(f"OpenCV could not write {path.name}, a picture of shape {picture.shape}")
    path.write_bytes(data.tobytes())
