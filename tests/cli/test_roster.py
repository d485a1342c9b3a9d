"""``passback roster import``, as people run it, beside a server."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from support import commands as running
from support.blocks import blocks, without_numbers
from support.rosters import CLEVER, ONEROSTER_12, Table, changed, with_columns, without, zipped
from support.sandbox import DISTRICT, ESSAY, Sandbox, serving

REMOVED = "40 of 40 students, 42 of 42 enrollments"


class Commands:
    """The command on the data folder of a sandbox that is being served."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self._folder = folder
        self.sandbox = sandbox

    def run(
        self, files: Mapping[str, Table] | Path, *arguments: str, district: str = DISTRICT
    ) -> subprocess.CompletedProcess[str]:
        file = files if isinstance(files, Path) else zipped(self._folder / "roster.zip", files)
        return self.command(str(file), *arguments, district=district)

    def command(self, *arguments: str, district: str = DISTRICT) -> subprocess.CompletedProcess[str]:
        return self._roster("import", "--district", district, *arguments)

    def _roster(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**running.ENVIRONMENT, "PASSBACK_DATA": str(self._folder / "data")}
        return running.run("roster", *arguments, environment=environment)

    def status(self) -> str:
        return self._roster("status", "--district", DISTRICT).stdout

    def bring(self, files: Mapping[str, Table]) -> None:
        told = self.run(files, "--allow-removals")
        assert told.returncode == 0, told

    def users(self) -> dict[str, str]:
        """Our ids by the SIS ids."""
        found = self.sandbox.get("/v3.1/users?limit=1000").data
        return {role["sis_id"]: it["data"]["id"] for it in found for role in it["data"]["roles"].values()}


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    with serving(tmp_path / "data") as sandbox:
        yield Commands(tmp_path, sandbox)


def test_a_dry_run_shows_what_would_change_and_changes_nothing(commands: Commands) -> None:
    before = commands.users()
    told = commands.run(CLEVER, "--dry-run", "--allow-removals")
    assert (told.returncode, told.stderr, commands.users()) == (0, "", before)
    rows = [line.split() for line in told.stdout.splitlines()]
    assert ["students", "40", "2", "0", "40"] in rows
    assert ["enrollments", "42", "3", "0", "42"] in rows


def test_more_than_a_tenth_is_removed_only_where_it_is_said(commands: Commands) -> None:
    tried, refused = commands.run(CLEVER, "--dry-run"), commands.run(CLEVER)
    assert (tried.returncode, tried.stderr) == (refused.returncode, refused.stderr)
    assert (refused.returncode, REMOVED in refused.stderr) == (1, True)
    [shown] = blocks("docs/how-to/load-a-roster.md", "")
    assert without_numbers(refused.stderr) == without_numbers(shown.text)
    assert ({"p1", "p2", "t1"} < set(commands.users()), len(commands.users())) == (True, 45)
    held = commands.sandbox.get(f"/v3.1/districts/{DISTRICT}").data["held_back"]
    assert (held["removals"]["students"], "unmatched" in held) == (40, False)
    told = commands.status()
    assert ("waits removal of" in told, "40 students" in told) == (True, True)
    done = commands.run(CLEVER, "--allow-removals")
    assert (done.returncode, done.stdout.splitlines()[-1], set(commands.users())) == (
        0,
        "Done.",
        {"p1", "p2", "t1"},
    )
    again = commands.run(CLEVER)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "Nothing to change.")
    assert "held_back" not in commands.sandbox.get(f"/v3.1/districts/{DISTRICT}").data
    assert "waits" not in commands.status()


def test_problems_are_told_and_nothing_is_changed(commands: Commands) -> None:
    told = commands.run(changed(CLEVER, "enrollments.csv", 2, "Student_id", "\x1b[31mp9"), "--strict")
    assert (told.returncode, told.stdout, "p1" in commands.users()) == (1, "", False)
    assert told.stderr.splitlines() == [
        "enrollments.csv, line 2, Student_id: there is no user '[31mp9': add it, or correct the id",
        "passback: 1 problem; nothing has been changed",
    ]


def test_rows_with_problems_are_told_and_left_out(commands: Commands) -> None:
    *enrolled, _ = CLEVER["enrollments.csv"]
    files = {**CLEVER, "enrollments.csv": [*enrolled, enrolled[-1], ("s1", "c9", "p2")]}
    wrong = changed(files, "students.csv", 2, "Last_name", "")
    [shown] = blocks("docs/reference/roster-files.md", "")
    for arguments in (["--dry-run"], ["--max-bad-rows", "2"], ["--max-bad-rows", "0.5%"]):
        told = commands.run(wrong, "--allow-removals", *arguments)
        assert told.returncode == 1
        assert told.stderr.splitlines()[:3] == [
            "students.csv, line 2, Last_name: the value is empty: every row needs one",
            "enrollments.csv, line 4, Section_id: there is no section 'c9': add it, or correct the id",
            "warning: enrollments.csv, line 2, Student_id: 2 rows, starting with this one, refer to users that are"
            " missing, or were skipped because of the problems in students.csv",
        ]
        assert without_numbers(told.stderr) == without_numbers(shown.text)
    assert set(commands.users()) == {"p2", "t1"}


def test_too_many_rows_with_problems_change_nothing(commands: Commands) -> None:
    wrong = changed(CLEVER, "enrollments.csv", 2, "Student_id", "p9")
    told = commands.run(wrong, "--allow-removals", "--max-bad-rows", "0")
    assert (told.returncode, told.stdout, "p2" in commands.users()) == (1, "", False)
    assert told.stderr.splitlines()[-1] == (
        "passback: 1 problem, in 1 row, of which no more than 0 may be left out (--max-bad-rows); nothing has been changed"
    )


@pytest.mark.parametrize("bound", ["x", "-1", "101%", "1.5", "", "%"])
def test_a_bound_that_is_none_is_refused(commands: Commands, bound: str) -> None:
    told = commands.run(CLEVER, f"--max-bad-rows={bound}")
    assert (told.returncode, "is not a number of rows" in told.stderr) == (2, True)
    both = commands.run(CLEVER, "--max-bad-rows=1", "--strict")
    assert (both.returncode, "not both" in both.stderr) == (2, True)


def test_only_the_first_problems_are_shown_unless_all_are_wanted(commands: Commands) -> None:
    header, *_ = CLEVER["enrollments.csv"]
    wrong = {**CLEVER, "enrollments.csv": [header, *(("s1", "c1", f"x{number}") for number in range(70))]}
    assert commands.run(wrong, "--strict").stderr.splitlines()[-1] == (
        "passback: 70 problems, 20 of them not shown; nothing has been changed"
    )
    assert len(commands.run(wrong, "--strict", "--all-problems").stderr.splitlines()) == 71


def test_the_built_in_gradebook_has_no_roster_to_read(commands: Commands) -> None:
    told = commands.command("--from-lms", "--allow-removals")
    assert (told.returncode, "is not connected to an LMS" in told.stderr) == (2, True)
    district = commands.sandbox.get(f"/v3.1/districts/{DISTRICT}").data
    assert (district["lms_state"], len(commands.users())) == ("success", 42)


@pytest.mark.parametrize(
    ("file", "district", "told"),
    [
        ("/no/such/file.zip", DISTRICT, "there is no file /no/such/file.zip"),
        (__file__, DISTRICT, "not a readable zip archive"),
        ("", DISTRICT, "name a file"),
        (__file__, "f" * 24, "there is no district"),
    ],
)
def test_what_cannot_be_done_is_told(commands: Commands, file: str, district: str, told: str) -> None:
    refused = commands.command(file, district=district)
    assert (refused.returncode, told in refused.stderr) == (2, True)


def test_who_is_left_out_is_counted(commands: Commands) -> None:
    told = commands.run(ONEROSTER_12, "--dry-run", "--allow-removals")
    assert told.stdout.splitlines()[-3:-1] == [
        "1 person is left out: neither student nor teacher, or not active today",
        "1 enrollment is left out: not active today, or of people in another role",
    ]


def test_a_student_who_left_is_not_found_at_once_and_has_all_grades_on_return(commands: Commands) -> None:
    commands.bring(CLEVER)
    sandbox = commands.sandbox
    [section] = sandbox.get("/v3.1/sections").data
    assignments = f"/v3.1/sections/{section['data']['id']}/assignments"
    assignment = sandbox.post(assignments, ESSAY).data["id"]
    path = f"{assignments}/{assignment}/submissions/{commands.users()['p2']}"
    assert sandbox.call("PATCH", path, '{"grade_points":18,"grade_comment":"Well argued"}').status == 200
    before = sandbox.get(path).data
    commands.bring(without(without(CLEVER, "students.csv", 3), "enrollments.csv", 3))
    gone = sandbox.get(path)
    assert (gone.status, gone.json) == (404, {"message": "User not found"})
    commands.bring(CLEVER)
    assert sandbox.get(path).data == before


# Events


def events(sandbox: Sandbox, query: str = "") -> Any:
    reply = sandbox.get(f"/v3.1/events{query}")
    assert reply.status == 200, reply
    return reply.json


def test_applications_follow_by_events(commands: Commands) -> None:
    commands.bring(CLEVER)
    sandbox = commands.sandbox
    seen = events(sandbox)["data"][-1]["data"]["id"]
    commands.bring(changed(CLEVER, "students.csv", 2, "Last_name", "Aspen"))
    [found] = [it["data"] for it in events(sandbox, f"?starting_after={seen}")["data"]]
    assert (found["type"], found["data"]["previous_attributes"]) == (
        "users.updated",
        {"name": {"last": "Ash"}},
    )
    assert found["data"]["object"] == sandbox.get(f"/v3.1/users/{commands.users()['p1']}").data
    assert sandbox.get(f"/v3.1/events/{found['id']}").data == found


def test_numbers_are_shown_in_the_persons_role_and_their_changes_are_events(commands: Commands) -> None:
    def numbered(*rows: tuple[str, str, str]) -> dict[str, Table]:
        titles = ("Student_number", "State_id", "Username")
        return with_columns(CLEVER, "students.csv", dict(zip(titles, zip(*rows, strict=True), strict=True)))

    sandbox = commands.sandbox
    commands.bring(with_columns(numbered(("17", "", "ann")), "teachers.csv", {"Teacher_number": ("T-1",)}))
    shown = {
        sis_id: next(iter(sandbox.get(f"/v3.1/users/{id_}").data["roles"].values()))
        for sis_id, id_ in commands.users().items()
    }
    school = shown["p2"]["school"]
    assert shown == {
        "p1": {
            "credentials": {"district_username": "ann"}, "grade": "9", "school": school, "sis_id": "p1",
            "student_number": "17",
        },
        "p2": {"grade": "9", "school": school, "sis_id": "p2"},
        "t1": {"school": school, "sis_id": "t1", "teacher_number": "T-1"},
    }  # fmt: skip
    seen = events(sandbox)["data"][-1]["data"]["id"]
    commands.bring(numbered(("18", "S-1", "")))
    found = [it["data"]["data"] for it in events(sandbox, f"?starting_after={seen}")["data"]]
    assert {it["object"]["id"]: it["previous_attributes"]["roles"] for it in found} == {
        commands.users()["p1"]: {
            "student": {"credentials": {"district_username": "ann"}, "state_id": None, "student_number": "17"}
        },
        commands.users()["t1"]: {"teacher": {"teacher_number": "T-1"}},
    }


@pytest.mark.parametrize("limit", [2, 1000])
def test_a_copy_that_follows_is_what_there_is(commands: Commands, limit: int) -> None:
    sandbox = commands.sandbox
    copy = read_all(sandbox)
    seen = events(sandbox, "?ending_before=last&limit=1")["data"]
    place = seen[-1]["data"]["id"] if seen else "0" * 24
    for files in (
        CLEVER,
        changed(CLEVER, "sections.csv", 2, "Name", "Algebra"),
        without(changed(CLEVER, "sections.csv", 2, "Teacher_id", ""), "enrollments.csv", 3),
        without(without(CLEVER, "students.csv", 3), "enrollments.csv", 3),
        {**CLEVER, "sections.csv": CLEVER["sections.csv"][:1], "enrollments.csv": CLEVER["enrollments.csv"][:1]},
        CLEVER,
    ):  # fmt: skip
        commands.bring(files)
    while page := events(sandbox, f"?starting_after={place}&limit={limit}")["data"]:
        for event in (it["data"] for it in page):
            kind, what = event["type"].split(".")
            found = event["data"]["object"]
            if what == "deleted":
                del copy[kind][found["id"]]
            else:
                copy[kind][found["id"]] = found
        place = page[-1]["data"]["id"]
    assert copy == read_all(sandbox)


def read_all(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """Everything that events are about, by kind and id."""
    kinds = ("schools", "terms", "courses", "sections", "users")
    return {
        kind: {it["data"]["id"]: it["data"] for it in sandbox.get(f"/v3.1/{kind}?limit=1000").data} for kind in kinds
    }  # fmt: skip


def test_a_section_that_is_no_more_is_told_with_who_was_in_it(commands: Commands) -> None:
    commands.bring(CLEVER)
    [section] = commands.sandbox.get("/v3.1/sections").data
    commands.bring(
        {
            **CLEVER,
            "sections.csv": CLEVER["sections.csv"][:1],
            "enrollments.csv": CLEVER["enrollments.csv"][:1],
        }
    )
    [told] = events(commands.sandbox, "?record_type=sections&ending_before=last&limit=1")["data"]
    assert (told["data"]["type"], told["data"]["data"]["object"]) == ("sections.deleted", section["data"])


def test_events_come_in_pages_in_both_directions(commands: Commands) -> None:
    commands.bring(CLEVER)
    sandbox = commands.sandbox
    everything = events(sandbox)["data"]
    page = events(sandbox, "?limit=20")
    found = [*page["data"]]
    while following := [link["uri"] for link in page["links"] if link["rel"] == "next"]:
        page = sandbox.get(following[0]).json
        found += page["data"]
    assert found == everything
    last = everything[-1]["data"]["id"]
    assert events(sandbox, f"?ending_before={last}&limit=3")["data"] == everything[-4:-1]


def test_the_newest_events_can_be_asked_for(commands: Commands) -> None:
    commands.bring(CLEVER)
    assert (
        events(commands.sandbox, "?ending_before=last&limit=2")["data"]
        == events(commands.sandbox)["data"][-2:]
    )


def test_events_of_some_kinds_of_objects(commands: Commands) -> None:
    commands.bring(CLEVER)
    everything = [
        it for it in events(commands.sandbox)["data"] if it["data"]["type"].startswith(("users", "schools"))
    ]
    page = events(commands.sandbox, "?record_type=users&record_type=schools&limit=2")
    found = [*page["data"]]
    while following := [link["uri"] for link in page["links"] if link["rel"] == "next"]:
        page = commands.sandbox.get(following[0]).json
        found += page["data"]
    assert found == everything
    assert (
        events(commands.sandbox, "?record_type=schools&ending_before=last&limit=1")["data"] == everything[-1:]
    )
    assert events(commands.sandbox, "?record_type=contacts")["data"] == []


def test_events_of_an_unknown_kind(commands: Commands) -> None:
    reply = commands.sandbox.get("/v3.1/events?record_type=users&record_type=students")
    kinds = "contacts courses districts resources schools sections terms users"
    assert (reply.status, reply.json) == (
        400,
        {"message": f"record_type in query should be one of [{kinds}]"},
    )


@pytest.mark.parametrize("event_id", ["x", "last", "0" * 24, "f" * 24, "'" * 24])
def test_an_event_that_there_is_not(commands: Commands, event_id: str) -> None:
    reply = commands.sandbox.get(f"/v3.1/events/{event_id}")
    assert (reply.status, reply.json) == (404, {"message": "Resource not found"})


@pytest.mark.parametrize("where", ["starting_after", "ending_before"])
def test_a_place_among_the_events_must_be_one(commands: Commands, where: str) -> None:
    asked = {
        it: commands.sandbox.get(f"/v3.1/events?{where}={it}") for it in ("x", "'" * 24, "0" * 24, "last")
    }
    assert [reply.status for reply in asked.values()] == [400, 400, 200, 200]
    assert asked["x"].json == {"message": f"{where} in query should be the id of an event"}


def test_anothers_events_are_not_seen(commands: Commands) -> None:
    commands.bring(CLEVER)
    assert commands.sandbox.client("DEMO_CANVAS_TOKEN").get("/v3.1/events").json["data"] == []
