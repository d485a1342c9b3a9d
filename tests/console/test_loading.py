"""What the console needs is loaded with its first page: a server that nobody opens it on does without."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
SCRIPT = """
import http.client, json, sys
sys.path.insert(0, sys.argv[1])
from support.sandbox import serving

def loaded():
    return sorted({it.split(".")[0] for it in sys.modules} & {"argon2", "authlib", "httpx2", "jinja2", "starlette", "wtforms"})

with serving() as sandbox:
    sandbox.create()
    before = loaded()
    connection = http.client.HTTPConnection("127.0.0.1", sandbox.port)
    connection.request("GET", "/console/sign-in")
    assert connection.getresponse().read()
    connection.close()
    print(json.dumps([before, loaded()]))
"""


def test_nothing_of_the_console_is_loaded_before_its_first_page() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(TESTS)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    assert before == []
    assert {"jinja2", "starlette", "wtforms"} <= {*after}
