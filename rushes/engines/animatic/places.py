"""Backdrops: the ground of a place painted on paper with its depth, and what grows or stands there.

Each place is a function that paints and returns its `Ground`. Subjects come later (`scene`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rushes.engines.animatic.brief import Subject
from rushes.engines.animatic.cast import ROLES
from rushes.engines.animatic.depth import FAR
from rushes.engines.animatic.ink import Colour, Line, box, curve, lighter, mix, oval
from rushes.engines.animatic.interiors import ROOFED, kitchen, office, room, stage, studio
from rushes.engines.animatic.setting import Ground, Setting, bands, floor, greens, hills, props, ridge, sky, water
from rushes.engines.animatic.wilds import abstract, bamboo, table, waterfall, woods


def field(here: Setting) -> Ground:
    """Rolling meadows; snow where it is winter."""
    horizon = here.row(here.dice.uniform(0.5, 0.58))
    sky(here, horizon)
    green, kinds = greens(here)
    hills(here, horizon, mix(green, (90, 120, 110), 0.5), 2, 0.07, jagged="mountains" in here.brief.features)
    floor(here, horizon, green)
    bands(here, horizon, green, 3, 0.022)
    flowers = next((one for one in here.brief.subjects if one.kind == "flower" and one.count > 2), None)
    if flowers is not None:
        _blooming(here, horizon, flowers)
    return Ground(horizon, here.row(0.84), props(here, kinds, 5, horizon, 0.32))


def _blooming(here: Setting, horizon: float, flowers: Subject) -> None:
    """Cover a meadow with one kind of flower, smaller and denser towards the horizon."""
    named = {"sunflower": (246, 190, 52), "daisy": (246, 244, 238), "rose": (206, 62, 74), "lotus": (240, 170, 190)}
    petal = flowers.colour or named.get(flowers.word) or here.dice.choice(((226, 92, 104), (172, 120, 196)))
    for row in range(15):
        share = (row + 0.5) / 15
        y = horizon + 0.02 + (1.03 - horizon) * share**1.8
        size = 0.004 + 0.022 * share**1.5
        step = size * 3.4
        xs = np.arange(-0.02, here.paper.aspect + 0.02, step)
        at = [(x + here.dice.uniform(-0.4, 0.4) * step, y + here.dice.uniform(-0.5, 0.5) * size) for x in xs]
        away = 0.5 * (1.0 - share)
        stems = [box(x - size * 0.12, v + size * 2.2, x + size * 0.12, v) for x, v in at]
        here.paper.shapes(stems, here.light.on((84, 130, 72), away))
        here.paper.shapes([oval(x, v, size, size * 0.82) for x, v in at], here.light.on(petal, away))
        here.paper.shapes([oval(x, v, size * 0.42, size * 0.36) for x, v in at], here.light.on((112, 74, 54), away))


def mountains(here: Setting) -> Ground:
    """Jagged ranges behind a valley."""
    horizon = here.row(here.dice.uniform(0.58, 0.64))
    sky(here, horizon)
    hills(here, horizon, (112, 126, 150), 4, 0.2, jagged=True)
    green, _ = greens(here)
    floor(here, horizon, green)
    bands(here, horizon, mix(green, (84, 112, 96), 0.4), 3, 0.03)
    return Ground(horizon, here.row(0.86), props(here, ("pine",), 7, horizon, 0.26))


def desert(here: Setting) -> Ground:
    """Dunes."""
    horizon = here.row(here.dice.uniform(0.5, 0.56))
    sky(here, horizon, clouds=False)
    sand = (222, 172, 118) if here.brief.mood != "mars" else (196, 112, 80)
    hills(here, horizon, (206, 146, 108), 2, 0.06, jagged=here.dice.random() < 0.5)
    floor(here, horizon, sand)
    bands(here, horizon, sand, 4, 0.04)
    return Ground(horizon, here.row(0.84), props(here, ("rock",), 4, horizon, 0.09))


def snow(here: Setting) -> Ground:
    """A plain of snow."""
    horizon = here.row(here.dice.uniform(0.52, 0.58))
    sky(here, horizon)
    hills(here, horizon, (150, 170, 200), 3, 0.11, jagged=True)
    floor(here, horizon, (232, 238, 246), 0.5)
    bands(here, horizon, (236, 241, 248), 3, 0.03)
    return Ground(horizon, here.row(0.85), props(here, ("pine",), 5, horizon, 0.28))


def sea(here: Setting) -> Ground:
    """Open water, an island or a cape at one side."""
    horizon = here.row(here.dice.uniform(0.5, 0.57))
    sky(here, horizon)
    cape = here.column(0.5 - here.light.side * 0.4)
    here.paper.shape(
        curve(
            [
                (cape - 0.4, horizon + 0.01),
                (cape - 0.15, horizon - 0.06),
                (cape + 0.1, horizon - 0.035),
                (cape + 0.34, horizon + 0.004),
            ],
            closed=False,
        ),
        here.light.on((104, 124, 128), 0.75),
    )
    water(here, horizon)
    if _ashore(here):
        shore, paint = here.row(0.82), here.light.on((132, 136, 120))
        here.paper.shape(ridge(here, shore, 0.014, 0.8), (lighter(paint, 0.1), lighter(paint, -0.3)), near=0.8)
        return Ground(horizon, here.row(0.9), (("rock", 0.5 + here.light.side * 0.44, here.row(0.97), 0.16, 0.0),))
    return Ground(horizon, here.row(0.80), (), here.row(0.72))


def _ashore(here: Setting) -> bool:
    """Say whether somebody is there who can't stand on water."""
    kinds = [one.kind for one in here.brief.subjects if one.action not in ("swim", "float", "fly")]
    afloat = {"boat", "surfer", "whale", "fish", "jellyfish", "turtle", "octopus"} & set(kinds)
    return not afloat and any(ROLES[kind].home == "ground" and ROLES[kind].size < 1.3 for kind in kinds)


def beach(here: Setting) -> Ground:
    """Sea above, sand below, foam between."""
    horizon = here.row(here.dice.uniform(0.46, 0.52))
    sky(here, horizon)
    shore = here.row(0.71)
    water(here, horizon, shore + 0.05)
    wide, dice = here.paper.aspect, here.dice
    x = np.linspace(-0.05, wide + 0.05, 90)
    wave = 0.012 * np.sin(x * dice.uniform(3, 5) + dice.uniform(0, 6)) + 0.006 * np.sin(x * 9 + dice.uniform(0, 6))
    for up, paint in (
        (0.016, here.light.on((246, 250, 250), 0.1)),
        (0.0, here.light.on((206, 178, 140), 0.05)),
        (-0.035, here.light.on((234, 208, 166))),
    ):
        line = np.concatenate([np.stack([x, shore + wave - up], axis=1), [(wide + 0.05, 1.1), (-0.05, 1.1)]])
        here.paper.shape(line, (paint, lighter(paint, -0.1)) if up < 0 else paint)
    here.paper.ground(horizon)
    return Ground(
        horizon,
        here.row(0.86),
        (("palm", 0.5 - here.light.side * 0.4, here.row(0.9), 0.62, 0.0),) if here.dice.random() < 0.6 else (),
        here.row(0.6),
    )


def lake(here: Setting) -> Ground:
    """Still water between hills, a bank in front."""
    horizon = here.row(0.52)
    sky(here, horizon)
    hills(
        here,
        horizon,
        (104, 128, 132),
        3,
        0.16 if "mountains" in here.brief.features else 0.09,
        jagged="mountains" in here.brief.features,
    )
    bank = here.row(0.83)
    water(here, horizon + 0.004)
    green, kinds = greens(here)
    paint = here.light.on(green)
    here.paper.shape(ridge(here, bank, 0.012, 0.6), (paint, lighter(paint, -0.25)))
    return Ground(horizon, here.row(0.88), props(here, (*kinds, "grass"), 3, bank, 0.34)[-2:], here.row(0.70))


def river(here: Setting) -> Ground:
    """A river that winds towards the camera through a meadow."""
    ground = woods(here) if "forest" in here.brief.features else field(here)
    water = here.light.on((92, 152, 180))
    _winding(here, ground.horizon, (mix(here.light.glow, water, 0.4), lighter(water, -0.1)), 0.3)
    return Ground(ground.horizon, ground.line, ground.props, here.row(0.8))


def road(here: Setting) -> Ground:
    """A road to the horizon."""
    ground = desert(here) if here.brief.place == "desert" or "desert" in here.brief.features else field(here)
    return _across(here, ground)


def _across(here: Setting, ground: Ground) -> Ground:
    """Lay a road across the picture, on which whoever drives is seen from the side."""
    top, bottom, wide = here.row(0.77), here.row(0.9), here.paper.aspect
    asphalt = here.light.on((98, 100, 108))
    here.paper.shape(box(-0.1, bottom, wide + 0.1, top), (lighter(asphalt, 0.08), asphalt))
    middle = (top + bottom) / 2 + 0.004
    dashes = [box(x, middle + 0.004, x + 0.09, middle - 0.002) for x in np.arange(-0.05, wide, 0.19)]
    here.paper.shapes(dashes, here.light.on((240, 226, 180)))
    return Ground(
        ground.horizon,
        here.row(0.865),
        tuple(prop for prop in ground.props if not top - 0.02 < prop[2] < bottom + 0.03),
    )


def _winding(here: Setting, horizon: float, paint: tuple[Colour, Colour], broad: float) -> None:
    bend = here.dice.choice((-1, 1)) * 0.16
    share = np.linspace(0.0, 1.0, 60)
    y = horizon + 0.01 + (1.06 - horizon) * share
    middle = here.column(0.5) + bend * np.sin(share * 5.0) * (0.3 + share)
    half = 0.004 + broad * share**1.7
    here.paper.shape(np.concatenate([np.stack([middle - half, y], 1), np.stack([middle + half, y], 1)[::-1]]), paint)


def _blocks(here: Setting, base: float, layers: int, tallest: float) -> None:
    """Paint rows of buildings, the nearer ones with windows, some of them lit."""
    light, dice = here.light, here.dice
    for k in range(layers):
        share = (k + 1) / layers
        x = -0.1
        panes: list[Line] = []
        lit: list[Line] = []
        while x < here.paper.aspect + 0.1:
            wide = dice.uniform(0.07, 0.15) * (0.7 + 0.5 * share)
            tall = tallest * dice.uniform(0.4, 1.0) * (1.15 - 0.4 * share)
            paint = light.on(
                dice.choice(((124, 132, 150), (146, 140, 146), (112, 124, 146), (158, 146, 138))), 0.92 - 0.6 * share
            )
            here.paper.shape(
                box(x, base, x + wide, base - tall), (paint, mix(paint, light.haze, 0.35)), near=FAR + 0.09 * share
            )
            if k:
                step = 0.022 + 0.006 * k
                for row in np.arange(base - tall + step, base - step, step * 1.35):
                    for column in np.arange(x + step * 0.5, x + wide - step * 0.8, step):
                        (lit if dice.random() < (0.42 if light.dark else 0.1) else panes).append(
                            box(column, row + step * 0.66, column + step * 0.52, row)
                        )
            x += wide + dice.choice((0.0, 0.0, 0.02))
        here.paper.shapes(panes, light.on((70, 84, 108), 0.5), strength=0.38)
        here.paper.shapes(
            lit, light.graded((255, 216, 140) if light.dark else (236, 240, 240)), strength=0.8 if light.dark else 0.4
        )


def skyline(here: Setting) -> Ground:
    """A city's towers over a river front."""
    horizon = here.row(0.72)
    sky(here, horizon)
    _blocks(here, horizon + 0.01, 3, 0.5 * here.inner)
    floor(here, horizon, (112, 116, 126), 0.5)
    return Ground(horizon, here.row(0.88))


def street(here: Setting) -> Ground:
    """A street seen across: houses with shop fronts, a pavement, a road."""
    horizon = here.row(0.5)
    sky(here, horizon)
    _blocks(here, here.row(0.68), 2, 0.46 * here.inner)
    light, dice, x = here.light, here.dice, -0.1
    base = here.row(0.735)
    while x < here.paper.aspect + 0.1:
        wide, tall = dice.uniform(0.24, 0.36), dice.uniform(0.36, 0.6) * here.inner
        wall = dice.choice(((178, 120, 98), (202, 178, 150), (126, 138, 150), (164, 148, 158), (146, 108, 92)))
        paint = light.on(wall, 0.25)
        here.paper.shape(box(x, base, x + wide, base - tall), (paint, lighter(paint, -0.1)), near=0.56)
        here.paper.shape(
            box(x - 0.006, base - tall + 0.018, x + wide + 0.006, base - tall), lighter(paint, 0.12), near=0.56
        )
        glass, lamp = light.on((76, 92, 112), 0.2), light.graded((255, 214, 140))
        for row in np.arange(base - tall + 0.06, base - 0.17, 0.1):
            for column in np.arange(x + 0.03, x + wide - 0.05, 0.075):
                pane = lamp if light.dark and dice.random() < 0.5 else glass
                here.paper.shape(box(column, row + 0.062, column + 0.042, row, 0.004), pane)
        shop = light.on((110, 126, 138)) if not light.dark else lamp
        here.paper.shape(box(x + 0.025, base, x + wide - 0.025, base - 0.105, 0.004), (shop, lighter(shop, -0.2)))
        awning = light.on(dice.choice(((196, 84, 70), (76, 130, 120), (222, 164, 82), (92, 104, 156))))
        if here.brief.mood == "neon":
            awning = dice.choice(((255, 84, 172), (84, 226, 240), (164, 110, 255)))
            here.paper.glow(x + wide / 2, base - 0.12, 0.16, awning, 0.34)
        here.paper.shape(
            np.array(
                [
                    (x + 0.015, base - 0.095),
                    (x + wide - 0.015, base - 0.095),
                    (x + wide - 0.03, base - 0.135),
                    (x + 0.03, base - 0.135),
                ]
            ),
            awning,
        )
        x += wide + 0.004
    floor(here, base, (150, 148, 150), 0.1)
    ground = _across(here, Ground(horizon, here.row(0.86)))
    here.paper.depth[int(base * here.paper.height) :] = np.maximum(
        here.paper.depth[int(base * here.paper.height) :], 0.56
    )
    wet = here.brief.weather in ("rain", "storm")
    if wet or here.brief.mood == "neon":
        first = int(base * here.paper.height)
        # What stands above the ground, upside down.
        upper = (
            here.paper.picture[2 * first - here.paper.height : first][::-1] if 2 * first > here.paper.height else None
        )
        if upper is not None:
            here.paper.picture[first:] = 0.68 * here.paper.picture[first:] + 0.32 * upper
    return ground


def village(here: Setting) -> Ground:
    """Houses among fields."""
    ground = field(here)
    houses = ((0.32, 0.035, 0.1, 0.6), (0.62, 0.05, 0.12, 0.5), (0.83, 0.1, 0.18, 0.25), (0.12, 0.13, 0.22, 0.15))
    homes = tuple(("house", x, ground.horizon + low, size, haze) for x, low, size, haze in houses)
    return Ground(ground.horizon, ground.line, (*homes, *ground.props[3:]))


def space(here: Setting) -> Ground:
    """Stars, a planet, a moon's ground below."""
    paper, dice, light = here.paper, here.dice, here.light
    paper.wash([(0.0, light.zenith), (0.6, light.middle), (1.0, light.glow)])
    for _ in range(5):
        paper.glow(
            dice.uniform(0, paper.aspect),
            dice.uniform(0, 0.8),
            dice.uniform(0.12, 0.3),
            dice.choice(((74, 48, 124), (36, 70, 128), (120, 56, 110))),
            0.3,
        )
    for _ in range(int(170 * max(0.4, paper.aspect))):
        r = dice.choice((0.0008, 0.0012, 0.002))
        paper.shape(
            oval(dice.uniform(0, paper.aspect), dice.uniform(0, 1), r, r),
            (240, 240, 236),
            strength=dice.uniform(0.3, 1.0),
        )
    x, y, r = here.column(0.5 + light.side * 0.28), here.row(0.3), min(0.19, 0.3 * paper.aspect)
    globe = dice.choice(((86, 140, 196), (206, 138, 96), (128, 170, 150)))
    paper.glow(x, y, r * 1.6, globe, 0.3)
    paper.shape(oval(x, y, r, r), (lighter(globe, 0.2), lighter(globe, -0.45)), near=FAR + 0.05)
    horizon = here.row(0.8)
    paint = (122, 122, 136)
    paper.shape(ridge(here, horizon, 0.012, 0.5), (paint, lighter(paint, -0.5)))
    paper.ground(horizon, 0.6)
    return Ground(horizon, here.row(0.86), props(here, ("rock",), 3, horizon + 0.04, 0.06))


def underwater(here: Setting) -> Ground:
    """Blue depth with shafts of light over a sea bed."""
    paper, dice, light = here.paper, here.dice, here.light
    paper.wash([(0.0, light.zenith), (0.5, light.middle), (1.0, light.glow)])
    for _ in range(6):
        x, w = dice.uniform(0, paper.aspect), dice.uniform(0.03, 0.09)
        paper.shape(
            np.array([(x, -0.02), (x + w, -0.02), (x + w * 2.6 - 0.25, 0.85), (x - 0.3, 0.85)]),
            (230, 250, 248),
            strength=0.07,
        )
    for k in range(3):
        paint = mix(light.haze, (22, 74, 96), 0.3 + 0.3 * k)
        paper.shape(
            ridge(here, here.row(0.72 + 0.08 * k), 0.05 - 0.01 * k, 1.4),
            (paint, lighter(paint, -0.2)),
            near=0.4 + 0.15 * k,
        )
    horizon = here.row(0.86)
    paper.shape(
        ridge(here, horizon, 0.012, 0.6), (light.on((198, 190, 150), 0.3), light.on((120, 128, 118), 0.2)), near=0.85
    )
    return Ground(
        here.row(0.6),
        here.row(0.9),
        (
            ("grass", 0.08, here.row(0.97), 0.16, 0.1),
            ("rock", 0.9, here.row(0.98), 0.12, 0.1),
            ("grass", 0.8, here.row(0.99), 0.22, 0.0),
        ),
    )


def heights(here: Setting) -> Ground:
    """High above the clouds."""
    horizon = here.row(0.78)
    sky(here, horizon)
    for k in range(5):
        share = k / 4
        y = here.row(0.66 + 0.3 * share)
        paint = mix(mix(here.light.glow, here.light.sun, 0.55), here.light.middle, 0.3 * (1 - share))
        parts = [
            oval(
                x,
                y + here.dice.uniform(-0.01, 0.02),
                here.dice.uniform(0.07, 0.13) * (0.6 + share),
                0.05 * (0.6 + share),
            )
            for x in np.arange(-0.1, here.paper.aspect + 0.1, 0.1)
        ]
        parts.append(box(-0.1, 1.1, here.paper.aspect + 0.1, y))
        here.paper.shapes(parts, (lighter(paint, 0.25), paint), near=0.42 + 0.4 * share, strength=0.92)
    return Ground(horizon, here.row(0.7))


PLACES: dict[str, Callable[[Setting], Ground]] = {
    "field": field, "mountains": mountains, "forest": woods, "desert": desert, "snow": snow, "sea": sea,
    "beach": beach, "lake": lake, "river": river, "road": road, "skyline": skyline, "street": street,
    "village": village, "space": space,
    "underwater": underwater, "room": room, "kitchen": kitchen, "office": office, "stage": stage,
    "sky": heights,
    "studio": studio, "abstract": abstract, "bamboo": bamboo, "table": table, "waterfall": waterfall,
}  # fmt: skip


def _ablaze(here: Setting, horizon: float) -> None:
    """Set the horizon on fire: tongues of flame, their glow, and smoke that leans with the wind."""
    paper, dice, lean = here.paper, here.dice, here.light.side * 0.06
    for _ in range(9):
        x, tall = dice.uniform(0, paper.aspect), dice.uniform(0.05, 0.13) * here.inner
        smoke = [
            oval(x - lean * (1 + k) * 1.2, horizon - tall - 0.07 * k, 0.035 + 0.02 * k, 0.03 + 0.014 * k)
            for k in range(6)
        ]
        paper.shapes(smoke, (38, 32, 36), strength=0.34)
        paper.glow(x, horizon - tall * 0.5, 0.1, (255, 140, 50), 0.5)
        for size, colour in ((1.0, (238, 104, 40)), (0.62, (254, 190, 84))):
            tip = horizon - tall * size
            half = 0.033 * size
            left, right = (x - half, horizon + 0.01), (x + half, horizon + 0.01)
            bulge = [(x + side * 1.1 * half, horizon - tall * 0.32 * size) for side in (-1, 1)]
            flame = [left, bulge[0], (x - lean * size, tip), bulge[1], right]
            paper.shape(curve(flame), colour)


def paint(here: Setting) -> Ground:
    """Paint the brief's place, with a road over it where one is named as well."""
    place = here.brief.place or "field"
    ground = PLACES[place](here)
    if here.brief.mood == "burning" and place not in ("underwater", "space", "abstract", *ROOFED):
        _ablaze(here, ground.horizon)
    if "road" in here.brief.features and place in ("desert", "field", "snow", "mountains", "forest", "village"):
        return _across(here, ground)
    return ground
