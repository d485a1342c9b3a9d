#!/bin/sh
# PyLTI 0.7.0 (LTI 1.1 Basic Outcomes): a grade that the platform took is reported as failed if the platform's response
# gives the XML namespace a prefix.
#
# `<ns2:imsx_codeMajor>` with `xmlns:ns2="..."` is the same XML element as `<imsx_codeMajor>` with `xmlns="..."`, and XML
# libraries (Java's JAXB, Python's ElementTree) write prefixes by default. One would expect both to
# count as success. The library looks for the bytes `<imsx_codeMajor>success</imsx_codeMajor>` instead, so `post_grade`
# raises LTIPostMessageException after the grade is in the gradebook, and a tool that retries never stops.
#
# Output seen:
#   default namespace: grades taken 1, post_grade returned True
#   with a prefix: grades taken 1, post_grade raised LTIPostMessageException: Post Message Failed
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyLTI==0.7.0 oauth2==1.9.0.post1
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

from pylti.common import LTIBase, LTIPostMessageException

NAMESPACE = "http://www.imsglobal.org/services/ltiv1p1/xsd/imsoms_v1p0"
SUCCESS = f"""<?xml version="1.0" encoding="UTF-8"?>
<imsx_POXEnvelopeResponse xmlns="{NAMESPACE}"><imsx_POXHeader><imsx_POXResponseHeaderInfo>
<imsx_version>V1.0</imsx_version><imsx_messageIdentifier>1</imsx_messageIdentifier><imsx_statusInfo>
<imsx_codeMajor>success</imsx_codeMajor><imsx_severity>status</imsx_severity>
<imsx_description>Score is now 0.9</imsx_description></imsx_statusInfo></imsx_POXResponseHeaderInfo></imsx_POXHeader>
<imsx_POXBody><replaceResultResponse/></imsx_POXBody></imsx_POXEnvelopeResponse>""".encode()
PREFIXED = ElementTree.tostring(ElementTree.fromstring(SUCCESS))  # the same document, as ElementTree writes it


class Platform(BaseHTTPRequestHandler):
    taken, response = 0, b""

    def do_POST(self):
        sent = ElementTree.fromstring(self.rfile.read(int(self.headers["Content-Length"])))
        Platform.taken += sent.find(f".//{{{NAMESPACE}}}textString").text == "0.9"
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(Platform.response)))
        self.end_headers()
        self.wfile.write(Platform.response)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
threading.Thread(target=server.serve_forever, daemon=True).start()


class Tool(LTIBase):
    """The base of the library's Flask and Chalice tools, after a launch: how that came is not the point."""

    session = {"user_id": "ada", "oauth_consumer_key": "key", "lis_result_sourcedid": "7"}
    response_url = f"http://127.0.0.1:{server.server_port}/outcomes"

    def _consumers(self):
        return {"key": {"secret": "secret"}}


for name, Platform.response in (("default namespace", SUCCESS), ("with a prefix", PREFIXED)):
    Platform.taken = 0
    try:
        outcome = f"returned {Tool({}, {}).post_grade(0.9)}"
    except LTIPostMessageException as error:
        outcome = f"raised LTIPostMessageException: {error}"
    print(f"{name}: grades taken {Platform.taken}, post_grade {outcome}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "default namespace: grades taken 1, post_grade returned True
with a prefix: grades taken 1, post_grade raised LTIPostMessageException: Post Message Failed" ]
