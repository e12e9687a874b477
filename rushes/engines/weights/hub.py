"""Questions to the Hugging Face Hub: what a repository holds, and a file's bytes from some byte on.

The Hub's own variables count: HF_ENDPOINT, HF_TOKEN (or the token that its tools stored), HF_HUB_OFFLINE. What it
refuses becomes CannotPrepare with the step that helps; a token is never told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx2

from rushes.engines.checkpoints import hub_home
from rushes.engines.deployed import FETCH, CannotPrepare
from rushes.engines.weights.listing import HubFile, Listing, read_listing

PUBLIC = "https://huggingface.co"
_TRUE = {"1", "ON", "YES", "TRUE"}
_TIMEOUT = httpx2.Timeout(10.0, connect=15.0)  # seconds without a byte; the next try goes on from there
PASSING = (408, 425, 429, 500, 502, 503, 504)  # a later try may find another answer


class Unsteady(Exception):
    """The Hub or the way to it failed in a way that may pass; `wait_s` is what it asked for."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        self.wait_s = wait_s
        super().__init__(reason)


class Hub:
    """One Hub; used in `with`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Raise CannotPrepare where the operator wants nothing to be fetched."""
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            if environment.get(name, "").upper() in _TRUE:
                raise CannotPrepare(f"{name} is set, so nothing is fetched; unset it, then {FETCH}")
        self.base = (environment.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
        self._token = token(environment)
        # As they are: a range counts the file's bytes, and so does its hash.
        headers = {"user-agent": "rushes", "accept-encoding": "identity"}
        if self._token:
            headers["authorization"] = f"Bearer {self._token}"
        # Large files lie with other hosts; the client leaves the token out of a redirect to another one.
        self._client = httpx2.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=True)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Close its connections."""
        self._client.close()

    def listing(self, repository: str, revision: str) -> Listing:
        """Return what a repository holds. Raises CannotPrepare, Unsteady."""
        url = f"{self.base}/api/models/{quote(repository)}/revision/{quote(revision, safe='')}"
        with _steady(self.base):
            reply = self._client.get(url, params={"blobs": "true"})
            self._check(reply, repository, revision)
        try:
            return read_listing(repository, reply.json())
        except ValueError as error:
            raise CannotPrepare(f"{self.base} answers as no Hub does ({error}); check HF_ENDPOINT") from None

    def read(self, listing: Listing, file: HubFile) -> bytes:
        """Return a small file's content. Raises CannotPrepare, Unsteady."""
        with self.stream(listing, file, 0) as (_, pieces):
            return b"".join(pieces)

    @contextmanager
    def stream(self, listing: Listing, file: HubFile, start: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """Yield the byte that the answer really begins at, 0 or `start`, and what comes from there in pieces.

        Raises CannotPrepare, and Unsteady also while the pieces are taken.
        """
        # By commit: a branch may move between the listing and the last file.
        url = f"{self.base}/{quote(listing.repository)}/resolve/{listing.commit}/{quote(file.path)}"
        headers = {"range": f"bytes={start}-"} if start else {}
        with _steady(self.base), self._client.stream("GET", url, headers=headers) as reply:
            self._check(reply, listing.repository, listing.commit)
            begins = start if reply.headers.get("content-range", "").startswith(f"bytes {start}-") else 0
            if reply.status_code == httpx2.codes.PARTIAL_CONTENT and begins != start:
                raise Unsteady("the answer is another part of the file than was asked for")
            yield begins, reply.iter_bytes()

    def _check(self, reply: httpx2.Response, repository: str, revision: str) -> None:
        if reply.is_success:
            return
        if reply.status_code in PASSING:
            asked = reply.headers.get("retry-after", "")
            raise Unsteady(f"{self.base} answers {reply.status_code}", float(asked) if asked.isdecimal() else None)
        raise CannotPrepare(self._refused(reply, repository, revision))

    def _refused(self, reply: httpx2.Response, repository: str, revision: str) -> str:
        code, said = reply.headers.get("x-error-code", ""), reply.headers.get("x-error-message", "")
        status, page = reply.status_code, f"{self.base}/{repository}"
        own = f"set HF_TOKEN to a token of yours (made at {self.base}/settings/tokens)"
        if code == "RevisionNotFound":
            return f"{repository} has no revision {revision!r}; its branches and tags are at {page}/tree/main"
        if code == "GatedRepo" and self._token:
            return (
                f"{repository} is gated, and your token's account may not fetch it; accept its terms at {page}, "
                "or use a token that may read gated repositories"
            )
        if code == "GatedRepo":
            return f"{repository} is gated; accept its terms at {page}, then {own}"
        if status == 401 and self._token:
            return f"{self.base} does not accept your token (HF_TOKEN, or the one stored by hf auth login); {own}"
        if status in (401, 404):  # the Hub tells strangers of no private repository, nor of one that isn't there
            return f"there is no {repository} at {self.base}, or it is private; check the id, and if it is, {own}"
        if status == 403:
            return f"{self.base} lets nobody without leave fetch {repository} ({said or 'forbidden'}); see {page}"
        return f"{self.base} answers {status} for {repository}: {said or reply.reason_phrase}"


def token(environment: Mapping[str, str]) -> str | None:
    """Return the token that the Hub's tools would send, None where there is none."""
    given = environment.get("HF_TOKEN") or environment.get("HUGGING_FACE_HUB_TOKEN")
    if given is None:
        stored = Path(environment.get("HF_TOKEN_PATH") or hub_home(environment) / "token").expanduser()
        given = stored.read_text(errors="replace") if stored.is_file() else ""
    given = given.strip()
    if not all("!" <= char <= "~" for char in given):
        raise CannotPrepare("the Hub's token holds a character that no token has; set HF_TOKEN to the token alone")
    return given or None


@contextmanager
def _steady(base: str) -> Iterator[None]:
    try:
        yield
    except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise CannotPrepare(f"HF_ENDPOINT is {base!r}, which is no address ({error}); unset it") from None
    except httpx2.RequestError as error:
        raise Unsteady(f"{base} can't be reached ({str(error) or type(error).__name__})") from None
