"""Films of high dynamic range as ordinary ones: PQ and HLG in BT.2020 become BT.709, frame by frame; in the sandbox.

Sources: SMPTE ST 2084 (PQ) and ITU-R BT.2100 (HLG, its system gamma of 1.2 at 1,000 cd/m²); BT.2408 for diffuse white
at 203 cd/m²; BT.2087 for the colours. Up to half of that white nothing changes; what is brighter is bent so that
1,000 cd/m² is the brightest white, as a print would. One table each way, so a frame costs two look-ups and a matrix.
"""

from __future__ import annotations

from functools import cache
from math import log

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter

Light = npt.NDArray[np.float32]

_PQ, _HLG = int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67)
_WHITE, _PEAK = 203.0, 1000.0  # cd/m²
_KNEE = 0.5  # of diffuse white
_STEEP = 6.87  # makes the curve smooth at its knee: (1 - knee) * steep = log(1 + steep * (peak / white - knee))
_DISPLAY = 2.4  # BT.1886
_ROWS = 64  # converted at once, so that all of it stays in the cache
_TO_709 = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)


def is_high(frame: VideoFrame) -> bool:
    """Return whether a frame is of high dynamic range."""
    return frame.color_trc in (_PQ, _HLG)


class Standard:
    """Converts frames of one film to ordinary range."""

    def __init__(self) -> None:
        self._reformat = VideoReformatter()

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """Return the frame as 8-bit RGB in BT.709, as large as before; when it is shown is the caller's to know."""
        space = None if frame.colorspace in {int(one) for one in Colorspace} else Colorspace.BT2020
        wide = self._reformat.reformat(frame, format="rgb48le", src_colorspace=space).to_ndarray()
        table, shown = _light(frame.color_trc), _levels()
        pixels = np.empty(wide.shape, np.uint8)
        for top in range(0, len(wide), _ROWS):
            bright = table[wide[top : top + _ROWS]]
            red, green, blue = (np.ascontiguousarray(bright[..., channel]) for channel in range(3))
            for channel, (of_red, of_green, of_blue) in enumerate(_TO_709):
                level = of_red * red + of_green * green + of_blue * blue
                codes = np.clip(level, 0.0, 1.0, out=level) * np.float32(65_535.0)
                pixels[top : top + _ROWS, :, channel] = shown[codes.astype(np.uint16)]
        plain = VideoFrame.from_ndarray(pixels, format="rgb24")
        plain.color_range, plain.color_trc = ColorRange.JPEG, ColorTrc.BT709
        plain.color_primaries = ColorPrimaries.BT709
        return plain


@cache
def _light(curve: int) -> Light:
    """Return the table (65536) from a code to light, bent to what an ordinary screen can show: 0 to 1."""
    code = np.arange(65_536) / 65_535.0
    nits = (_from_pq if curve == _PQ else _from_hlg)(code)
    return _bent(nits / _WHITE).astype(np.float32)


def _from_pq(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # ST 2084: c1, c2 and c3, and one by m2 = 2523/32 and by m1 = 2610/16384.
    root = code ** (32.0 / 2523.0)
    return np.asarray(
        10_000.0 * (np.maximum(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (16_384.0 / 2610.0)
    )


def _from_hlg(code: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(code <= 0.5, code**2 / 3.0, (np.exp((code - c) / a) + b) / 12.0)
    return np.asarray(_PEAK * scene**1.2)


def _bent(light: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return light (1 is diffuse white) on a screen (1 is its white)."""
    above = np.log1p(_STEEP * np.maximum(light - _KNEE, 0.0)) / log(1.0 + _STEEP * (_PEAK / _WHITE - _KNEE))
    return np.where(light < _KNEE, light, np.minimum(_KNEE + (1.0 - _KNEE) * above, 1.0))


@cache
def _levels() -> npt.NDArray[np.uint8]:
    """Return the table (65536) from light to 8-bit levels."""
    return np.rint(255.0 * (np.arange(65_536) / 65_535.0) ** (1.0 / _DISPLAY)).astype(np.uint8)
