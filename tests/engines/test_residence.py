"""Whose weights are in a device's memory, and who makes room for whom."""

from __future__ import annotations

import pytest

from rushes.engines.residence import Residence


def resident(*names: str, device: str = "cuda:0") -> tuple[Residence, list[str]]:
    residence, left = Residence(), list[str]()
    for name in names:
        residence.enter(name, device, 10, lambda name=name: left.append(name))  # type: ignore[misc]
    return residence, left


def test_the_one_used_longest_ago_makes_room_first_and_no_more_than_are_needed() -> None:
    residence, left = resident("a", "b", "c")
    assert residence.touch("a")
    assert not residence.touch("z")
    residence.make_room("new", "cuda:0", 25, lambda: 5 + 10 * len(left))
    assert (left, residence.names, residence.used("cuda:0")) == (["b", "c"], ("a",), 10)


def test_nobody_leaves_where_there_is_room_or_nobody_measures_it_or_on_another_device() -> None:
    residence, left = resident("a")
    residence.make_room("new", "cuda:0", 25, lambda: 25)
    residence.make_room("new", "cuda:0", 25, lambda: None)
    residence.make_room("new", "cuda:1", 25, lambda: 0)
    residence.make_room("a", "cuda:0", 25, lambda: 0)  # for itself
    assert not residence.evict_others("a", "cuda:0")
    assert left == []


def test_one_that_enters_again_is_the_one_used_last_with_its_new_size() -> None:
    residence, _ = resident("a", "b")
    residence.enter("a", "cuda:0", 30, lambda: None)
    assert (residence.names, residence.used("cuda:0")) == (("b", "a"), 40)


def test_one_whose_leaving_fails_is_out_all_the_same() -> None:
    def fails() -> None:
        raise RuntimeError("the device is lost")

    residence = Residence()
    residence.enter("a", "cuda:0", 10, fails)
    with pytest.raises(RuntimeError, match="lost"):
        residence.leave("a")
    residence.leave("a")
    assert residence.names == ()
