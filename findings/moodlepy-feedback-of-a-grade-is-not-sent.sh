#!/bin/sh
# moodlepy 0.24.1: the feedback comment that is given with a grade does not reach Moodle; of `PluginData` the names of its
# fields are sent, or its Python spelling.
#
# `save_grade` and `save_grades` take the comment as `PluginData(EditorStructure(text, format))`, the library's own types.
# Moodle knows nested values as `plugindata[assignfeedbackcomments_editor][text]=...`, and one would expect that, as a list
# of grades does become `grades[0][grade]`. Only lists are written so: a value inside a value goes to requests as it is.
# Moodle expects a structure there, and gets a text. Without a comment both calls are right.
#
# Output seen:
#   save_grades, no comment: grades[0][userid]=2, grades[0][grade]=9.0
#   save_grades: grades[0][userid]=2, grades[0][grade]=9.0, grades[0][plugindata]=assignfeedbackcomments_editor, grades[0][plugindata]=files_filemanager
#   save_grade: userid=2, grade=9.0, plugindata=PluginData(assignfeedbackcomments_editor=EditorStructure(text='Well done', format=1), files_filemanager=None)
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check moodlepy==0.24.1
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from moodle import Moodle
from moodle.mod.assign.grade import Grades
from moodle.mod.assign.plugin_data import EditorStructure, PluginData


class MoodleSite(BaseHTTPRequestHandler):
    sent = []

    def do_POST(self):
        MoodleSite.sent = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"null")  # what Moodle answers to a grade that it took

    def log_message(self, *_):
        pass


def show(call):
    shown = [f"{name}={value}" for name, value in MoodleSite.sent
             if any(it in name for it in ("userid", "[grade]", "plugindata")) or name == "grade"]
    print(f"{call}: {', '.join(shown)}")


server = ThreadingHTTPServer(("127.0.0.1", 0), MoodleSite)
threading.Thread(target=server.serve_forever, daemon=True).start()
assign = Moodle(f"http://127.0.0.1:{server.server_port}/webservice/rest/server.php", "token").mod.assign
grade = {"userid": 2, "grade": 9.0, "attemptnumber": -1, "addattempt": 0, "workflowstate": "graded"}
comment = PluginData(assignfeedbackcomments_editor=EditorStructure(text="Well done", format=1))

assign.save_grades(assignmentid=1, applytoall=1, grades=[Grades.Create(**grade)])
show("save_grades, no comment")
assign.save_grades(assignmentid=1, applytoall=1, grades=[Grades.Create(**grade, plugindata=comment)])
show("save_grades")
assign.save_grade(assignmentid=1, applytoall=1, **grade, plugindata=comment)
show("save_grade")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "save_grades, no comment: grades[0][userid]=2, grades[0][grade]=9.0
save_grades: grades[0][userid]=2, grades[0][grade]=9.0, grades[0][plugindata]=assignfeedbackcomments_editor, \
grades[0][plugindata]=files_filemanager
save_grade: userid=2, grade=9.0, plugindata=PluginData(assignfeedbackcomments_editor=\
EditorStructure(text='Well done', format=1), files_filemanager=None)" ]
