"""The process that speaks: espeak-ng behind a pipe, so that its crashes, its globals and its licence stay outside ours.

Run as a plain script with one JSON object on standard input (see `tongue`): the library's path, its data, and pieces
to be said. Writes records to standard output: a byte for the kind, four for the length, and the body. `R` is the sample
rate, first of all; `S` samples (int16, mono); `P` a phoneme (JSON: the sample at which it begins, its name); `E` the
end of a clause, `D` that of a piece. Which voice speaks what is the caller's choice; it writes the voices' files too.

Only the standard library is imported: a start costs 20 ms. The structures are those of espeak-ng's `speak_lib.h`.
"""

import ctypes
import json
import struct
import sys
from typing import Any

_SYNCHRONOUS = 2  # samples are handed back before `espeak_Synth` returns, nothing is played
_PHONEME_EVENTS, _DONT_EXIT = 0x0001, 0x8000
_UTF8, _PHONEMES = 1, 0x100
_RATE = 1  # a parameter
_CLAUSE_ENDS, _PHONEME = 5, 7  # kinds of events
_BUFFER_MS = 200


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def record(kind: bytes, body: bytes) -> None:
    """Write one record."""
    sys.stdout.buffer.write(kind + struct.pack("<I", len(body)) + body)


def plain(text: str) -> str:
    """Return a text without what espeak-ng takes for more than text: `[[` begins phonemes, and a null ends all."""
    # Twice, or of three brackets in a row the last two would stay together.
    return text.replace("[[", "[ [").replace("[[", "[ [").replace("\0", " ")


class Speaker:
    """The library, and the voice it speaks with."""

    def __init__(self, library: str, data: str) -> None:
        self._lib = ctypes.CDLL(library)
        self._lib.espeak_TextToPhonemes.restype = ctypes.c_char_p
        rate = self._lib.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, data.encode(), _PHONEME_EVENTS | _DONT_EXIT)
        if rate <= 0:
            raise SystemExit("espeak-ng found no data")
        record(b"R", struct.pack("<I", rate))
        self._heard = _Callback(self._hear)  # kept: the library holds only its address
        self._lib.espeak_SetSynthCallback(self._heard)
        self._voice = ""

    def say(self, piece: dict[str, Any]) -> None:
        """Say the `parts` of a piece in the `voice` of that file name, at `rate` words a minute."""
        self._take(piece["voice"])
        self._lib.espeak_SetParameter(_RATE, piece["rate"], 0)
        text = "".join(self._read(part) for part in piece["parts"]).encode()
        # Its flutter is drawn with dice: the same text must sound the same.
        self._lib.espeak_ng_SetRandSeed(ctypes.c_long(1))
        # From the first character (0, 1), to the end of the text (0).
        self._lib.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8 | _PHONEMES, None, None)

    def _read(self, part: dict[str, str]) -> str:
        """Return a part's text; one with a voice of its own is read by it, and put in as phonemes."""
        if "voice" not in part:
            return plain(part["text"])
        before = self._voice
        self._take(part["voice"])
        text = ctypes.c_char_p(plain(part["text"]).encode())
        said = []
        # Each call reads a clause and leaves the pointer behind it.
        while text.value:
            said.append((self._lib.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, 0) or b"").decode())
        self._take(before)
        return f"[[{' '.join(said)}]]"

    def _take(self, voice: str) -> None:
        if voice != self._voice and self._lib.espeak_SetVoiceByName(voice.encode()) != 0:
            raise SystemExit(f"espeak-ng does not take the voice {voice}")
        self._voice = voice

    def _hear(self, samples: Any, count: int, events: Any) -> int:
        """Pass on what was spoken; a pipe that nobody reads any more ends the process."""
        ended, number = False, 0
        while events[number].type:
            event = events[number]
            ended = ended or event.type == _CLAUSE_ENDS
            if event.type == _PHONEME:
                record(b"P", json.dumps([event.sample, event.name.decode("utf-8", "replace")]).encode())
            number += 1
        if samples and count:
            record(b"S", ctypes.string_at(samples, 2 * count))
        if ended:
            record(b"E", b"")
        return 0


def main() -> None:
    """Say what standard input asks for."""
    asked = json.load(sys.stdin.buffer)
    speaker = Speaker(asked["library"], asked["data"])
    for piece in asked["pieces"]:
        speaker.say(piece)
        record(b"D", b"")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
