#!/bin/sh
# requests 2.34.2 and httpx 0.28.1: `response.links` has no "next", though the Link header has one, if a link's address
# has a semicolon or its `rel` says two things.
#
# LMSs page by `Link: <...>; rel="next"`, and clients go on while "next" is in `response.links`. One would expect it there
# for every header that RFC 8288 allows. Java servers (Blackboard, Sakai) put `;jsessionid=...` into addresses: the
# address is cut at the semicolon, and its `rel` is lost. `rel` may be several words, as on the last page but one: the key
# is then "next last". Nothing is raised; the list simply ends after its first page.
#
# Output seen, the same for both:
#   <https://lms.example/results?page=2>; rel="next"
#     next: https://lms.example/results?page=2
#   <https://lms.example/results;jsessionid=1A2B?page=2>; rel="next"
#     next: none
#   <https://lms.example/results?page=2>; rel="next last"
#     next: none
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check requests==2.34.2 httpx==0.28.1
"$folder/venv/bin/python" - > "$folder/seen" <<'END'
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import requests


class Lms(BaseHTTPRequestHandler):
    link = ""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Link", Lms.link)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Lms)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/"
for library in (requests, httpx):
    print(library.__name__)
    for Lms.link in (
        '<https://lms.example/results?page=2>; rel="next"',
        '<https://lms.example/results;jsessionid=1A2B?page=2>; rel="next"',
        '<https://lms.example/results?page=2>; rel="next last"',
    ):
        print(Lms.link)
        print("  next:", library.get(base).links.get("next", {"url": "none"})["url"])
END
cat "$folder/seen"
SAME='<https://lms.example/results?page=2>; rel="next"
  next: https://lms.example/results?page=2
<https://lms.example/results;jsessionid=1A2B?page=2>; rel="next"
  next: none
<https://lms.example/results?page=2>; rel="next last"
  next: none'
[ "$(cat "$folder/seen")" = "requests
$SAME
httpx
$SAME" ]
