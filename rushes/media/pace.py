"""At which constant rate a stranger's film is written, and which of its frames is shown when; looks at packets only.

A film whose frames come evenly (within the rounding of its container's clock) keeps every frame once, or every second,
third, … above 60 per second. One whose frames come unevenly, as phones and screen recorders write them, is laid on a
grid of constant rate by its timestamps: what is shown at a moment of the source is shown at that moment of the film,
so that pictures and sound stay together. The grid is as fine as the source's usual distance between frames; a pause
repeats a frame, and of several frames within one step the last is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.stream import VideoStream

SLOWEST, FASTEST = Fraction(1), Fraction(60)
_EVEN = 0.75  # of a frame, how far a frame may lie beside its place; rounding to 1/1000 s moves none that far
_COMPLETE = 0.9  # share of what the head of the file declares that must be there
_SLACK_S = 0.5
_COMMON = tuple(Fraction(*rate) for rate in ((24, 1), (25, 1), (30, 1), (50, 1), (60, 1), (24000, 1001), (30000, 1001)))


@dataclass(frozen=True, slots=True)
class Survey:
    """What the packets tell before anything is decoded: pictures, seconds from first to end, times in order."""

    packets: int
    seconds: float
    times: npt.NDArray[np.float64]  # seconds after the first; shorter than `packets` where some have none


@dataclass(frozen=True, slots=True)
class Pace:
    """How a film's frames are placed: `rate` and `frames` of what is written; `step` of an even source, else 0."""

    rate: Fraction
    frames: int
    step: int

    @property
    def seconds(self) -> float:
        """How long the film is."""
        return float(self.frames / self.rate)

    def slot(self, number: int, seconds: float | None) -> int:
        """The place of the source's frame `number`, shown `seconds` after the first."""
        if self.step:
            return number // self.step
        # A clock's rounding must not bring a frame into the place before its own.
        return int(seconds * float(self.rate) + 0.25) if seconds is not None else number


def survey(container: InputContainer, stream: VideoStream, most: int) -> Survey:
    """Read all packets; raises EOFError when the file ends before what it declares, ValueError without a picture.

    More than `most` pictures are not counted to the end: tables of a few bytes can promise billions.
    """
    times: list[int] = []
    packets, last, end = 0, 0, 0.0
    # All streams, since the length that a head declares is that of the longest.
    for packet in container.demux():
        if packet.size == 0 or packet.is_discard:
            continue
        time = packet.pts if packet.pts is not None else packet.dts
        if time is not None:
            end = max(end, float((time + (packet.duration or 0)) * packet.time_base))
        if packet.stream.index != stream.index:
            continue
        if packet.is_corrupt:
            raise EOFError(f"the file ends within picture {packets + 1}")
        packets += 1
        if time is not None:
            times.append(time)
            last = packet.duration or last
        if packets > most:
            break
    if packets == 0:
        raise ValueError("there is not one picture in it")
    if packets <= most:
        _check_complete(container, stream, packets, end)
    base = float(stream.time_base or 0)
    ordered = np.sort(np.asarray(times, np.float64)) * base
    span = float(ordered[-1] - ordered[0]) if times else 0.0
    average = span / (len(times) - 1) if len(times) > 1 else 0.0
    return Survey(packets, span + (last * base or average), ordered - (ordered[0] if times else 0.0))


def _check_complete(container: InputContainer, stream: VideoStream, packets: int, end: float) -> None:
    """Refuse a file of which a part is missing: by its count of pictures, or by its length, whichever it declares."""
    if packets < stream.frames * _COMPLETE:
        raise EOFError(f"{packets} of {stream.frames} pictures are there")
    if container.duration is None or "matroska" not in container.format.name:
        return  # other containers count their pictures, or have no head that could declare a length
    # Some count the length from the first picture, some from the clock's nought, as `end` does: of a whole film it is
    # never too small.
    declared = container.duration / av.time_base
    if end < declared * _COMPLETE and declared - end > _SLACK_S:
        raise EOFError(f"{end:.1f} of {declared:.1f} s are there")


def pace_of(found: Survey, declared: Fraction | None, most: int) -> Pace:
    """Choose the film's rate; an uneven source's is lowered until it fits into `most` frames, if that is enough."""
    rate = _average(found, declared)
    if _is_even(found, rate):
        if rate < SLOWEST and len(found.times) == found.packets and found.seconds > 0:
            # Slides, of which each is shown for seconds: at the slowest rate they would pass too soon.
            return Pace(SLOWEST, max(1, round(found.seconds)), 0)
        step = -int(-rate // FASTEST)
        return Pace(max(rate / step, SLOWEST), -(-found.packets // step), step)
    usual = 1 / Fraction(float(np.median(np.diff(found.times))) or 1.0).limit_denominator(100_000)
    rate = _common(max(usual, Fraction(found.packets / found.seconds)))
    # Rounded down: one frame more than allowed would be refused.
    fits = Fraction(int(most / found.seconds * 1000), 1000)
    rate = max(SLOWEST, min(rate, FASTEST, fits))
    return Pace(rate, max(1, round(found.seconds * rate)), 0)


def _average(found: Survey, declared: Fraction | None) -> Fraction:
    """The average rate: as declared where the packets agree, else as they are."""
    measured = Fraction(found.packets / found.seconds).limit_denominator(1001) if found.seconds > 0 else Fraction(0)
    if declared and (not measured or abs(declared / measured - 1) < 0.1):
        # 1001 keeps 30000/1001 and its kin as they are.
        return declared.limit_denominator(1001)
    return measured or Fraction(25)


def _is_even(found: Survey, rate: Fraction) -> bool:
    """Whether each frame lies where a constant rate has it; without times for all of them there is only their count."""
    if len(found.times) < found.packets or len(found.times) < 2 or found.seconds <= 0:
        return True
    beside = found.times * float(rate) - np.arange(found.packets)
    # No frame far off its place, and the last one on it: a rate that is a little wrong drifts away slowly.
    return float(np.ptp(beside)) <= 2 * _EVEN and abs(float(beside[-1])) <= _EVEN


def _common(rate: Fraction) -> Fraction:
    """The usual rate that is within 2 %, so that a phone's 29.6 becomes 30; else the rate as it is."""
    nearest = min(_COMMON, key=lambda common: abs(common - rate))
    return nearest if abs(nearest / rate - 1) < 0.02 else rate.limit_denominator(1001)
