"""Sounds as a vendor writes them: mp3, wav, flac or raw samples, at the asked rate, bits per second and channels."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.stream import AudioStream

Container = Literal["mp3", "wav", "flac", "pcm"]
CONTENT_TYPES = {"mp3": "audio/mpeg", "wav": "audio/wav", "flac": "audio/flac", "pcm": "audio/pcm"}
_CODECS = {"mp3": "libmp3lame", "wav": "pcm_s16le", "flac": "flac"}
_TONE_HZ = (220.0, 330.0)  # left and right differ, so that channels can be told apart
_BLOCK = 4096


@lru_cache(maxsize=32)
def recorded(seconds: float, container: Container, sample_rate: int, bitrate: int, channels: int) -> bytes:
    """Return a quiet tone of that length; pcm is 16 bit, little-endian, channels interleaved; bitrate is mp3's."""
    samples = _samples(seconds, sample_rate, channels)
    if container == "pcm":
        return samples.tobytes()
    layout = "mono" if channels == 1 else "stereo"
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast(AudioStream, file.add_stream(_CODECS[container], rate=sample_rate, layout=layout))
        if container == "mp3":
            stream.bit_rate = bitrate
        sampler = av.AudioResampler(stream.format, layout, sample_rate)
        for start in range(0, len(samples), _BLOCK):
            block = samples[start : start + _BLOCK]
            frame = av.AudioFrame.from_ndarray(block.reshape(1, -1), format="s16", layout=layout)
            frame.sample_rate, frame.pts = sample_rate, start
            for fitting in sampler.resample(frame):
                file.mux(stream.encode(fitting))
        file.mux(stream.encode(None))
    return out.getvalue()


def _samples(seconds: float, sample_rate: int, channels: int) -> npt.NDArray[np.int16]:
    """Return (N, channels) int16."""
    at = np.arange(max(1, round(seconds * sample_rate))) / sample_rate
    waves = [0.2 * np.sin(2 * np.pi * pitch * at) for pitch in _TONE_HZ[:channels]]
    return np.ascontiguousarray((np.stack(waves, axis=1) * 32_767).astype("<i2"))
