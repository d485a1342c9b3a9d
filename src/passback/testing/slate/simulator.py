"""A server for Slate, the imagined LMS of connector.py."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Sequence

from passback.domain.clock import system_clock
from passback_simulators.records import Record
from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.server import server
from passback_simulators.simulator import Simulator

SECTIONS = {
    "s1": ["teacher-1", *(f"student-{number}" for number in range(1, 6))],
    "s2": ["teacher-2", "student-6"],
}


PEOPLE = {
    "section": "s1",
    "students": SECTIONS["s1"][1:],
    "teacher": "teacher-1",
    "other_section": "s2",
    "other_student": "student-6",
    "other_teacher": "teacher-2",
    "nowhere": "s9",
}


class SlateSimulator(Simulator):
    """The imagined LMS."""

    name = "Slate"

    def routes(self) -> Sequence[Route]:
        return [
            route("GET", "/sections", self.sections),
            route("GET", "/sections/{section}/people", self.people),
            route("GET", "/sections/{section}/assignments", self.listed),
            route("POST", "/sections/{section}/assignments", self.create),
            route("GET", "/assignments/{id}", self.read),
            route("PUT", "/assignments/{id}", self.update),
            route("DELETE", "/assignments/{id}", self.delete),
            route("GET", "/assignments/{id}/scores", self.scores),
            route("PUT", "/assignments/{id}/scores/{student}", self.score),
        ]

    def seed(self) -> None:
        for section, people in SECTIONS.items():
            self.records.put("sections", section, {"id": section, "name": section, "people": list(people)})

    def connection_credentials(self, url: str) -> dict[str, str]:
        return {"api_key": "slate-key"}

    def admit(self, request: Request) -> None:
        if request.headers.get("x-api-key") != "slate-key":
            raise Refusal(json_reply(401, {"error": "unknown key"}))

    def not_found(self, request: Request) -> Reply:
        return json_reply(404, {"error": "not found"})

    def fault_reply(self, fault: str, request: Request) -> Reply:
        return json_reply({"throttled": 429, "expired-credentials": 401}.get(fault, 500), {"error": fault})

    def ui_delete(self, assignment: str) -> None:
        self.records.remove("assignments", assignment)

    def ui_unenroll(self, student: str) -> None:
        self.records.all("sections")[0]["people"].remove(student)

    def one(self, table: str, id: str) -> Record:  # noqa: A002
        found = self.records.get(table, id)
        if found is None:
            raise Refusal(json_reply(404, {"error": "not found"}))
        return found

    def sections(self, request: Request) -> Reply:
        return json_reply(200, self.records.all("sections"))

    def people(self, request: Request, section: str) -> Reply:
        found = self.one("sections", section)["people"]
        return json_reply(200, [{"id": it, "role": it.partition("-")[0], "name": it} for it in found])

    def listed(self, request: Request, section: str) -> Reply:
        self.one("sections", section)
        return json_reply(200, [it for it in self.records.all("assignments") if it["section"] == section])

    def create(self, request: Request, section: str) -> Reply:
        self.one("sections", section)
        made = f"a{self.records.next_number('assignments')}"
        record = {"points": None, **json.loads(request.body), "id": made, "section": section, "scores": {}}
        return json_reply(201, self.records.put("assignments", made, record))

    def read(self, request: Request, id: str) -> Reply:  # noqa: A002
        return json_reply(200, self.one("assignments", id))

    def update(self, request: Request, id: str) -> Reply:  # noqa: A002
        return json_reply(
            200,
            self.records.put("assignments", id, {**self.one("assignments", id), **json.loads(request.body)}),
        )

    def delete(self, request: Request, id: str) -> Reply:  # noqa: A002
        self.one("assignments", id)
        self.records.remove("assignments", id)
        return json_reply(200, {})

    def scores(self, request: Request, id: str) -> Reply:  # noqa: A002
        held = self.one("assignments", id)
        people = self.one("sections", held["section"])["people"]
        return json_reply(
            200, {it: held["scores"].get(it, {"score": None}) for it in people if it.startswith("student")}
        )

    def score(self, request: Request, id: str, student: str) -> Reply:  # noqa: A002
        held = self.one("assignments", id)
        held["scores"][student] = {
            "score": None,
            **held["scores"].get(student, {}),
            **_given(json.loads(request.body)),
        }
        self.records.put("assignments", id, held)
        return json_reply(200, held["scores"][student])


def _given(body: Record) -> Record:
    return {name: value for name, value in body.items() if name != "graded_by" or value is not None}


if __name__ == "__main__":
    simulator = SlateSimulator(system_clock)
    simulator.start()
    with socket.create_server(("127.0.0.1", 0)) as listener, contextlib.suppress(KeyboardInterrupt):
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        server(simulator).run([listener])
