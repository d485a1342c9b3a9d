"""Slate, the LMS of docs/examples: a server for it, and the example's connector, found as an installed package's is."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from passback.lms import registry
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, People, simulated
from passback_simulators.records import Record
from passback_simulators.reply import Refusal, Reply, json_reply
from passback_simulators.request import Request
from passback_simulators.route import Route, route
from passback_simulators.simulator import Simulator

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

SECTIONS = {
    "s1": ["teacher-1", *(f"student-{number}" for number in range(1, 6))],
    "s2": ["teacher-2", "student-6"],
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


@contextlib.contextmanager
def installed() -> Iterator[list[str]]:
    """The example as an installed package: a module and the metadata that names its entry point, on the path."""
    with tempfile.TemporaryDirectory() as folder:
        metadata = Path(folder) / "slate_connector-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: slate-connector\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text("[passback.connectors]\nslate = slate:KIND\n")
        added = [folder, str(EXAMPLES)]
        sys.path[:0] = added
        try:
            yield added
        finally:
            del sys.path[: len(added)]


@contextlib.contextmanager
def slate() -> Iterator[Lms]:
    """Slate, with the example's connector."""
    simulator = SlateSimulator(SetClock())

    def delete(assignment: str) -> None:
        simulator.records.remove("assignments", assignment)

    def unenroll(student: str) -> None:
        simulator.records.all("sections")[0]["people"].remove(student)

    people = People("s1", SECTIONS["s1"][1:], "teacher-1", "s2", "student-6", "teacher-2", "s9")
    with installed(), simulated(
        simulator, registry.kind("slate"), people, delete=delete, unenroll=unenroll
    ) as lms:  # fmt: skip
        yield lms
