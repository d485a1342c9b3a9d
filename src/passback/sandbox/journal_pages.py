"""``/sandbox/requests``: the journal by HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from passback.sandbox.journal import MOST_KEPT, Wanted
from passback.sandbox.recorded import token_hash
from passback.web.messages import JSON, Response
from passback.web.pages import not_allowed
from passback.wire import dates
from passback.wire.encode import encode
from passback.wire.errors import Refusal, bad_request, resource_not_found

if TYPE_CHECKING:
    from passback.sandbox.journal import Body, Entry, Journal
    from passback.web.messages import Request
    from passback.web.pages import Page

PATH = "/sandbox/requests"
_USUAL_LIMIT = 100
_DIGITS = 10
PARAMETERS = (
    "token", "district", "application", "method", "path", "status", "request_id", "since", "before", "limit",
)  # fmt: skip


def list_page(journal: Journal) -> Page:
    """``GET`` and ``DELETE`` of the list."""

    async def page(request: Request) -> Response:
        match request.method:
            case "GET" | "HEAD":
                return Response(200, encode(_listed(journal, request.query.decode("latin-1"))), JSON)
            case "DELETE":
                journal.clear()
                return Response(200, b"{}", JSON)
            case _:
                return not_allowed("GET", "HEAD", "DELETE")

    return page


def entry_page(journal: Journal) -> Page:
    """``GET`` of one request, by its id in the journal. The page raises `Refusal`."""

    async def page(request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            return not_allowed("GET", "HEAD")
        id_ = request.path.decode("latin-1").removeprefix(f"{PATH}/")
        entry = journal.entry(int(id_)) if id_.isascii() and id_.isdecimal() and len(id_) < _DIGITS else None
        if entry is None:
            raise resource_not_found()
        return Response(200, encode({"data": shown(entry)}), JSON)

    return page


def _listed(journal: Journal, query: str) -> dict[str, Any]:
    asked = dict(parse_qsl(query, keep_blank_values=True))
    limit = _number(asked, "limit", _USUAL_LIMIT)
    if not 1 <= limit <= MOST_KEPT:
        raise _refused(f"limit must be from 1 to {MOST_KEPT}")
    found = journal.find(wanted(asked), limit + 1)
    links = []
    if len(found) > limit:
        found.pop()
        further = urlencode({**asked, "before": found[-1].id})
        links.append({"rel": "next", "uri": f"{PATH}?{further}"})
    return {"data": [shown(it) for it in found], "links": links}


def wanted(asked: Mapping[str, str]) -> Wanted:
    """The filters of a query. Raises `Refusal`."""
    if unknown := sorted(asked.keys() - set(PARAMETERS)):
        raise _refused(f"there is no parameter '{unknown[0]}': there are {', '.join(PARAMETERS)}")
    since = asked.get("since")
    return Wanted(
        token=token_hash(asked["token"].encode()) if asked.get("token") else b"",
        district=asked.get("district", ""),
        application=asked.get("application", ""),
        method=asked.get("method", "").upper(),
        path=asked.get("path", ""),
        status=_number(asked, "status", None),
        request_id=asked.get("request_id", ""),
        since=dates.parse(since).instant if since else None,
        before=_number(asked, "before", None),
    )


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as it is answered."""
    answer = entry.answer
    return {
        "id": entry.id,
        "request_id": entry.request_id,
        "at": dates.show(entry.at),
        "milliseconds": entry.milliseconds,
        "district_id": entry.district_id or None,
        "application": entry.application or None,
        "request": {
            "method": entry.method,
            "path": entry.path,
            "query": entry.query,
            "headers": entry.headers,
            **_body(entry.body),
        },
        "answer": None
        if answer is None
        else {"status": answer.status, "headers": answer.headers, **_body(answer.body)},
        "warnings": entry.warnings,
        "lms_calls": entry.lms_calls,
    }


def _body(body: Body | None) -> dict[str, Any]:
    return (
        {"body": None, "body_bytes": None} if body is None else {"body": body.text, "body_bytes": body.size}
    )


def _number(asked: Mapping[str, str], name: str, otherwise: Any) -> Any:
    text = asked.get(name)
    if not text:
        return otherwise
    if not (text.isascii() and text.isdecimal() and len(text) < _DIGITS):
        raise _refused(f"{name} must be a whole number")
    return int(text)


def _refused(reason: str) -> Refusal:
    return bad_request(f"INVALID_SANDBOX_QUERY: {reason}")
