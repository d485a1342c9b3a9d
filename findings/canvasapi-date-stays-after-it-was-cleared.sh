#!/bin/sh
# canvasapi 3.6.0: after a due date was cleared, the object's `due_at` is None, and its `due_at_date` is the old date.
#
# For each field that reads as a date the library adds an attribute with the datetime (`due_at_date` for `due_at`), and
# `edit` updates the object from Canvas's answer. One would expect the two to agree, as they do when the date moves. A
# null in the answer changes only the first, so code that works with datetimes keeps a deadline that no longer exists.
# The same holds for `graded_at_date` and `submitted_at_date` of a submission.
#
# Output seen:
#   as it comes: due_at 2026-03-01T22:59:00Z, due_at_date 2026-03-01 22:59:00+00:00
#   moved: due_at 2026-04-01T22:59:00Z, due_at_date 2026-04-01 22:59:00+00:00
#   cleared: due_at None, due_at_date 2026-04-01 22:59:00+00:00
#   read again: due_at None, due_at_date absent
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check canvasapi==3.6.0
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from canvasapi import Canvas

essay = {"id": 1, "course_id": 7, "name": "Essay", "due_at": "2026-03-01T22:59:00Z"}


class CanvasOfOneAssignment(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(essay if "/assignments/" in self.path else {"id": 7})

    def do_PUT(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        essay["due_at"] = form["assignment[due_at]"][0] or None
        self.answer(essay)

    def answer(self, found):
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def show(when, assignment):
    print(f"{when}: due_at {assignment.due_at}, due_at_date {getattr(assignment, 'due_at_date', 'absent')}")


server = ThreadingHTTPServer(("127.0.0.1", 0), CanvasOfOneAssignment)
threading.Thread(target=server.serve_forever, daemon=True).start()
course = Canvas(f"http://127.0.0.1:{server.server_port}", "token").get_course(7)
assignment = course.get_assignment(1)
show("as it comes", assignment)
assignment.edit(assignment={"due_at": "2026-04-01T22:59:00Z"})
show("moved", assignment)
assignment.edit(assignment={"due_at": ""})
show("cleared", assignment)
show("read again", course.get_assignment(1))
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "as it comes: due_at 2026-03-01T22:59:00Z, due_at_date 2026-03-01 22:59:00+00:00
moved: due_at 2026-04-01T22:59:00Z, due_at_date 2026-04-01 22:59:00+00:00
cleared: due_at None, due_at_date 2026-04-01 22:59:00+00:00
read again: due_at None, due_at_date absent" ]
