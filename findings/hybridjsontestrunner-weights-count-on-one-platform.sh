#!/bin/sh
# HybridJSONTestRunner 1.0.0: the weights of tests count on Gradescope, and not on PrairieLearn, so the same work has two
# different grades.
#
# The package runs one set of tests for both platforms, and `Weight(90)` says what a test is worth on either. One would
# expect 10 of 100 points to be 10 % on both. For PrairieLearn the score is the mean of the tests' percentages, in which
# the test of 90 points and that of 10 count the same. Each test's points are right in the results, so that they do not
# add up to the score. Here a student passes the small test, and another one the large test.
#
# Output seen:
#   small test passed, Gradescope: 0.0 of 90 and 10 of 10, score 10.0 of 100
#   small test passed, PrairieLearn: 0.0 of 90 and 10 of 10, score 0.5 of 1
#   large test passed, Gradescope: 90 of 90 and 0.0 of 10, score 90.0 of 100
#   large test passed, PrairieLearn: 90 of 90 and 0.0 of 10, score 0.5 of 1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check HybridJSONTestRunner==1.0.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import io
import json
import unittest

from autograder_utils.Decorators import Weight
from autograder_utils.JSONTestRunner import JSONTestRunner
from autograder_utils.ResultBuilders import prairieLearnResultBuilder
from autograder_utils.ResultFinalizers import prairieLearnResultFinalizer

PLATFORMS = {
    "Gradescope": {},  # the default
    "PrairieLearn": {"result_builder": prairieLearnResultBuilder, "result_finalizer": prairieLearnResultFinalizer},
}
passes = ""


class Homework(unittest.TestCase):
    @Weight(90)
    def test_large(self):
        self.assertEqual(passes, "large")

    @Weight(10)
    def test_small(self):
        self.assertEqual(passes, "small")


for passes in ("small", "large"):
    for platform, options in PLATFORMS.items():
        written = io.StringIO()
        tests = unittest.defaultTestLoader.loadTestsFromTestCase(Homework)
        JSONTestRunner(stream=written, **options).run(tests)
        results = json.loads(written.getvalue())
        points = [f"{it.get('score', it.get('points'))} of {it.get('max_score', it.get('max_points'))}"
                  for it in results["tests"]]
        of = 100 if platform == "Gradescope" else 1
        print(f"{passes} test passed, {platform}: {' and '.join(points)}, score {results['score']} of {of}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "small test passed, Gradescope: 0.0 of 90 and 10 of 10, score 10.0 of 100
small test passed, PrairieLearn: 0.0 of 90 and 10 of 10, score 0.5 of 1
large test passed, Gradescope: 90 of 90 and 0.0 of 10, score 90.0 of 100
large test passed, PrairieLearn: 90 of 90 and 0.0 of 10, score 0.5 of 1" ]
