"""Several reads in one call (Schoology REST API: multiget). The documentation shows only its XML."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from msgspec.structs import replace

from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.schoology.replies import as_list, content, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback_simulators.records import Record


MOST_REQUESTS = 50
_ALLOWED = re.compile(
    r"/v1/(courses/[^/]+(/sections)?|users/(ext/)?[^/]+|users/[^/]+/sections|sections/(ext/)?[^/]+"
    r"|sections/[^/]+/(assignments|enrollments|grade_items|grades|discussions))"
)


def multiget(handle: Callable[[Request], Reply], request: Request) -> Reply:
    """POST /multiget: up to 50 GETs, from a documented set, with one signature."""
    paths = as_list(content(request).get("request"))
    if not paths or len(paths) > MOST_REQUESTS:
        raise refusal(400, f"1 to {MOST_REQUESTS} requests are expected")
    return json_reply(207, {"response": [_one(handle, request, str(path)) for path in paths]})


def _one(handle: Callable[[Request], Reply], request: Request, address: str) -> Record:
    raw_path, _, query = address.partition("?")
    single = replace(
        request, method="GET", path=unquote(raw_path), raw_path=raw_path, query_string=query, body=b""
    )
    if not _ALLOWED.fullmatch(single.path):
        return {"location": address, "response_code": 403, "body": ""}
    try:
        reply = handle(single)
    except Refusal as refused:
        reply = refused.reply
    body: Any = reply.body.decode()
    if any(value.startswith("application/json") for _, value in reply.headers):
        body = json.loads(body)
    return {"location": address, "response_code": reply.status, "body": body}
