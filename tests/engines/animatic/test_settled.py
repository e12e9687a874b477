"""Tests of seats under sitters, things in hands, and who goes over a bridge."""

import pytest

from rushes.engines.animatic.furnishings import SEAT, TABLE
from rushes.engines.animatic.scene import set_scene
from rushes.engines.animatic.sprite import Actor


def players(prompt: str, seed: int = 3) -> dict[str, Actor]:
    """Return the actors of a small scene, by their kind."""
    return {sprite.actor.kind: sprite.actor for sprite in set_scene(prompt, seed, 192, 108).sprites}


@pytest.mark.parametrize(
    ("prompt", "seat"),
    [
        ("A woman sits in a cafe", "chair"),
        ("An old man is sitting in the park", "bench"),
        ("A man sits on the beach", "log"),
        ("A girl sits on a sofa", "sofa"),
    ],
)
def test_whoever_sits_has_a_seat_at_the_place(prompt: str, seat: str) -> None:
    found = players(prompt)
    sitter = next(one for kind, one in found.items() if kind in ("man", "woman", "child"))
    assert abs(found[seat].x - sitter.x) < 0.02
    assert abs(found[seat].y - sitter.y) < 1e-6
    assert found[seat].near < sitter.near


def test_a_cat_on_a_sofa_lies_on_its_cushions() -> None:
    found = players("Two cats sleeping on a sofa")
    assert found["cat"].y == pytest.approx(found["sofa"].y - SEAT * found["sofa"].size)


def test_animals_that_sit_need_no_chair() -> None:
    assert not {"chair", "bench", "log"} & set(players("A dog sits in the park"))


def test_a_train_goes_over_the_bridge() -> None:
    found = players("A train crosses a bridge")
    assert found["train"].y < found["bridge"].y - 0.3 * found["bridge"].size


def test_dinner_in_a_room_stands_on_a_table() -> None:
    found = players("A family having dinner at home")
    assert found["plate"].y == pytest.approx(found["desk"].y - TABLE * found["desk"].size)


def test_a_guitar_is_held_by_its_player() -> None:
    found = players("A man playing guitar")
    assert abs(found["guitar"].x - found["man"].x) < 0.1 * found["man"].size
    assert found["guitar"].look.word == "held"


def test_who_reads_on_a_bench_sits_on_it() -> None:
    assert players("Ein Mann liest ein Buch auf einer Bank")["man"].action == "sit"


@pytest.mark.parametrize("prompt", ["a woman runs with her dog on a beach", "a man walks his dog", "a bus and a car"])
def test_those_who_go_somewhere_go_the_same_way(prompt: str) -> None:
    for seed in range(6):
        ways = {one.speed > 0 for one in players(prompt, seed).values() if one.speed and one.role.home == "ground"}
        assert len(ways) == 1


@pytest.mark.parametrize("action", ["stands", "walks", "runs"])
@pytest.mark.parametrize("thing", ["umbrella", "guitar"])
@pytest.mark.parametrize("who", ["man", "robot"])
def test_what_is_held_goes_where_its_holder_goes(action: str, thing: str, who: str) -> None:
    cast = players(f"a {who} {action} on a street with a {thing}")
    assert cast[thing].speed == cast[who].speed


def test_two_who_kiss_stand_close_enough() -> None:
    cast = players("a bride and groom kiss under a tree")
    man, woman = cast["man"], cast["woman"]
    assert abs(man.x - woman.x) < 0.3 * man.size
    assert {man.facing, woman.facing} == {1, -1}
    assert (man.x < woman.x) == (man.facing == 1)
