#!/bin/sh
# canvasapi 3.6.0: a second loop over a paginated list, inside a first one over the same list, makes the first lose
# every page that was not fetched yet, without a sign.
#
# `get_users`, `get_submissions` and the rest return a PaginatedList, which can be iterated as often as one likes, so
# one would expect both of two nested loops (each student with the others, say, for peer reviews) to see everybody. The
# inner loop fetches all pages and sees everybody; the outer one ends after the page that it was at. A loop in which
# `students[4]` is read ends early, too. Nothing is missing in a course of up to 100 students, who fit on one page. Here
# a course has six, on three pages.
#
# Output seen:
#   one loop: 6 of 6
#   a loop in a loop: the outer one 2 of 6, the inner one 6 of 6
#   a loop that reads students[4]: 2 of 6
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

PAGES = 3


class CanvasOfSixStudents(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        page = int(query.removeprefix("page=")) if query.startswith("page=") else 1
        found = {"id": 7} if path == "/api/v1/courses/7" else [{"id": 2 * page - 1}, {"id": 2 * page}]
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if page < PAGES:
            self.send_header("Link", f'<{BASE}{path}?page={page + 1}>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), CanvasOfSixStudents)
BASE = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
course = Canvas(BASE, "token").get_course(7)

print("one loop:", len([student.id for student in course.get_users()]), "of 6")

students = course.get_users()
outer, inner = set(), set()
for student in students:
    outer.add(student.id)
    for other in students:
        inner.add(other.id)
print(f"a loop in a loop: the outer one {len(outer)} of 6, the inner one {len(inner)} of 6")

students = course.get_users()
outer = set()
for student in students:
    outer.add(student.id)
    students[4]
print(f"a loop that reads students[4]: {len(outer)} of 6")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "one loop: 6 of 6
a loop in a loop: the outer one 2 of 6, the inner one 6 of 6
a loop that reads students[4]: 2 of 6" ]
