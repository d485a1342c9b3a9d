#!/bin/sh
# text2qti 0.8.0: the answer of a numerical question is rounded to four decimals, so a student who gives exactly what the
# teacher wrote is wrong.
#
# Its documentation lets a number have a margin, or be a range, of which the smallest answer must be at least 0.0001. One
# would expect 0.00128 with a margin of 1 % to accept 0.00128. In the QTI file the answer and both ends of the margin are
# 0.0013, and that alone is right; a range from 0.00012 to 0.00014 becomes 0.0001, which is not even in it. There is no
# warning. Here an answer is held against what the file accepts.
#
# Output seen:
#   0.0128 +- 1%: accepts 0.0127 to 0.0129; 0.0128 is right
#   0.00128 +- 1%: accepts 0.0013 to 0.0013; 0.00128 is wrong
#   [0.00012, 0.00014]: accepts 0.0001 to 0.0001; 0.00013 is wrong
#   [0.00125, 0.00129]: accepts 0.0013 to 0.0013; 0.00127 is wrong
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check text2qti==0.8.0
cd "$folder"
for question in '0.0128;0.0128 +- 1%' '0.00128;0.00128 +- 1%' '0.00013;[0.00012, 0.00014]' '0.00127;[0.00125, 0.00129]'
do
  printf '1. How much is it in mol/l?\n= %s\n' "${question#*;}" > quiz.txt
  venv/bin/text2qti quiz.txt > output
  venv/bin/python - "$question" <<'END'
import re
import sys
import zipfile

answer, _, written = sys.argv[1].partition(";")
with zipfile.ZipFile("quiz.zip") as package:
    [name] = [it for it in package.namelist() if re.search(r"text2qti_assessment_\w+\.xml$", it)]
    qti = package.read(name).decode()
accepted = {kind: float(value) for kind, value in re.findall(r"<var(\w+) respident=\"response1\">([\d.]+)<", qti)}
right = accepted["gte"] <= float(answer) <= accepted["lte"] or float(answer) == accepted.get("equal")
print(f"{written}: accepts {accepted['gte']} to {accepted['lte']}; {answer} is {'right' if right else 'wrong'}")
END
done > seen
cat seen
[ "$(cat seen)" = "0.0128 +- 1%: accepts 0.0127 to 0.0129; 0.0128 is right
0.00128 +- 1%: accepts 0.0013 to 0.0013; 0.00128 is wrong
[0.00012, 0.00014]: accepts 0.0001 to 0.0001; 0.00013 is wrong
[0.00125, 0.00129]: accepts 0.0013 to 0.0013; 0.00127 is wrong" ]
