"""Durable submits per second over HTTP at 64 connections, beside a route that does nothing."""

from __future__ import annotations

from load import BODY, ENDPOINT, bare_server, compare, our_server


def main() -> None:
    """Run and print."""
    with bare_server() as bare, our_server() as ours:
        compare("submit", f"{bare}/queue/{ENDPOINT}", f"{ours}/queue/{ENDPOINT}", body=BODY)


if __name__ == "__main__":
    main()
