"""How a speaker's lips stand at each frame of a film: from the phonemes where we speak ourselves, else from the sound.

How far they part follows the strength of the voice (300 to 3000 Hz) in either case, so that a mouth never moves in
silence. Phonemes add what a sound does not tell plainly: lips that meet for m, b and p, spread for i, round for u.
Moving a face is `lips`' job.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall
from rushes.engines.animatic.speech import spoken
from rushes.engines.animatic.spoken.character import character_of

_RATE = 48_000
_HOP, _WINDOW = _RATE // 100, _RATE // 50  # the sound is looked at a hundred times a second, 20 ms each
_HOP_S = _HOP / _RATE
_LOW_HZ, _MIDDLE_HZ, _HIGH_HZ = 300.0, 1100.0, 3000.0
_AHEAD_S = 6.0  # of the sound is heard before the first frame, to know how loud it is
_FAINT = 0.008  # a voice below this is no voice, however silent everything else is
_REACH_S = 0.055  # a mouth is on its way from one sound to the next for so long before and after
_SHUT_REACH_S = 0.03

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lips:
    """`open` from 0 (closed) to 1; `wide` from -1 (round, as in "who") over 0 to 1 (spread, as in "see")."""

    open: float
    wide: float = 0.0


AT_REST = Lips(0.0)


@dataclass(frozen=True, slots=True)
class _Moment:
    """A hundredth of a second: the voice's strength, and the lips that its sound wants."""

    strength: float
    share: float  # of the way that a mouth opens for this sound at this strength
    wide: float
    shut: bool


# Shapes by the first sign of espeak-ng's mnemonics (docs/phonemes.md there): how far open, how wide. What is not here
# is made behind the teeth, with lips that hardly care.
_SHAPES: dict[str, tuple[float, float]] = {
    **dict.fromkeys("aA", (1.0, 0.1)),
    **dict.fromkeys("VE3@&", (0.8, 0.1)),
    **dict.fromkeys("e", (0.7, 0.6)),
    **dict.fromkeys("iI", (0.5, 0.9)),
    **dict.fromkeys("yY", (0.5, -0.7)),
    **dict.fromkeys("oO0Q", (0.8, -0.6)),
    **dict.fromkeys("uUw", (0.45, -1.0)),
    **dict.fromkeys("fv", (0.2, 0.2)),
    **dict.fromkeys("szTDCZS", (0.4, 0.3)),
}
_OTHER = (0.6, 0.1)
_MEET = frozenset("mbp")
_AS_A_SIGN = re.compile(r"[',%=_:;|*~]*(?P<sign>[^',%=_:;|*~].*)?")
_GLIDES = {"I": "i", "U": "u"}  # where a diphthong ends


def lips_of(call: AnimaticCall) -> Iterator[Lips] | None:
    """Yield the lips for each frame; None for a film without a voice."""
    if call.sound is not None:
        return _by_frames(_heard(_recorded(call.sound)), call)
    if call.speech is not None:
        return _by_frames(_spoken(call), call)
    return None


def _by_frames(moments: Iterator[_Moment], call: AnimaticCall) -> Iterator[Lips]:
    """Weigh the moments around the middle of each frame: alike before and after, so that lips are never late."""
    reach = max(_REACH_S, 0.6 / call.fps)
    kept: deque[_Moment] = deque()
    first = 0  # number of the first moment that is kept
    for index in range(call.frames):
        middle = (index + 0.5) / call.fps
        low, high = int((middle - reach) / _HOP_S), int((middle + reach) / _HOP_S) + 1
        while first + len(kept) <= high and (moment := next(moments, None)) is not None:
            kept.append(moment)
        while kept and first < low:
            kept.popleft()
            first += 1
        yield _weighed(kept, (np.arange(len(kept), dtype=np.float64) + first + 0.5) * _HOP_S - middle, reach)


def _weighed(moments: Iterable[_Moment], away: Values, reach: float) -> Lips:
    near = np.clip(1.0 - (away / reach) ** 2, 0.0, None) ** 2
    total = float(near.sum())
    if total <= 0.0:
        return AT_REST
    rows = np.array([(one.strength * one.share, one.strength * one.wide, one.strength, one.shut) for one in moments])
    wanted, wide, strength = (near @ rows[:, :3]) / total
    # Lips that meet do so for a moment only; a weighted mean would leave them open.
    shut = np.clip(1.0 - (away / max(_SHUT_REACH_S, 0.3 * reach)) ** 2, 0.0, None) * rows[:, 3]
    spread = float(wide / strength) * min(1.0, float(strength) * 3.0) if strength > 1e-6 else 0.0
    return Lips(float(np.clip(wanted * (1.0 - shut.max()), 0.0, 1.0)), float(np.clip(spread, -1.0, 1.0)))


def _recorded(path: str) -> Iterator[npt.NDArray[np.float32]]:
    """Yield a decoded sound in pieces of a second, all channels as one."""
    given = np.load(path, mmap_mode="r", allow_pickle=False)
    for first in range(0, len(given), _RATE):
        part = given[first : first + _RATE].astype(np.float32) / np.float32(32768.0)
        yield part if part.ndim == 1 else part.mean(axis=1)


def _spoken(call: AnimaticCall) -> Iterator[_Moment]:
    """Speak the film's text once more, and listen to what is said when."""
    assert call.speech is not None
    said = replace(call.speech, sample_rate=_RATE, channels=1, volume=1.0)
    told: list[tuple[float, str]] = []

    def sounds() -> Iterator[npt.NDArray[np.float32]]:
        for breath in spoken(said, character_of(said.voice, said.profile), lambda _: None, lambda: False):
            # Before its sound is handed on: whoever hears a moment must know what is said in it.
            told.extend(breath.phonemes)
            yield breath.sound[:, 0]

    at = 0
    for number, moment in enumerate(_heard(sounds())):
        time = (number + 0.5) * _HOP_S
        while at + 1 < len(told) and told[at + 1][0] <= time:
            at += 1
        yield moment if not told or told[at][0] > time else _shaped(moment, told, at, time)


def _shaped(moment: _Moment, told: list[tuple[float, str]], at: int, time: float) -> _Moment:
    """Return the moment with the lips of the phoneme that is being said."""
    began, name = told[at]
    ends = told[at + 1][0] if at + 1 < len(told) else began + 0.1
    sign = _AS_A_SIGN.fullmatch(name)
    bare = (sign and sign["sign"]) or ""
    if not bare:
        return moment
    share, wide = _SHAPES.get(bare[0], _OTHER)
    if len(bare) > 1 and bare[1] in _GLIDES and time > (began + ends) / 2:
        share, wide = _SHAPES[_GLIDES[bare[1]]]
    return _Moment(moment.strength, share, wide, bare[0] in _MEET)


def _heard(sounds: Iterator[npt.NDArray[np.float32]]) -> Iterator[_Moment]:
    """Yield what each hundredth of a second sounds like, against the loudest that was heard so far."""
    full, waiting, begun = _FAINT, [], False
    for bands in _measured(sounds):
        waiting.append(bands)
        if begun or sum(map(len, waiting)) * _HOP_S >= _AHEAD_S:
            full = _loudest(full, waiting)
            yield from _judged(waiting, full)
            waiting, begun = [], True
    if waiting:
        yield from _judged(waiting, _loudest(full, waiting))


def _loudest(full: float, pieces: list[Values]) -> float:
    strength = np.concatenate([np.sqrt(piece.sum(axis=1)) for piece in pieces])
    # Not the loudest moment, which may be a knock on the table.
    return max(full, 0.85 * float(np.percentile(strength, 95)))


def _judged(pieces: list[Values], full: float) -> Iterator[_Moment]:
    for low, high in np.concatenate(pieces):
        strength = float(np.clip((np.sqrt(low + high) / full - 0.05) / 0.95, 0.0, 1.0))
        # The second resonance of "ee" lies high, that of "oo" next to the first.
        wide = float(np.clip(0.3 * np.log10((high + 1e-9) / (0.12 * low + 1e-9)), -0.6, 0.6))
        yield _Moment(strength, 0.85, wide, shut=False)


def _measured(sounds: Iterator[npt.NDArray[np.float32]]) -> Iterator[Values]:
    """Yield (moments, 2): the power of the voice's lower and upper band in each hundredth of a second."""
    hertz = np.fft.rfftfreq(_WINDOW, 1.0 / _RATE)
    low, high = (hertz >= _LOW_HZ) & (hertz < _MIDDLE_HZ), (hertz >= _MIDDLE_HZ) & (hertz <= _HIGH_HZ)
    taper = np.hanning(_WINDOW).astype(np.float32)
    # A window is centred on its moment.
    rest = np.zeros((_WINDOW - _HOP) // 2, np.float32)
    for sound in _and_an_end(sounds):
        rest = np.concatenate([rest, sound])
        count = (len(rest) - _WINDOW) // _HOP + 1
        if count <= 0:
            continue
        frames = np.lib.stride_tricks.sliding_window_view(rest, _WINDOW)[: count * _HOP : _HOP]
        power = np.abs(np.fft.rfft(frames * taper, axis=1)) ** 2 * (4.0 / _WINDOW**2)
        yield np.stack([power[:, low].sum(axis=1), power[:, high].sum(axis=1)], axis=1)
        rest = rest[count * _HOP :]


def _and_an_end(sounds: Iterator[npt.NDArray[np.float32]]) -> Iterator[npt.NDArray[np.float32]]:
    yield from sounds
    yield np.zeros(_WINDOW, np.float32)
