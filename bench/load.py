"""What the HTTP benchmarks share: a bare server and ours in processes of their own, and wrk to drive them.

Everything runs on loopback on the same cores, the load included; rates are therefore comparable within a run only.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

KEY = "bench:secret-of-the-benchmark"
ENDPOINT = "fal-ai/wan-i2v"
BODY = {"prompt": "A cat walks along a wall", "image_url": "https://example.com/cat.png", "num_frames": 81}
HEADERS = {"authorization": f"Key {KEY}", "content-type": "application/json"}

BARE_APP = """
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

async def answer(request: Request) -> JSONResponse:
    if request.method == "POST":
        await request.body()
    return JSONResponse({"status": "IN_QUEUE"})

app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
uvicorn.run(app, port=PORT, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="critical")
"""


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def bare_server() -> Iterator[str]:
    """Starlette on uvicorn with one route that does nothing."""
    port = free_port()
    code = BARE_APP.replace("PORT", str(port))
    with _process([sys.executable, "-c", code], f"http://127.0.0.1:{port}") as url:
        yield url


@contextmanager
def our_server(runners: int = 0, **environment: str) -> Iterator[str]:
    """`rushes serve` on a fresh data folder, on a real disk; without runners unless asked."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as data:
        command = [sys.executable, "-m", "rushes", "serve", "--port", str(port), "--data", data]
        given = {"RUSHES_KEY": KEY, "RUSHES_RUNNERS": str(runners), **environment}
        with _process(command, f"http://127.0.0.1:{port}", given) as url:
            yield url


@contextmanager
def _process(command: list[str], url: str, environment: dict[str, str] | None = None) -> Iterator[str]:
    process = subprocess.Popen(command, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    try:
        _wait_for(url)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(url: str, patience_s: float = 20.0) -> None:
    host, port = url.removeprefix("http://").split(":")
    until = time.monotonic() + patience_s
    while time.monotonic() < until:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise SystemExit(f"{url} did not answer within {patience_s} s")


def ask(method: str, url: str, body: object = None) -> Any:
    """One request, for setting things up; returns the JSON of the answer."""
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=content, headers=HEADERS, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def drive(url: str, *, body: object = None, seconds: float = 4.0, connections: int = 64) -> float:
    """Drive one URL with wrk and return its requests per second; fails when any answer is no 2xx."""
    script = "\n".join(
        [
            f'wrk.method = "{"GET" if body is None else "POST"}"',
            *(f'wrk.headers["{name}"] = "{value}"' for name, value in HEADERS.items()),
            *([] if body is None else [f"wrk.body = [[{json.dumps(body)}]]"]),
        ]
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", file.name, "--latency", url]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise SystemExit(output)
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    if found is None:
        raise SystemExit(f"wrk printed no rate:\n{output}")
    return float(found[1])


def compare(name: str, bare: str, ours: str, *, body: object = None, rounds: int = 3) -> None:
    """Drive both in turns, so that what else the machine does hits both, and print medians and their ratio."""
    pairs = [(drive(bare, body=body), drive(ours, body=body)) for _ in range(rounds)]
    bare_rate, our_rate = (median(rates) for rates in zip(*pairs, strict=True))
    each = ", ".join(f"{one:,.0f}/{other:,.0f}" for one, other in pairs)
    print(f"{name}: {our_rate:,.0f}/s; a bare route {bare_rate:,.0f}/s; ratio {our_rate / bare_rate:.2f}  ({each})")
