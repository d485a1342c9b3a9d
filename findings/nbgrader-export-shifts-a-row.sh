#!/bin/sh
# nbgrader 0.9.6: in the CSV file that `nbgrader export` writes, a comma in a name moves every later column of the row, so
# another number is read as the student's score.
#
# The plugin is called CsvExportPlugin, and its file is made for spreadsheets and gradebooks. One would expect a name such
# as "King, Jr." to be quoted, as in any CSV file. Fields are written as they are, between commas: Python's csv module
# reads the late penalty, 0, as the score of a student who has 9 points, and his score as the maximum. It does so
# without a word. Here two students have 9 of 10 points, one of them has such a name.
#
# Output seen:
#   Lovelace: raw_score 9.0, score 9.0 of 10.0
#   King: raw_score king@school.example, score 0.0 of 9.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nbgrader==0.9.6
cd "$folder"
export HOME="$folder" PATH="$folder/venv/bin:$PATH"
python -W ignore - <<'END'
from nbgrader.api import Gradebook

with Gradebook("sqlite:///gradebook.db") as gradebook:
    gradebook.add_assignment("homework")
    gradebook.add_notebook("problems", "homework")
    gradebook.add_grade_cell("square", "problems", "homework", max_score=10, cell_type="code")
    for student, name in (("ada", {"last_name": "Lovelace", "first_name": "Ada"}),
                          ("king", {"last_name": "King, Jr.", "first_name": "Martin"})):
        gradebook.add_student(student, email=f"{student}@school.example", **name)
        gradebook.add_submission("homework", student)
        gradebook.find_grade("square", "problems", "homework", student).manual_score = 9
        gradebook.db.commit()
END
nbgrader export --to=grades.csv > output 2>&1
python - > seen <<'END'
import csv

with open("grades.csv", newline="") as file:
    rows = {row["student_id"]: row for row in csv.DictReader(file)}
for student in ("ada", "king"):
    row = rows[student]
    print(f"{row['last_name']}: raw_score {row['raw_score']}, score {row['score']} of {row['max_score']}")
END
cat seen
[ "$(cat seen)" = "Lovelace: raw_score 9.0, score 9.0 of 10.0
King: raw_score king@school.example, score 0.0 of 9.0" ]
