#!/bin/sh
# canvasapi 3.6.0: a field set to None is not sent at all, so a due date cannot be cleared with it, and nothing says so.
#
# Canvas clears a due date that it is sent empty. `assignment.edit(assignment={"due_at": None})` reads as if it did that;
# the request has no such field, Canvas answers 200, and the returned object is updated from the answer. The empty string
# is what clears it. (An empty list is dropped in the same way: it cannot take away the last assignee.)
#
# Output seen:
#   None: assignment[name]=Essay
#   empty string: assignment[due_at]=&assignment[name]=Essay
#   empty list: assignment[name]=Essay
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check canvasapi==3.6.0
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from canvasapi import Canvas


class Lms(BaseHTTPRequestHandler):
    sent = ""

    def answer(self):
        Lms.sent = unquote(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode())
        body = json.dumps({"id": 1, "course_id": 1, "due_at": "2030-01-01T00:00:00Z"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
assignment = Canvas(f"http://127.0.0.1:{server.server_port}", "token").get_course(1).get_assignment(1)
for name, fields in (
    ("None", {"due_at": None, "name": "Essay"}),
    ("empty string", {"due_at": "", "name": "Essay"}),
    ("empty list", {"assignment_overrides": [], "name": "Essay"}),
):
    assignment.edit(assignment=fields)
    print(f"{name}: {Lms.sent}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "None: assignment[name]=Essay
empty string: assignment[due_at]=&assignment[name]=Essay
empty list: assignment[name]=Essay" ]
