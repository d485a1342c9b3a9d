#!/bin/sh
# nameparser 2.6.0: of a roster's "Jones, King" the first name is Jones, and the last name is empty; of "Jones, Marquis"
# the first name is empty.
#
# Gradebooks and rosters list students as "last name, first name", which the parser knows. One would expect what stands
# before the comma to be the last name, and the only word after it to be the first name. King, Princess, Marquis and
# Sultan are first names of students, as Major and Duke are, which are read so. A word that is in the list of titles is
# a title even if no first name is left; after some ("Sir John", "Queen Elizabeth") the only other word is taken for a
# first name, though a comma says that it is the last. A match by first and last name then finds nobody, or somebody else.
#
# Output seen:
#   Jones, Ada: first Ada, last Jones, title none
#   Jones, Major: first Major, last Jones, title none
#   Jones, King: first Jones, last none, title King
#   Lee, Princess: first Lee, last none, title Princess
#   Jones, Marquis: first none, last Jones, title Marquis
#   Ahmed, Sultan: first none, last Ahmed, title Sultan
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check nameparser==2.6.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
from nameparser import HumanName

for name in ("Jones, Ada", "Jones, Major", "Jones, King", "Lee, Princess", "Jones, Marquis", "Ahmed, Sultan"):
    found = HumanName(name)
    first, last, title = (part or "none" for part in (found.first, found.last, found.title))
    print(f"{name}: first {first}, last {last}, title {title}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "Jones, Ada: first Ada, last Jones, title none
Jones, Major: first Major, last Jones, title none
Jones, King: first Jones, last none, title King
Lee, Princess: first Lee, last none, title Princess
Jones, Marquis: first none, last Jones, title Marquis
Ahmed, Sultan: first none, last Ahmed, title Sultan" ]
