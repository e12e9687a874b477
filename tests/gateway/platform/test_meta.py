from typing import Any

import pytest

from rushes.gateway.links import Links
from rushes.gateway.platform.addresses import Addresses, addresses_of
from rushes.gateway.platform.meta import ranges
from rushes.settings import Settings


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"public_url": "https://203.0.113.7:8443/base"}, ["203.0.113.7/32"]),
        ({"public_url": "http://[2001:db8::1]:80"}, ["2001:db8::1/128"]),
        ({"public_url": "https://studio.example"}, []),
        ({"host": "0.0.0.0"}, []),
        ({"host": "127.0.0.1"}, ["127.0.0.1/32"]),
        ({"host": "127.0.0.1", "public_url": "https://studio.example"}, []),
    ],
)
def test_the_server_tells_its_address_where_it_knows_one(given: dict[str, Any], told: list[str]) -> None:
    assert ranges(Settings(**given)) == told


def test_addresses_lie_below_prefixes_here_and_on_hosts_of_their_own_at_fals() -> None:
    here = Links("http://localhost:8787", "http://localhost:8787/queue")
    at = "http://localhost:8787"
    assert addresses_of(here) == Addresses(f"{at}/run", f"{at}/queue", at, at)
    fals = Links("https://queue.fal.run:8443", "https://queue.fal.run:8443")
    assert addresses_of(fals) == Addresses(
        "https://fal.run:8443", "https://queue.fal.run:8443", "https://fal.ai:8443", "https://api.fal.ai:8443"
    )
