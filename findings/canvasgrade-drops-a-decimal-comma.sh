#!/bin/sh
# canvasgrade 0.3.1: in a spreadsheet with decimal commas, "0,5" of 10 points is read as 5, and "8,5" of 100 as 85.
#
# The package "reads your real sheet", and in most of Europe a spreadsheet writes eight and a half as "8,5". One would
# expect 8.5, or an error. Commas are taken out of every number, as if they stood before thousands. A result above the
# maximum of its criterion is refused for being too high; any other is pushed to Canvas.
#
# Output seen:
#   Ada: Essay 0.5 of 10, Exam 8.5 of 100
#   Ben, with decimal commas: Essay 5.0 of 10, Exam 85.0 of 100
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check canvasgrade==0.3.1
cd "$folder"
cat > grades.csv <<'END'
Student,ID,Essay (10),Exam (100)
Ada,1,0.5,8.5
"Ben, with decimal commas",2,"0,5","8,5"
END
venv/bin/python - > seen <<'END'
from canvasgrade.sheet import detect_mapping, extract_rows, read_sheet, strip_points

sheet = read_sheet("grades.csv")
mapping = detect_mapping(sheet.frame)
points = {column.name: column.points for column in mapping.criteria_columns}
for row in extract_rows(sheet.frame, mapping):
    shown = [f"{strip_points(column)} {score} of {points[column]:g}" for column, score in row.scores]
    print(f"{row.name}: {', '.join(shown)}")
END
cat seen
[ "$(cat seen)" = "Ada: Essay 0.5 of 10, Exam 8.5 of 100
Ben, with decimal commas: Essay 5.0 of 10, Exam 85.0 of 100" ]
