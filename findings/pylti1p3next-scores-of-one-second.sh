#!/bin/sh
# PyLTI1p3next 2.0.2: `Grade.set_timestamp` cuts a datetime to whole seconds, so two scores of one second carry the same
# timestamp, and the second is refused or ignored.
#
# LTI AGS 2.0 asks for "sub-second precision" of a score's timestamp, and a platform must not take a score that is not
# newer than the one it has. One would expect the microseconds of a datetime to be sent, as `datetime.isoformat` writes
# them. A text is sent as it is.
#
# Output seen:
#   datetime, score 5: 2026-03-01T10:00:00+0000
#   datetime, score 6: 2026-03-01T10:00:00+0000
#   text, score 6: 2026-03-01T10:00:00.600000+00:00
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pylti1p3next==2.0.2
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import json
from datetime import datetime, timedelta, timezone

from pylti1p3.grade import Grade

first = datetime(2026, 3, 1, 10, 0, 0, 100_000, tzinfo=timezone.utc)
second = first + timedelta(milliseconds=500)
for shown, points, when in (("datetime", 5, first), ("datetime", 6, second), ("text", 6, second.isoformat())):
    grade = Grade().set_user_id("ada").set_score_given(points).set_score_maximum(10).set_timestamp(when)
    print(f"{shown}, score {points}: {json.loads(grade.get_value())['timestamp']}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = 'datetime, score 5: 2026-03-01T10:00:00+0000
datetime, score 6: 2026-03-01T10:00:00+0000
text, score 6: 2026-03-01T10:00:00.600000+00:00' ]
