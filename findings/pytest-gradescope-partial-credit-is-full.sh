#!/bin/sh
# pytest-gradescope 0.1.6: a test with partial credit gets all its points, whatever score it sets.
#
# Its documentation has `@partial_credit(weight)` with `set_score(partial_score)` in the test, and full credit "if
# `set_score` is not called". One would expect 3 of 5 for `set_score(3)`. The score is put on the undecorated function,
# and read from the decorated one, where it is not: a passed test gets its whole weight. The value of `@leaderboard` is
# lost in the same way, and the leaderboard is empty.
#
# Output seen:
#   set_score(3) of 5: passed, 5 of 5
#   set_score(0) of 5: passed, 5 of 5
#   set_score(3) of 5, then a failed assertion: failed, 0 of 5
#   leaderboard: []
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pytest-gradescope==0.1.6 pytest==9.0.1
cat > "$folder/test_homework.py" <<'END'
from pytest_gradescope.decorators import leaderboard, partial_credit


@partial_credit(5)
def test_three(set_score=None):
    set_score(3)


@partial_credit(5)
def test_zero(set_score=None):
    set_score(0)


@partial_credit(5)
def test_three_then_failed(set_score=None):
    set_score(3)
    assert False


@leaderboard("speed")
def test_speed(set_leaderboard_value=None):
    set_leaderboard_value(100)
END
cd "$folder"
venv/bin/python -m pytest -q test_homework.py > output 2>&1 || true
venv/bin/python - > seen <<'END'
import json

with open("results.json") as file:
    results = json.load(file)
tests = {test["name"]: test for test in results["tests"]}
for shown, name in (
    ("set_score(3) of 5", "test_three"),
    ("set_score(0) of 5", "test_zero"),
    ("set_score(3) of 5, then a failed assertion", "test_three_then_failed"),
):
    test = tests[name]
    print(f"{shown}: {test['status']}, {test['score']} of {test['max_score']}")
print("leaderboard:", results["leaderboard"])
END
cat seen
[ "$(cat seen)" = "set_score(3) of 5: passed, 5 of 5
set_score(0) of 5: passed, 5 of 5
set_score(3) of 5, then a failed assertion: failed, 0 of 5
leaderboard: []" ]
