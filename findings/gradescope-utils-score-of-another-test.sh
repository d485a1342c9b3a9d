#!/bin/sh
# gradescope-utils 0.5.0: a test with partial credit that fails before it sets its score gets the score that the same
# inherited test set in another class.
#
# Test classes that share a base class, one for each function that students write, are the usual way to say a check
# once. One would expect a test that raised to get 0 of its 10 points, as it does when it is alone. `partial_credit`
# keeps the score on the function, which both classes share, so the crashed test is reported as failed with 9 points of
# 10, and they count in the total. Here the student's `mean` is good for 9 points, and `median` raises.
#
# Output seen:
#   median alone: failed, 0.0 of 10
#   mean: failed, 9 of 10
#   median: failed, 9 of 10
#   total: 18
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gradescope-utils==0.5.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import io
import json
import unittest

from gradescope_utils.autograder_utils.decorators import partial_credit
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner


class Graded:
    @partial_credit(10)
    def test_function(self, set_score=None):
        set_score(self.points())


class Mean(Graded, unittest.TestCase):
    def points(self):
        return 9


class Median(Graded, unittest.TestCase):
    def points(self):
        raise ZeroDivisionError


def results_of(*classes):
    tests = unittest.TestSuite(unittest.defaultTestLoader.loadTestsFromTestCase(it) for it in classes)
    written = io.StringIO()
    JSONTestRunner(stream=written).run(tests)
    return json.loads(written.getvalue())


def show(name, test):
    print(f"{name}: {test['status']}, {test['score']} of {test['max_score']}")


show("median alone", results_of(Median)["tests"][0])
results = results_of(Mean, Median)
for name, test in zip(("mean", "median"), results["tests"], strict=True):
    show(name, test)
print("total:", results["score"])
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "median alone: failed, 0.0 of 10
mean: failed, 9 of 10
median: failed, 9 of 10
total: 18" ]
