"""Animals, drawn flat and side on: one four-legged build with measures for each kind, and birds, fish, a dragon.

Drawn facing right in units of their own height (birds and fish: of their length), y up; `phase` is 0 to 1 of a stride
or a wing beat.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from rushes.engines.animatic.figures import Look, person, shifted
from rushes.engines.animatic.ink import Colour, Sketch, curve, lighter, limb, oval


@dataclass(frozen=True, slots=True)
class Build:
    """A four-legged animal's measures, in units of its height: `long` of the trunk, `leg`, `deep` of the trunk;

    the head's centre (`head`) and half size, the neck's radius, the tail's end and radius, and the ears' shape.
    """

    colour: Colour
    long: float
    leg: float
    deep: float
    head: tuple[float, float]
    skull: float
    snout: float
    neck: float
    tail: tuple[float, float]
    brush: float
    ears: str
    foot: float = 0.035


BUILDS: dict[str, Build] = {
    "dog": Build((196, 142, 88), 0.95, 0.42, 0.30, (0.66, 0.86), 0.125, 0.15, 0.11, (-0.72, 0.92), 0.035, "flop"),
    "cat": Build((110, 106, 116), 0.95, 0.36, 0.29, (0.60, 0.80), 0.145, 0.06, 0.10, (-0.82, 1.0), 0.032, "point"),
    "fox": Build((212, 112, 54), 1.0, 0.38, 0.27, (0.68, 0.80), 0.125, 0.17, 0.10, (-1.0, 0.40), 0.085, "point"),
    "wolf": Build((112, 118, 130), 1.05, 0.46, 0.32, (0.74, 0.88), 0.13, 0.18, 0.13, (-0.86, 0.42), 0.065, "point"),
    "bear": Build((104, 76, 60), 1.05, 0.34, 0.46, (0.78, 0.74), 0.175, 0.15, 0.2, (-0.62, 0.7), 0.04, "round", 0.075),
    "lion": Build((206, 160, 92), 1.15, 0.40, 0.34, (0.78, 0.82), 0.15, 0.12, 0.15, (-0.95, 0.46), 0.022, "mane", 0.05),
    "horse": Build(
        (128, 84, 60), 0.82, 0.46, 0.27, (0.66, 0.92), 0.08, 0.17, 0.105, (-0.56, 0.36), 0.05, "horse", 0.026
    ),
    "deer": Build(
        (176, 122, 78), 0.72, 0.44, 0.23, (0.52, 0.86), 0.07, 0.13, 0.075, (-0.42, 0.68), 0.03, "antler", 0.02
    ),
    "cow": Build((232, 226, 216), 1.1, 0.36, 0.40, (0.76, 0.78), 0.115, 0.16, 0.15, (-0.64, 0.34), 0.02, "horn", 0.042),
    "sheep": Build(
        (236, 232, 222), 0.95, 0.30, 0.50, (0.62, 0.76), 0.11, 0.12, 0.12, (-0.52, 0.6), 0.045, "flop", 0.035
    ),
    "elephant": Build(
        (134, 136, 148), 0.92, 0.36, 0.52, (0.60, 0.78), 0.185, 0.0, 0.2, (-0.56, 0.42), 0.018, "trunk", 0.085
    ),
    "giraffe": Build(
        (222, 174, 96), 0.36, 0.40, 0.16, (0.40, 0.95), 0.035, 0.09, 0.045, (-0.24, 0.34), 0.012, "horn", 0.018
    ),
    "rabbit": Build(
        (198, 182, 166), 0.62, 0.20, 0.36, (0.42, 0.66), 0.15, 0.06, 0.12, (-0.40, 0.42), 0.085, "long", 0.06
    ),
}


def beast(sketch: Sketch, phase: float, action: str, look: Look, kind: str, *, rider: Look | None = None) -> None:
    """Draw a four-legged animal standing, walking or running, with a rider on its back if there is one."""
    build = BUILDS[kind]
    coat = look.colour or build.colour
    if action in ("sit", "lie") and rider is None and kind not in ("giraffe", "elephant", "horse"):
        _resting(sketch, phase, build, kind, coat, lying=action == "lie")
        return
    turn = math.tau * phase
    going = {"walk": 0.36, "drive": 0.7, "run": 0.75, "jump": 0.8, "dance": 0.5}.get(action, 0.0)
    bob = 0.025 * going * math.sin(2 * turn)
    hips, breast = -build.long / 2 + 0.08, build.long / 2 - 0.08
    belly = build.leg + bob
    back = belly + build.deep
    for x, offset, near in (
        (hips + 0.04, 0.5, False),
        (breast + 0.03, 0.0, False),
        (hips, 0.0, True),
        (breast, 0.5, True),
    ):
        hind = x < 0.0
        _leg(
            sketch,
            (x, belly + 0.08),
            build,
            going,
            turn + math.tau * offset,
            coat=coat if near else lighter(coat, -0.24),
            hind=hind,
        )
    swing = 0.05 * math.sin(turn * (2 if going else 1))
    tip = (build.tail[0], build.tail[1] + swing)
    root = (-build.long / 2 + 0.02, back - 0.07)
    half = ((root[0] + tip[0]) / 2 - 0.05, (root[1] + tip[1]) / 2 - 0.06)
    sketch.fill(limb(root, half, max(0.02, build.brush * 0.6), build.brush), coat)
    sketch.fill(limb(half, tip, build.brush, build.brush * (0.45 if kind != "rabbit" else 1.0)), coat)
    sketch.fill(
        curve(
            [
                (-build.long / 2, back - build.deep * 0.35),
                (-build.long * 0.36, back),
                (0.0, back - 0.015),
                (build.long * 0.36, back + 0.01),
                (build.long / 2, back - build.deep * 0.38),
                (build.long * 0.4, belly + 0.01),
                (0.0, belly + 0.035),
                (-build.long * 0.4, belly + 0.01),
            ]
        ),
        coat,
    )
    if kind == "cow":
        for x, y, r in ((-0.2, 0.66, 0.12), (0.16, 0.6, 0.1)):
            sketch.fill(curve([(x - r, y), (x, y + r * 0.8), (x + r, y + 0.02), (x + 0.02, y - r * 0.9)]), (74, 58, 54))
    if kind == "sheep":
        for k in range(9):
            angle = math.tau * k / 9
            sketch.fill(oval(0.38 * math.cos(angle), belly + build.deep / 2 + 0.19 * math.sin(angle), 0.15, 0.13), coat)
    _head(sketch, build, kind, coat, back, bob=bob, phase=phase)
    if rider is not None:
        person(shifted(sketch, 0.0, 0.72, back - 0.16), phase, "sit", rider)


def _resting(sketch: Sketch, phase: float, build: Build, kind: str, coat: Colour, *, lying: bool) -> None:
    """Draw an animal sitting on its haunches, or lying with its head low; it breathes, and its tail tip stirs."""
    breath = 0.01 * math.sin(math.tau * phase)
    long, deep, dark = build.long, build.deep, lighter(coat, -0.2)
    stirs = 0.06 * math.sin(math.tau * phase)
    back = (-long * 0.46, 0.08)
    sketch.fill(limb(back, (back[0] - 0.3, 0.05 + abs(stirs)), max(0.03, build.brush), build.brush * 0.7), coat)
    if lying:
        shoulder = (long * 0.3, deep * 0.62 + breath)
        sketch.fill(limb((long * 0.12, 0.05), (long * 0.72, 0.04), build.foot * 1.3, build.foot), dark)
        sketch.fill(limb((-long * 0.24, deep * 0.5 + breath), shoulder, deep * 0.54, deep * 0.46), coat)
        sketch.fill(oval(-long * 0.26, deep * 0.46, deep * 0.62, deep * 0.5), lighter(coat, -0.06))
        sketch.fill(limb((-long * 0.2, 0.045), (long * 0.02, 0.035), build.foot * 1.4, build.foot), dark)
        sketch.fill(limb((long * 0.26, 0.06), (long * 0.66, 0.035), build.foot * 1.3, build.foot), coat)
        head = (long * 0.5 + build.skull * 0.5, deep * 0.72 + build.skull * 0.55 + breath)
    else:
        shoulder = (long * 0.16, build.leg + deep * 0.5 + breath)
        sketch.fill(limb((long * 0.18, build.leg), (long * 0.3, 0.03), build.foot * 1.7, build.foot), dark)
        sketch.fill(limb((-long * 0.18, deep * 0.62), shoulder, deep * 0.64, deep * 0.46), coat)
        sketch.fill(oval(-long * 0.2, deep * 0.55, deep * 0.62, deep * 0.56), lighter(coat, -0.06))
        sketch.fill(
            limb((-long * 0.16, 0.045), (long * 0.12, 0.035), build.foot * 1.5, build.foot), lighter(coat, -0.06)
        )
        sketch.fill(limb((long * 0.2, build.leg + deep * 0.3), (long * 0.24, 0.04), build.foot * 1.8, build.foot), coat)
        sketch.fill(limb((long * 0.24, 0.03), (long * 0.24 + 0.05, 0.03), build.foot * 1.1, build.foot * 0.9), dark)
        head = (long * 0.27 + build.skull * 0.4, shoulder[1] + deep * 0.45 + build.skull * 0.8)
    # the neck is drawn from a place that `_head` reckons from the trunk: give it one that ends at these shoulders
    placed = replace(build, head=head, long=2.0 * (shoulder[0] + 0.12), neck=max(build.neck, deep * 0.36))
    _head(sketch, placed, kind, coat, shoulder[1] + deep * 0.35, bob=0.0, phase=phase)
    if lying and kind in ("cat", "dog", "fox"):
        eye = (head[0] + build.skull * 0.42, head[1] + build.skull * 0.22)
        sketch.fill(oval(*eye, build.skull * 0.2, build.skull * 0.2), coat)
        sketch.fill(limb((eye[0] - 0.025, eye[1]), (eye[0] + 0.02, eye[1] - 0.006), 0.008, 0.006), (38, 32, 36))


def _leg(
    sketch: Sketch, top: tuple[float, float], build: Build, going: float, turn: float, *, coat: Colour, hind: bool
) -> None:
    swing, lift = going * math.sin(turn), max(0.0, math.cos(turn)) * going
    length = top[1] / 2
    knee = (top[0] + length * math.sin(swing + (0.12 if hind else 0.0)), top[1] - length * math.cos(swing))
    bend = swing - lift * 1.1 - (0.15 if hind else 0.0)
    foot = (knee[0] + (length - 0.02) * math.sin(bend), max(0.02, knee[1] - (length - 0.02) * math.cos(bend)))
    thick = build.foot * (2.2 if hind else 1.8)
    sketch.fill(limb(top, knee, thick, build.foot * 1.15), coat)
    sketch.fill(limb(knee, foot, build.foot * 1.15, build.foot * 0.85), coat)
    sketch.fill(limb(foot, (foot[0] + 0.03, foot[1]), build.foot * 0.9, build.foot * 0.7), lighter(coat, -0.22))


def _head(sketch: Sketch, build: Build, kind: str, coat: Colour, back: float, *, bob: float, phase: float) -> None:
    x, y = build.head[0], build.head[1] + bob * 1.4
    size = build.skull
    dark = lighter(coat, -0.3)
    base = (build.long / 2 - 0.12, back - build.deep * 0.35)
    if build.ears == "mane":
        sketch.fill(oval(x - 0.05, y - 0.02, size * 1.75, size * 1.8), (142, 86, 52))
    if build.ears == "antler":
        for lean in (-0.05, 0.07):
            tip = (x - 0.04 + lean * 1.6, y + size + 0.27)
            sketch.fill(
                limb((x - 0.02, y + size * 0.7), (x - 0.1 + lean, y + size + 0.14), 0.014, 0.011), (122, 92, 66)
            )
            sketch.fill(limb((x - 0.1 + lean, y + size + 0.14), tip, 0.012, 0.007), (122, 92, 66))
            sketch.fill(
                limb((x - 0.08 + lean, y + size + 0.1), (x + 0.03 + lean, y + size + 0.2), 0.011, 0.007), (122, 92, 66)
            )
    sketch.fill(limb(base, (x - size * 0.3, y - size * 0.2), build.neck * 1.35, build.neck * 0.85), coat)
    if kind in ("horse",):
        sketch.fill(
            curve(
                [
                    (x - 0.02, y + 0.1),
                    (x - 0.14, y + 0.05),
                    (base[0] - 0.12, back + 0.0),
                    (base[0] - 0.02, back - 0.05),
                    (x - 0.06, y),
                ]
            ),
            lighter(coat, -0.5),
        )
    drop = {"horse": 0.75, "deer": 0.5, "giraffe": 0.5, "cow": 0.5, "sheep": 0.45}.get(kind, 0.22)
    if build.snout:
        muzzle = (x + build.snout * math.cos(drop), y - build.snout * math.sin(drop))
        sketch.fill(limb((x, y), muzzle, size * 0.92, size * 0.52), coat if kind not in ("sheep",) else (88, 78, 76))
        sketch.fill(oval(muzzle[0] + size * 0.42, muzzle[1] + size * 0.12, size * 0.16, size * 0.14), (44, 38, 42))
    sketch.fill(oval(x, y, size, size * 0.95), coat)
    _ears(sketch, build.ears, x, y, size, coat=coat, dark=dark)
    if build.ears == "trunk":
        sway = 0.05 * math.sin(math.tau * phase)
        middle, end = (x + 0.26, y - 0.26), (x + 0.25 + sway, 0.2)
        sketch.fill(limb((x + 0.1, y - 0.02), middle, 0.095, 0.06), coat)
        sketch.fill(limb(middle, end, 0.06, 0.034), coat)
        sketch.fill(
            curve([(x + 0.08, y - 0.12), (x + 0.24, y - 0.3), (x + 0.36, y - 0.24), (x + 0.24, y - 0.24)]),
            (240, 234, 216),
        )
        sketch.fill(
            curve(
                [
                    (x - 0.02, y + 0.15),
                    (x - 0.26, y + 0.12),
                    (x - 0.27, y - 0.14),
                    (x - 0.12, y - 0.26),
                    (x + 0.0, y - 0.1),
                ]
            ),
            lighter(coat, -0.13),
        )
    sketch.fill(oval(x + size * 0.42, y + size * 0.22, size * 0.11, size * 0.13), (38, 32, 36))


def _ears(sketch: Sketch, ears: str, x: float, y: float, size: float, *, coat: Colour, dark: Colour) -> None:
    if ears == "point":
        for dx, shade in ((0.3, dark), (-0.35, coat)):
            at = x + dx * size
            sketch.fill(
                [
                    (at - size * 0.42, y + size * 0.6),
                    (at + size * 0.36, y + size * 0.68),
                    (at - size * 0.08, y + size * 1.55),
                ],
                shade,
            )
    elif ears == "flop":
        sketch.fill(
            curve(
                [
                    (x - size * 0.5, y + size * 0.75),
                    (x - size * 0.9, y),
                    (x - size * 0.65, y - size * 0.75),
                    (x - size * 0.2, y + size * 0.1),
                ]
            ),
            dark,
        )
    elif ears in ("round", "mane"):
        sketch.fill(oval(x - size * 0.45, y + size * 0.85, size * 0.32, size * 0.32), dark if ears == "round" else coat)
    elif ears == "long":
        for dx, lean, shade in ((0.1, -0.25, dark), (-0.3, -0.05, coat)):
            sketch.fill(oval(x + dx * size - 0.05, y + size * 1.75, size * 0.24, size * 1.05, -lean), shade)
    elif ears in ("horse", "antler", "horn"):
        sketch.fill(oval(x - size * 0.45, y + size * 1.05, size * 0.22, size * 0.5, 0.35), coat)
        if ears == "horn":
            sketch.fill(
                limb((x, y + size * 0.8), (x + size * 0.15, y + size * 1.6), size * 0.16, size * 0.08), (226, 214, 190)
            )


def bird(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a bird in flight, one wing beat a cycle with a glide in it."""
    coat = look.colour or {
        "crow": (44, 46, 56),
        "raven": (44, 46, 56),
        "eagle": (104, 76, 58),
        "flamingo": (240, 150, 160),
        "parrot": (70, 160, 90),
        "owl": (150, 118, 88),
    }.get(look.word, (238, 238, 236))
    beat = math.sin(math.tau * phase) * 0.75 + 0.25 * math.sin(2 * math.tau * phase)
    for side, shade in ((0.16, lighter(coat, -0.3)), (0.0, lighter(coat, -0.08))):
        tip = (-0.2 + side, 0.30 + 0.46 * beat)
        sketch.fill(
            curve(
                [
                    (0.16 + side, 0.33),
                    (0.06 + side, 0.33 + 0.28 * beat),
                    tip,
                    (-0.12 + side, 0.31 + 0.2 * beat),
                    (-0.14 + side, 0.28),
                ]
            ),
            shade,
        )
        if side:
            sketch.fill(
                curve(
                    [
                        (-0.5, 0.36),
                        (-0.3, 0.27),
                        (-0.05, 0.22),
                        (0.2, 0.24),
                        (0.36, 0.34),
                        (0.3, 0.4),
                        (0.1, 0.38),
                        (-0.25, 0.33),
                    ]
                ),
                coat,
            )
            sketch.fill(oval(0.33, 0.37, 0.075, 0.07), coat)
            sketch.fill([(0.39, 0.39), (0.49, 0.35), (0.38, 0.345)], (232, 160, 70))
            sketch.fill(oval(0.355, 0.385, 0.012, 0.014), (34, 30, 34))


def butterfly(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a butterfly opening and closing its wings."""
    coat = look.colour or look.dice().choice(((236, 148, 62), (92, 140, 214), (236, 196, 84)))
    open_ = 0.35 + 0.65 * abs(math.cos(math.tau * phase))
    for side in (-1, 1):
        sketch.fill(
            curve([(0, 0.5), (side * 0.2 * open_, 0.86), (side * 0.46 * open_, 0.9), (side * 0.42 * open_, 0.6)]), coat
        )
        sketch.fill(
            curve([(0, 0.48), (side * 0.36 * open_, 0.46), (side * 0.34 * open_, 0.18), (side * 0.12 * open_, 0.2)]),
            lighter(coat, -0.18),
        )
    sketch.fill(limb((0, 0.72), (0, 0.22), 0.03, 0.018), (52, 42, 44))


def fish(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a fish beating its tail."""
    coat = look.colour or look.dice().choice(((236, 140, 66), (240, 200, 90), (98, 160, 190), (222, 104, 96)))
    wag = 0.09 * math.sin(math.tau * phase)
    sketch.fill(
        curve([(-0.28, 0.3), (-0.42, 0.44), (-0.5, 0.46 + wag), (-0.44, 0.3 + wag), (-0.5, 0.14 + wag), (-0.42, 0.16)]),
        lighter(coat, -0.14),
    )
    sketch.fill(curve([(-0.1, 0.44), (0.04, 0.56), (0.2, 0.5), (0.14, 0.4)]), lighter(coat, -0.2))
    sketch.fill(curve([(0.44, 0.3), (0.28, 0.43), (0.02, 0.47), (-0.34, 0.31), (0.02, 0.14), (0.28, 0.18)]), coat)
    sketch.fill(curve([(0.12, 0.28), (-0.02, 0.34), (-0.08, 0.22 - wag), (0.02, 0.22)]), lighter(coat, -0.22))
    sketch.fill(oval(0.31, 0.34, 0.032, 0.034), (250, 250, 246))
    sketch.fill(oval(0.32, 0.34, 0.017, 0.019), (30, 30, 36))


def whale(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a whale or a dolphin."""
    coat = look.colour or (72, 104, 140)
    wag = 0.06 * math.sin(math.tau * phase)
    sketch.fill(
        curve(
            [
                (-0.34, 0.32),
                (-0.46, 0.44 + wag),
                (-0.54, 0.56 + wag),
                (-0.5, 0.4 + wag),
                (-0.56, 0.3 + wag),
                (-0.42, 0.3),
            ]
        ),
        coat,
    )
    sketch.fill(
        curve(
            [
                (0.5, 0.3),
                (0.42, 0.45),
                (0.15, 0.53),
                (-0.15, 0.46),
                (-0.42, 0.36 + wag / 2),
                (-0.4, 0.3),
                (-0.1, 0.2),
                (0.3, 0.16),
            ]
        ),
        coat,
    )
    sketch.fill(curve([(0.49, 0.29), (0.3, 0.29), (0.0, 0.24), (-0.1, 0.2), (0.3, 0.155)]), (226, 232, 236))
    sketch.fill(curve([(0.16, 0.24), (0.06, 0.06 - wag), (-0.02, 0.06 - wag), (0.04, 0.24)]), lighter(coat, -0.2))
    sketch.fill(oval(0.36, 0.33, 0.013, 0.014), (24, 26, 32))


def dragon(sketch: Sketch, phase: float, _action: str, look: Look) -> None:
    """Draw a dragon in flight."""
    coat = look.colour or (82, 128, 96)
    beat = math.sin(math.tau * phase)
    dark = lighter(coat, -0.3)
    for side, shade in ((0.14, dark), (0.0, lighter(coat, -0.14))):
        top = 0.62 + 0.3 * beat
        sketch.fill(
            [
                (0.12 + side, 0.42),
                (0.0 + side, top),
                (-0.36 + side, top + 0.1 * beat),
                (-0.3 + side, 0.5 + 0.12 * beat),
                (-0.2 + side, 0.47 + 0.1 * beat),
                (-0.16 + side, 0.4),
            ],
            shade,
        )
        if side:
            spine = [(-0.74, 0.3 - 0.06 * beat), (-0.5, 0.2), (-0.25, 0.32), (0.0, 0.36), (0.22, 0.38), (0.38, 0.52)]
            radii = [0.008, 0.03, 0.06, 0.085, 0.07, 0.045]
            line = curve(spine, closed=False, steps=4)
            for k in range(len(line) - 1):
                share = k / (len(line) - 1) * 5
                near, rest = int(share), share - int(share)
                r = radii[near] + (radii[min(5, near + 1)] - radii[near]) * rest
                sketch.fill(limb((line[k][0], line[k][1]), (line[k + 1][0], line[k + 1][1]), r, r), coat)
            sketch.fill([(-0.74, 0.34 - 0.06 * beat), (-0.86, 0.3 - 0.06 * beat), (-0.74, 0.25 - 0.06 * beat)], coat)
            sketch.fill(limb((0.4, 0.54), (0.56, 0.5), 0.06, 0.03), coat)
            sketch.fill([(0.36, 0.58), (0.26, 0.68), (0.42, 0.59)], dark)
            sketch.fill(oval(0.44, 0.565, 0.013, 0.013), (250, 220, 110))
    for x in (-0.05, 0.16):
        sketch.fill(limb((x, 0.32), (x - 0.08, 0.2), 0.035, 0.018), dark)
