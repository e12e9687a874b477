"""A gateway with a price, an account beside the server's own, and one ended request of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.gateway.live import Gateway, running

CLIP = "fal-ai/clip"
PRICE = 0.2
UNITS = 1.25  # of each finished request, see tests.gateway.live


@dataclass
class Account:
    """An account's admin key, its API key, and the id of its ended request."""

    gateway: Gateway
    name: str
    admin: str
    api: str
    request_id: str = ""

    def get(self, path: str, key: str | None = None) -> httpx2.Response:
        """GET with this account's admin key, or with another."""
        return self.send("GET", path, key)

    def send(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx2.Response:
        """Call with this account's admin key, or with another."""
        headers = {"authorization": f"Key {key or self.admin}", **more.pop("headers", {})}
        return self.gateway.client.request(method, path, headers=headers, **more)

    def make(self, endpoint: str = CLIP, prompt: str = "a cat", *, finish: bool = True, **headers: str) -> str:
        """Submit with the API key and, unless told otherwise, finish it."""
        sent = {"authorization": f"Key {self.api}", **headers}
        answer = self.gateway.submit(endpoint, json={"prompt": prompt}, headers=sent)
        if finish:
            self.gateway.finish(self.gateway.claim(), files=())
        return str(answer["request_id"])


def an_account(gateway: Gateway, name: str) -> Account:
    """Make keys for an account."""
    made = [
        ":".join(gateway.call(gateway.services.keys.create(name, alias=f"{name} {scope}", scope=scope)))
        for scope in ("ADMIN", "API")
    ]
    return Account(gateway, name, *made)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One gateway for the tests of a file that change nothing for each other."""
    with running(tmp_path_factory.mktemp("shared"), unit_price_usd={CLIP: PRICE}) as gateway:
        yield gateway


@pytest.fixture
def priced(tmp_path: Path) -> Iterator[Gateway]:
    with running(tmp_path, unit_price_usd={CLIP: PRICE}) as gateway:
        yield gateway


@pytest.fixture
def alice(priced: Gateway) -> Account:
    account = an_account(priced, "alice")
    account.request_id = account.make(prompt="alice's secret cat")
    return account


@pytest.fixture
def bob(priced: Gateway) -> Account:
    account = an_account(priced, "bob")
    account.request_id = account.make(prompt="bob's secret dog")
    return account


def error_of(response: httpx2.Response) -> tuple[int, str, str]:
    """Status, type and message of an error answer."""
    error = response.json()["error"]
    return response.status_code, error["type"], error["message"]
