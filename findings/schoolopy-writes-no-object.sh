#!/bin/sh
# schoolopy 0.3.1: whatever its create_... and update_... methods are given, they send no object but one JSON string, the
# Python spelling of the object; and an update that Schoology carries out raises NoDataError.
#
# A model such as Assignment is a dict whose method json() returns dict.__repr__(self), and that text goes to requests as
# `json=`, which quotes it once more: the body is "{'title': 'Essay 1'}" instead of {"title": "Essay 1"}. A server that
# expects an object refuses it. The private _post and _put send what they are given, but _put reads JSON from the answer,
# and Schoology answers an update with 204 and no body: the caller who trusts the exception does again what was done.
# Here a server notes the bodies, creates with 201, and updates with 204.
#
# Output seen:
#   create_assignment sent "{'title': 'Essay 1'}", a str
#   _post sent {"title": "Essay 1"}, a dict
#   _put sent {"title": "Essay 2"}, was answered 204, raised NoDataError
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check schoolopy==0.3.1
"$folder/venv/bin/python" -W ignore - > "$folder/seen" <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import schoolopy


class Lms(BaseHTTPRequestHandler):
    body = b""

    def do_POST(self):
        Lms.body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b'{"id": 1, "title": "Essay 1"}'
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def do_PUT(self):
        Lms.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = schoolopy.Schoology(schoolopy.Auth("key", "secret"), api_host=f"http://127.0.0.1:{server.server_port}/v1")
client.create_assignment(schoolopy.Assignment({"title": "Essay 1"}), 7)
print(f"create_assignment sent {Lms.body.decode()}, a {type(json.loads(Lms.body)).__name__}")
client._post("/sections/7/assignments", {"title": "Essay 1"})
print(f"_post sent {Lms.body.decode()}, a {type(json.loads(Lms.body)).__name__}")
try:
    client._put("/sections/7/assignments/1", {"title": "Essay 2"})
except schoolopy.NoDataError as error:
    print(f"_put sent {Lms.body.decode()}, was answered 204, raised {type(error).__name__}")
END
cat "$folder/seen"
[ "$(cat "$folder/seen")" = "create_assignment sent \"{'title': 'Essay 1'}\", a str
_post sent {\"title\": \"Essay 1\"}, a dict
_put sent {\"title\": \"Essay 2\"}, was answered 204, raised NoDataError" ]
