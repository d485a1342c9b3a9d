#!/bin/sh
# openedx-scorm-xblock 19.0.5 (Open edX): a teacher's new score for a learner who failed is published as 0.
#
# Open edX's staff can override a learner's score, for which Open edX calls `set_score` of the block, whose
# documentation promises "integrated grading, compatible with rescoring". One would expect the gradebook to get the
# score that was given, as it does if the learner passed. Once the package has said "failed", every score is published
# as 0, the teacher's as well: 0.4 became 0 of 10, and 0.8 after an appeal becomes 0 of 10 again.
#
# Output seen:
#   passed with 0.9: published 9.0 of 10.0; overridden with 0.8: published 8.0 of 10.0
#   failed with 0.4: published 0.0 of 10.0; overridden with 0.8: published 0.0 of 10.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openedx-scorm-xblock==19.0.5 django==5.2.8
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
from unittest import mock

from openedxscorm.scormxblock import ScormXBlock
from xblock.field_data import DictFieldData
from xblock.scorable import Score

for success_status, scaled in (("passed", "0.9"), ("failed", "0.4")):
    published = []
    runtime = mock.Mock()
    runtime.publish = lambda _block, kind, event: published.append(event) if kind == "grade" else None
    block = ScormXBlock(runtime, DictFieldData({"weight": 10, "has_score": True}), mock.Mock())
    block.open_tracking_batch()
    for name, value in (
        ("cmi.score.scaled", scaled),
        ("cmi.completion_status", "completed"),
        ("cmi.success_status", success_status),
    ):
        block.set_value({"name": name, "value": value})
    block.set_score(Score(raw_earned=0.8, raw_possible=1.0))
    before, after = (f"{event['value']} of {event['max_value']}" for event in published[-2:])
    print(f"{success_status} with {scaled}: published {before}; overridden with 0.8: published {after}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "passed with 0.9: published 9.0 of 10.0; overridden with 0.8: published 8.0 of 10.0
failed with 0.4: published 0.0 of 10.0; overridden with 0.8: published 0.0 of 10.0" ]
