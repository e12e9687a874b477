"""Colour profiles written by hand (ICC.1:2001-04), and the colour science to check what becomes of them."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.float64]

# XYZ (D50, as profiles have it) of the primaries, by column.
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
ADOBE_RGB = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
WHITE = np.array([0.9642, 1.0, 0.8249])


def matrix_profile(primaries: Colours, gamma: float) -> bytes:
    """A display's profile: three primaries and one gamma."""
    columns = {name: _xyz(primaries[:, at]) for at, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    return _profile(
        b"RGB ", {**columns, b"wtpt": _xyz(WHITE), **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma))}
    )


def grey_profile(gamma: float) -> bytes:
    """A grey scale of this gamma."""
    return _profile(b"GRAY", {b"wtpt": _xyz(WHITE), b"kTRC": _curve(gamma)})


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"made here"
    description = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(1 + 78)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for tag, value in tags.items():
        table += tag + struct.pack(">II", at + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02100000, b"mntr", space, b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">iii", *(round(v * 65_536) for v in WHITE))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(values: Colours) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">iii", *(round(float(v) * 65_536) for v in values))


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def linear(values: Colours) -> Colours:
    """sRGB from 0 to 1 → light (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def lab(light: Colours, primaries: Colours) -> Colours:
    """Light (..., 3) of these primaries → CIE L*a*b* under D50."""
    ratio = light @ primaries.T / WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1)
