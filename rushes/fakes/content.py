"""The files that pretended vendors hand out: real, small, always the same bytes for the same question, made once.

A picture that moves, so that differences between frames can be measured; a tone where sound is asked for. Sizes are
taken as they come: `small` shrinks what a vendor would make, because nobody rehearses for the pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream
from PIL import Image

SAMPLE_RATE = 44_100
_AAC_SAMPLES = 1024  # of one frame, whose encoder takes no other number
_TONE_HZ = 220.0
_KEPT = 64  # files; a rehearsal asks for a handful of sizes again and again


@dataclass(frozen=True, slots=True)
class Clip:
    """What a task makes: the size that the vendor would make, seconds, frames per second, whether it sounds."""

    width: int
    height: int
    seconds: float
    fps: float = 24.0
    sound: bool = False

    def mp4(self) -> bytes:
        """Return it as a film of that shape and length, small."""
        return mp4(*small(self.width, self.height), self.seconds, self.fps, self.sound)


def small(width: int, height: int, longest: int = 320) -> tuple[int, int]:
    """Return width and height in about the same shape, even, and no side longer than `longest`."""
    scale = min(1.0, longest / max(width, height))
    return max(16, round(width * scale / 2) * 2), max(16, round(height * scale / 2) * 2)


@lru_cache(maxsize=_KEPT)
def mp4(width: int, height: int, seconds: float, fps: float = 24.0, sound: bool = False) -> bytes:
    """Return an H.264 film of `round(seconds * fps)` frames, at least one; odd sides are rounded up; AAC if `sound`."""
    width, height = width + width % 2, height + height % 2
    rate = Fraction(fps).limit_denominator(1001)
    count = max(1, round(seconds * fps))
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as film:
        # One thread, no look-ahead: the same frames must give the same bytes on every machine.
        video = film.add_stream("libx264", rate=rate, options={"preset": "superfast", "threads": "1", "crf": "26"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        audio = film.add_stream("aac", rate=SAMPLE_RATE, layout="mono") if sound else None
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(_picture(width, height, index), format="rgb24")
            frame.pts = index
            film.mux(video.encode(frame))
        film.mux(video.encode(None))
        if audio is not None:
            for heard in _tone(float(count / rate)):
                film.mux(audio.encode(heard))
            film.mux(audio.encode(None))
    return out.getvalue()


@lru_cache(maxsize=_KEPT)
def picture(width: int, height: int, form: Literal["PNG", "JPEG", "WEBP", "BMP"] = "PNG", number: int = 0) -> bytes:
    """Return a still in that format; another `number` gives another picture."""
    out = io.BytesIO()
    Image.fromarray(_picture(width, height, 7 * number)).save(out, form)
    return out.getvalue()


def png(width: int, height: int, number: int = 0) -> bytes:
    """Return a PNG without transparency; another `number` gives another picture."""
    return picture(width, height, "PNG", number)


def jpeg(width: int, height: int, number: int = 0) -> bytes:
    """Return a JPEG; another `number` gives another picture."""
    return picture(width, height, "JPEG", number)


@lru_cache(maxsize=_KEPT)
def sound(seconds: float, container: Literal["mp3", "wav", "flac"] = "mp3", sample_rate: int = SAMPLE_RATE) -> bytes:
    """Return a tone of that length, mono."""
    codec = {"mp3": "libmp3lame", "wav": "pcm_s16le", "flac": "flac"}[container]
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast(AudioStream, file.add_stream(codec, rate=sample_rate, layout="mono"))
        sampler = av.AudioResampler(stream.format, "mono", sample_rate)
        for heard in _tone(seconds, sample_rate):
            for fitting in sampler.resample(heard):
                file.mux(stream.encode(fitting))
        file.mux(stream.encode(None))
    return out.getvalue()


def mp3(seconds: float, sample_rate: int = SAMPLE_RATE) -> bytes:
    """Return a tone of that length as mp3, mono."""
    return sound(seconds, "mp3", sample_rate)


def _picture(width: int, height: int, index: int) -> npt.NDArray[np.uint8]:
    """Return (height, width, 3) uint8 RGB: a slope of colour with a bright square that moves on with `index`."""
    made = np.empty((height, width, 3), np.uint8)
    made[..., 0] = np.linspace(30, 200, width, dtype=np.uint8)[None, :]
    made[..., 1] = np.linspace(40, 160, height, dtype=np.uint8)[:, None]
    made[..., 2] = 90
    side = max(2, min(width, height) // 4)
    left = index * max(1, width // 64) % max(1, width - side)
    top = (height - side) // 2
    made[top : top + side, left : left + side] = (245, 230, 120)
    return made


def _tone(seconds: float, sample_rate: int = SAMPLE_RATE) -> Iterator[av.AudioFrame]:
    """Yield mono float frames of a quiet sine, `seconds` of it in all."""
    total = max(1, round(seconds * sample_rate))
    for start in range(0, total, _AAC_SAMPLES):
        at = np.arange(start, min(start + _AAC_SAMPLES, total), dtype=np.float64) / sample_rate
        wave = (0.2 * np.sin(2 * np.pi * _TONE_HZ * at)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave[None, :], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = sample_rate, start
        yield frame
