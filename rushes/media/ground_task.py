"""What a picture with transparency is laid on, and what a mask with transparency says; runs in the sandbox only.

A picture gets a soft studio ground: nearly white where the subject stands out from that, darker where a pale subject
would be lost, with a trace of the subject's own colour. Of a mask only the painted region counts, whatever its colour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["laid_down", "painted"]

_SIDE = 128  # pixels at which the subject is judged
_LIGHTS = (240.0, 196.0, 150.0, 104.0, 44.0)  # levels of the ground, in the order of preference
_APART = 48.0  # levels in one channel from which a part of the subject can be told from the ground
_ENOUGH = 0.85  # of the subject that has to be told: a pale label would read as a hole
_TINT = 0.05  # of the subject's mean colour that the ground takes on
_FALL = 11.0  # levels from the middle of the ground to its corners: soft, and even enough to be seen as one ground
_TONES = (60, 195)  # levels between which paint is neither black nor white
_PHOTOGRAPH = 0.25  # of what is there that has such tones: no paint, but a picture with a hole in it
_CONTRAST = 90  # levels between the darkest and the lightest paint from which its brightness counts

Values = npt.NDArray[np.float32]


def laid_down(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the picture on its ground; `alpha` is an "L" of its size."""
    if _is_opaque(alpha):
        return rgb
    flat = ground(rgb, alpha).resize(rgb.size, Image.Resampling.BILINEAR)
    flat.paste(rgb, mask=alpha)
    return flat


def ground(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return the ground for a subject, small; it is to be stretched to the picture's size."""
    colours, cover = _small(rgb), _small(alpha) / np.float32(255.0)
    total = float(cover.sum())
    mean = (colours * cover[..., None]).sum(axis=(0, 1)) / max(total, 1e-3)
    light = _LIGHTS[0] if total < 1.0 else _standing_out(colours, cover, total)
    away = np.linspace(-1.0, 1.0, _SIDE, dtype=np.float32) ** 2
    plain = light - _FALL * 0.5 * (away[:, None] + away[None, :])
    tint = _TINT * (mean - mean.mean()) if total >= 1.0 else np.zeros(3)
    return Image.fromarray(np.clip(plain[..., None] + tint + 0.5, 0.0, 255.0).astype(np.uint8))


def painted(rgb: Image.Image, alpha: Image.Image) -> Image.Image:
    """Return a mask in white on black: its paint, or its bright paint where there is dark paint too.

    A picture in which a hole was cut stands for the hole.
    """
    if _is_opaque(alpha):
        return rgb
    colours, cover = _small(rgb), _small(alpha)
    there = colours.max(axis=2)[cover > 127]
    tones = float(np.mean((there > _TONES[0]) & (there < _TONES[1]))) if len(there) else 0.0
    contrast = float(np.ptp(np.percentile(there, (2, 98)))) if len(there) else 0.0
    if contrast > _CONTRAST and tones <= _PHOTOGRAPH:
        flat = Image.new("RGB", rgb.size, "black")
        flat.paste(rgb, mask=alpha)
        return flat
    region = alpha.point([255 - level for level in range(256)]) if contrast > _CONTRAST else alpha
    return Image.merge("RGB", (region, region, region))


def _standing_out(colours: Values, cover: Values, total: float) -> float:
    """Return the first ground from which enough of the subject stands out, or else the best."""
    shares = [float((cover * (np.abs(colours - light).max(axis=2) > _APART)).sum()) / total for light in _LIGHTS]
    enough = (light for light, share in zip(_LIGHTS, shares, strict=True) if share >= _ENOUGH)
    return next(enough, _LIGHTS[int(np.argmax(shares))])


def _small(picture: Image.Image) -> Values:
    """Return a picture's values small, squeezed to a square; no colour of what can't be seen is mixed in by that."""
    return np.asarray(picture.resize((_SIDE, _SIDE), Image.Resampling.NEAREST), dtype=np.float32)


def _is_opaque(alpha: Image.Image) -> bool:
    return bool(np.asarray(alpha, dtype=np.uint8).min() == 255)
