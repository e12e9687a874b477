"""Who sits on what, who holds what, what crosses a bridge: a scene's players put in touch with each other.

`scene` gives each player a place of its own; here some are moved, resized or given a seat. Nothing is drawn.
"""

from __future__ import annotations

from dataclasses import replace

from rushes.engines.animatic.cast import HANDY, PEOPLE, ROLES, VEHICLES
from rushes.engines.animatic.figures import Look
from rushes.engines.animatic.furnishings import SEAT, TABLE
from rushes.engines.animatic.sprite import Actor

_SEATS = ("bench", "chair", "sofa")
_SIZE = {"bench": 1.0, "chair": 1.0, "sofa": 1.0}  # a seat's unit, of the height of who sits on it
_BESIDE = 0.55  # how far apart several sit, of their height
_DECK = 0.37  # where a bridge's road is, of its height
_SMALL = ("cat", "dog", "fox", "rabbit")  # who may sit on furniture
_INDOORS = ("room", "kitchen", "office", "stage", "studio", "table")
_PAVED = ("street", "village", "skyline", "field", "road", "lake", "river")
_MEALS = ("burger", "bowl", "plate", "cake", "cup")


def settled(players: list[Actor], place: str) -> list[Actor]:
    """Return the players going one way, near whom they kiss, with seats, umbrellas, guitars, tables and bridges."""
    together = _sheltered(_embraced(_abreast(players)))
    return _crossing(_holding(_seated(_served(together, place), place)))


def _abreast(players: list[Actor]) -> list[Actor]:
    """Let all who go somewhere on the ground go the same way: two on one line would walk through each other."""
    goers = [one for one in players if one.speed and one.role.home == "ground"]
    way = goers[0].facing if goers else 1
    return [replace(one, facing=way) if one.speed and one.role.home == "ground" else one for one in players]


def _embraced(players: list[Actor]) -> list[Actor]:
    """Bring two who kiss or hug so near to each other that they can."""
    close = [one for one in players if one.action == "kiss" and one.kind in HANDY]
    if len(close) != 2:
        return players
    left, right = sorted(close, key=lambda one: one.x)
    middle, apart = (left.x + right.x) / 2, 0.12 * (left.size + right.size) / 2
    met = {
        id(left): replace(left, x=middle - apart, facing=1),
        id(right): replace(right, x=middle + apart, y=left.y, near=left.near, facing=-1),
    }
    return [met.get(id(one), one) for one in players]


def _sheltered(players: list[Actor]) -> list[Actor]:
    """Put an umbrella into the hand of whoever is there to hold it."""
    holder = next((one for one in players if one.kind in HANDY), None)
    if holder is None or not any(one.kind == "umbrella" for one in players):
        return players
    x, y = holder.x + 0.1 * holder.size * holder.facing, holder.y - 0.42 * holder.size
    held = []
    for one in players:
        if one.kind == "umbrella":
            in_hand = replace(
                one,
                x=x,
                y=y,
                size=0.85 * holder.size,
                near=holder.near + 1e-3,
                look=replace(one.look, word="held"),
                action=holder.action,
                facing=holder.facing,
                role=replace(one.role, home="air"),
                carried=holder.speed,
            )
        held.append(in_hand if one.kind == "umbrella" else one)
    return held


def _seated(players: list[Actor], place: str) -> list[Actor]:
    if any(one.kind in _SEATS for one in players):  # a man and a bench: he sits on it, whatever he does there
        free = [one.kind in PEOPLE and one.action in ("", "work", "lie") for one in players]
        players = [replace(one, action="sit") if idle else one for one, idle in zip(players, free, strict=True)]
    sitters = [one for one in players if one.action in ("sit", "lie") and one.kind in (*PEOPLE, *_SMALL)]
    people = [one for one in sitters if one.kind in PEOPLE]
    seat = next((one for one in players if one.kind in _SEATS), None)
    if seat is None and people and place not in ("space", "underwater", "sea", "sky"):
        return [*players, *(_seat_for(one, place) for one in people if one.kind not in ("crowd", "family"))]
    if seat is None or not sitters:
        return players
    # An animal gets a seat that was made for people.
    tall = people[0].size if people else 1.7 * max(one.size for one in sitters)
    seat_size = _SIZE[seat.kind] * (tall if people else max(tall, seat.size))
    moved: list[Actor] = []
    for one in players:
        if one in sitters:
            number = sitters.index(one) - (len(sitters) - 1) / 2
            # People's own pose puts their thighs on a seat; animals are set on it.
            up = 0.0 if one.kind in PEOPLE else SEAT * seat_size
            x = seat.x + number * _BESIDE * seat_size
            size = one.size if one.kind in PEOPLE else max(one.size, 0.36 * seat_size)
            moved.append(replace(one, x=x, y=seat.y - up, size=size, near=min(1.0, seat.near + 2e-3)))
        else:
            moved.append(replace(one, size=seat_size) if one is seat else one)
    return moved


def _seat_for(sitter: Actor, place: str) -> Actor:
    """Return what lies near to sit on: a chair in a room, a bench in a park or street, else a log or a stone."""
    kind = "chair" if place in _INDOORS else "bench" if place in _PAVED else "log"
    word = "stone" if kind == "log" and place in ("beach", "mountains", "desert", "snow", "waterfall") else ""
    look = Look(None, sitter.look.seed + 1, word=word)
    role = ROLES[kind]
    return Actor(
        role, look, kind, sitter.x, sitter.y, sitter.size, sitter.near - 1e-3, haze=sitter.haze, facing=sitter.facing
    )


def _holding(players: list[Actor]) -> list[Actor]:
    """Put a guitar into the arms of whoever is there to play it."""
    holder = next((one for one in players if one.kind in HANDY), None)
    if holder is None:
        return players
    low = 0.3 if holder.action == "sit" else 0.52
    role = replace(ROLES["guitar"], home="air")
    return [
        replace(
            one,
            role=role,
            look=replace(one.look, word="held"),
            x=holder.x + 0.03 * holder.size * holder.facing,
            y=holder.y - low * holder.size,
            size=1.15 * holder.size,
            near=min(1.0, holder.near + 1e-3),
            facing=holder.facing,
            carried=holder.speed,
        )
        if one.kind == "guitar"
        else one
        for one in players
    ]


def _served(players: list[Actor], place: str) -> list[Actor]:
    """Set what is eaten in a room on a table as high as people there need it."""
    people = [one.size for one in players if one.kind in PEOPLE]
    if place not in ("room", "kitchen", "office") or not any(one.kind in _MEALS for one in players):
        return players
    unit = max(people, default=0.0) or 1.6 * max(one.size for one in players if one.kind in _MEALS)
    served: list[Actor] = []
    for one in players:
        if one.kind not in _MEALS:
            served.append(one)
            continue
        desk = replace(one, role=ROLES["desk"], kind="desk", look=Look(None, one.look.seed), size=unit)
        up = replace(one, y=one.y - TABLE * unit, size=min(one.size, 0.42 * unit), near=min(1.0, one.near + 1e-3))
        served += [desk, up]
    return served


def _crossing(players: list[Actor]) -> list[Actor]:
    """Let what drives or walks go over the bridge that is in the picture."""
    bridge = next((one for one in players if one.kind == "bridge"), None)
    if bridge is None:
        return players
    goers = (*VEHICLES, *PEOPLE, "horse")
    return [
        replace(
            one,
            size=min(one.size, 1.5 * bridge.size),
            y=bridge.y - _DECK * bridge.size,
            near=min(1.0, bridge.near + 1e-3),
            x=bridge.x,
        )
        if one.kind in goers
        else one
        for one in players
    ]
