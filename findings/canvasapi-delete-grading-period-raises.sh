#!/bin/sh
# canvasapi 3.6.0: `Account.delete_grading_period` raises JSONDecodeError after Canvas has deleted the grading period.
#
# Canvas documents 204 without a body for it, and the library's method for a course's grading period takes that. The one
# for an account's reads the body as JSON. A caller who takes the exception for a failure tries again, and gets 404.
#
# Output seen:
#   of a course: 204
#   of an account: JSONDecodeError, after DELETE /api/v1/accounts/1/grading_periods/2 was answered with 204
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check canvasapi==3.6.0
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from canvasapi import Canvas
from requests.exceptions import JSONDecodeError


class Lms(BaseHTTPRequestHandler):
    called = ""

    def do_GET(self):
        period = {"grading_periods": [{"id": 2, "title": "First"}]}
        body = json.dumps(period if "grading_periods" in self.path else {"id": 1}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self):
        Lms.called = f"{self.command} {self.path} was answered with 204"
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
canvas = Canvas(f"http://127.0.0.1:{server.server_port}", "token")
print("of a course:", canvas.get_course(1).get_grading_period(2).delete())
try:
    canvas.get_account(1).delete_grading_period(2)
except JSONDecodeError:
    print("of an account: JSONDecodeError, after", Lms.called)
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "of a course: 204
of an account: JSONDecodeError, after DELETE /api/v1/accounts/1/grading_periods/2 was answered with 204" ]
