"""Calls and inputs for tests of the whole engine: short films of small frames, and files as they arrive decoded."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorRange, Colorspace

from rushes.calls import AnimaticCall
from rushes.engines.animatic.depth import Picture
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.engine import SoundTrack

RATE = 48_000


def call(prompt: str = "push in", image: str | None = None, **changes: object) -> AnimaticCall:
    """Return a call for 24 frames of 160x90 at 12 a second."""
    given: dict[str, object] = {"width": 160, "height": 90, "frames": 24, "fps": 12.0, "seed": 7, **changes}
    return AnimaticCall(prompt=prompt, image=image, **given)  # type: ignore[arg-type]


def recorded(frames: Picture, folder: Path, fps: float = 12.0) -> str:
    """Write frames as our decoder does, nearly without loss."""
    path = folder / f"{len(frames)}-{fps:g}.mp4"
    height, width = frames.shape[1:3]
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "1", "preset": "ultrafast"}
        stream.codec_context.colorspace, stream.codec_context.color_range = Colorspace.ITU709, ColorRange.MPEG
        for pixels in frames:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            file.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)))
        file.mux(stream.encode(None))
    return str(path)


def counting(count: int, width: int = 160, height: int = 90) -> Picture:
    """Return frames that can be told apart: each a little brighter than the one before, over the same slope."""
    slope = np.linspace(0, 40, width)[None, None, :, None]
    levels = np.linspace(30, 200, count)[:, None, None, None]
    return np.broadcast_to(levels + slope, (count, height, width, 3)).astype(np.uint8)


def sounding(seconds: float, folder: Path, channels: int = 1, hertz: float = 220.0, level: float = 0.5) -> str:
    """Write a tone the way decoded sound arrives."""
    at = np.arange(round(seconds * RATE)) / RATE
    tone = (np.sin(2 * np.pi * hertz * at) * level * 32767).astype(np.int16)
    path = folder / f"{seconds}-{channels}-{hertz}-{level}.npy"
    np.save(path, np.repeat(tone[:, None], channels, axis=1))
    return str(path)


def heard(track: SoundTrack | None) -> npt.NDArray[np.float32]:
    """Return all of a sound, (N, channels), checked chunk by chunk."""
    assert track is not None
    chunks = list(checked(track))
    return np.concatenate(chunks)


def checked(track: SoundTrack) -> Iterator[npt.NDArray[np.float32]]:
    """Yield a sound's chunks, each checked against the contract."""
    for chunk in track.chunks:
        assert chunk.dtype == np.float32
        assert chunk.ndim == 2
        assert len(chunk) >= 1
        assert chunk.shape[1] == track.channels
        assert float(np.abs(chunk).max()) <= 1.0
        yield chunk


def sound_of(asked: AnimaticCall) -> npt.NDArray[np.float32]:
    """Return a film's sound."""
    return heard(AnimaticEngine().generate(asked, lambda progress: None, lambda: False).sound)


def apart(one: Picture, other: Picture) -> float:
    """Return the mean difference of two pictures, in levels."""
    return float(np.abs(one.astype(np.int16) - other).mean())
