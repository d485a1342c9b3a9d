#!/bin/sh
# PyLTI1p3 2.0.0: `get_grades` returns the first page of a line item's results and drops the rest without a sign.
#
# LTI AGS 2.0 lets a platform page the result container and name the next page in a Link header. `get_lineitems` of the
# same class follows that header, so one would expect `get_grades` to do so too; a class larger than the platform's page
# loses the grades of everybody on the later pages. Here a platform has two results, on two pages.
#
# Output seen:
#   line items: 2 of 2
#   results: 1 of 2
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyLTI1p3==2.0.0
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.lineitem import LineItem
from pylti1p3.service_connector import ServiceConnector

SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"


class Platform(BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        page = 2 if query == "page=2" else 1
        item = {"id": f"{BASE}{path}/{page}"}
        if path.endswith("/results"):
            item |= {"userId": f"student-{page}", "resultScore": 10, "resultMaximum": 10}
        body = json.dumps([item]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if page == 1:
            self.send_header("Link", f'<{BASE}{path}?page=2>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Connector(ServiceConnector):
    """The library's own, with a token at hand: how it is fetched is not the point."""

    def get_access_token(self, scopes):
        return "token"


server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
BASE = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
service = AssignmentsGradesService(
    Connector(None), {"scope": [SCOPE + "lineitem", SCOPE + "result.readonly"], "lineitems": f"{BASE}/lineitems"}
)
print("line items:", len(service.get_lineitems()), "of 2")
print("results:", len(service.get_grades(LineItem({"id": f"{BASE}/lineitems/1"}))), "of 2")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "line items: 2 of 2
results: 1 of 2" ]
