"""Talking to pretended vendors over plain HTTP, without loading the certificates that a client loads otherwise."""

from functools import partial

import httpx2

plain_client = partial(httpx2.Client, verify=False)


def fetch(url: str) -> httpx2.Response:
    """Return what lies there."""
    with plain_client() as client:
        return client.get(url)
