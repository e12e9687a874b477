from __future__ import annotations

import pytest

from rushes.gateway.links import links_for
from rushes.settings import Settings
from rushes.web.bases import Bases, bases_of


def reached(host: str, *, own: bool = True, **settings: str) -> Bases:
    return bases_of(links_for(Settings(**settings), "http", [(b"host", host.encode())], own_host=own))


def test_on_our_own_host_every_group_has_its_prefix() -> None:
    bases = reached("127.0.0.1:8787")
    assert bases.site == "http://127.0.0.1:8787"
    assert bases.run == "http://127.0.0.1:8787/run"
    assert bases.queue == "http://127.0.0.1:8787/queue"
    assert bases.pointed


def test_a_public_url_with_a_path_keeps_it() -> None:
    bases = reached("inside:1", public_url="https://studio.example/base")
    assert (bases.root, bases.queue) == ("/base", "https://studio.example/base/queue")


@pytest.mark.parametrize(("host", "port"), [("fal.ai", ""), ("fal.ai:8443", ":8443")])
def test_on_fals_host_groups_are_fals_hosts(host: str, port: str) -> None:
    bases = reached(host, own=False)
    assert bases.run == f"http://fal.run{port}"
    assert bases.queue == f"http://queue.fal.run{port}"
    assert bases.root == ""
    assert not bases.pointed
