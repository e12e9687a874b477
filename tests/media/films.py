"""Small films and sounds for the tests of media: made here, written with PyAV or our own encoder."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from rushes.endpoint import VideoFormat
from rushes.media.encode import Encoded, encode_video
from rushes.media.sound import Heard, SoundSource

Pixels = npt.NDArray[np.uint8]
WIDTH, HEIGHT = 96, 64


def moving(frames: int, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """A smooth picture that drifts."""
    y, x = np.mgrid[0:height, 0:width]
    time_of = np.arange(frames)[:, None, None]
    red, green, blue = x + 2 * time_of, 2 * y + time_of, (x + y) + 0 * time_of
    pixels: Pixels = np.clip(np.stack([red, green, blue], -1), 0, 255).astype(np.uint8)
    return pixels


def tone(seconds: float, rate: int = 48_000, channels: int = 2, hertz: float = 440.0) -> Heard:
    """A sine at half volume."""
    wave = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, 1).astype(np.float32)


def source(sound: Heard, rate: int = 48_000, piece: int = 5_000) -> SoundSource:
    """Sound that comes in pieces."""
    return SoundSource((sound[at : at + piece] for at in range(0, len(sound), piece)), rate, sound.shape[1])


def write_film(
    to: Path,
    pixels: Pixels,
    fps: float | Fraction = 24,
    look: VideoFormat | None = None,
    sound: SoundSource | None = None,
) -> Encoded:
    """Encode with our own encoder."""
    height, width = pixels.shape[1:3]
    chunks: Iterator[Pixels] = (pixels[at : at + 5] for at in range(0, len(pixels), 5))
    return encode_video(chunks, to, width=width, height=height, fps=fps, frames=len(pixels), look=look, sound=sound)


def frames_of(path: Path) -> Pixels:
    """Decode all frames as (T, H, W, 3) RGB."""
    with av.open(str(path)) as file:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)])


def sound_of(path: Path, rate: int = 48_000) -> Heard:
    """Decode all sound as (N, channels) float32."""
    with av.open(str(path)) as file:
        channels = file.streams.audio[0].channels
        resampler = av.AudioResampler(format="flt", layout="mono" if channels == 1 else "stereo", rate=rate)
        frames = [done for frame in file.decode(audio=0) for done in resampler.resample(frame)]
        frames += resampler.resample(None)
    return np.concatenate([frame.to_ndarray().reshape(-1, channels) for frame in frames])


def pitch(sound: Heard, rate: int = 48_000) -> float:
    """The loudest frequency in Hz."""
    wave = sound[:, 0]
    return float(np.argmax(np.abs(np.fft.rfft(wave))) * rate / len(wave))
