"""Regions of a picture that travel along a path, or stay where they are while all else moves.

A travelling region is cut out with a soft edge, what was behind it is filled in (`filling`), and it is put back into
the picture at its place of the moment, before the camera, so that it follows every camera move. Regions that stay are
told to the stage (`render`), which bends the camera's view around them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes.calls import AnimaticCall, Mask
from rushes.engines.animatic.depth import Picture, Plane
from rushes.engines.animatic.easing import ease
from rushes.engines.animatic.filling import filled
from rushes.engines.animatic.render import Stage

_SOFT = 0.0016  # of the longer side: sigma of a cut edge; 2 pixels at 720p
_BEHIND = 0.008  # of the longer side: what is filled in reaches so far beyond the edge, which is never cut exactly
_BAND = 0.012  # of the longer side: how far beside the outline a brush may have gone
_DISTINCT = 40.0  # levels between inside and outside, beyond which an outline can be told
_COLOURED = 60  # levels between channels: a brush's red or green, not paper
_FALL = 0.3  # of the frame's mean side: over so much the camera's view bends back; steeper, and it would fold
_CURVE = 16  # points of the path between two given ones

Points = npt.NDArray[np.float64]  # (N, 2), x and y


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture of `wide` x `tall` pixels lies on the one before the camera, which is as `cover` makes it."""

    wide: float
    tall: float
    left: float
    top: float

    @classmethod
    def of(cls, path: str, covering: Picture, width: int, height: int) -> Place:
        """Find it for the picture in the file `path`, covering a frame."""
        shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
        scale = max(width / shape[1], height / shape[0])
        wide, tall = shape[1] * scale, shape[0] * scale
        return cls(wide, tall, (covering.shape[1] - wide) / 2, (covering.shape[0] - tall) / 2)

    def points(self, shares: tuple[tuple[float, float], ...]) -> Points:
        """Return where points lie that are given in shares of the picture."""
        return np.array(shares, np.float64).reshape(-1, 2) * (self.wide, self.tall) + (self.left, self.top)

    def region(self, path: str, covering: Picture) -> Plane:
        """Return the region painted in a mask of any size, (H, W) of the covering picture, 0..1."""
        painted: npt.NDArray[Any] = np.load(path, allow_pickle=False)
        region = painted_region(np.asarray(painted, dtype=np.uint8))
        across, down = self.wide / region.shape[1], self.tall / region.shape[0]
        if min(across, down) < 1.0:
            size = (max(1, round(region.shape[1] * min(across, 1.0))), max(1, round(region.shape[0] * min(down, 1.0))))
            region = np.asarray(cv2.resize(region, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
            across, down = self.wide / region.shape[1], self.tall / region.shape[0]
        turn = np.array([[across, 0.0, self.left + (across - 1) / 2], [0.0, down, self.top + (down - 1) / 2]])
        size = (covering.shape[1], covering.shape[0])
        # Steeper around one half: a mask that was saved as JPEG has a soft rim.
        placed = cv2.warpAffine(region, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip((placed - 0.5) * 2.0 + 0.5, 0.0, 1.0), dtype=np.float32)


def painted_region(mask: Picture) -> Plane:
    """Return 0..1, 1 where a mask is painted: in colour if it has any, else in white."""
    coloured = (mask.max(axis=2).astype(np.int16) - mask.min(axis=2)) > _COLOURED
    if float(coloured.mean()) > 0.0005:
        return np.asarray(coloured.astype(np.float32))
    light = cv2.cvtColor(mask, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0
    return np.asarray(light, dtype=np.float32)


def outlined(region: Plane, picture: Picture) -> Plane:
    """Return the region drawn in to the outline that it was painted along, where colours tell that outline.

    Within a band along the brush's edge a pixel belongs to the side whose nearby colours it resembles more.
    """
    width = max(2, round(_BAND * max(region.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * width + 1, 2 * width + 1))
    # Surely inside and surely outside, between which the band of doubt lies.
    solid = (region > 0.5).astype(np.uint8)
    inner = np.asarray(cv2.erode(solid, kernel), dtype=np.uint8)
    outer = np.asarray(1 - cv2.dilate(solid, kernel), dtype=np.uint8)
    if not inner.any() or not outer.any():
        return region  # too thin to have an inside
    colours = picture.astype(np.float32)
    inside, outside = (_nearby(colours, side, 2.0 * width) for side in (inner, outer))
    from_inside, from_outside = (np.linalg.norm(colours - side, axis=2) for side in (inside, outside))
    apart = np.linalg.norm(inside - outside, axis=2)
    belongs = np.clip(2.0 * (from_outside - from_inside) / np.maximum(apart, 1.0) + 0.5, 0.0, 1.0)
    told = np.clip((apart - _DISTINCT) / _DISTINCT, 0.0, 1.0) * (1 - inner)
    return np.asarray(region + told * (np.minimum(region, belongs) - region), dtype=np.float32)


def _nearby(colours: Plane, side: Picture, sigma: float) -> Plane:
    """Return the mean colour of one side around each pixel."""
    weight = side.astype(np.float32)
    near = cv2.GaussianBlur(weight, (0, 0), sigma)[..., None] + 1e-4
    return np.asarray(cv2.GaussianBlur(colours * weight[..., None], (0, 0), sigma) / near, dtype=np.float32)


def still_region(call: AnimaticCall, covering: Picture) -> Plane | None:
    """Return what is to stay still, (H, W) of the covering picture, 0..1; None for nothing."""
    still = [mask for mask in call.masks if not mask.path]
    if not still or call.image is None:
        return None
    place = Place.of(call.image, covering, call.width, call.height)
    region = np.max([place.region(mask.image, covering) for mask in still], axis=0)
    return np.asarray(region, dtype=np.float32) if region.max() > 0.5 else None


class Masked:
    """What the masks of a call do to the picture before its camera, and to each finished frame."""

    def __init__(self, call: AnimaticCall, stage: Stage) -> None:
        """`stage` holds the opening picture, which is changed in place."""
        still = still_region(call, stage.picture)
        self._kept: Picture | None = None
        if still is not None:
            self._kept = (still[stage.rested()] > 0.5).astype(np.uint8)
            self._resting = stage.resting().copy()
            if self._kept.any():
                stage.hold = _Hold(stage, self._kept)
        travelling = call.image is not None and any(len(mask.path) > 1 for mask in call.masks)
        self._travellers = Travellers(call, stage.picture, still) if travelling else None

    def move(self, t: float) -> None:
        """Set the picture up for the moment `t` in 0..1, before it is drawn."""
        if self._travellers is not None:
            self._travellers.move(t)

    def keep(self, frame: Picture) -> None:
        """Put back what stays still, whatever was drawn over it."""
        if self._kept is not None:
            cv2.copyTo(self._resting, self._kept, frame)


class _Hold:
    """The camera's view bent around a region of the frame that stays: nothing moves inside, all of it far away."""

    def __init__(self, stage: Stage, kept: Picture) -> None:
        """`kept` (height, width) is 1 inside."""
        self._x, self._y = stage.at_rest()
        # The grid's cells that touch the region must not move at all, or else its rim would.
        # Two cells on each side: a node counts in all four cells around it.
        near = np.asarray(cv2.dilate(kept, np.ones((33, 33), np.uint8)), dtype=np.uint8)
        away = cv2.distanceTransform(1 - near, cv2.DIST_L2, 5)
        gone = cv2.remap(away, *stage.frame_nodes(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        part = np.clip(gone / (_FALL * np.sqrt(kept.size)), 0.0, 1.0)
        self._free = np.asarray(part * part * (3.0 - 2.0 * part), dtype=np.float32)

    def __call__(self, x: Plane, y: Plane) -> tuple[Plane, Plane]:
        """Return the picture coordinates that the coarse grid sees, held back."""
        return self._x + self._free * (x - self._x), self._y + self._free * (y - self._y)


class Travellers:
    """The regions of one picture that move. The picture is changed in place, once per frame."""

    def __init__(self, call: AnimaticCall, picture: Picture, still: Plane | None) -> None:
        """`picture` is the one before the camera, of which `still` (H, W) is never touched."""
        assert call.image is not None
        self._picture, self._whole = picture, picture.copy()
        self._fixed = None if still is None else np.asarray(1.0 - still, dtype=np.float32)
        place = Place.of(call.image, picture, call.width, call.height)
        led = [(mask, place.region(mask.image, picture)) for mask in call.masks if len(mask.path) > 1]
        cut = [(mask, self._free(region)) for mask, region in led]
        cut = [(mask, region) for mask, region in cut if region.max() > 0.5]
        self._plate = self._background([region for _, region in cut])
        self._moving = [
            _Traveller(self._whole, outlined(region, self._whole), _way(mask, region, place)) for mask, region in cut
        ]
        self._touched: list[tuple[slice, slice]] = []

    def move(self, t: float) -> None:
        """Put every region where it is at `t` in 0..1."""
        travelled = ease(t)
        if travelled == 0.0:
            self._picture[...] = self._whole
            self._touched = [(slice(None), slice(None))]
            return
        for area in self._touched:
            self._picture[area] = self._plate[area]
        drawn = [one.draw(travelled, self._picture, self._fixed) for one in self._moving]
        self._touched = [area for area in drawn if area is not None]

    def _free(self, region: Plane) -> Plane:
        return region if self._fixed is None else np.asarray(region * self._fixed, dtype=np.float32)

    def _background(self, regions: list[Plane]) -> Picture:
        """Return the picture without its travellers."""
        plate = self._whole.copy()
        reach = 2 * max(2, round(_BEHIND * max(plate.shape[:2]))) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
        holes = [np.asarray(cv2.dilate((region > 0.02).astype(np.uint8), kernel), np.uint8) for region in regions]
        unusable = np.max(holes, axis=0) if holes else np.zeros(plate.shape[:2], np.uint8)
        for hole in holes:
            plate = filled(plate, hole, unusable)
        if self._fixed is not None:
            plate = np.where(self._fixed[..., None] < 1.0, self._whole, plate)
        return plate


class _Traveller:
    """One region on its way."""

    def __init__(self, whole: Picture, region: Plane, way: Points) -> None:
        sigma = max(0.7, _SOFT * max(whole.shape[:2]))
        rim = round(3 * sigma) + 2
        rows, columns = np.nonzero(region > 0.02)
        tall, wide = region.shape
        self._top, self._left = max(int(rows.min()) - rim, 0), max(int(columns.min()) - rim, 0)
        bottom, right = min(int(rows.max()) + rim + 1, tall), min(int(columns.max()) + rim + 1, wide)
        area = np.s_[self._top : bottom, self._left : right]
        # Soft inwards: what lies just outside the brush's edge is background and must not come along.
        soft = cv2.GaussianBlur(cv2.erode(region, np.ones((3, 3), np.uint8)), (0, 0), sigma)
        self._colour, self._cover = whole[area].copy(), np.asarray(soft[area], dtype=np.float32)
        self._way = way
        self._lengths = _lengths(way)

    def draw(self, travelled: float, on: Picture, fixed: Plane | None) -> tuple[slice, slice] | None:
        """Put it there, and return the area that was changed; None when it is out of the picture."""
        at = travelled * self._lengths[-1]
        x, y = (float(np.interp(at, self._lengths, self._way[:, axis])) for axis in (0, 1))
        tall, wide = self._cover.shape
        left, top = int(np.floor(self._left + x)), int(np.floor(self._top + y))
        first_x, first_y = max(left, 0), max(top, 0)
        last_x, last_y = min(left + wide + 1, on.shape[1]), min(top + tall + 1, on.shape[0])
        if first_x >= last_x or first_y >= last_y:
            return None
        shift = np.array([[1.0, 0.0, self._left + x - first_x], [0.0, 1.0, self._top + y - first_y]])
        size, area = (last_x - first_x, last_y - first_y), np.s_[first_y:last_y, first_x:last_x]
        colour = cv2.warpAffine(self._colour, shift, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        cover = cv2.warpAffine(self._cover, shift, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        if fixed is not None:
            cover = cover * fixed[area]
        on[area] = cv2.blendLinear(colour, on[area], cover, 1.0 - cover)
        return (area[0], area[1])


def _way(mask: Mask, region: Plane, place: Place) -> Points:
    """Return the curve through the path's points, as offsets from where the region is."""
    points = place.points(mask.path)
    upside_down = place.points(tuple((x, 1.0 - y) for x, y in mask.path))
    # A path begins on its region. Some interfaces count y from the bottom: whoever does so is understood as well.
    if _away(upside_down[0], region) < _away(points[0], region):
        points = upside_down
    steps = np.hypot(*np.diff(points, axis=0).T)
    points = points[np.concatenate([[True], steps > 0.01])]
    return np.asarray(_curve(points) - points[0], dtype=np.float64)


def _away(point: Points, region: Plane) -> float:
    """Return how far a point is from a region, in pixels, to a twelfth of the region's reach."""
    rows, columns = np.nonzero(region > 0.5)
    gap = np.hypot(columns - point[0], rows - point[1]).min()
    return float(gap) if gap > 0.02 * max(region.shape) else 0.0


def _curve(points: Points) -> Points:
    """Return a Catmull-Rom spline through all points, so that corners are taken as a hand takes them."""
    if len(points) < 3:
        return points
    ends = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    t = (np.arange(_CURVE) / _CURVE)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(ends, ends[1:], ends[2:], ends[3:], strict=False)
    ]
    return np.vstack([*parts, points[-1:]])


def _lengths(way: Points) -> npt.NDArray[np.float64]:
    """Return how far each point is along the way."""
    return np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
