#!/bin/sh
# schoolopy 0.3.1: lists end after `limit` (20), and its attribute `start`, which looks like the way to the next page, is
# not sent with them, so the 21st member of a section cannot be reached.
#
# Schoology pages its lists by the parameters `start` and `limit`. The client has an attribute for each and sends only
# `limit`: after `client.start = 20` the first twenty come again, and a caller that goes on until a page is empty never
# ends. Raising `limit` is the only way, up to Schoology's own bound. Here a section has 25 members.
#
# Output seen:
#   start 0: 20 of 25, first member 1, asked with limit=20
#   start 20: 20 of 25, first member 1, asked with limit=20
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check schoolopy==0.3.1
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import schoolopy


class Lms(BaseHTTPRequestHandler):
    query = ""

    def do_GET(self):
        Lms.query = urlsplit(self.path).query
        asked = {name: int(values[0]) for name, values in parse_qs(Lms.query).items()}
        start, limit = asked.get("start", 0), asked.get("limit", 20)
        members = [{"id": number, "uid": number} for number in range(1, 26)]
        body = json.dumps({"enrollment": members[start : start + limit], "total": 25}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = schoolopy.Schoology(schoolopy.Auth("key", "secret"), api_host=f"http://127.0.0.1:{server.server_port}/v1/")
for client.start in (0, 20):
    found = client.get_section_enrollments(1)
    print(f"start {client.start}: {len(found)} of 25, first member {found[0].id}, asked with {Lms.query}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "start 0: 20 of 25, first member 1, asked with limit=20
start 20: 20 of 25, first member 1, asked with limit=20" ]
