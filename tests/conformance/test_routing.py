"""Checks of routing that no well-meant web server can fail: they need one that answers in words of its own."""

import json
import threading
import uuid
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from rushes.conformance.probe import Probe
from rushes.conformance.routing import r_18
from rushes.conformance.rules import Failed
from rushes.conformance.target import Target


class Wordy(BaseHTTPRequestHandler):
    """Takes every request, and says so with a phrase that is not the standard's."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.dumps({"request_id": str(uuid.uuid4())}).encode()
        self.send_response(200, "Very well")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_reason_phrase_of_ones_own_is_found() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wordy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with closing(Probe(url, None)) as probe, pytest.raises(Failed, match="the reason phrase OK"):
            r_18(Target(probe, given_endpoint="a/b", given_input={}))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
