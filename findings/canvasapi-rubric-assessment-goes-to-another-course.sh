#!/bin/sh
# canvasapi 3.6.0: a rubric assessment that `create_rubric_assessment` returns has the association's id for its course, so
# `update` and `delete` on it call another course, whichever has that number.
#
# One would expect the object to belong to the course in which it was just made. Where the token's user teaches that other
# course as well, what is changed or deleted there depends on chance; else the call is refused, and the assessment stays.
# Nor can the method be reached from the library's own `create_rubric`: its association has no `course_id`.
#
# Output seen:
#   create_rubric: POST /api/v1/courses/7/rubrics
#   assess, as it comes: AttributeError: 'RubricAssociation' object has no attribute 'course_id'
#   assess, with course_id=7: POST /api/v1/courses/7/rubric_associations/5/rubric_assessments
#   delete what was made: DELETE /api/v1/courses/5/rubric_associations/5/rubric_assessments/9
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

ANSWERS = {
    "/api/v1/courses/7": {"id": 7},
    "/api/v1/courses/7/rubrics": {
        "rubric": {"id": 3, "title": "Essays"},
        "rubric_association": {"id": 5, "rubric_id": 3, "context_id": 7, "context_type": "Course",
                               "association_id": 1, "association_type": "Assignment"},
    },
}
ASSESSMENT = {"id": 9, "rubric_id": 3, "rubric_association_id": 5, "score": 4.0, "artifact_type": "Submission"}


class Lms(BaseHTTPRequestHandler):
    called = ""

    def answer(self):
        Lms.called = f"{self.command} {self.path}"
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.dumps(ANSWERS.get(self.path, ASSESSMENT)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
course = Canvas(f"http://127.0.0.1:{server.server_port}", "token").get_course(7)
association = course.create_rubric(rubric={"title": "Essays"})["rubric_association"]
print(f"create_rubric: {Lms.called}")
given = {"user_id": 2, "assessment_type": "grading", "criterion_1": {"points": 4}}
try:
    association.create_rubric_assessment(rubric_assessment=given)
except AttributeError as error:
    print(f"assess, as it comes: AttributeError: {error}")
association.course_id = 7
made = association.create_rubric_assessment(rubric_assessment=given)
print(f"assess, with course_id=7: {Lms.called}")
made.delete()
print(f"delete what was made: {Lms.called}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "create_rubric: POST /api/v1/courses/7/rubrics
assess, as it comes: AttributeError: 'RubricAssociation' object has no attribute 'course_id'
assess, with course_id=7: POST /api/v1/courses/7/rubric_associations/5/rubric_assessments
delete what was made: DELETE /api/v1/courses/5/rubric_associations/5/rubric_assessments/9" ]
