#!/bin/sh
# LatePenalty 0.0.8: work that comes six days late or later counts as handed in before the deadline, with all its points.
#
# `post_to_canvas` of its `nbgrader_grade` has `late_submission_deadline`, by default 5: "We don't accept late submission
# after 5 days", which is 0 points and a message that says so. One would expect that of the sixth day. The days are
# counted first, and what is over 5 is counted as 0, so that the deadline never holds: to wait a week costs nothing, and
# to be one day late costs a quarter. Here four students have 80 points each and no slip days left.
#
# Output seen:
#   1 hour late: Submitted before deadline, 80.0
#   1.5 days late: Late Submission: 2 Days Late, 60.0
#   5 days late: Late Submission: 5 Days Late, 60.0
#   6 days late: Submitted before deadline, 80.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check LatePenalty==0.0.8 pandas==2.3.3 numpy==2.3.5 \
  PyYAML==6.0.3
cd "$folder"
cat > grades.csv <<'END'
assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,max_score
essay,2026-03-01 23:59:00,2026-03-02 00:59:00.100000,1 hour,Lovelace,Ada,,80.0,0.0,80.0,100.0
essay,2026-03-01 23:59:00,2026-03-03 12:00:00.100000,1.5 days,Turing,Alan,,80.0,0.0,80.0,100.0
essay,2026-03-01 23:59:00,2026-03-06 23:00:00.100000,5 days,Hopper,Grace,,80.0,0.0,80.0,100.0
essay,2026-03-01 23:59:00,2026-03-07 23:00:00.100000,6 days,Noether,Emmy,,80.0,0.0,80.0,100.0
END
venv/bin/python -W ignore - > seen <<'END'
import contextlib
import io
import re

from LatePenalty import nbgrader_grade

grader = nbgrader_grade(grades_fp="grades.csv")
for late in ("1 hour", "1.5 days", "5 days", "6 days"):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        grader.post_to_canvas("essay", [], student=[late], default_credit=0, post=False)
    message = re.search(r"Submitted before deadline|Late Submission: .*|.*invalid.*", said.getvalue())[0]
    score = re.search(r"The score is \033\[92m([\d.]+)", said.getvalue())[1]
    print(f"{late} late: {message}, {score}")
END
cat seen
[ "$(cat seen)" = "1 hour late: Submitted before deadline, 80.0
1.5 days late: Late Submission: 2 Days Late, 60.0
5 days late: Late Submission: 5 Days Late, 60.0
6 days late: Submitted before deadline, 80.0" ]
