"""A subject's own picture as a figure in a scene: cut out softly from an even ground, else framed as a print.

What is even is found by colour from the picture's rim; people before busy grounds are `matte`'s. Nothing is learned.
Where it stands is `scene`'s choice.
"""

from __future__ import annotations

import cv2
import numpy as np

from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.matte import matte

_SIDE = 640  # the longer side a subject is kept at; it never fills more than that of a film's frame
_EVEN = 15.0  # levels by which an even ground may differ around the rim (the median away from its middle)
_NEAR, _FAR = 14.0, 34.0  # levels from the ground's colour at which the subject begins, and is wholly there
_LEAST, _MOST = 0.03, 0.85  # of the picture that a subject covers; else it was no subject
_SOLID = 0.2  # of its box that a subject fills
_RIM = 0.02  # of the shorter side, for a print's white border


def cutout(picture: Picture) -> Picture:
    """Return a subject on nothing: (H, W, 4) uint8, premultiplied, cropped to what is to be seen."""
    found = lifted(picture)
    return _print(_fitted(picture)) if found is None else found


def lifted(picture: Picture) -> Picture | None:
    """Return a subject as `cutout` does, or None where none stands out, neither from an even ground nor by its face."""
    small = _fitted(picture)
    cover = _standing_out(small)
    if cover is None:
        cover = matte(small)
    if cover is None:
        return None
    rows, columns = np.where(cover.max(axis=1) > 0.1)[0], np.where(cover.max(axis=0) > 0.1)[0]
    # a row of nothing below says that the subject ends there, and not its picture (see `is_bust`)
    top, bottom, left, right = rows[0], min(rows[-1] + 2, len(cover)), columns[0], columns[-1] + 1
    if float(cover[top:bottom, left:right].mean()) < _SOLID:
        return None  # lines on paper: without the paper they are hard to see
    cover, small = cover[top:bottom, left:right], small[top:bottom, left:right]
    # the rim's colours are half ground: take them from further inside, or a pale line would run around the subject
    inside = (cover > 0.96).astype(np.float32)
    spread = cv2.GaussianBlur(inside, (0, 0), 3.0)[..., None]
    solid = cv2.GaussianBlur(small.astype(np.float32) * inside[..., None], (0, 0), 3.0) / np.maximum(spread, 1e-3)
    share = np.clip(spread * 4.0, 0.0, 1.0) * (1.0 - inside[..., None])
    colour = small + share * (solid - small)
    return np.concatenate([colour * cover[..., None], cover[..., None] * 255.0], axis=2).astype(np.uint8)


def _fitted(picture: Picture) -> Picture:
    tall, wide = picture.shape[:2]
    scale = min(1.0, _SIDE / max(tall, wide))
    size = (max(8, round(wide * scale)), max(8, round(tall * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _standing_out(picture: Picture) -> Plane | None:
    """Return how much each pixel belongs to the subject, or None where no even ground lies around one."""
    unlike = unlike_ground(picture)
    if unlike is None:
        return None
    like = (unlike < _FAR).astype(np.uint8)
    # Ground is only what hangs together with the rim: a white shirt before a white wall stays.
    _, labels = cv2.connectedComponents(like, connectivity=4)
    touching = np.unique(np.concatenate([labels[0], labels[:, 0], labels[:, -1]]))
    outside = np.isin(labels, touching[touching > 0])
    cover = np.where(outside, np.clip((unlike - _NEAR) / (_FAR - _NEAR), 0.0, 1.0), 1.0).astype(np.float32)
    # Without specks of noise, which an even ground is full of.
    opened = cv2.morphologyEx(cover, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    cover = np.clip(cv2.GaussianBlur(opened, (0, 0), 1.0) * 1.5 - 0.5, 0.0, 1.0)
    return np.asarray(cover, np.float32) if _LEAST < float(cover.mean()) < _MOST else None


def unlike_ground(picture: Picture) -> Plane | None:
    """Return how many levels (Lab, 8 bits) each pixel is from the ground's colour; None where the rim is not even."""
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 0.8), cv2.COLOR_RGB2LAB).astype(np.float32)
    tall, wide = picture.shape[:2]
    band = max(2, min(tall, wide) // 40)
    # not the lower edge: a bust or a product often stands on it
    rim = np.concatenate(
        [part.reshape(-1, 3) for part in (lab[:band], lab[: tall * 3 // 4, :band], lab[: tall * 3 // 4, -band:])]
    )
    ground = np.median(rim, axis=0)
    away = np.linalg.norm(rim - ground, axis=1)
    if float(np.percentile(away, 85)) > _EVEN:
        return None
    return np.asarray(np.linalg.norm(lab - ground, axis=2), dtype=np.float32)


def _print(picture: Picture) -> Picture:
    """Return the picture as a print with a white border."""
    rim = max(2, round(_RIM * min(picture.shape[:2])))
    tall, wide = picture.shape[:2]
    card = np.full((tall + 2 * rim, wide + 2 * rim, 4), (247, 245, 240, 255), np.uint8)
    card[rim : rim + tall, rim : rim + wide, :3] = picture
    return card


def is_bust(figure: Picture) -> bool:
    """Say whether a figure (H, W, 4) is cut off below, so that it must stand on the frame's own edge."""
    cover = figure[..., 3] > 128
    return bool(cover[-1].mean() > 0.3 and cover[0].mean() < 0.2 and not cover[:, [0, -1]].all())
