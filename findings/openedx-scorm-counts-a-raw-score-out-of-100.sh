#!/bin/sh
# openedx-scorm-xblock 19.0.5 (Open edX): 18 of 20 points that a SCORM 2004 package reports are graded as 18 of 100,
# even if the package reports the scaled score, 0.9, as well.
#
# In SCORM 2004 `cmi.score.raw` lies between `cmi.score.min` and `cmi.score.max`, which the package sets, and
# `cmi.score.scaled` is the same result on a scale that the platform knows. One would expect 9 points of 10 here. The
# minimum and maximum are kept and not used: the raw score is divided by 100, and it replaces a scaled score that came
# before it. So the grade depends on the order in which the authoring tool of the package writes the two.
#
# Output seen:
#   raw before scaled: 9.0 of 10.0
#   scaled before raw: 1.8 of 10.0
#   raw alone: 1.8 of 10.0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openedx-scorm-xblock==19.0.5 django==5.2.8
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
from unittest import mock

from openedxscorm.scormxblock import ScormXBlock
from xblock.field_data import DictFieldData

RANGE = {"cmi.score.min": "0", "cmi.score.max": "20"}
PASSED = {"cmi.completion_status": "completed", "cmi.success_status": "passed"}


def grade(reported):
    """What the gradebook has at the end, of the values that a package sets in this order."""
    published = []
    runtime = mock.Mock()
    runtime.publish = lambda _block, kind, event: published.append(event) if kind == "grade" else None
    block = ScormXBlock(runtime, DictFieldData({"weight": 10, "has_score": True}), mock.Mock())
    block.open_tracking_batch()
    for name, value in (RANGE | reported | PASSED).items():
        block.set_value({"name": name, "value": value})
    return f"{published[-1]['value']:.1f} of {published[-1]['max_value']}"


print("raw before scaled:", grade({"cmi.score.raw": "18", "cmi.score.scaled": "0.9"}))
print("scaled before raw:", grade({"cmi.score.scaled": "0.9", "cmi.score.raw": "18"}))
print("raw alone:", grade({"cmi.score.raw": "18"}))
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "raw before scaled: 9.0 of 10.0
scaled before raw: 1.8 of 10.0
raw alone: 1.8 of 10.0" ]
