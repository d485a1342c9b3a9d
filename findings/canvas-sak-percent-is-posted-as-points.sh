#!/bin/sh
# canvas-sak 1.10.0: `upload-assignment-grades` posts "85%" as 85 points, and of more than 100 points 100.
#
# The command takes grades from a column of a CSV file, and takes "85%" as well. One would expect that to be 85 % in
# Canvas, which takes a posted grade of "85%" as such: 17 points of an assignment of 20. The sign is cut off, and 85
# points of 20 are posted. And whatever the assignment is worth, a grade ends at 100: a student who has 140 points of
# 150 loses 40 of them, without a word. Here Canvas notes what is posted.
#
# Output seen:
#   85%, of 20 points: posted 85.0
#   17, of 20 points: posted 17.0
#   140, of 150 points: posted 100.0
#   75, of 150 points: posted 75.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check canvas-sak==1.10.0 canvasapi==3.6.0
cd "$folder"
export HOME="$folder" XDG_CONFIG_HOME="$folder"
venv/bin/python -W ignore - > seen <<'END'
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

COURSE, WORK = "/api/v1/courses/7", "/api/v1/courses/7/assignments/1"
FOUND = {
    "/api/v1/users/self": {"id": 1, "name": "Teacher"},
    "/api/v1/courses": [{"id": 7, "name": "Chemistry"}],
    COURSE + "/analytics/assignments": [{"assignment_id": 1, "title": "Essay"}],
    WORK: {"id": 1, "course_id": 7, "name": "Essay"},
    COURSE + "/enrollments": [{"id": 3, "user_id": 2, "user": {"id": 2}, "sis_user_id": "ada"}],
    WORK + "/submissions": [{"id": 4, "user_id": 2, "assignment_id": 1}],
}


class CanvasOfOneStudent(BaseHTTPRequestHandler):
    posted = None

    def do_GET(self):
        self.answer(FOUND[urlsplit(self.path).path])

    def do_PUT(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        CanvasOfOneStudent.posted = form["submission[posted_grade]"][0]
        self.answer({"id": 4, "user_id": 2, "assignment_id": 1})

    def answer(self, found):
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), CanvasOfOneStudent)
threading.Thread(target=server.serve_forever, daemon=True).start()
Path(click.get_app_dir("canvas_sak.ini")).write_text(
    f"[SERVER]\nurl = http://127.0.0.1:{server.server_port}\ntoken = token\n"
)
for grade, points in (("85%", 20), ("17", 20), ("140", 150), ("75", 150)):
    FOUND[WORK]["points_possible"] = points
    Path("grades.csv").write_text(f"student,grade\nada,{grade}\n")
    subprocess.run(
        ["venv/bin/canvas-sak", "upload-assignment-grades", "Chemistry", "Essay", "--file", "grades.csv", "--id", "0",
         "--grade", "1", "--no-dryrun"], check=True, capture_output=True,
    )
    print(f"{grade}, of {points} points: posted {CanvasOfOneStudent.posted}")
END
cat seen
[ "$(cat seen)" = "85%, of 20 points: posted 85.0
17, of 20 points: posted 17.0
140, of 150 points: posted 100.0
75, of 150 points: posted 75.0" ]
