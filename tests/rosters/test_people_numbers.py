"""The numbers that people have besides their SIS id."""

from __future__ import annotations

import pytest

from passback.store import roster
from support.imports import Importer, counts
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Files, with_columns

ONEROSTER = {"identifier": ("S1", "S2", "T1"), "userMasterIdentifier": ("M1", "", "M3")}
NUMBERED: dict[str, Files] = {
    "clever": with_columns(
        with_columns(
            CLEVER,
            "students.csv",
            {"Student_number": ("S1", "S2"), "State_id": ("M1",), "Username": ("ann", "ben")},
        ),
        "teachers.csv",
        {"Teacher_number": ("T1",), "State_teacher_id": ("M3",), "Username": ("tom",)},
    ),
    "1.1": with_columns(ONEROSTER_11, "users.csv", ONEROSTER),
    "1.2": with_columns(ONEROSTER_12, "users.csv", ONEROSTER),
}


def numbers(bring: Importer) -> dict[str, tuple[str | None, str | None, str | None]]:
    return {it.sis_id: (it.number, it.state_id, it.username) for it in bring.all(roster.USERS)}


@pytest.mark.parametrize("files", NUMBERED.values(), ids=NUMBERED)
def test_every_format_keeps_the_numbers(bring: Importer, files: Files) -> None:
    bring(files)
    assert numbers(bring) == {
        "p1": ("S1", "M1", "ann"), "p2": ("S2", None, "ben"), "t1": ("T1", "M3", "tom"),
    }  # fmt: skip
    assert counts(bring(files)) == {}


def test_a_teacher_of_clevers_layout_may_have_a_state_id_under_the_students_name(bring: Importer) -> None:
    bring(with_columns(CLEVER, "teachers.csv", {"State_id": ("M3",)}))
    assert numbers(bring)["t1"] == (None, "M3", None)


def test_a_person_with_two_roles_has_the_numbers_in_both(bring: Importer) -> None:
    rows = NUMBERED["1.1"]["enrollments.csv"]
    also = ("e5", "", "", "c1", "s1", "t1", "student", "", "", "")
    bring({**NUMBERED["1.1"], "enrollments.csv": [*rows, also]})
    them = {it.role: it.number for it in bring.all(roster.USERS) if it.sis_id == "t1"}
    assert them == {"student": "T1", "teacher": "T1"}


@pytest.mark.parametrize(
    ("column", "field", "before"),
    [
        ("identifier", "number", "S1"),
        ("userMasterIdentifier", "state_id", "M1"),
        ("username", "username", "ann"),
    ],
)
@pytest.mark.parametrize("value", ["new", ""])
def test_a_changed_number_is_an_event(
    bring: Importer, column: str, field: str, before: str, value: str
) -> None:
    bring(NUMBERED["1.1"])
    seen = len(bring.events())
    title, first, *rest = NUMBERED["1.1"]["users.csv"]
    row = [value if name == column else it for name, it in zip(title, first, strict=True)]
    bring({**NUMBERED["1.1"], "users.csv": [title, row, *rest]})
    assert bring.events()[seen:] == [("users.updated", {field: before})]


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_delta_changes_the_numbers_of_those_it_names(bring: Importer, version: str) -> None:
    files = NUMBERED[version]
    bring(files)
    title, first, *_ = files["users.csv"]
    changed = {"status": "active", "dateLastModified": "2026-11-20T08:00:00.000Z", "identifier": "S9",
               "userMasterIdentifier": ""}  # fmt: skip
    row = [changed.get(name, it) for name, it in zip(title, first, strict=True)]
    modes = [
        ("file.users", "delta"),
        *((f"file.{it}", "absent") for it in ("orgs", "classes", "enrollments")),
    ]
    manifest = [
        ("propertyName", "value"),
        ("manifest.version", "1.0"),
        ("oneroster.version", version),
        *modes,
    ]
    bring({"manifest.csv": manifest, "users.csv": [title, row]})
    assert numbers(bring) == {
        "p1": ("S9", None, "ann"), "p2": ("S2", None, "ben"), "t1": ("T1", "M3", "tom"),
    }  # fmt: skip
