"""The light of a scene: sky, haze and tints, from the hour, the weather, the season and the mood that a brief names.

Colours of things are written as they are in plain daylight; `Light.on` says how they look here, near or far.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from rushes.engines.animatic.brief import Brief
from rushes.engines.animatic.ink import Colour, mix


@dataclass(frozen=True, slots=True)
class Light:
    """`zenith`, `middle` and `glow` are the sky from its top to the horizon; `tint` what white looks like in the open;

    `haze` is what distance fades to; `sun` the sun's or moon's own colour, and `side` where it shines from (-1 left).
    """

    zenith: Colour
    middle: Colour
    glow: Colour
    haze: Colour
    tint: Colour
    sun: Colour
    side: float
    dark: bool = False
    fade: float = 0.72  # how much of its colour the farthest thing has lost
    grey: float = 0.0  # how much colour a mood takes from everything
    toned: Colour = (255, 255, 255)

    def on(self, colour: Colour, distance: float = 0.0) -> Colour:
        """Return how a thing of this colour looks; `distance` from 0, here, to 1, at the horizon."""
        red, green, blue = (round(c * t / 255) for c, t in zip(colour, self.tint, strict=True))
        return self.graded(mix((red, green, blue), self.haze, self.fade * distance))

    def graded(self, colour: Colour) -> Colour:
        """Return a colour as the mood prints it."""
        if not self.grey:
            return colour
        value = round(0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2])
        red, green, blue = (round(value * t / 255) for t in self.toned)
        return mix(colour, (red, green, blue), self.grey)


# zenith, middle, glow, haze, tint, sun: a few of each hour, for the seed to choose from
_Six = tuple[Colour, Colour, Colour, Colour, Colour, Colour]
_HOURS: dict[str, tuple[_Six, ...]] = {
    "day": (
        ((84, 154, 214), (142, 196, 232), (218, 236, 240), (190, 216, 230), (255, 252, 244), (255, 250, 232)),
        ((104, 172, 206), (160, 208, 220), (238, 238, 220), (204, 222, 222), (255, 250, 236), (255, 248, 224)),
        ((72, 132, 196), (122, 178, 224), (206, 226, 240), (180, 204, 226), (252, 250, 248), (255, 252, 240)),
    ),
    "dawn": (
        ((108, 134, 186), (226, 182, 196), (255, 226, 194), (232, 204, 204), (255, 232, 220), (255, 240, 214)),
        ((132, 160, 204), (206, 200, 220), (255, 216, 200), (222, 206, 218), (252, 232, 230), (255, 236, 220)),
        ((94, 148, 176), (184, 206, 200), (255, 232, 180), (214, 218, 200), (255, 240, 218), (255, 246, 206)),
    ),
    "dusk": (
        ((58, 60, 118), (206, 110, 122), (255, 184, 110), (214, 132, 122), (244, 192, 164), (255, 226, 168)),
        ((46, 58, 104), (150, 96, 136), (250, 160, 118), (176, 116, 132), (230, 182, 176), (255, 214, 160)),
        ((86, 74, 122), (228, 132, 104), (255, 206, 128), (228, 152, 116), (250, 200, 164), (255, 236, 180)),
    ),
    "night": (
        ((10, 16, 42), (22, 38, 82), (54, 82, 132), (38, 58, 104), (110, 132, 190), (240, 242, 226)),
        ((14, 14, 40), (38, 36, 86), (82, 78, 138), (54, 54, 106), (122, 126, 190), (246, 238, 220)),
        ((6, 20, 38), (14, 50, 78), (44, 102, 124), (28, 70, 96), (104, 144, 176), (232, 244, 236)),
    ),
}
_NEON: _Six = ((18, 12, 44), (62, 28, 104), (196, 66, 146), (92, 48, 126), (142, 132, 206), (255, 196, 230))
_SPACE: _Six = ((6, 8, 22), (14, 14, 40), (34, 26, 70), (30, 30, 66), (214, 216, 236), (255, 248, 230))
_DEEP: _Six = ((70, 178, 202), (26, 116, 158), (8, 56, 98), (22, 104, 144), (168, 222, 232), (220, 250, 246))
_OVERCAST: dict[str, tuple[float, Colour]] = {
    "rain": (0.55, (128, 140, 152)),
    "storm": (0.68, (86, 96, 112)),
    "snow": (0.50, (196, 206, 218)),
    "fog": (0.60, (206, 212, 214)),
    "cloud": (0.45, (170, 180, 190)),
}
_PRINTS: dict[str, tuple[float, Colour]] = {"noir": (1.0, (250, 250, 252)), "vintage": (0.7, (255, 232, 196))}
_CASTS: dict[str, tuple[Colour, float]] = {
    "pastel": ((255, 236, 240), 0.34),
    "warm": ((255, 198, 132), 0.20),
    "cold": ((146, 178, 214), 0.24),
    "burning": ((196, 92, 52), 0.34),
    "eerie": ((78, 108, 92), 0.34),
    "mars": ((222, 158, 116), 0.4),
}


def light_of(brief: Brief, dice: random.Random) -> Light:
    """Return the light of a brief; the seed's dice choose among a few of each hour."""
    hour = brief.time or ("night" if brief.mood in ("neon", "eerie") else dice.choice(("day", "day", "dawn", "dusk")))
    six = dice.choice(_HOURS[hour])
    if brief.place == "space":
        six = _SPACE
    elif brief.place == "underwater":
        six = _DEEP
    elif brief.mood == "neon":
        six = _NEON
    light = Light(*six, side=dice.choice((-1.0, 1.0)), dark=hour == "night" or brief.place == "space")
    if brief.weather in _OVERCAST and brief.place not in ("space", "underwater"):
        light = _overcast(
            light, *_OVERCAST[brief.weather], thick=brief.weather == "fog", heavy=brief.weather == "storm"
        )
    if brief.mood in _CASTS:
        light = _cast(light, *_CASTS[brief.mood])
    if brief.mood in _PRINTS:
        grey, toned = _PRINTS[brief.mood]
        light = replace(light, grey=grey, toned=toned)
        parts = (light.zenith, light.middle, light.glow, light.haze, light.sun)
        zenith, middle, glow, haze, sun = (light.graded(part) for part in parts)
        light = replace(light, zenith=zenith, middle=middle, glow=glow, haze=haze, sun=sun)
    return light


def _overcast(light: Light, share: float, grey: Colour, *, thick: bool, heavy: bool) -> Light:
    """Return the light under clouds, which keep something of the hour's own colour."""
    # Clouds at night are dark, by day they have something of the horizon's glow.
    sky = mix((0, 0, 0), grey, 0.36) if light.dark else mix(grey, light.glow, 0.18)
    zenith, middle, glow, haze = (
        mix(part, sky, share) for part in (mix(light.zenith, light.middle, 0.4), light.middle, light.glow, light.haze)
    )
    if heavy and not light.dark:  # under a thunderstorm noon is dusk
        zenith, middle, glow, haze = (mix((18, 22, 34), part, 0.66) for part in (zenith, middle, glow, haze))
    return replace(
        light, zenith=zenith, middle=middle, glow=glow, haze=haze,
        tint=mix(light.tint, mix(sky, light.tint, 0.5), 0.6), fade=0.92 if thick else 0.8,
    )  # fmt: skip


def _cast(light: Light, colour: Colour, share: float) -> Light:
    parts = (light.zenith, light.middle, light.glow, light.haze, light.tint)
    dimmed = [mix(part, _times(part, colour), 0.6) if light.dark else part for part in parts]
    zenith, middle, glow, haze, tint = (mix(part, colour, share * (0.4 if light.dark else 1.0)) for part in dimmed)
    return replace(light, zenith=zenith, middle=middle, glow=glow, haze=haze, tint=tint)


def _times(one: Colour, other: Colour) -> Colour:
    red, green, blue = (round(a * b / 255) for a, b in zip(one, other, strict=True))
    return red, green, blue
