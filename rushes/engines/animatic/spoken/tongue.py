"""Speech by espeak-ng, where the extra `speech` is installed: a hundred languages, with the time of every phoneme.

espeak-ng is GPL, so it's neither shipped nor linked: it is found at run time and runs in a process of its own
(`tongue_child`), a fresh one for each text, which also keeps the same text the same. What the voice is like comes as a
Character; colour, room and rate are `room`'s.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from rushes.engines.animatic.spoken.character import Character
from rushes.engines.animatic.spoken.languages import PINYIN, language_of
from rushes.engines.animatic.spoken.letters import pronounced

_CHILD = Path(__file__).with_name("tongue_child.py")
_OCTAVES = 0.52  # from the lowest to the highest pitch of a lively voice
_MEDIAN = 0.58  # where between them the middle lies; measured
# espeak-ng's words a minute, and how long a text becomes with them: measured, with 162 as natural.
_RATES = (420, 390, 360, 340, 320, 300, 280, 265, 250, 235, 220, 205, 190, 175, 162, 150, 140, 130, 120, 110, 100, 90)
_LENGTHS = (
    *(0.343, 0.372, 0.405, 0.432, 0.470, 0.512, 0.551, 0.589, 0.633, 0.673, 0.718, 0.779, 0.845, 0.921, 1.0),
    *(1.089, 1.161, 1.254, 1.370, 1.495, 1.653, 1.844),
)
PAUSE = re.compile(r"<#\s*(\d+(?:\.\d+)?)\s*#>")  # of so many seconds
_LONGEST_PAUSE_S = 99.99
_TONES = re.compile(r"[a-zü:]+[1-5](?:\s+[a-zü:]+[1-5])*", re.IGNORECASE)
_LONGEST_S = 20.0  # who has no full stop is heard in parts


def pause_s(seconds: str) -> float:
    """Return how long a pause of so many seconds, as written in a mark, is made."""
    return min(float(seconds), _LONGEST_PAUSE_S)


class TongueLost(Exception):
    """The process that speaks ended by itself; the message says how."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A stretch of speech: int16 samples at `rate`, and when phonemes begin, in seconds since the very start."""

    samples: npt.NDArray[np.int16]
    rate: int
    phonemes: tuple[tuple[float, str], ...]


@dataclass(frozen=True, slots=True)
class Tongue:
    """Where espeak-ng's library and data lie."""

    library: Path
    data: Path

    @classmethod
    def found(cls) -> Tongue | None:
        """Return it where the extra is installed."""
        if importlib.util.find_spec("espeakng_loader") is None:
            return None
        loader = importlib.import_module("espeakng_loader")  # only where it is wanted: it's an optional extra
        tongue = cls(Path(loader.get_library_path()), Path(loader.get_data_path()))
        return tongue if tongue.library.is_file() and tongue.data.is_dir() else None

    def say(
        self,
        text: str,
        character: Character,
        *,
        language: str | None = None,
        speed: float = 1.0,
        semitones: float = 0.0,
        pronunciations: Sequence[tuple[str, str]] = (),
    ) -> Iterator[Spoken]:
        """Yield the text clause by clause. Raises TongueLost."""
        main = language_of(PAUSE.sub(" ", text), language, self.data)
        voices = _Voices(self.data, character, semitones)
        pace = character.tempo * max(speed, 0.05)
        pieces = _pieces(text, main, voices, pace, pronunciations)
        # Not a TemporaryDirectory: it would warn when a listener is dropped unread.
        folder = Path(tempfile.mkdtemp(prefix="rushes-voice-"))
        try:
            asked = {"library": str(self.library), "data": str(folder), "pieces": [piece.wire() for piece in pieces]}
            voices.write(folder)
            yield from _heard(json.dumps(asked).encode(), pieces)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Voices:
    """The voices of one text, one for each language in it, by the names of their files."""

    data: Path
    character: Character
    semitones: float
    names: dict[tuple[str, float], str] = field(default_factory=dict)

    def of(self, language: str, percent: float = 100.0) -> str:
        return self.names.setdefault((language, percent), f"rushes{len(self.names)}")

    def write(self, folder: Path) -> None:
        """Make a data folder with espeak-ng's own data and these voices."""
        for path in self.data.iterdir():
            # Its own voices stay away, so that a name can only be one of ours.
            if path.name != "voices":
                os.symlink(path, folder / path.name)
        (folder / "voices").mkdir()
        for (language, percent), name in self.names.items():
            own = (self.data / "lang" / language).read_bytes()
            lines = "\n".join(_lines(self.character, self.semitones, percent))
            (folder / "voices" / name).write_bytes(own + b"\n" + lines.encode() + b"\n")


def _lines(character: Character, semitones: float, percent: float) -> Iterator[str]:
    """Write a voice in espeak-ng's own words (docs/voices.md there)."""
    top = 2 ** (_OCTAVES * character.liveliness)
    # espeak-ng is told a range, a character has its middle.
    low = character.pitch_hz * 2 ** (semitones / 12) / (1.0 + _MEDIAN * (top - 1.0))
    yield f"pitch {round(low)} {max(round(low * top), round(low) + 2)}"
    yield f"speed {round(percent)}"
    for number in range(1, 9):
        # The high ones belong to the teeth and lips, which differ less than throats do.
        size = character.tract if number < 6 else character.tract**0.5
        yield f"formant {number} {round(100 * size)} 100 100"
    breath = round(60 * character.breath)
    if breath:
        yield f"breath 0 {breath} {breath} {breath} {breath} {breath} {breath} {breath}"
    yield f"flutter {round(2 + 6 * character.breath / 0.1)}"
    yield f"roughness {2 if character.energy < 1.2 else 4}"


@dataclass(frozen=True, slots=True)
class _Piece:
    """Text between two pauses, in one language; or, without parts, a pause."""

    voice: str
    rate: int
    parts: tuple[dict[str, str], ...]
    pause_s: float = 0.0

    def wire(self) -> dict[str, Any]:
        return {"voice": self.voice, "rate": self.rate, "parts": self.parts}


def _pieces(
    text: str, main: str, voices: _Voices, pace: float, pronunciations: Sequence[tuple[str, str]]
) -> list[_Piece]:
    """Cut the text at its pause marks, and where a script asks for another reader."""
    rate, percent = _pace(pace)
    found = []
    for index, stretch in enumerate(PAUSE.split(text)):
        if index % 2:
            found.append(_Piece(voices.of(main, percent), rate, (), pause_s(stretch)))
            continue
        for language, run in _runs(stretch, main):
            parts = tuple(_parts(run, voices, pronunciations))
            if any(re.search(r"\w", part["text"]) for part in parts):
                found.append(_Piece(voices.of(language, percent), rate, parts))
    return found


def _pace(pace: float) -> tuple[int, float]:
    """Return espeak-ng's words a minute for a pace, and the percentage that a voice adds outside its limits."""
    length = 1.0 / pace
    inside = min(max(length, _LENGTHS[0]), _LENGTHS[-1])
    return round(float(np.interp(inside, _LENGTHS, _RATES))), round(100.0 * inside / length)


def _runs(text: str, main: str) -> Iterator[tuple[str, str]]:
    """Yield (language, text): espeak-ng can't read Chinese characters in Japanese, so a Chinese voice does."""
    if main != "jpx/ja":
        yield main, text
        return
    for run in re.findall(r"[一-鿿㐀-䶿]+|[^一-鿿㐀-䶿]+", text):
        yield ("sit/cmn" if "㐀" <= run[0] <= "鿿" else main), run


def _parts(text: str, voices: _Voices, pronunciations: Sequence[tuple[str, str]]) -> Iterator[dict[str, str]]:
    """Yield plain text, and words that are said as given: syllables with tones are pinyin, all else a respelling."""
    for part, said in pronounced(text, pronunciations):
        if said and _TONES.fullmatch(part):
            yield {"text": part.replace(" ", ""), "voice": voices.of(PINYIN)}
        else:
            yield {"text": part}


def _heard(asked: bytes, pieces: Sequence[_Piece]) -> Iterator[Spoken]:
    """Run the child and yield what it says; it's ended when the caller goes away."""
    # Nothing of the environment, no site packages: it starts in 20 ms, and the same everywhere.
    command = [sys.executable, "-I", "-S", str(_CHILD)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    complaint: list[bytes] = []
    # Read beside it: a full pipe of complaints would stop the child, and us with it.
    listener = threading.Thread(target=lambda pipe: complaint.append(pipe.read()), args=(process.stderr,), daemon=True)
    listener.start()
    try:
        _ask(process.stdin, asked)
        yield from _Listening(pieces).read(process.stdout)
        if process.wait() != 0:
            listener.join()
            raise TongueLost(f"espeak-ng ended with {process.returncode}: {complaint[0].decode(errors='replace')}")
    finally:
        # Also where the listener went away in mid-sentence.
        process.kill()
        process.wait()
        listener.join()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def _ask(pipe: IO[bytes], asked: bytes) -> None:
    try:
        pipe.write(asked)
        pipe.close()
    except BrokenPipeError:  # it ended at once; its exit status says why
        return


class _Listening:
    """Puts records together to clauses, with the pauses between pieces."""

    def __init__(self, pieces: Sequence[_Piece]) -> None:
        self._pieces = pieces
        self._rate, self._piece = 22_050, 0
        self._samples: list[npt.NDArray[np.int16]] = []
        self._count = self._before = self._piece_began = 0
        self._phonemes: list[tuple[float, str]] = []

    def read(self, pipe: IO[bytes]) -> Iterator[Spoken]:
        while len(head := pipe.read(5)) == 5:
            kind, (length,) = head[:1], struct.unpack("<I", head[1:])
            body = pipe.read(length)
            if kind == b"R":
                (self._rate,) = struct.unpack("<I", body)
            elif kind == b"S":
                self._add(np.frombuffer(body, np.int16))
            elif kind == b"P":
                sample, name = json.loads(body)
                self._phonemes.append(((self._piece_began + sample) / self._rate, name))
            elif kind == b"D":
                self._end_piece()
            if (kind in b"ED" or self._count > _LONGEST_S * self._rate) and self._count:
                yield self._taken()

    def _add(self, samples: npt.NDArray[np.int16]) -> None:
        self._samples.append(samples)
        self._count += len(samples)

    def _end_piece(self) -> None:
        self._add(np.zeros(round(self._pieces[self._piece].pause_s * self._rate), np.int16))
        self._piece += 1
        # The child counts samples anew for each piece.
        self._piece_began = self._before + self._count

    def _taken(self) -> Spoken:
        samples = np.concatenate(self._samples)
        self._before += self._count
        spoken = Spoken(samples, self._rate, tuple(self._phonemes))
        self._samples, self._phonemes, self._count = [], [], 0
        return spoken
