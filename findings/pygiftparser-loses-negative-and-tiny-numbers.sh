#!/bin/sh
# pygiftparser 1.1, of what gift-wrapper 1.8.1 writes: a question whose answer is -3 is not shown at all, and the answer
# 0.00002 is read as 2.
#
# Both are for Moodle's GIFT format, in which a number may have a sign and an exponent. One would expect the one to read
# what the other writes. Python writes 0.00002 as 2e-05: the parser takes the 2 and leaves the rest, the margin too, so
# the right answer is wrong and 2 is right. A minus makes the question invalid, and of that `toHTML` gives an empty text:
# a page of three questions has two. There is no exception, and nothing is logged.
#
# Output seen:
#   5 - 2: GIFT {# =%100%3#}, read as 3.0 +- 0, shown
#   2 - 5: GIFT {# =%100%-3#}, read as nothing, not shown
#   2 / 100000: GIFT {# =%100%2e-05:1e-06#}, read as 2.0 +- 0, shown
#   logged: nothing
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pygiftparser==1.1 gift-wrapper==1.8.1
"$folder/venv/bin/python" -W ignore - > "$folder/seen" 2> "$folder/log" <<'END'
import io
import re

from gift_wrapper.question import Numerical
from pygiftparser.parser import parseFile

for text, solution in (
    ("5 - 2", {"value": 3}),
    ("2 - 5", {"value": -3}),
    ("2 / 100000", {"value": 0.00002, "error": 0.000001}),
):
    gift = Numerical(name=text, statement=f"How much is {text}?", solution=solution).gift
    written = re.sub(r"\s+", " ", gift[gift.index("{"):]).replace("{ ", "{").replace(" }", "}")
    [question] = parseFile(io.StringIO(gift))
    answers = question.answers.answers if hasattr(question, "answers") else []
    read = " or ".join(f"{answer.value} +- {answer.tolerance}" for answer in answers) or "nothing"
    print(f"{text}: GIFT {written}, read as {read}, {'shown' if question.toHTML() else 'not shown'}")
END
echo "logged: $(grep . "$folder/log" || echo nothing)" >> "$folder/seen"
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "5 - 2: GIFT {# =%100%3#}, read as 3.0 +- 0, shown
2 - 5: GIFT {# =%100%-3#}, read as nothing, not shown
2 / 100000: GIFT {# =%100%2e-05:1e-06#}, read as 2.0 +- 0, shown
logged: nothing" ]
