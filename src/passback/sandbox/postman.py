"""The Postman collection (v2.1): every call of the OpenAPI document, and a call for each of the published errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from passback.sandbox.published import PUBLISHED, Published
from passback.wire.openapi import examples
from passback.wire.openapi.document import document
from passback_simulators.identities import SANDBOX_UNIFIED

Json = dict[str, Any]
_ASSIGNMENTS = "/v3.1/sections/{section_id}/assignments"

FORMAT = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
GRADES, ERRORS = "Assignments and submissions", "Published errors"

_FOLDERS = {"Assignments": GRADES, "Submissions": GRADES}
"""By tag, if it is not the tag's own name."""
_DESCRIPTION = """\
Every call of Passback, and one for each of the fifteen published errors. Set `base_url` and `token` to those of your \
gateway; as they are, they lead to a sandbox on this machine. The collection can be run from top to bottom, and so can \
each folder: what a call creates or lists sets its id for the calls that follow. Calls for a change to the roster, if \
there was none, and for the code of a launch, which comes with a person from an LMS (set `code`), are skipped."""
_VALUES = {
    "base_url": "http://127.0.0.1:8080",
    "token": SANDBOX_UNIFIED.token,
    "section_id": examples.SECTION,
    "user_id": examples.STUDENT,
    "district_id": examples.DISTRICT,
}
"""Of the variables that have one from the start."""
_RENAMED = {"section": "section_id", "assignment": "assignment_id", "user": "user_id"}
"""The variables of parameters that have another name than those of the API."""
_FROM_LISTS = {
    "schools": "first.data.id",
    "terms": "first.data.id",
    "courses": "first.data.id",
    "events": "first.data.id",
    "deliveries": "first.id",
    "messages": "first.id",
    "requests": "first.id",
}
"""By the last segment of a list's path: the id in its first item that the calls that follow use."""
_MAY_BE_UNSET = {"event_id", "code"}
"""Variables that nothing may have set, because there is nothing in a new sandbox: their calls are skipped then."""
_BODIES = {
    "createWebhook": json.dumps({"fetch": True}),
    "loadSandbox": "{{state}}",
}
"""By operation: the bodies that are others than the document's examples, so that the calls that follow succeed."""


def collection() -> Json:
    """The collection. It is the same for every version that has the same calls."""
    described = document("", sandbox=True)
    folders: dict[str, list[Json]] = {}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            [tag] = operation["tags"]
            item = _call(path, method.upper(), operation)
            folders.setdefault(_FOLDERS.get(tag, tag), []).append(item)
    for items in folders.values():
        # What deletes comes last, so that the calls before it find something; then what resets, for the next folder.
        items.sort(
            key=lambda item: (
                item["request"]["url"]["raw"].endswith("/reset"),
                item["request"]["method"] == "DELETE",
            )
        )
    create = _call(_ASSIGNMENTS, "POST", described["paths"][_ASSIGNMENTS]["post"])
    create |= {"name": "First create an assignment"}
    folders["Deliveries"].insert(0, _in_the_background(create))
    folders["Sandbox"].insert(0, create)
    folders = {GRADES: folders.pop(GRADES), ERRORS: [create, *_errors(described)], **folders}
    found: Json = {
        "info": {"name": "Passback", "description": _DESCRIPTION, "schema": FORMAT},
        "auth": _bearer("{{token}}"),
        "item": [{"name": name, "item": items} for name, items in folders.items()],
    }
    used = sorted(
        set(re.findall(r"\{\{(\w+)\}\}", json.dumps([found["auth"], found["item"]]))) - {"grader_id"}
    )
    return found | {"variable": [{"key": name, "value": _VALUES.get(name, "")} for name in used]}


def _call(path: str, method: str, operation: Json) -> Json:
    parameters = operation.get("parameters", [])
    # Optional ones are there to be switched on.
    headers = [_optional(it) for it in parameters if it["in"] == "header"]
    query = [
        _optional(it) | {"disabled": not it.get("required", False)}
        for it in parameters
        if it["in"] == "query"
    ]
    request = _request(method, _with_variables(path), headers, operation["description"])
    if query:
        request["url"]["query"] = query
        given = "&".join(f"{it['key']}={it['value']}" for it in query if not it["disabled"])
        request["url"]["raw"] += f"?{given}" if given else ""
    if operation.get("security") == []:
        request["auth"] = {"type": "noauth"}
    if "requestBody" in operation:
        content = operation["requestBody"]["content"]["application/json"]
        example = json.dumps(content.get("example", {}), indent=2)
        request["body"] = _body(_BODIES.get(operation["operationId"], example))
    item: Json = {"name": operation["summary"], "request": request, "response": []}
    answer = operation["responses"]["200"].get("content", {}).get("application/json", {})
    if "example" in answer:
        item["response"] = [_response("OK", 200, json.dumps(answer["example"], indent=2), request)]
    item["event"] = [
        _test(["pm.test('it succeeds', () => pm.response.to.have.status(200));", *_kept(path, method)])
    ]
    for name in _MAY_BE_UNSET & {*re.findall(r"\{\{(\w+)\}\}", request["url"]["raw"])}:
        skip = f"if (!pm.variables.get('{name}')) pm.execution.skipRequest();"
        item["event"].append(_script("prerequest", [skip]))
    return item


def _in_the_background(create: Json) -> Json:
    """The call that creates an assignment, answered with a delivery."""
    request = create["request"] | {"header": [{"key": "Prefer", "value": "respond-async"}]}
    kept = "pm.collectionVariables.set('delivery_id', pm.response.json().data.id);"
    check = "pm.test('it is accepted', () => pm.response.to.have.status(202));"
    return {
        "name": "First create an assignment in the background",
        "request": request,
        "response": [],
        "event": [_test([check, kept])],
    }


def _kept(path: str, method: str) -> Iterator[str]:
    """What keeps the id of something new, or of something that exists, for the calls that follow."""
    last = path.rpartition("/")[2]
    if method == "POST" and last in ("assignments", "webhooks"):
        yield f"pm.collectionVariables.set('{_variable(last, 'id')}', pm.response.json().data.id);"
    elif method == "GET" and last in _FROM_LISTS:
        yield "const [first] = pm.response.json().data;"
        yield f"if (first) pm.collectionVariables.set('{_variable(last, 'id')}', {_FROM_LISTS[last]});"
    elif method == "GET" and path == "/sandbox/state":
        yield "pm.collectionVariables.set('state', pm.response.text());"


def _with_variables(path: str) -> str:
    """A path of the document with Postman's variables."""
    return re.sub(r"(\w+)/\{(\w+)\}", lambda it: f"{it[1]}/{{{{{_variable(it[1], it[2])}}}}}", path)


def _variable(before: str, name: str) -> str:
    """The variable of a parameter; an `{id}` is named after what stands before it in the path."""
    if name != "id":
        return _RENAMED.get(name, name)
    return ("delivery" if before == "deliveries" else before.removesuffix("s")) + "_id"


# The published errors


def _errors(described: Json) -> Iterator[Json]:
    shown = described["components"]["examples"].values()
    texts = {
        it["summary"].partition(":")[0]: it["value"] for it in shown
    }  # the plain one of row 4 comes later
    for error in PUBLISHED:
        text = texts.get(f"Row {error.number}", "")
        yield _error(error, text if isinstance(text, str) else _envelope(error, text["message"]))


def _envelope(error: Published, message: str) -> str:
    """The body as it is answered, with what was sent in the places that are left for it."""
    sent = json.loads(error.body) if error.number in (9, 10) and error.body else {}
    message = message.replace("{{grader_id}}", sent.get("grader_id", ""))
    message = message.replace("YYYY-MM-DD", sent.get("due_date", ""))
    space = " " if error.number in (11, 12) else ""
    return f'{{"message":{space}{json.dumps(message)}}}'


def _error(error: Published, answer: str) -> Json:
    path = error.path.replace("{a}", "{{assignment_id}}").replace(examples.SECTION, "{{section_id}}")
    request = _request(error.method, path, [], error.mend)
    if error.body is not None:
        request["body"] = _body(error.body)
    if error.token is None:
        request["auth"] = {"type": "noauth"}
    elif error.token != SANDBOX_UNIFIED.token:
        request["auth"] = _bearer(error.token)
    name = f"Row {error.number}: {error.title}"
    checks = [
        f"pm.test('status', () => pm.response.to.have.status({error.status}));",
        f"pm.test('body', () => pm.expect(pm.response.text()).to.equal({json.dumps(answer)}));",
    ]
    return {
        "name": name,
        "request": request,
        "response": [_response(name, error.status, answer, request)],
        "event": [_test(checks)],
    }


# Postman's objects


def _request(method: str, path: str, headers: list[Json], description: str) -> Json:
    url = {
        "raw": f"{{{{base_url}}}}{path}",
        "host": ["{{base_url}}"],
        "path": path.removeprefix("/").split("/"),
    }
    return {"method": method, "header": headers, "url": url, "description": description}


def _body(text: str) -> Json:
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


def _optional(parameter: Json) -> Json:
    value = str(parameter.get("example", ""))
    return {
        "key": parameter["name"],
        "value": value,
        "description": parameter["description"],
        "disabled": True,
    }


def _response(name: str, status: int, body: str, request: Json) -> Json:
    kind = "json" if body.startswith("{") else "text"
    return {
        "name": name,
        "originalRequest": request,
        "code": status,
        "body": body,
        "_postman_previewlanguage": kind,
    }


def _bearer(token: str) -> Json:
    return {"type": "bearer", "bearer": [{"key": "token", "value": token, "type": "string"}]}


def _test(lines: list[str]) -> Json:
    return _script("test", lines)


def _script(when: str, lines: list[str]) -> Json:
    return {"listen": when, "script": {"type": "text/javascript", "exec": lines}}
