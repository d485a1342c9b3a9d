#!/bin/sh
# edfi-google-classroom-extractor 1.2.2: coursework that is due on the full hour has no due date in the Ed-Fi data.
#
# Google's JSON leaves out what is zero: due at 22:59 UTC is {"hours": 22, "minutes": 59}, due at 23:00 is {"hours": 23},
# and due at midnight is {}. One would expect the extractor to read these as the times that they are. It wants both hours
# and minutes, and leaves DueDateTime empty otherwise, as for coursework that is never due, without a word. Here a
# stand-in for Google's client lists one course.
#
# Output seen:
#   2026-03-02 at {"hours": 22, "minutes": 59}: 2026-03-02 22:59:00
#   2026-03-02 at {"hours": 23}: empty
#   2026-03-02 at {"minutes": 30}: empty
#   2026-03-02 at {}: empty
#   without a due date: empty
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check edfi-google-classroom-extractor==1.2.2 \
  pandas==1.5.3 numpy==1.26.4 setuptools==80.9.0
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json

import pandas
from edfi_google_classroom_extractor.api.coursework import request_latest_coursework_as_df
from edfi_google_classroom_extractor.mapping.assignments import coursework_to_assignments_dfs

TIMES = [{"hours": 22, "minutes": 59}, {"hours": 23}, {"minutes": 30}, {}, None]
WORK = [
    {"courseId": "7", "id": str(number), "title": f"Essay {number}", "workType": "ASSIGNMENT", "maxPoints": 10,
     "creationTime": "2026-02-01T08:00:00.000Z", "updateTime": "2026-02-01T08:00:00.000Z"}
    | ({} if time is None else {"dueDate": {"year": 2026, "month": 3, "day": 2}, "dueTime": time})
    for number, time in enumerate(TIMES)
]


class Google:
    """Google's client, as far as the extractor calls it."""

    def courses(self):
        return self

    courseWork = courses

    def list(self, courseId):
        return self

    def execute(self):
        return {"courseWork": WORK}


coursework = request_latest_coursework_as_df(Google(), ["7"])
coursework["CreateDate"] = coursework["LastModifiedDate"] = "2026-02-01 08:00:00"  # what the sync adds
[mapped] = coursework_to_assignments_dfs(coursework).values()
for time, due in zip(TIMES, mapped["DueDateTime"], strict=True):
    shown = "without a due date" if time is None else f"2026-03-02 at {json.dumps(time)}"
    print(f"{shown}: {'empty' if pandas.isna(due) else due}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = '2026-03-02 at {"hours": 22, "minutes": 59}: 2026-03-02 22:59:00
2026-03-02 at {"hours": 23}: empty
2026-03-02 at {"minutes": 30}: empty
2026-03-02 at {}: empty
without a due date: empty' ]
