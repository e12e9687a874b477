"""Who can play in a scene: for each kind of subject how it is drawn, how large it is, where it moves and how fast."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from rushes.engines.animatic import (
    animals,
    company,
    creatures,
    figures,
    furnishings,
    landmarks,
    meals,
    things,
    vehicles,
)
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Sketch

Draw = Callable[[Sketch, float, str, Look], None]


@dataclass(frozen=True, slots=True)
class Role:
    """`span` is (left, bottom, right, top) in the drawing's units; `size` how large a unit is beside a person's height;

    `home` is "ground", "air" or "water"; `pace` in units a second at a walk; `period_s` of one cycle of `draw`.
    """

    draw: Draw
    span: tuple[float, float, float, float]
    size: float
    home: str = "ground"
    pace: float = 0.0
    period_s: float = 3.0


def _person(kind: str) -> Draw:
    return lambda sketch, phase, action, look: figures.person(sketch, phase, action, look, kind)


def _portrait(kind: str) -> Draw:
    return lambda sketch, phase, _action, look: figures.portrait(sketch, phase, look, kind)


def _beast(kind: str) -> Draw:
    return lambda sketch, phase, action, look: animals.beast(sketch, phase, action, look, kind)


# Spans hold all that any phase draws: a raised arm, a jump, a shadow below the foot.
_BODY = (-0.5, -0.05, 0.55, 1.35)
_FOUR = (-1.15, -0.06, 1.15, 1.35)
_LONG = (-0.62, -0.06, 0.62, 0.62)
_TALL = (-0.75, -0.05, 0.75, 1.3)

ROLES: dict[str, Role] = {
    **{kind: Role(_person(kind), _BODY, 1.0, pace=0.42) for kind in ("man", "woman", "astronaut", "robot")},
    "child": Role(_person("child"), _BODY, 0.72, pace=0.4),
    "couple": Role(figures.couple, (-0.75, -0.05, 0.8, 1.35), 1.0, pace=0.38),
    "crowd": Role(figures.crowd, (-1.1, -0.05, 1.1, 1.45), 0.95, pace=0.2),
    **{
        kind: Role(_beast(kind), _FOUR, size, pace=0.6, period_s=1.0)
        for kind, size in (
            ("dog", 0.5), ("cat", 0.4), ("fox", 0.48), ("wolf", 0.6), ("bear", 0.85), ("lion", 0.72), ("horse", 1.1),
            ("deer", 0.95), ("cow", 0.9), ("sheep", 0.6), ("elephant", 1.5), ("giraffe", 2.0), ("rabbit", 0.32),
        )
    },
    "bird": Role(animals.bird, (-0.6, -0.25, 0.6, 1.1), 0.34, "air", 0.7, 0.9),
    "butterfly": Role(animals.butterfly, (-0.55, 0.0, 0.55, 1.0), 0.22, "air", 0.3, 0.7),
    "fish": Role(animals.fish, (-0.6, 0.0, 0.55, 0.62), 0.5, "air", 0.32, 1.0),
    "whale": Role(animals.whale, (-0.65, -0.05, 0.56, 0.7), 1.9, "air", 0.12, 3.0),
    "dragon": Role(animals.dragon, (-0.95, 0.0, 0.7, 1.15), 1.7, "air", 0.25, 1.6),
    "car": Role(vehicles.car, _LONG, 1.7, pace=0.42, period_s=0.9),
    "bus": Role(vehicles.bus, _LONG, 2.5, pace=0.3, period_s=1.0),
    "bicycle": Role(vehicles.bicycle, (-0.56, -0.05, 0.56, 1.2), 0.95, pace=0.5, period_s=1.2),
    "train": Role(vehicles.train, (-0.56, -0.03, 0.56, 0.3), 4.2, pace=0.2, period_s=0.8),
    "boat": Role(vehicles.boat, (-0.62, -0.08, 0.62, 1.05), 1.5, "water", 0.09, 3.5),
    "plane": Role(vehicles.plane, (-0.6, -0.02, 0.6, 0.5), 1.6, "air", 0.3, 3.0),
    "rocket": Role(vehicles.rocket, (-0.3, -0.08, 0.3, 1.05), 1.6, "air", 0.0, 0.5),
    "balloon": Role(vehicles.balloon, (-0.42, 0.0, 0.42, 1.05), 1.3, "air", 0.03, 4.0),
    "house": Role(things.house, _TALL, 1.7, period_s=4.0),
    "tree": Role(things.tree, (-0.55, -0.05, 0.55, 1.1), 2.2, period_s=3.6),
    "lighthouse": Role(things.lighthouse, (-0.3, -0.03, 0.3, 1.05), 2.6),
    "castle": Role(things.castle, (-0.62, -0.03, 0.62, 1.05), 2.7),
    "tower": Role(things.tower, (-0.5, -0.03, 0.5, 1.06), 2.4, period_s=6.0),
    "bridge": Role(things.bridge, (-2.0, -0.03, 2.0, 1.03), 1.5),
    "lantern": Role(things.lantern, (-0.42, -0.02, 0.42, 1.05), 0.7, "air"),
    "umbrella": Role(things.umbrella, (-0.55, -0.04, 0.55, 1.05), 0.9),
    "flower": Role(things.flower, (-0.4, -0.04, 0.4, 1.05), 0.8),
    "cup": Role(things.cup, (-0.65, -0.06, 0.65, 1.12), 0.75),
    "bottle": Role(things.bottle, (-0.4, -0.05, 0.4, 1.05), 0.9),
    "shoe": Role(things.shoe, (-1.0, -0.06, 1.0, 1.0), 0.6),
    "ball": Role(things.ball, (-0.6, -0.06, 0.6, 1.05), 0.12, pace=0.9, period_s=2.5),
    "tent": Role(things.tent, (-0.95, -0.05, 1.05, 1.05), 1.0),
    "fire": Role(things.fire, (-0.5, -0.05, 0.5, 1.1), 0.5, period_s=1.0),
    "apple": Role(things.apple, (-0.55, -0.06, 0.55, 1.05), 0.6),
    "penguin": Role(creatures.penguin, (-0.5, -0.05, 0.5, 1.08), 0.5, pace=0.22, period_s=0.9),
    "jellyfish": Role(creatures.jellyfish, (-0.5, -0.05, 0.5, 1.05), 0.6, "air", 0.03, 2.4),
    "turtle": Role(creatures.turtle, (-0.72, -0.2, 0.62, 0.72), 0.7, "air", 0.14, 2.2),
    "octopus": Role(creatures.octopus, (-0.62, -0.12, 0.62, 1.05), 0.7, "air", 0.05, 2.6),
    "dinosaur": Role(creatures.dinosaur, (-1.05, -0.05, 0.85, 1.12), 2.2, pace=0.3, period_s=1.3),
    "family": Role(company.family, (-0.95, -0.05, 0.95, 1.35), 1.0, pace=0.32),
    "lovers": Role(company.lovers, (-0.75, -0.05, 0.8, 1.35), 1.0),
    "surfer": Role(company.surfer, (-1.2, -0.1, 1.2, 1.4), 1.1, "water", 0.12, 2.2),
    "swimmer": Role(company.swimmer, (-0.85, 0.1, 0.85, 0.9), 1.0, "air", 0.2, 1.4),
    "burger": Role(meals.burger, (-0.98, -0.05, 0.98, 1.0), 0.6),
    "bowl": Role(meals.bowl, (-0.95, -0.05, 0.95, 1.2), 0.6),
    "plate": Role(meals.plate, (-0.95, -0.05, 0.95, 1.0), 0.6),
    "cake": Role(meals.cake, (-0.9, -0.04, 0.9, 1.05), 0.7, period_s=1.0),
    "laptop": Role(furnishings.laptop, (-1.55, -0.05, 1.55, 1.95), 0.45, period_s=4.0),
    "phone": Role(furnishings.phone, (-0.4, -0.05, 0.4, 1.05), 0.8),
    "guitar": Role(furnishings.guitar, (-0.4, -0.25, 0.4, 1.08), 0.7),
    "bench": Role(furnishings.bench, (-0.62, -0.03, 0.62, 0.5), 0.9),
    "chair": Role(furnishings.chair, (-0.3, -0.03, 0.3, 0.56), 0.9),
    "sofa": Role(furnishings.sofa, (-0.85, -0.03, 0.85, 0.54), 1.15),
    "desk": Role(furnishings.desk, (-0.68, -0.03, 0.68, 0.44), 1.0),
    "log": Role(furnishings.log, (-0.5, -0.03, 0.5, 0.3), 1.0),
    "volcano": Role(landmarks.volcano, (-1.3, -0.02, 1.3, 1.4), 3.4, period_s=2.6),
    "pine": Role(things.pine, (-0.35, -0.03, 0.35, 1.05), 2.6, period_s=4.0),
    "palm": Role(things.palm, (-0.75, -0.03, 0.75, 1.15), 2.2, period_s=4.0),
    "bare": Role(things.bare, (-0.7, -0.03, 0.7, 1.15), 2.2),
    "rock": Role(things.rock, (-0.95, -0.06, 0.95, 1.0), 0.5),
    "grass": Role(things.grass, (-1.3, -0.02, 1.3, 1.1), 0.5, period_s=3.0),
    "cloud": Role(things.cloud, (-1.3, 0.0, 1.3, 1.0), 1.0, "air", 0.012, 10.0),
    "portrait man": Role(_portrait("man"), (-0.66, -0.03, 0.66, 1.05), 1.0, period_s=4.0),
    "portrait woman": Role(_portrait("woman"), (-0.66, -0.03, 0.66, 1.05), 1.0, period_s=4.0),
}  # fmt: skip
RIDER: Role = Role(
    lambda s, p, a, k: partial(animals.beast, kind="horse", rider=Look(None, k.seed + 9))(s, p, a, k),
    (-1.15, -0.06, 1.15, 1.9), 1.1, pace=0.6, period_s=1.0,
)  # fmt: skip
PEOPLE = ("man", "woman", "child", "couple", "crowd", "family", "lovers", "astronaut", "robot")
HANDY = ("man", "woman", "child", "astronaut", "robot")  # who is one, with hands to hold a thing
VEHICLES = ("car", "bus", "bicycle", "train")
