#!/bin/sh
# lti 0.9.5 (LTI 1.1 Basic Outcomes): the response to readResult leaves out a score of 0, so a platform that answers with
# it says "no grade" where it has a zero.
#
# The request class of the same library keeps a 0 (replaceResult with 0 sends it), so one would expect the response to keep
# it as well. It does for the text "0", and for 0.5. A tool that compares what it sent with what the platform has then
# grades again, or shows the student as ungraded.
#
# Output seen:
#   replaceResult request with 0: <textString>0</textString>
#   readResult response with 0: no result
#   readResult response with "0": <textString>0</textString>
#   readResult response with 0.5: <textString>0.5</textString>
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check lti==0.9.5 setuptools==80.9.0
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import re

from lti import OutcomeRequest, OutcomeResponse


def score_in(xml):
    found = re.search(r"<textString>.*?</textString>", xml if isinstance(xml, str) else xml.decode())
    return found[0] if found else "no result"


request = OutcomeRequest()
request.operation, request.lis_result_sourcedid, request.score = "replaceResult", "sourced-id", 0
print("replaceResult request with 0:", score_in(request.generate_request_xml()))
for shown, score in (("0", 0), ('"0"', "0"), ("0.5", 0.5)):
    response = OutcomeResponse()
    response.operation, response.code_major, response.severity = "readResult", "success", "status"
    response.message_identifier, response.message_ref_identifier, response.score = "2", "1", score
    print(f"readResult response with {shown}:", score_in(response.generate_response_xml()))
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = 'replaceResult request with 0: <textString>0</textString>
readResult response with 0: no result
readResult response with "0": <textString>0</textString>
readResult response with 0.5: <textString>0.5</textString>' ]
