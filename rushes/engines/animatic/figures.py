"""People, drawn flat and side on from a skeleton: walking, running, sitting, dancing, jumping, waving, standing.

Each is drawn facing right, in units of its own height, y up from the foot; `phase` runs from 0 to 1 over a cycle of
its action. Light, distance and place are added later (`sprite`).
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.ink import Colour, Line, Point, Sketch, box, curve, lighter, limb, oval

SKINS: tuple[Colour, ...] = ((242, 200, 168), (224, 172, 134), (190, 132, 96), (146, 96, 68), (104, 68, 52))
HAIRS: tuple[Colour, ...] = ((48, 36, 36), (92, 60, 42), (152, 100, 58), (206, 164, 100), (66, 50, 56), (150, 66, 44))
CLOTHES: tuple[Colour, ...] = (
    (66, 102, 146),
    (196, 92, 76),
    (222, 168, 84),
    (82, 126, 112),
    (118, 94, 134),
    (226, 214, 196),
)
LEGS: tuple[Colour, ...] = ((52, 58, 78), (84, 72, 66), (64, 74, 70), (98, 92, 108))
THIGH, SHIN, UPPER_ARM, FOREARM = 0.245, 0.235, 0.155, 0.15


@dataclass(frozen=True, slots=True)
class Look:
    """How one figure differs from the next of its kind; `glow` when it is dark and lamps are lit."""

    colour: Colour | None
    seed: int
    glow: bool = False
    word: str = ""
    hair: Colour | None = None

    def dice(self) -> random.Random:
        """Return the figure's own dice, the same at each phase."""
        return random.Random(f"figure {self.seed}")


@dataclass(frozen=True, slots=True)
class _Pose:
    """Angles in radians from straight down, forwards positive: (thigh, knee) and (upper arm, elbow), near and far."""

    near_leg: tuple[float, float]
    far_leg: tuple[float, float]
    near_arm: tuple[float, float]
    far_arm: tuple[float, float]
    lean: float = 0.0
    lift: float = 0.0
    seat: float | None = None


def _pose(action: str, phase: float) -> _Pose:
    turn = math.tau * phase
    swing, lag = math.sin(turn), math.cos(turn)
    if action in ("walk", "run"):
        wide = 0.46 if action == "walk" else 0.85
        bend = 0.55 if action == "walk" else 1.25
        elbow = 0.25 if action == "walk" else 1.35
        return _Pose(
            (wide * swing, 0.08 + bend * max(0.0, lag) ** 1.5),
            (-wide * swing, 0.08 + bend * max(0.0, -lag) ** 1.5),
            (-0.8 * wide * swing, elbow),
            (0.8 * wide * swing, elbow),
            lean=0.03 if action == "walk" else 0.16,
            lift=0.0 if action == "walk" else 0.035 * abs(lag),
        )
    if action in ("sit", "lie"):
        breath = 0.01 * swing
        return _Pose((1.45, 1.45), (1.38, 1.3), (0.55 + breath, 0.6), (0.7, 0.55), lean=-0.03 + breath, seat=0.24)
    if action == "dance":
        return _Pose(
            (0.25 + 0.3 * swing, 0.25 + 0.25 * lag),
            (-0.32 - 0.15 * swing, 0.15),
            (2.3 + 0.5 * swing, 0.5),
            (-2.2 + 0.5 * swing, -0.5),
            lean=0.08 * lag,
            lift=0.03 * abs(swing),
        )
    if action in ("jump", "fly"):
        rise = max(0.0, swing)
        return _Pose(
            (0.7 * rise + 0.1, 0.3 + 1.0 * rise),
            (-0.1, 0.3 + 0.8 * rise),
            (1.0 + 1.5 * rise, 0.3),
            (-0.6 - 1.6 * rise, -0.2),
            lift=0.22 * rise,
        )
    if action == "wave":
        return _Pose((0.06, 0.02), (-0.08, 0.0), (2.6 + 0.12 * swing, 0.55 + 0.4 * swing), (-0.14, -0.05))
    if action in ("swim", "float"):
        return _Pose(
            (0.3 * swing, 0.3), (-0.3 * swing, 0.3), (1.2 + 0.3 * lag, 0.3), (-0.8 - 0.2 * lag, -0.3), lean=0.2
        )
    posed = _busy(action, swing, lag)
    if posed is not None:
        return posed
    breath = 0.015 * swing
    return _Pose((0.05, 0.01), (-0.07, 0.0), (0.06 + breath, 0.12), (-0.12 - breath, -0.05), lean=0.0)


def _busy(action: str, swing: float, lag: float) -> _Pose | None:
    """Return the pose of what is done on the spot, with the hands or on a board; None for other actions."""
    if action == "work":
        return _Pose((0.05, 0.01), (-0.07, 0.0), (0.5 + 0.1 * swing, 1.1 + 0.12 * lag), (0.62 - 0.1 * swing, 1.0))
    if action == "kiss":
        return _Pose((0.04, 0.02), (-0.1, 0.0), (1.2 + 0.02 * swing, 0.3), (1.0 - 0.02 * swing, 0.5), lean=0.1)
    if action == "fight":
        punch = max(0.0, swing)
        near_arm = (0.6 + 0.9 * punch, 1.9 - 1.7 * punch)
        far_arm = (0.6 + 0.9 * max(0.0, -swing), 1.9 - 1.7 * max(0.0, -swing))
        return _Pose((0.42, 0.35 + 0.1 * lag), (-0.38, 0.2 + 0.1 * lag), near_arm, far_arm, lean=0.12 + 0.04 * swing)
    if action == "surf":
        return _Pose((0.75, 0.95), (-0.35, 0.75), (1.5 + 0.1 * swing, 0.1), (-1.5 + 0.1 * swing, -0.1), lean=0.25)
    if action == "dive":
        return _Pose((0.3 * swing, 0.15), (-0.3 * swing, 0.15), (0.3 + 0.1 * lag, 0.2), (-0.2, 0.0))
    return None


def person(sketch: Sketch, phase: float, action: str, look: Look, kind: str = "man") -> None:
    """Draw a person; `kind` is "man", "woman", "child", "astronaut" or "robot"."""
    dice = look.dice()
    skin, hair, legs = dice.choice(SKINS), dice.choice(HAIRS), dice.choice(LEGS)
    hair = look.hair or hair
    top = look.colour or dice.choice(CLOTHES)
    long_hair, hat = kind == "woman", False
    dress = kind == "woman" and (dice.random() < 0.75 or "dress" in look.word)
    hat = dice.random() < 0.25
    stout = {"astronaut": 1.55, "robot": 1.3, "child": 1.08}.get(kind, 1.0)
    if kind == "astronaut":
        skin = legs = top = look.colour or (236, 238, 242)
    if kind == "robot":
        top = look.colour or (150, 166, 180)
        skin = legs = lighter(top, -0.18)
    pose = _pose(action, phase)
    hip = _hip(pose)
    chest = (hip[0] + math.sin(pose.lean) * 0.29, hip[1] + math.cos(pose.lean) * 0.29)
    far = -0.22
    _arm(sketch, chest, pose.far_arm, lighter(top, far), lighter(skin, far), stout=stout)
    _leg(sketch, hip, pose.far_leg, lighter(legs, far), stout)
    _leg(sketch, hip, pose.near_leg, legs, stout)
    if dress and pose.seat is None:
        sway = 0.03 * math.sin(math.tau * phase)
        hem = hip[1] - 0.27
        skirt = [
            (hip[0] - 0.06, hip[1] + 0.06),
            (hip[0] + 0.06, hip[1] + 0.06),
            (hip[0] + 0.135 + sway, hem),
            (hip[0] + 0.0, hem - 0.012),
            (hip[0] - 0.135 + sway, hem),
        ]
        sketch.fill(skirt, top)
    _torso(sketch, hip, chest, top, stout, waist=0.058 if long_hair else 0.07)
    if kind == "astronaut":
        sketch.fill(box(chest[0] - 0.17, chest[1] - 0.2, chest[0] - 0.07, chest[1] + 0.05, 0.03), lighter(top, -0.2))
    _head(sketch, chest, pose.lean, skin, hair, kind=kind, long_hair=long_hair, hat=hat and kind == "man", top=top)
    _arm(sketch, chest, pose.near_arm, lighter(top, -0.08), skin, stout=stout)


def _hip(pose: _Pose) -> Point:
    """Return where the hip is, so that the lower foot stands on the ground."""
    if pose.seat is not None:
        return (-0.05, pose.seat)
    # How far each foot is below the hip; 0.025 is a shoe's sole.
    drops = [THIGH * math.cos(a) + SHIN * math.cos(a - k) for a, k in (pose.near_leg, pose.far_leg)]
    return (0.0, max(drops) + 0.025 + pose.lift)


def _leg(sketch: Sketch, hip: Point, angles: tuple[float, float], colour: Colour, stout: float) -> None:
    thigh, knee = angles
    middle = (hip[0] + THIGH * math.sin(thigh), hip[1] - THIGH * math.cos(thigh))
    ankle = (middle[0] + SHIN * math.sin(thigh - knee), middle[1] - SHIN * math.cos(thigh - knee))
    sketch.fill(limb(hip, middle, 0.052 * stout, 0.038 * stout), colour)
    sketch.fill(limb(middle, ankle, 0.038 * stout, 0.026 * stout), colour)
    tilt = (thigh - knee) * 0.7
    toe = (ankle[0] + 0.075 * math.cos(tilt), ankle[1] + 0.075 * math.sin(tilt))
    sketch.fill(limb(ankle, toe, 0.026 * stout, 0.018 * stout), lighter(colour, -0.4))


def _arm(
    sketch: Sketch, chest: Point, angles: tuple[float, float], sleeve: Colour, skin: Colour, *, stout: float
) -> None:
    upper, elbow = angles
    shoulder = (chest[0], chest[1] - 0.035)
    middle = (shoulder[0] + UPPER_ARM * math.sin(upper), shoulder[1] - UPPER_ARM * math.cos(upper))
    hand = (middle[0] + FOREARM * math.sin(upper + elbow), middle[1] - FOREARM * math.cos(upper + elbow))
    sketch.fill(limb(shoulder, middle, 0.036 * stout, 0.029 * stout), sleeve)
    sketch.fill(limb(middle, hand, 0.029 * stout, 0.021 * stout), sleeve)
    sketch.fill(oval(*hand, 0.024 * stout, 0.024 * stout), skin)


def _torso(sketch: Sketch, hip: Point, chest: Point, top: Colour, stout: float, *, waist: float) -> None:
    waist *= stout
    broad = 0.082 * stout
    sketch.fill(
        curve(
            [
                (hip[0] - waist, hip[1] - 0.015),
                (hip[0] + waist, hip[1] - 0.015),
                (hip[0] + waist * 0.95, hip[1] + 0.1),
                (chest[0] + broad, chest[1] - 0.07),
                (chest[0] + broad * 0.62, chest[1] + 0.006),
                (chest[0] - broad * 0.62, chest[1] + 0.006),
                (chest[0] - broad, chest[1] - 0.07),
                (hip[0] - waist * 0.95, hip[1] + 0.1),
            ]
        ),
        top,
    )


def _head(
    sketch: Sketch,
    chest: Point,
    lean: float,
    skin: Colour,
    hair: Colour,
    *,
    kind: str,
    long_hair: bool,
    hat: bool,
    top: Colour,
) -> None:
    size = 0.082 if kind == "child" else 0.064
    x, y = chest[0] + math.sin(lean) * 0.1 + 0.008, chest[1] + 0.035 + size * 1.12
    if kind == "astronaut":
        sketch.fill(oval(x, y, size * 1.6, size * 1.55), top)
        sketch.fill(oval(x + size * 0.45, y, size * 1.0, size * 0.95), (58, 74, 104))
        sketch.fill(oval(x + size * 0.75, y + size * 0.4, size * 0.3, size * 0.22, 0.5), (176, 200, 226))
        return
    if kind == "robot":
        sketch.fill(limb((x, y - size), (x, chest[1]), 0.02, 0.02), skin)
        sketch.fill(box(x - size * 1.2, y - size, x + size * 1.2, y + size, 0.03), lighter(top, 0.12))
        sketch.fill(box(x - size * 0.3, y - size * 0.2, x + size * 1.2, y + size * 0.5, 0.02), (40, 52, 70))
        sketch.fill(oval(x + size * 0.55, y + size * 0.15, size * 0.22, size * 0.22), (112, 232, 230))
        sketch.fill(limb((x, y + size), (x, y + size * 1.6), 0.008, 0.008), skin)
        sketch.fill(oval(x, y + size * 1.7, 0.016, 0.016), (236, 104, 84))
        return
    if long_hair:
        sketch.fill(
            curve(
                [
                    (x - size * 0.2, y + size),
                    (x - size * 1.25, y + size * 0.2),
                    (x - size * 1.45, y - size * 1.5),
                    (x - size * 0.5, y - size * 2.2),
                    (x + size * 0.1, y - size * 0.6),
                ]
            ),
            hair,
        )
    sketch.fill(limb((x - 0.01, y - size * 0.6), (chest[0], chest[1] - 0.01), 0.027, 0.03), lighter(skin, -0.1))
    sketch.fill(oval(x, y, size * 0.88, size * 1.08), skin)
    sketch.fill(oval(x + size * 0.86, y - size * 0.12, size * 0.16, size * 0.2), skin)
    cap = [
        (x + size * 0.62, y + size * 0.72),
        (x + size * 0.2, y + size * 1.2),
        (x - size * 0.6, y + size * 1.05),
        (x - size * 1.0, y + size * 0.3),
        (x - size * 0.85, y - size * 0.5),
        (x - size * 0.5, y - size * 0.25),
        (x - size * 0.3, y + size * 0.3),
        (x + size * 0.15, y + size * 0.62),
    ]
    sketch.fill(curve(cap), hair)
    if hat:
        brim = lighter(top, -0.45)
        sketch.fill(limb((x - size * 1.2, y + size * 0.62), (x + size * 1.35, y + size * 0.5), 0.011, 0.009), brim)
        sketch.fill(box(x - size * 0.85, y + size * 0.6, x + size * 0.75, y + size * 1.45, 0.022), brim)


def couple(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw two people side by side, hand in hand unless they sit."""
    one, other = _Shifted(sketch, -0.15, 1.0), _Shifted(sketch, 0.16, 0.93)
    person(one, phase, action, Look(look.colour, look.seed), "man")
    person(other, (phase + 0.08) % 1.0, action, Look(None, look.seed + 1), "woman")


def crowd(sketch: Sketch, phase: float, action: str, look: Look) -> None:
    """Draw seven people in three rows."""
    dice = look.dice()
    for row in range(3):
        for place in range(3 - row % 2):
            x = (place - 1 + 0.5 * (row % 2)) * 0.42 + dice.uniform(-0.05, 0.05)
            at = _Shifted(sketch, x, 0.94 - 0.04 * row, 0.07 * (2 - row))
            kind = dice.choice(("man", "woman"))
            person(at, (phase + dice.random()) % 1.0, action, Look(None, look.seed + 10 * row + place), kind)


def shifted(sketch: Sketch, right: float, size: float, up: float = 0.0) -> Sketch:
    """Return the same paper for a figure of another size that stands elsewhere on it."""
    return _Shifted(sketch, right, size, up)


class _Shifted(Sketch):
    """The same paper, for a figure that stands beside its middle."""

    def __init__(self, sketch: Sketch, right: float, size: float, up: float = 0.0) -> None:
        self.span, self.size = sketch.span, sketch.size
        self._scale, self._ink = sketch._scale, sketch._ink
        self._right, self._up, self._by = right, up, size

    def fill(self, outline: Line | Sequence[Point], colour: Colour, alpha: float = 1.0) -> None:
        """Fill an outline, moved to where the figure stands."""
        super().fill(np.asarray(outline, np.float64) * self._by + (self._right, self._up), colour, alpha)


_SHOULDERS = (
    (-0.62, -0.02),
    (-0.58, 0.13),
    (-0.42, 0.24),
    (-0.14, 0.29),
    (0.14, 0.29),
    (0.42, 0.24),
    (0.58, 0.13),
    (0.62, -0.02),
)
_FRINGE = (
    (-0.2, 0.02),
    (-0.235, 0.16),
    (-0.15, 0.33),
    (0.04, 0.37),
    (0.2, 0.28),
    (0.235, 0.1),
    (0.2, 0.03),
    (0.15, 0.17),
    (0.0, 0.2),
    (-0.12, 0.2),
)


def portrait(sketch: Sketch, phase: float, look: Look, kind: str) -> None:
    """Draw a head and shoulders that fill the height, breathing."""
    dice = look.dice()
    skin, hair = dice.choice(SKINS), dice.choice(HAIRS)
    hair = look.hair or hair
    top = look.colour or dice.choice(CLOTHES)
    breath = 0.006 * math.sin(math.tau * phase)
    woman = kind == "woman"
    y = 0.62 + breath
    if woman:
        sketch.fill(
            curve(
                [
                    (-0.05, y + 0.36),
                    (-0.3, y + 0.2),
                    (-0.34, y - 0.2),
                    (-0.3, y - 0.42),
                    (0.0, y - 0.34),
                    (0.28, y - 0.42),
                    (0.31, y - 0.2),
                    (0.28, y + 0.2),
                    (0.1, y + 0.35),
                ]
            ),
            hair,
        )
    sketch.fill(curve([(px, py + breath * (py > 0)) for px, py in _SHOULDERS], closed=True), top)
    sketch.fill(limb((0.0, y - 0.14), (0.0, 0.26), 0.095, 0.12), lighter(skin, -0.14))
    sketch.fill(
        curve(
            [
                (0.0, y + 0.3),
                (-0.17, y + 0.23),
                (-0.21, y),
                (-0.17, y - 0.16),
                (-0.05, y - 0.275),
                (0.05, y - 0.275),
                (0.17, y - 0.16),
                (0.21, y),
                (0.17, y + 0.23),
            ]
        ),
        skin,
    )
    for side in (-1, 1):
        sketch.fill(oval(side * 0.215, y - 0.02, 0.03, 0.055), lighter(skin, -0.08))
        lid = 0.004 if phase > 0.94 else 0.015
        sketch.fill(oval(side * 0.085, y + 0.005, 0.02, lid), (44, 36, 40))
        sketch.fill(limb((side * 0.05, y + 0.065), (side * 0.125, y + 0.06), 0.009, 0.006), hair)
    sketch.fill(
        curve([(0.005, y + 0.02), (0.032, y - 0.075), (0.0, y - 0.085), (-0.012, y - 0.075)]), lighter(skin, -0.12)
    )
    sketch.fill(curve([(-0.055, y - 0.15), (0.0, y - 0.142), (0.055, y - 0.15), (0.0, y - 0.172)]), mixed_lip(skin))
    sketch.fill(curve([(px, y + py) for px, py in _FRINGE]), hair)


def mixed_lip(skin: Colour) -> Colour:
    """Return a lip's colour on this skin."""
    return round(skin[0] * 0.86), round(skin[1] * 0.62), round(skin[2] * 0.62)
