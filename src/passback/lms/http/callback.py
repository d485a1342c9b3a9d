"""The page on this machine to which an LMS sends the browser back after a sign-in."""

from __future__ import annotations

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qsl, urlsplit

from passback.lms.interface import Unavailable

_PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Passback</title>
<p style="font: 1.2rem sans-serif; margin: 3rem">Passback has what it needs. You can close this page.</p>"""


class Callback:
    """Waits for the browser on a loopback address; `close` it in the end. Raises `OSError` if the port is in use."""

    def __init__(self, port: int) -> None:
        self._query: dict[str, str] | None = None
        callback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path != "/callback":
                    self.send_error(404)
                    return
                callback._query = dict(parse_qsl(parts.query))
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(_PAGE)))
                self.end_headers()
                self.wfile.write(_PAGE)

            def log_message(self, *_: object) -> None:
                """Nothing: the query holds a secret."""

        self._server = HTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"

    def wait(self, seconds: float) -> dict[str, str]:
        """The query that the browser came back with. Raises `Unavailable` on timeout."""
        give_up = time.monotonic() + seconds
        while self._query is None:
            self._server.timeout = give_up - time.monotonic()
            if self._server.timeout <= 0:
                raise Unavailable("nobody signed in", retry_after=None)
            self._server.handle_request()
        return self._query

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()
