#!/bin/sh
# gradescopeapi 1.8.1: `update_assignment_date` with a new due date takes the release date and the late due date away.
#
# Its three dates are optional, "Defaults to None", and the library's `update_student_extension` says of the same
# arguments "If None, it will not be updated". One would expect `due_date=` alone to move the due date. The dates that
# are not given are sent empty, which is how the form says that there is none, together with "allow late submissions:
# no": the class loses its late period, and the assignment the day on which it opens. Here a server shows the form that
# it is sent.
#
# Output seen:
#   release_date_string: ''
#   due_date_string: '2026-03-08T23:59'
#   allow_late_submissions: '0'
#   hard_due_date_string: ''
#   update_assignment_date returned True
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gradescopeapi==1.8.1
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import threading
from datetime import datetime
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests
from gradescopeapi.classes.assignments import update_assignment_date


class Gradescope(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b'<form><input name="authenticity_token" value="token"></form>')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body)
        for part in form.get_payload():
            name = part.get_param("name", header="Content-Disposition")
            if name.startswith("assignment["):
                print(f"{name[11:-1]}: {part.get_payload()!r}")
        self.answer(b"")

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Gradescope)
threading.Thread(target=server.serve_forever, daemon=True).start()
done = update_assignment_date(
    requests.Session(), "7", "1", due_date=datetime(2026, 3, 8, 23, 59),
    gradescope_base_url=f"http://127.0.0.1:{server.server_port}",
)
print("update_assignment_date returned", done)
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "release_date_string: ''
due_date_string: '2026-03-08T23:59'
allow_late_submissions: '0'
hard_due_date_string: ''
update_assignment_date returned True" ]
