"""Status polls per second at 64 connections, of a job that waits behind a thousand others, beside a bare route."""

from __future__ import annotations

from urllib.parse import urlsplit

from load import BODY, ENDPOINT, ask, bare_server, compare, our_server

AHEAD = 1_000


def main() -> None:
    """Run and print."""
    with bare_server() as bare, our_server() as ours:
        for _ in range(AHEAD):
            answer = ask("POST", f"{ours}/queue/{ENDPOINT}", BODY)
        path = urlsplit(answer["status_url"]).path
        compare("status", f"{bare}{path}", f"{ours}{path}")


if __name__ == "__main__":
    main()
