import tracemalloc

import pytest

from rushes.errors import Rejection
from rushes.gateway.hosts import HOSTS, host_group, is_fals, place
from rushes.gateway.links import links_for
from rushes.settings import Settings


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("fal.run", "run"),
        ("FALRUN.com:443", "run"),
        ("queue.fal.run", "queue"),
        ("queue.falrun.com", "queue"),
        ("Queue.anything.example:1", "queue"),
        ("rest.fal.ai", "rest"),
        ("rest.alpha.fal.ai", "rest"),
        ("api.fal.ai", "platform"),
        ("v3.fal.media", "cdn"),
        ("v3b.fal.media.", "cdn"),
        ("fal.media", "cdn"),
        ("fal.ai", "site"),
        ("ws.fal.run", "ws"),
        ("localhost:8787", None),
        ("127.0.0.1", None),
        ("[::1]:8787", None),
        ("notfal.media", None),
        ("fal.run.example", None),
        ("", None),
    ],
)
def test_hosts_mean_groups(host: str, group: str | None) -> None:
    assert host_group(host) == group


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("queue/a/b", ("queue", ("a", "b"))),
        ("run/a/b", ("run", ("a", "b"))),
        ("rest/storage/x", ("rest", ("storage", "x"))),
        ("storage/x", ("rest", ("storage", "x"))),
        ("cdn/files/x", ("cdn", ("files", "x"))),
        ("files/x", ("cdn", ("files", "x"))),
        ("platform/v1/models", ("platform", ("v1", "models"))),
        ("v1/models", ("platform", ("v1", "models"))),
        ("tokens", ("rest", ("tokens",))),
        ("runners/claim", ("runners", ("claim",))),
        ("health", ("own", ("health",))),
        ("queue/queue/a/b", ("queue", ("a", "b"))),
        ("run/run/a/b", ("run", ("a", "b"))),
        ("queue/queue", ("queue", ("queue",))),
        ("queue/run/a", ("queue", ("run", "a"))),
        ("api/models/a/b", ("hub", ("a", "b"))),
        ("api/openapi/queue/openapi.json", ("site", ("api", "openapi", "queue", "openapi.json"))),
        ("models/a/b", ("site", ("models", "a", "b"))),
        ("a/b", None),
        ("", None),
    ],
)
def test_on_our_own_host_a_prefix_names_the_group(path: str, expected: object) -> None:
    assert place(None, tuple(part for part in path.split("/") if part)) == expected


def test_on_fals_hosts_only_words_that_mean_the_same_everywhere_lead_elsewhere() -> None:
    assert place("run", ("queue", "a")) == ("run", ("queue", "a"))
    assert place("run", ("runners", "claim")) == ("run", ("runners", "claim"))
    assert place("queue", ("files", "b", "x", "y")) == ("cdn", ("files", "b", "x", "y"))


@pytest.mark.parametrize("name", [*HOSTS, "a.new.host.fal.run", "FAL.ai."])
def test_whatever_lies_below_fals_domains_is_fals(name: str) -> None:
    assert is_fals(name)


@pytest.mark.parametrize("name", ["", "queue.example.org", "nofal.run", "fal.run.example"])
def test_other_hosts_are_not(name: str) -> None:
    assert not is_fals(name)


def test_hosts_that_no_name_could_have_are_not_kept() -> None:
    """A caller may send a Host of 256 KiB without any key, and what it means is cached."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for n in range(100):
            assert host_group(f"{n}" + "x" * 60_000) is None
            with pytest.raises(Rejection, match="Invalid host"):
                links_for(Settings(), "http", [(b"host", b"%d" % n + b"x" * 60_000)], own_host=True)
        assert tracemalloc.get_traced_memory()[0] - before < 1_000_000
    finally:
        tracemalloc.stop()
