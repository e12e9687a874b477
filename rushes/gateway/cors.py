"""Cross-origin rules (R-19): any origin may call, since what protects an account is its key; pure."""

from __future__ import annotations

import re

from rushes.gateway.replies import Header

METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"  # all that any route takes, PATCH by direct runs
EXPOSED = (
    b"x-fal-request-id, x-fal-request-timeout-type, x-fal-error-type, x-fal-retryable, x-fal-needs-retry, "
    b"x-fal-billable-units, x-rushes-served-by, "
    b"x-fal-served-from, idempotency-replayed, link, etag, content-range, accept-ranges"
)
ALLOWED = (
    b"authorization, content-type, accept, user-agent, range, x-fal-target-url, x-fal-queue-priority, "
    b"x-fal-runner-hint, x-fal-request-timeout, x-fal-request-start-timeout, x-fal-object-lifecycle, "
    b"x-fal-object-lifecycle-preference, x-fal-store-io, x-fal-no-retry, x-fal-retry-config, x-fal-tags, "
    b"x-fal-file-name"
)
# What is no list of header names is not repeated in a header of ours.
_HEADER_NAMES = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~\- ,]{1,2000}")

EVERY_ANSWER: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", EXPOSED),
)


def preflight_headers(requested: bytes | None) -> tuple[Header, ...]:
    """Return what a preflight is answered with besides EVERY_ANSWER; the headers it asks for are allowed too."""
    # By their names: `*` would not cover Authorization, and the wishes' headers grow in number.
    extra = b", " + requested if requested and _HEADER_NAMES.fullmatch(requested) else b""
    return (
        (b"access-control-allow-methods", METHODS),
        (b"access-control-allow-headers", ALLOWED + extra),
        (b"access-control-max-age", b"86400"),  # a day; Chromium makes two hours of it
    )
