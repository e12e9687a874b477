"""How each kind of video file is written: tables from (container, quality, write mode) to a codec and its options.

Only data and the reasons for it; `encode` does the writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from rushes.endpoint import VideoFormat

Pixels = Literal["yuv420p", "yuv444p10le", "pal8"]
THREADS = 4  # fixed: x264's bytes depend on it


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a file is made with. `sound_codec` is None where there is no sound, `sound_bps` 0 where it is raw."""

    muxer: str
    content_type: str
    codec: str
    pixels: Pixels
    options: Mapping[str, str]
    muxing: Mapping[str, str] = field(default_factory=dict)
    sound_codec: str | None = None
    sound_bps: int = 0
    colours: int = 256  # in a GIF's palette
    dither: str = ""
    frame_threads: bool = False  # the encoder works on THREADS frames at once; without, its options say


EXTENSIONS = {"video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov", "image/gif": ".gif"}

# `bitexact` leaves out the muxer's version; a creation time is written only when asked for.
_BITEXACT = {"fflags": "+bitexact"}
# The index before the pictures: a browser starts to play before it has the whole file.
_FASTSTART = {"movflags": "+faststart", **_BITEXACT}

# x264: 17 is where generated gradients stop showing steps; each 6 doubles or halves the bits.
_X264_CRF = {"low": "28", "medium": "23", "high": "17", "maximum": "12"}
_X264_PRESET = {"fast": "superfast", "balanced": "veryfast", "small": "medium"}
# With mbtree or B-frames the same frames gave different files from run to run, even with one thread.
_X264_PARAMS = f"mbtree=0:bframes=0:chromaloc=1:threads={THREADS}"

# VP9's scale is another: 31 is what its makers recommend for 1080p, about x264's 22.
_VP9_CRF = {"low": "42", "medium": "33", "high": "24", "maximum": "15"}
_VP9_SPEED = {"fast": ("realtime", "8"), "balanced": ("realtime", "6"), "small": ("good", "3")}

# ProRes 4444, and 4444 XQ for the best: a profile has its own rate and no scale of quality. The other encoder,
# `prores_ks`, has one, but takes 0.3 s for a frame of 640x360 at low rates.
_PRORES_PROFILE = {"low": "4", "medium": "4", "high": "4", "maximum": "5"}
# The vendor mark is what editing programs look for before they trust a ProRes file.
_PRORES_VENDOR = {"vendor": "apl0"}

# GIF: fewer colours pack better; ordered dither packs better than error diffusion and doesn't crawl in motion, which
# counts for more than its pattern until the highest quality.
_GIF_COLOURS = {"low": 64, "medium": 128, "high": 256, "maximum": 256}
_GIF_DITHER = {
    "low": "bayer:bayer_scale=4",
    "medium": "bayer:bayer_scale=3",
    "high": "bayer:bayer_scale=2",
    "maximum": "sierra2_4a",
}

_SOUND_BPS = {"low": 96_000, "medium": 128_000, "high": 192_000, "maximum": 256_000}


def recipe(look: VideoFormat) -> Recipe:
    """Return how to write this format. ProRes and GIF know no trade of speed for size: `write_mode` is ignored."""
    return _RECIPES[look.container](look)


def _mp4(look: VideoFormat) -> Recipe:
    options = {
        "preset": _X264_PRESET[look.write_mode],
        "crf": _X264_CRF[look.quality],
        "x264-params": _X264_PARAMS,
    }
    return Recipe("mp4", "video/mp4", "libx264", "yuv420p", options, _FASTSTART, "aac", _SOUND_BPS[look.quality])


def _webm(look: VideoFormat) -> Recipe:
    deadline, speed = _VP9_SPEED[look.write_mode]
    options = {
        "crf": _VP9_CRF[look.quality],
        "b": "0",  # constant quality
        "deadline": deadline,
        "cpu-used": speed,
        "row-mt": "1",
        "threads": str(THREADS),
    }
    return Recipe(
        "webm", "video/webm", "libvpx-vp9", "yuv420p", options, _BITEXACT, "libopus", _SOUND_BPS[look.quality]
    )


def _mov(look: VideoFormat) -> Recipe:
    options = {"profile": _PRORES_PROFILE[look.quality], **_PRORES_VENDOR}
    return Recipe(
        "mov", "video/quicktime", "prores_aw", "yuv444p10le", options, _FASTSTART, "pcm_s16le", frame_threads=True
    )


def _gif(look: VideoFormat) -> Recipe:
    colours, dither = _GIF_COLOURS[look.quality], _GIF_DITHER[look.quality]
    return Recipe("gif", "image/gif", "gif", "pal8", {}, colours=colours, dither=dither)


_RECIPES = {"mp4": _mp4, "webm": _webm, "mov": _mov, "gif": _gif}
