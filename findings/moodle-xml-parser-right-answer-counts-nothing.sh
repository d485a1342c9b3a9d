#!/bin/sh
# moodle-xml-parser 0.3.1: in a Cloze question whose choices stand in a column, or whose gap has no weight, no answer is
# right.
#
# Moodle writes a gap as {1:MULTICHOICE:=Berlin~Paris}, with MULTICHOICE_V, MULTICHOICE_H or MULTIRESPONSE_H for other
# ways to lay it out; the weight may be left out, and a part of the points is written as %33.33333% or %-50%. One would
# expect the same options from each. A kind with an underscore is not known, nor a gap without a weight: both become part
# of the first option, which is the right one here and so is not any more. A part that is no whole number, or less than
# 0, counts 0 and stays in the text. There is no sign of it.
#
# Output seen:
#   {1:MULTICHOICE:=Berlin~Paris}: MULTICHOICE, Berlin 100, Paris 0
#   {1:MULTICHOICE_V:=Berlin~Paris}: UNKNOWN, 1:MULTICHOICE_V:=Berlin 0, Paris 0
#   {:MULTICHOICE:=Berlin~Paris}: UNKNOWN, :MULTICHOICE:=Berlin 0, Paris 0
#   {1:MULTIRESPONSE:%50%Bonn~%50%Berlin~%-50%Paris}: MULTIRESPONSE, Bonn 50, Berlin 50, %-50%Paris 0
#   {1:SHORTANSWER:=Berlin~%33.33333%Bonn}: SHORTANSWER, Berlin 100, %33.33333%Bonn 0
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check moodle-xml-parser==0.3.1
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
from moodle_xml_parser.parser import parse_string

for gap in (
    "{1:MULTICHOICE:=Berlin~Paris}",
    "{1:MULTICHOICE_V:=Berlin~Paris}",
    "{:MULTICHOICE:=Berlin~Paris}",
    "{1:MULTIRESPONSE:%50%Bonn~%50%Berlin~%-50%Paris}",
    "{1:SHORTANSWER:=Berlin~%33.33333%Bonn}",
):
    [question] = parse_string(
        '<quiz><question type="cloze"><name><text>Capital</text></name><questiontext format="html">'
        f"<text>The capital is {gap}.</text></questiontext></question></quiz>"
    )["cloze"]
    [read] = question.gaps
    print(f"{gap}: {read.sub_type}, {', '.join(f'{it.answer} {it.score}' for it in read.options)}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "{1:MULTICHOICE:=Berlin~Paris}: MULTICHOICE, Berlin 100, Paris 0
{1:MULTICHOICE_V:=Berlin~Paris}: UNKNOWN, 1:MULTICHOICE_V:=Berlin 0, Paris 0
{:MULTICHOICE:=Berlin~Paris}: UNKNOWN, :MULTICHOICE:=Berlin 0, Paris 0
{1:MULTIRESPONSE:%50%Bonn~%50%Berlin~%-50%Paris}: MULTIRESPONSE, Bonn 50, Berlin 50, %-50%Paris 0
{1:SHORTANSWER:=Berlin~%33.33333%Bonn}: SHORTANSWER, Berlin 100, %33.33333%Bonn 0" ]
