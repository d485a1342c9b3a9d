#!/bin/sh
# qti-package-maker 26.7.14: in a text2qti quiz it reads a margin of 5 % as 5, and a question that comes after a line
# "Points: 3" as the end of the last choice before it.
#
# text2qti's margin is "either a number or a percentage", and its "Points:" says what the next question is worth. The
# package has a reader for text2qti files, so one would expect the quiz that text2qti makes of the same file. In what it
# writes for Canvas, every number from -3 to 7 is right where 2 is, and the third question is gone: its text is in a
# choice of the second. There is no warning of either.
#
# Output seen:
#   text2qti
#     numerical_question: 2.0000, 1.9000 to 2.1000
#     multiple_choice_question: yes / no
#     numerical_question: 5, 5 to 5
#   qti-package-maker
#     numerical_question: 2.0, -3.0 to 7.0
#     multiple_choice_question: yes / no  Points: 3 3. How much is 2 + 3? = 5
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check qti-package-maker==26.7.14 text2qti==0.8.0
cd "$folder"
cat > quiz.txt <<'END'
1. How much is it?
= 2 +- 5%

2. Is 2 even?
*a) yes
b) no

Points: 3
3. How much is 2 + 3?
= 5
END
venv/bin/text2qti quiz.txt > output
venv/bin/python -W ignore - > seen <<'END'
import contextlib
import io
import re
import zipfile

from qti_package_maker.package_interface import QTIPackageInterface


def show(reader, package):
    print(reader)
    with zipfile.ZipFile(package) as files:
        qti = next(it for it in map(files.read, files.namelist()) if b"<questestinterop" in it).decode()
    for item in qti.split("<item ")[1:]:
        kind = re.search(r"<fieldentry>(\w+_question)<", item)[1]
        accepted = dict(re.findall(r"<var(\w+) respident=\"response1\">(.*?)<", item))
        if kind == "numerical_question":
            print(f"  {kind}: {accepted['equal']}, {accepted['gte']} to {accepted['lte']}")
        else:
            choices = re.findall(r"<response_label.*?<mattext[^>]*>(?:&lt;p&gt;)?(.*?)(?:&lt;/p&gt;)?<", item, re.DOTALL)
            print(f"  {kind}: {' / '.join(choices)}")


show("text2qti", "quiz.zip")
maker = QTIPackageInterface("quiz", allow_mixed=True)
said = io.StringIO()
with contextlib.redirect_stdout(said):
    maker.read_package("quiz.txt", "text2qti")
    written = maker.save_package("canvas_qti_v1_2")
assert "arning" not in said.getvalue()
show("qti-package-maker", written)
END
cat seen
[ "$(cat seen)" = "text2qti
  numerical_question: 2.0000, 1.9000 to 2.1000
  multiple_choice_question: yes / no
  numerical_question: 5, 5 to 5
qti-package-maker
  numerical_question: 2.0, -3.0 to 7.0
  multiple_choice_question: yes / no  Points: 3 3. How much is 2 + 3? = 5" ]
