#!/bin/sh
# moodleteacher 0.1.16: `save_grade(0)` sends an empty grade to Moodle, so work cannot be graded with zero points.
#
# One would expect 0 to be a grade like any other, as 0.5 is, and as the text "0" is. The number 0 counts as none and is
# sent as the empty text, for which Moodle has no number.
#
# Output seen:
#   save_grade(9): '9.0'
#   save_grade(0.5): '0.5'
#   save_grade('0'): '0.0'
#   save_grade(0): ''
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check moodleteacher==0.1.16
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.parse import parse_qs

from moodleteacher.connection import MoodleConnection
from moodleteacher.submissions import MoodleSubmission


class MoodleSite(BaseHTTPRequestHandler):
    grade = ""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        [MoodleSite.grade] = form["grade"]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"null")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), MoodleSite)
threading.Thread(target=server.serve_forever, daemon=True).start()
moodle = MoodleConnection(f"http://127.0.0.1:{server.server_port}", "token")
assignment = SimpleNamespace(id_=1, allows_feedback_comment=True)  # how it was found is not the point
submission = MoodleSubmission(conn=moodle, submission_id=3, assignment=assignment, user_id=2)
for grade in (9, 0.5, "0", 0):
    submission.save_grade(grade)
    print(f"save_grade({grade!r}): {MoodleSite.grade!r}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "save_grade(9): '9.0'
save_grade(0.5): '0.5'
save_grade('0'): '0.0'
save_grade(0): ''" ]
