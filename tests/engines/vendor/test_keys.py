"""Several keys in turn: fair use, so many tasks each, a rate, rest for those that don't work, and none that shows."""

import threading
import time
from dataclasses import dataclass
from itertools import pairwise

import pytest

from rushes.engines.engine import Cancelled
from rushes.engines.vendor.contract import Trouble
from rushes.engines.vendor.hidden import without_secrets
from rushes.engines.vendor.keys import LONGEST_REST_S, Keyring, fingerprint
from rushes.routing import VendorDeployment


@dataclass
class Clock:
    at: float = 100.0

    def __call__(self) -> float:
        return self.at


def nothing() -> None: ...


def test_the_least_busy_key_is_lent() -> None:
    ring = Keyring(("a", "b", "c", "a"), 2, None, Clock())
    with ring.lent(nothing) as one, ring.lent(nothing) as two, ring.lent(nothing) as three:
        assert {one, two, three} == {"a", "b", "c"}
    assert ring.places == 6


def test_a_slot_that_is_taken_is_waited_for() -> None:
    ring, order = Keyring(("a",), 1, None, time.monotonic), list[str]()

    def work() -> None:
        with ring.lent(nothing):
            order.append("second")

    with ring.lent(nothing):
        thread = threading.Thread(target=work)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]


def test_waiting_ends_by_a_cancel() -> None:
    ring = Keyring(("a",), 1, None, Clock())

    def cancelled() -> None:
        raise Cancelled

    with ring.lent(nothing), pytest.raises(Cancelled), ring.lent(cancelled):
        pass


def test_tasks_begin_no_faster_than_the_rate() -> None:
    clock = Clock()
    ring = Keyring(("a",), 5, 6, clock)
    begun: list[float] = []

    def tick() -> None:
        clock.at += 5

    for _ in range(4):
        ring.begin("a", tick)
        begun.append(clock.at)
    assert [round(b - a) for a, b in pairwise(begun)] == [10, 10, 10]


def test_a_key_that_rests_is_not_lent_until_its_rest_is_over_or_it_worked() -> None:
    clock = Clock()
    ring = Keyring(("a", "b"), 5, None, clock)
    ring.rest("a", Trouble("key", "dead"), 60)
    assert not ring.others("b")
    for _ in range(3):
        with ring.lent(nothing) as lent:
            assert lent == "b"
    clock.at += 61
    assert ring.others("b")


def test_no_key_rests_for_longer_than_an_hour_whatever_its_vendor_says() -> None:
    clock = Clock()
    ring = Keyring(("a", "b"), 1, None, clock)
    ring.rest("a", Trouble("balance", "come back next year"), float("inf"))
    assert ring.others("b") is False
    clock.at += LONGEST_REST_S
    assert ring.others("b") is True


def test_all_that_are_dead_raise_why_and_all_that_are_busy_are_waited_for() -> None:
    clock = Clock()
    ring = Keyring(("a", "b"), 5, None, clock)
    for name in ("a", "b"):
        ring.rest(name, Trouble("balance", "empty"), 60)
    with pytest.raises(Trouble, match="empty") as caught, ring.lent(nothing):
        pass
    assert caught.value.kind == "balance"
    ring.rest("b", Trouble("busy", "later"), 5)

    def tick() -> None:
        clock.at += 3

    with ring.lent(tick) as lent:
        assert lent == "b"


def test_a_task_gets_its_own_key_though_it_rests() -> None:
    ring = Keyring(("a", "b"), 1, None, Clock())
    ring.rest("b", Trouble("key", "dead"), 60)
    with ring.lent(nothing, fingerprint("b")) as lent:
        assert lent == "b"
    with ring.lent(nothing, fingerprint("gone")) as lent:
        assert lent == "a"


def test_a_key_shows_in_no_text_of_ours() -> None:
    ring = Keyring(("hush-hush-key",), 1, None, Clock())
    assert "hush" not in repr(ring) + repr(ring._keys) + fingerprint("hush-hush-key") + ring.place("hush-hush-key")


@pytest.mark.parametrize(
    "form", ["access-part:secret-part", "secret-part", "c2VjcmV0LXBhcnQ", "eyJhbGciOiJI.eyJpc3MiO.c2ln"]
)
def test_every_form_of_a_key_is_hidden(form: str) -> None:
    shown = without_secrets(f"no such key <{form}>, boat", ("access-part:secret-part",))
    assert form not in shown
    assert shown.endswith(">, boat")


def test_a_key_at_which_an_excerpt_breaks_off_is_hidden() -> None:
    key = "sk-0123456789abcdef"
    for most in range(12, 40):
        assert "0123456" not in without_secrets(f"no such {key}, boat {key}"[:most].ljust(most + 1, "'"), (key,))
    assert without_secrets("keys look like sk-0123", (key,)) == "keys look like sk-0123"


@pytest.mark.parametrize("key", ["a key", "key\nx", "schlüssel", ""])
def test_what_can_be_no_key_is_refused_without_telling_it(key: str) -> None:
    setting = VendorDeployment.model_validate({"engine": "vendor", "vendor": "fal", "key": key})
    with pytest.raises(ValueError, match="key 1") as caught:
        setting.secrets({})
    assert not key or key not in str(caught.value)


def test_keys_come_from_settings_and_environment() -> None:
    given = {"engine": "vendor", "vendor": "fal", "key": "one\n", "keys": ["two"], "key_env": "HOLDS"}
    assert VendorDeployment.model_validate(given).secrets({"HOLDS": " three ,four,"}) == ("one", "two", "three", "four")
