"""The command line's own small client of a server: upload, submit, wait, cancel, download. Knows no field."""

from __future__ import annotations

import mimetypes
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from rushes.cli.address import server_address
from rushes.cli.outputs import carried
from rushes.cli.problem import CommandError

POLL_S = 0.15  # soon enough for who waits; the server answers thousands of these a second
TIMEOUT_S = 60.0  # of one wait on the network; what is asked for may take far longer
CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where an accepted request is followed."""

    request_id: str
    status_url: str
    response_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the output's JSON, who really made it, and what it costs, in the endpoint's units."""

    output: Any
    served_by: str | None
    units: float | None
    manifest_url: str | None = None  # of a result whose format has no place for its content credentials


class Client:
    """Calls one server with one key."""

    def __init__(self, url: str, key: str | None) -> None:
        self._url = server_address(url)
        headers = {"Authorization": f"Key {_sendable(key)}"} if key else {}
        # Off loopback a web proxy may be needed; on loopback it could only be wrong. SSL_CERT_FILE counts on both.
        local = httpx2.URL(self._url).host in ("127.0.0.1", "localhost", "::1")
        verify = ssl.create_default_context() if local and self._url.startswith("https:") else True
        self._http = httpx2.Client(headers=headers, timeout=TIMEOUT_S, trust_env=not local, verify=verify)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def upload(self, path: Path) -> str:
        """Store a local file on the server and return its URL."""
        content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        told = self._json(
            "POST",
            f"{self._url}/rest/storage/upload/initiate?storage_type=fal-cdn-v3",
            {"content_type": content_type, "file_name": path.name},
        )
        try:
            self._put(path, told["upload_url"], content_type)
        except OSError as error:
            raise CommandError(f"cannot read {str(path)!r}: {error.strerror}") from error
        return str(told["file_url"])

    def _put(self, path: Path, url: str, content_type: str) -> None:
        with path.open("rb") as file:
            # The length is said, or the body would be sent in chunks and no server could refuse it at once.
            headers = {"Content-Type": content_type, "Content-Length": str(path.stat().st_size)}
            self._send("PUT", url, content=iter(lambda: file.read(CHUNK_BYTES), b""), headers=headers)

    def submit(self, endpoint: str, request: Mapping[str, Any]) -> Submitted:
        """Hand a request to the queue."""
        told = self._json("POST", f"{self._url}/queue/{endpoint}", request)
        return Submitted(told["request_id"], told["status_url"], told["response_url"], told["cancel_url"])

    def follow(self, submitted: Submitted) -> Iterator[dict[str, Any]]:
        """Yield status after status, with logs, until COMPLETED."""
        while True:
            status = self._json("GET", f"{submitted.status_url}?logs=1")
            yield status
            if status["status"] == "COMPLETED":
                return
            time.sleep(POLL_S)

    def result(self, submitted: Submitted) -> Answer:
        """Return the output; CommandError with the reason if the request failed."""
        response = self._send("GET", submitted.response_url)
        units = response.headers.get("x-fal-billable-units")
        manifest = response.links.get("c2pa-manifest", {}).get("url")
        served_by = response.headers.get("x-rushes-served-by")
        return Answer(self._parsed(response), served_by, float(units) if units else None, manifest)

    def voices(self) -> list[dict[str, str]]:
        """Return the account's cloned voices, oldest first."""
        found: list[dict[str, str]] = self._json("GET", f"{self._url}/v1/voices")["voices"]
        return found

    def platform(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, /, **query: str | int | None
    ) -> Any:
        """Call a route of the platform, such as "/v1/webhooks/deliveries"; None in the query means not given."""
        given = {name: value for name, value in query.items() if value is not None}
        more = {} if body is None else {"json": body}
        response = self._send(method, f"{self._url}{path}", params=given, **more)
        return self._parsed(response) if response.content else None

    def cancel(self, submitted: Submitted) -> None:
        """Ask for the request to be given up; one that has finished meanwhile stays finished."""
        with suppress(httpx2.HTTPError):  # Ctrl-C ends a server of one's own too, and its work with it
            self._http.put(submitted.cancel_url)

    def download(self, url: str, to: Path) -> int:
        """Save a file, or what a data URI carries, and return its size in bytes; a broken download leaves nothing."""
        try:
            return to.write_bytes(carried(url)) if url.startswith("data:") else self._fetch(url, to)
        except OSError as error:
            kept = "" if url.startswith("data:") else f"; it lies at {url}"
            raise CommandError(f"cannot save {str(to)!r}: {error.strerror}{kept}") from error

    def _fetch(self, url: str, to: Path) -> int:
        part = to.with_name(to.name + ".part")
        try:
            with self._http.stream("GET", url) as response, part.open("wb") as file:
                if not response.is_success:
                    raise CommandError(f"{url} answered {response.status_code}")
                for chunk in response.iter_bytes(CHUNK_BYTES):
                    file.write(chunk)
            part.replace(to)
        except httpx2.HTTPError as error:
            raise CommandError(f"cannot download {url}: {error}") from error
        finally:
            part.unlink(missing_ok=True)
        return to.stat().st_size

    def _json(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._parsed(self._send(method, url, json=body))

    def _parsed(self, response: httpx2.Response) -> Any:
        try:
            return response.json()
        except ValueError as error:
            told = f"{self._url} answered with something else than JSON; name a Rushes server with RUSHES_URL"
            raise CommandError(told) from error

    def _send(self, method: str, url: str, **parts: Any) -> httpx2.Response:
        try:
            response = self._http.request(method, url, **parts)
        except httpx2.HTTPError as error:
            raise CommandError(f"cannot reach {self._url}: {error}; is `rushes serve` running there?") from error
        if response.is_error:
            raise CommandError(explain(response.status_code, response.text))
        if response.is_redirect:  # not followed: the key would go along
            where = response.headers["location"]
            raise CommandError(f"{self._url} redirects to {where}; set RUSHES_URL to the server there")
        return response


def _sendable(key: str) -> str:
    """Return the key as a header can carry it: what ends its line is no part of it."""
    stripped = key.strip()
    if not (stripped.isascii() and stripped.isprintable()):
        raise CommandError("the key holds characters that no key has; it is written id:secret", exit_code=2)
    return stripped


def explain(status: int, body: str) -> str:
    """Put an error answer, of any of the wire's shapes, on one line."""
    try:
        told = httpx2.Response(status, text=body).json()
        detail = told["error"]["message"] if "error" in told else told["detail"]
        if not isinstance(detail, str):
            return "; ".join(f"{'.'.join(map(str, one['loc'][1:])) or 'input'}: {one['msg']}" for one in detail)
    except (ValueError, KeyError, TypeError):
        return f"the server answered {status}: {body[:300]}"
    hint = "; set RUSHES_KEY to a key of that server" if status == 401 else ""
    return f"{detail} ({status}){hint}"
