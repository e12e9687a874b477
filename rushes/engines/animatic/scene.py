"""A storyboard scene from a prompt: a painted backdrop in depth, and the actors who stand and move before it.

Words are read in `brief`, backdrops painted in `places`, figures drawn in `cast`'s files; here they are put together:
who stands where, how large, in which order. The seed chooses what the prompt leaves open.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from rushes.engines.animatic.brief import Brief, Subject, read_brief
from rushes.engines.animatic.cast import PEOPLE, RIDER, ROLES, VEHICLES, Role
from rushes.engines.animatic.cutout import is_bust
from rushes.engines.animatic.depth import FAR, Picture, Plane
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.ink import Colour, Paper
from rushes.engines.animatic.interiors import ROOFED
from rushes.engines.animatic.lettering import letter
from rushes.engines.animatic.palette import light_of
from rushes.engines.animatic.places import paint
from rushes.engines.animatic.setting import Ground, Setting
from rushes.engines.animatic.settled import settled
from rushes.engines.animatic.sprite import MARGIN, Actor, Sprite, lay
from rushes.engines.animatic.style import styled, treatment

_HERO = {"close": 0.92, "wide": 0.22, "aerial": 0.2, "low": 0.56, "": 0.4}  # a person's height, of the frame's
_BIGGEST = 0.78  # of the frame's height, for anything


@dataclass(frozen=True, slots=True)
class Scene:
    """`backdrop` (H, W, 3) with its `depth` (H, W), FAR..1, and the figures before it, the farthest first."""

    backdrop: Picture
    depth: Plane
    sprites: tuple[Sprite, ...]
    roofed: bool = False  # what falls, falls outside

    def flat(self) -> Picture:
        """Return the scene as one picture, at the middle of its action."""
        picture = self.backdrop.copy()
        tall = picture.shape[0]
        for sprite in self.sprites:
            x, y, phase = sprite.actor.at(0.0, 0.0, loop=False)
            lay(picture, sprite.image(phase), sprite.corners(x, y, phase) * tall)
        return picture

    def flat_depth(self) -> Plane:
        """Return the disparity of the flat picture."""
        tall = self.depth.shape[0]
        # As a picture, so that `lay` can draw the figures' disparity as it draws their colours.
        depth = cv2.merge([self.depth * 255.0] * 3).astype(np.uint8)
        for sprite in self.sprites:
            x, y, phase = sprite.actor.at(0.0, 0.0, loop=False)
            image = sprite.image(phase).copy()
            near = round(255 * sprite.actor.near)
            image[..., :3] = (image[..., 3:].astype(np.uint16) * near // 255).astype(np.uint8)
            lay(depth, image, sprite.corners(x, y, phase) * tall)
        soft = cv2.GaussianBlur(depth[..., 0].astype(np.float32) / 255.0, (0, 0), 0.006 * max(depth.shape))
        return np.asarray(np.clip(soft, FAR, 1.0), dtype=np.float32)


def set_scene(
    prompt: str,
    seed: int,
    width: int,
    height: int,
    *,
    spare: float = 1.0,
    pictures: Sequence[Picture] = (),
    style: str | None = None,
) -> Scene:
    """Build a scene on a paper of this size; the frame that will be seen is smaller by `spare`.

    `pictures` are subjects (see `cutout`), which take the place of the people and things that the prompt names.
    Backdrop and figures are put in a `style` each for itself, once: a frame costs no more than without one.
    """
    brief = read_brief(prompt)
    dice = random.Random(f"scene {seed} {prompt}")
    brief = _filled(brief, dice)
    light = light_of(brief, dice)
    paper = Paper(width, height)
    here = Setting(paper, light, brief, dice, 1.0 / spare)
    ground = paint(here)
    players = _shown(here, ground, pictures) if pictures else _players(here, ground)
    # Players first, props after: nothing may grow before somebody; the dice are thrown in this order.
    actors = [*_aside(_dressing(here, ground), players), *players]
    if brief.framing == "close" and players:  # a lens near to its subject leaves the rest soft
        paper.picture[...] = cv2.GaussianBlur(paper.picture, (0, 0), max(0.8, 0.007 * height))
    # Stable: of those equally far, players are drawn over props.
    actors.sort(key=lambda actor: actor.near)
    if brief.lettering is not None:
        letter(paper, brief.lettering, light, here.inner, dice)
    if light.grey:
        value = paper.picture @ np.array((0.3, 0.59, 0.11), np.float32)
        toned = value[..., None] * np.array(light.toned, np.float32) / 255.0
        paper.picture += light.grey * (toned - paper.picture)
    if brief.weather == "fog":
        veil = np.clip(1.0 - np.abs(paper.rows - ground.horizon - 0.08) / 0.4, 0.0, 1.0)[..., None] * np.float32(0.3)
        paper.picture += veil * (np.array(light.haze, np.float32) - paper.picture)
    depth = cv2.GaussianBlur(paper.depth, (0, 0), max(1.0, 0.004 * max(width, height)))
    treat = None if style is None else treatment(style)
    sprites = tuple(Sprite(actor, light, height, treat) for actor in actors)
    return Scene(styled(paper.finished(seed), style), np.asarray(depth, np.float32), sprites, brief.place in ROOFED)


def draw_scene(
    prompt: str, seed: int, width: int, height: int, pictures: Sequence[Picture] = ()
) -> tuple[Picture, Plane]:
    """Return a scene as a picture (height, width, 3) with its disparity (height, width), FAR..1."""
    scene = set_scene(prompt, seed, width, height, pictures=pictures)
    return scene.flat(), scene.flat_depth()


def _filled(brief: Brief, dice: random.Random) -> Brief:
    """Return the brief with a place that suits what it names, where it names none."""
    if brief.place:
        if brief.place == "table" and {"man", "woman", "child", "family", "couple"} & {
            one.kind for one in brief.subjects
        }:
            return replace(brief, place="room")
        if brief.place == "underwater" or brief.place != "sea":
            return brief
        named = {subject.kind for subject in brief.subjects}
        under = {"fish", "whale", "jellyfish", "turtle", "octopus"} & named and not {"surfer", "boat"} & named
        return replace(brief, place="underwater") if under else brief
    kinds = [subject.kind for subject in brief.subjects]
    suits = {
        **dict.fromkeys(("car", "bus", "bicycle", "train"), ("road",)),
        **dict.fromkeys(("boat", "lighthouse"), ("sea",)),
        **dict.fromkeys(("fish", "whale", "jellyfish", "turtle", "octopus"), ("underwater",)),
        **dict.fromkeys(("burger", "bowl", "plate", "cake"), ("table",)),
        **dict.fromkeys(("laptop", "phone"), ("office", "studio")),
        **dict.fromkeys(("sofa", "chair"), ("room",)),
        **dict.fromkeys(("surfer",), ("sea",)),
        **dict.fromkeys(("penguin",), ("snow",)),
        **dict.fromkeys(("volcano", "dinosaur"), ("mountains",)),
        **dict.fromkeys(("astronaut", "rocket"), ("space",)),
        **dict.fromkeys(("plane", "balloon"), ("sky",)),
        **dict.fromkeys(("bottle", "shoe", "apple"), ("studio",)),
        **dict.fromkeys(("cup",), ("room",)),
        **dict.fromkeys(("fox", "wolf", "bear", "deer", "tent", "fire"), ("forest",)),
        **dict.fromkeys(("dragon", "castle"), ("mountains",)),
        **dict.fromkeys(("robot", "crowd"), ("street", "skyline")),
        "bridge": ("river", "lake"),
        **dict.fromkeys(("lion", "elephant", "giraffe"), ("field",)),
    }
    choices = next((suits[kind] for kind in kinds if kind in suits), None)
    if choices is None and brief.features:
        choices = brief.features
    if choices is None:
        snowy = brief.weather == "snow" or brief.season == "winter"
        choices = (
            ("snow",) if snowy else ("street",) if brief.mood == "neon" else ("field", "field", "mountains", "lake")
        )
    if choices == ("table",) and set(kinds) & {"man", "woman", "child", "family", "couple"}:
        choices = ("room",)  # nobody stands on a table
    return replace(brief, place=dice.choice(choices))


def _dressing(here: Setting, ground: Ground) -> list[Actor]:
    """Return what grows and stands around."""
    narrow = min(1.0, here.paper.aspect * 1.1)
    dressed = []
    for number, (kind, x, y, size, haze) in enumerate(ground.props):
        role = ROLES[kind]
        colour: Colour | None = None
        if kind == "tree" and here.brief.season == "autumn":
            colour = here.dice.choice(((212, 134, 62), (198, 92, 58), (224, 172, 80)))
        if kind == "tree" and here.brief.season == "spring":
            colour = here.dice.choice(((240, 178, 196), (248, 204, 214), (136, 178, 108)))
        look = Look(colour, here.dice.randrange(10**6), glow=here.light.dark)
        near = _near(y, ground.horizon)
        tall = size * here.inner * narrow
        dressed.append(
            Actor(
                role,
                look,
                kind,
                here.column(x),
                y,
                tall,
                near,
                haze=haze,
                offset=0.37 * number % 1.0,
                facing=here.dice.choice((-1, 1)),
            )
        )
    return dressed


def _aside(dressed: list[Actor], players: list[Actor]) -> list[Actor]:
    """Leave out what would grow in front of somebody."""

    def hides(prop: Actor, player: Actor) -> bool:
        grass = prop.kind == "grass"
        if prop.kind == "cloud" or (grass and "portrait" not in player.kind):
            return False  # feet in the grass are where they belong, a face is not
        reach = (prop.role.span[2] if grass else 0.5) * prop.size + 0.5 * player.size * min(player.role.span[2], 1.0)
        return prop.near > player.near and abs(prop.x - player.x) < reach

    return [prop for prop in dressed if not any(hides(prop, player) for player in players)]


def _shown(here: Setting, ground: Ground, pictures: Sequence[Picture]) -> list[Actor]:
    """Return the given subjects, side by side on the ground."""
    count = len(pictures)
    seen = here.paper.aspect * here.inner
    actors = []
    for k, picture in enumerate(pictures):
        ratio = picture.shape[1] / picture.shape[0]
        slot = 0.5 + (k - (count - 1) / 2) * 0.86 / count if count > 1 else 0.5 + here.dice.uniform(-0.08, 0.08)
        tall = min(0.66 * here.inner, 0.8 * seen / count / ratio)
        span = (-ratio / 2 - MARGIN, -MARGIN, ratio / 2 + MARGIN, 1.0 + MARGIN)
        role = Role(ROLES["rock"].draw, span, 1.0)
        row = max(ground.line, here.row(0.9)) + 0.006 * (k % 2)
        if is_bust(picture):  # somebody without legs can't stand in a meadow
            tall, row = tall + 1.0 - row, 1.0
        near = 1.0 - 1e-3 * (count - k)  # nothing may stand before what the caller gave
        actors.append(Actor(role, Look(None, k), "picture", here.column(slot), row, tall, near, picture=picture))
    return actors


def _near(row: float, horizon: float) -> float:
    return FAR + (1.0 - FAR) * min(1.0, max(0.0, (row - horizon) / max(1.0 - horizon, 1e-3)))


def _players(here: Setting, ground: Ground) -> list[Actor]:
    """Return the subjects of the brief, each in its place."""
    subjects = list(here.brief.subjects)
    if here.brief.place == "field":  # a meadow full of flowers is painted
        subjects = [one for one in subjects if one.kind != "flower" or one.count < 3]
    kinds = {subject.kind for subject in subjects}
    # Riders are drawn with their horse, as who drives is drawn with the car.
    riding = "horse" in kinds and any(s.kind in PEOPLE and s.action == "drive" for s in subjects)
    if riding:
        subjects = [s for s in subjects if s.kind not in PEOPLE]
    if kinds & set(VEHICLES) or "boat" in kinds:  # who drives is inside
        driven = [
            s
            for s in subjects
            if s.kind in PEOPLE and (s.action in ("drive", "float") or "bicycle" in kinds or "boat" in kinds)
        ]
        subjects = [s for s in subjects if s not in driven]
    if "cake" in kinds:  # its candles are drawn with it
        subjects = [one for one in subjects if one.kind != "lantern"]
    roles = [RIDER if riding and s.kind == "horse" else ROLES[s.kind] for s in subjects]
    roles = [_in_form(here, one, role) for one, role in zip(subjects, roles, strict=True)]
    if here.brief.framing == "close" and subjects and subjects[0].kind in ("man", "woman", "child"):
        kind = "woman" if subjects[0].kind == "woman" else "man"
        roles[0] = ROLES[f"portrait {kind}"]
    still = [role.pace == 0.0 and role.size > 1.2 for role in roles]
    # Buildings first: of those equally far they are drawn behind.
    order = sorted(range(len(subjects)), key=lambda k: (not still[k], -roles[k].size if still[k] else 0))
    slots = _slots(here, subjects, roles)
    biggest = max((role.size for role, big in zip(roles, still, strict=True) if not big), default=0.0)
    players: list[Actor] = []
    for k in order:
        players += _group(here, ground, subjects[k], roles[k], slots[k], biggest=biggest or roles[k].size)
    return settled(players, here.brief.place)


def _in_form(here: Setting, subject: Subject, role: Role) -> Role:
    """Return the role as the place and the action want it: divers under water, a couple that kisses face to face."""
    if here.brief.place == "underwater" and subject.kind in ("man", "woman", "child"):
        return ROLES["swimmer"]
    if subject.kind == "couple" and subject.action == "kiss":
        return ROLES["lovers"]
    return role


def _slots(here: Setting, subjects: list[Subject], roles: list[Role]) -> list[float]:
    """Return where each subject stands, as a share of the frame's width: alone off the middle, else side by side."""
    count = len(subjects)
    side = here.dice.choice((-1, 1))
    if count == 1:
        if here.brief.place == "river" and roles[0].home == "ground":  # on the bank: the water is in the middle
            return [0.5 + side * here.dice.uniform(0.24, 0.3)]
        central = here.brief.framing in ("close", "low") or here.brief.place in ("stage", "studio")
        return [0.5 if central else 0.5 + side * here.dice.uniform(0.04, 0.16)]
    span = 0.52 if count == 2 else 0.64
    if any(subject.kind == "bridge" for subject in subjects):
        return [0.5 if subject.kind == "bridge" else 0.5 + side * 0.2 for subject in subjects]
    spread = [0.5 + side * span * (k / max(count - 1, 1) - 0.5) for k in range(count)]
    return [share + here.dice.uniform(-0.02, 0.02) for share in spread]


def _group(here: Setting, ground: Ground, subject: Subject, role: Role, slot: float, *, biggest: float) -> list[Actor]:
    """Return as many actors as there are of a subject, in a loose group."""
    dice, light = here.dice, here.light
    unit = _unit(here, subject, role, biggest)
    if not here.brief.framing and "portrait" not in _named(role):
        unit *= here.dice.uniform(0.84, 1.12)  # nobody said how near
    many = subject.count
    unit *= {1: 1.0, 2: 0.92, 3: 0.84}.get(many, 0.62 if many < 7 else 0.5)
    left, _bottom, right, _top = role.span
    wide = min(right, -left) * 1.7 * unit
    facing = 1 if slot < 0.5 or (slot == 0.5 and dice.random() < 0.5) else -1  # into the room that is left
    action = subject.action
    if role.pace and not action and role.home == "ground" and subject.kind in VEHICLES:
        action = "drive"
    home = "air" if role.home == "ground" and action == "fly" and subject.kind not in PEOPLE else role.home
    actors = []
    for k in range(many):
        across = (k - (many - 1) / 2) * wide * (0.95 if home == "ground" else 1.15)
        if many > 4:
            across *= 0.7
        x = here.column(slot) + across + (dice.uniform(-0.12, 0.12) * wide if many > 2 else 0.0)
        room = here.paper.aspect * here.inner / 2 - wide * 0.3
        x = (
            here.paper.aspect / 2 + max(-room, min(room, x - here.paper.aspect / 2))
            if room > 0
            else here.paper.aspect / 2
        )
        y = _row(here, ground, subject, role, home, unit=unit, k=k)
        near = _near(y, ground.horizon) if home != "air" else 0.62
        if "portrait" in _named(role):
            y, near = here.row(1.02), 0.85
        look = Look(subject.colour, dice.randrange(10**6), glow=light.dark, word=subject.word, hair=subject.hair)
        actors.append(
            Actor(
                role,
                look,
                _named(role) or subject.kind,
                x,
                y,
                unit,
                near,
                action,
                haze=0.12 if home == "air" else 0.0,
                facing=facing,
                offset=(0.29 * k) % 1.0,
            )
        )
    return actors


def _named(role: Role) -> str:
    return next((kind for kind, known in ROLES.items() if known is role and "portrait" in kind), "")


def _unit(here: Setting, subject: Subject, role: Role, biggest: float) -> float:
    """Return how tall a drawing's unit is on the paper, so that it suits the framing and fits the frame."""
    left, _bottom, right, top = role.span
    framing = here.brief.framing
    if "portrait" in _named(role):
        tall = 0.9
    else:
        # The largest that moves sets the scale; real proportions are compressed, or a cat by a bus would be a dot.
        relation = (role.size / biggest) ** 0.75 if biggest else 1.0
        hero = (
            _HERO[framing] * (1.0 if biggest >= 0.8 else 0.8) * (1.3 if biggest > 1.4 and framing != "close" else 1.0)
        )
        tall = hero * relation
        if role.pace == 0.0 and role.size > 1.2 and len(here.brief.subjects) > 1:
            tall = max(tall, 0.36)
    if here.brief.place == "table" and not framing:
        tall *= 1.35
    if framing == "close" and role.pace == 0.0 and "portrait" not in _named(role):
        tall = min(tall, 0.66 / min(top, 1.1))
    tall = min(tall, _BIGGEST / min(top, 1.1)) * here.inner
    broad = 0.86 * here.paper.aspect * here.inner / (right - left)
    if subject.kind == "bridge":
        # A bridge may run out of the frame on both sides.
        broad *= 2.6
    return max(min(tall, broad), 0.01)


def _row(here: Setting, ground: Ground, subject: Subject, role: Role, home: str, *, unit: float, k: int) -> float:
    """Return the row of a figure's foot."""
    dice = here.dice
    top, bottom = here.row(0.0), here.row(1.0)
    if (
        here.brief.place == "space"
        and subject.kind in ("astronaut", "robot", "rocket")
        and subject.action in ("float", "fly", "")
    ):
        return min(here.row(0.56) + unit * 0.4, bottom - 0.02)
    if home == "air":
        level = dice.uniform(0.22, 0.5) if subject.count > 1 else dice.uniform(0.34, 0.46)
        middle = here.row(level)
        return min(max(middle + unit * role.span[3] * 0.45, top + unit * role.span[3] + 0.01), bottom)
    if home == "water":
        return ground.water if ground.water is not None else ground.line
    if role.pace == 0.0 and role.size > 1.2:
        if here.brief.place == "sea":
            return ground.horizon + 0.012
        line = ground.horizon + (ground.line - ground.horizon) * (0.45 if ground.water is None else 0.1)
    else:
        line = ground.line + (0.035 * here.inner * (k % 3 - 1) if subject.count > 2 else 0.0)
    if here.brief.framing in ("close", "low"):
        line = max(line, here.row(0.9 if role.pace == 0.0 else 0.93))
    return min(line, bottom)
