#!/bin/sh
# revel2d2l 0.3.0: a student who has no account at Revel gets the grades of a classmate with a similar name, who has been
# matched by email address already.
#
# It makes the file of Revel's grades that D2L imports. It matches by exact email address, and else by how similar the
# full names are, 0.75 or more; a student whom nobody resembles gets 0, with a warning. One would expect a row that an
# address has given to one student to be taken. Any row can be given any number of times: Maria Lopez, who has never
# opened the book, gets the points of Mario Lopez, and nothing is said.
#
# Output seen:
#   revel2d2l: WARNING: match: Similarity < 0.75 for Alan Turing
#   revel2d2l: WARNING: action: No match for Alan Turing
#   revel2d2l: WARNING: action: Setting Alan Turing scores all to 0
#   mario.lopez, Mario Lopez: 9
#   ada, Ada Lovelace: 6
#   maria.lopez, Maria Lopez: 9
#   alan, Alan Turing: 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check revel2d2l==0.3.0 pandas==1.5.3 numpy==1.26.4 \
  SQLAlchemy==1.4.54 setuptools==80.9.0
cd "$folder"
export HOME="$folder"
cat > revel.csv <<'END'
Assessments,,,
First Name,Last Name,Email,1 : Cells : Chapter : Quiz 1 : Test
,,,10
Mario,Lopez,mario.lopez@school.example,9
Ada,Lovelace,ada@school.example,6
END
cat > users.csv <<'END'
OrgDefinedId,Username,Last Name,First Name,Email
1,mario.lopez,Lopez,Mario,mario.lopez@school.example
2,ada,Lovelace,Ada,ada@school.example
3,maria.lopez,Lopez,Maria,maria.lopez@school.example
4,alan,Turing,Alan,alan@school.example
END
venv/bin/revel2d2l -i revel.csv -u users.csv -o d2l.csv 2> seen
venv/bin/python - >> seen <<'END'
import csv

with open("d2l.csv", newline="") as file:
    for row in csv.DictReader(file):
        print(f"{row['Username']}, {row['First Name']} {row['Last Name']}: {row['Quiz 1 Points Grade']}")
END
cat seen
[ "$(cat seen)" = "revel2d2l: WARNING: match: Similarity < 0.75 for Alan Turing
revel2d2l: WARNING: action: No match for Alan Turing
revel2d2l: WARNING: action: Setting Alan Turing scores all to 0
mario.lopez, Mario Lopez: 9
ada, Ada Lovelace: 6
maria.lopez, Maria Lopez: 9
alan, Alan Turing: 0" ]
