#!/bin/sh
# gradescope-utils 0.5.0: a test in which a `subTest` fails is not in the results at all: neither its failure nor its
# points.
#
# `subTest` is unittest's way to check many inputs in one test, and unittest counts such a test as failed. One would
# expect it in the results, with 0 of its 10 points. unittest reports a failed subtest by `addSubTest`, which the runner
# does not have, and then nothing for the test as a whole. The student sees no failed test, only a smaller total, and a
# total in percent of the results' `max_score` is 100. Here the function of one student is right, that of the other is
# wrong for one of three inputs.
#
# Output seen:
#   right: square passed 10 of 10, submitted passed 5 of 5; total 15
#   wrong for 3: submitted passed 5 of 5; total 5
#   wrong for 3, says unittest: 1 failure
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check gradescope-utils==0.5.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import io
import json
import unittest

from gradescope_utils.autograder_utils.decorators import weight
from gradescope_utils.autograder_utils.json_test_runner import JSONTestRunner


class Homework(unittest.TestCase):
    @weight(10)
    def test_square(self):
        """square"""
        for number in (1, 2, 3):
            with self.subTest(number=number):
                self.assertEqual(square(number), number * number)

    @weight(5)
    def test_submitted(self):
        """submitted"""


def graded(student):
    written = io.StringIO()
    outcome = JSONTestRunner(stream=written).run(unittest.defaultTestLoader.loadTestsFromTestCase(Homework))
    results = json.loads(written.getvalue())
    shown = [f"{it['name']} {it['status']} {it['score']} of {it['max_score']}" for it in results["tests"]]
    print(f"{student}: {', '.join(shown)}; total {results['score']}")
    return outcome


square = {1: 1, 2: 4, 3: 9}.get
graded("right")
square = {1: 1, 2: 4, 3: 6}.get
outcome = graded("wrong for 3")
print("wrong for 3, says unittest:", len(outcome.failures), "failure")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "right: square passed 10 of 10, submitted passed 5 of 5; total 15
wrong for 3: submitted passed 5 of 5; total 5
wrong for 3, says unittest: 1 failure" ]
