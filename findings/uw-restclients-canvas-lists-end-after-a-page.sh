#!/bin/sh
# uw-restclients-canvas 1.2.31: `get_all_terms` returns the first 100 terms, and any list for which `per_page` is given
# ends after its first page.
#
# The documentation of `get_all_terms` says "Return all of the terms in the account", and without `per_page` lists are
# followed from page to page. One would expect a `per_page` to change the size of the pages, which is what it does as
# `Canvas(per_page=100)`. Among the parameters of a call it turns following off as well; `get_all_terms` itself gives 500,
# and Canvas caps a page at 100. `get_term_by_sis_id` then returns None for a term that exists. Here an
# account has 150 terms, and a course 150 students.
#
# Output seen:
#   get_all_terms: 100 of 150
#   get_term_by_sis_id("term-150"): None
#   enrollments: 150 of 150
#   enrollments, Canvas(per_page=100): 150 of 150
#   enrollments, {"per_page": 100}: 100 of 150
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uw-restclients-canvas==1.2.31
cd "$folder"
venv/bin/python -W ignore - > seen <<'END'
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from commonconf.backends import use_configparser_backend

TERMS = [{"id": it, "name": f"Term {it}", "sis_term_id": f"term-{it}", "workflow_state": "active", "start_at": None,
          "end_at": None, "overrides": None} for it in range(1, 151)]
ENROLLMENTS = [{"id": it, "course_id": 7, "course_section_id": 7, "user_id": it, "type": "StudentEnrollment",
                "role": "StudentEnrollment", "enrollment_state": "active", "root_account_id": 1,
                "limit_privileges_to_course_section": False, "last_activity_at": None, "total_activity_time": 0,
                "sis_course_id": None, "sis_section_id": None, "html_url": "https://canvas.example/users",
                "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "start_at": None,
                "end_at": None, "user": {"id": it, "name": f"Student {it}", "sortable_name": f"Student {it}",
                                         "short_name": f"Student {it}", "login_id": f"student{it}"}}
               for it in range(1, 151)]


class CanvasLms(BaseHTTPRequestHandler):
    def do_GET(self):
        address = urlsplit(self.path)
        asked = parse_qs(address.query)
        page, size = int(asked.get("page", ["1"])[0]), min(int(asked.get("per_page", ["10"])[0]), 100)
        found = (TERMS if address.path.endswith("/terms") else ENROLLMENTS)[(page - 1) * size : page * size]
        body = json.dumps({"enrollment_terms": found} if address.path.endswith("/terms") else found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if page * size < 150:
            self.send_header("Link", f'<{BASE}{address.path}?page={page + 1}&per_page={size}>; rel="next"')
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), CanvasLms)
BASE = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()
Path("settings.ini").write_text(
    "[settings]\nRESTCLIENTS_CANVAS_DAO_CLASS=Live\nRESTCLIENTS_CANVAS_OAUTH_BEARER=token\n"
    f"RESTCLIENTS_CANVAS_HOST={BASE}\nRESTCLIENTS_CANVAS_ACCOUNT_ID=1\n"
)
use_configparser_backend("settings.ini", "settings")

from uw_canvas.enrollments import Enrollments
from uw_canvas.terms import Terms

print(f"get_all_terms: {len(Terms().get_all_terms())} of 150")
print('get_term_by_sis_id("term-150"):', Terms().get_term_by_sis_id("term-150"))
print(f"enrollments: {len(Enrollments().get_enrollments_for_course(7))} of 150")
of_100 = Enrollments(per_page=100)
print(f"enrollments, Canvas(per_page=100): {len(of_100.get_enrollments_for_course(7))} of 150")
print(f'enrollments, {{"per_page": 100}}: {len(Enrollments().get_enrollments_for_course(7, {"per_page": 100}))} of 150')
END
cat seen
[ "$(cat seen)" = 'get_all_terms: 100 of 150
get_term_by_sis_id("term-150"): None
enrollments: 150 of 150
enrollments, Canvas(per_page=100): 150 of 150
enrollments, {"per_page": 100}: 100 of 150' ]
