"""A gateway that misbehaves on command."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rushes.jobs.protocol import ClaimAnswer

JOB = ClaimAnswer(
    job_id="unknown",
    token=1,
    lease_s=15,
    endpoint="rushes/echo",
    account="me",
    input="{}",
    attempt=1,
    created_at=0,
    own_files={},
)
"""A job that no real gateway has handed out."""


class Moody:
    """A gateway that answers each request with the next of these statuses, then 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.asked = 0
        self.bodies: list[bytes] = []
        self.answer = b"{}"
        moody = self

        class Answer(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                moody.asked += 1
                moody.bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(moody.statuses.pop(0) if moody.statuses else 200)
                self.send_header("content-length", str(len(moody.answer)))
                self.end_headers()
                self.wfile.write(moody.answer)

            do_PUT = do_POST

            def log_message(self, format: str, *args: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
