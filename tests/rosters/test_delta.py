"""OneRoster's delta files: applied to the last complete files, in any order, as often as one likes."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import pytest

from passback.rosters.import_files import Tolerance
from passback.sis.rows import UnusableFile
from passback.sis.source_rows import read_instant
from passback.store import districts, roster
from passback.store.engine.database import Opened
from passback.store.staging import source_rows
from passback.store.staging.calendar import Calendar
from passback.store.staging.compare import RosterChanged
from support.imports import DISTRICT, OTHER, Importer, counts
from support.rosters import CLEVER, ONEROSTER_11, ONEROSTER_12, Table, changed

FILES = ("orgs", "academicSessions", "courses", "classes", "users", "roles", "enrollments")
FRIDAY, SATURDAY, SUNDAY = (f"2026-11-{day}T08:00:00.000Z" for day in (20, 21, 22))


def manifest(version: str = "1.1", **modes: str) -> Table:
    stated = [(f"file.{name}", modes.get(name, "absent")) for name in FILES]
    return [("propertyName", "value"), ("manifest.version", "1.0"), ("oneroster.version", version), *stated]


def of(name: str, *rows: Mapping[str, str], files: Mapping[str, Table] = ONEROSTER_11) -> dict[str, Table]:
    """An archive with one delta file."""
    version = "1.2" if "roles.csv" in files else "1.1"
    header = files[f"{name}.csv"][0]
    return {
        "manifest.csv": manifest(version, **{name: "delta"}),
        f"{name}.csv": [header, *([row.get(column, "") for column in header] for row in rows)],
    }


def enrollment(id_: str, user: str, at: str, status: str = "active", role: str = "student") -> dict[str, str]:
    return {
        "sourcedId": id_, "status": status, "dateLastModified": at, "classSourcedId": "c1", "schoolSourcedId": "s1",
        "userSourcedId": user, "role": role,
    }  # fmt: skip


def person(
    id_: str, at: str, status: str = "active", last: str = "New", role: str = "student"
) -> dict[str, str]:
    return {
        "sourcedId": id_, "status": status, "dateLastModified": at, "enabledUser": "true", "orgSourcedIds": "s1",
        "role": role, "username": id_, "givenName": "Di", "familyName": last,
    }  # fmt: skip


def both(*parts: Mapping[str, Table]) -> dict[str, Table]:
    """One archive of several with a delta file each."""
    names = [name for part in parts for name in part if name != "manifest.csv"]
    modes = {name.removesuffix(".csv"): "delta" for name in names}
    return {**{k: v for part in parts for k, v in part.items()}, "manifest.csv": manifest(**modes)}


def kept(database: Opened) -> list[tuple[object, ...]]:
    rows = database.read_now(
        lambda conn: conn.execute(
            "SELECT file, id, gone, data FROM roster_rows WHERE district_id = :id ORDER BY file, id",
            {"id": DISTRICT},
        ).fetchall()
    )
    return [tuple(row) for row in rows]


def students(bring: Importer) -> list[str]:
    return bring.members().get("student", [])


def test_a_delta_adds_and_removes(bring: Importer) -> None:
    bring(ONEROSTER_11)
    before = bring.ids(roster.USERS)
    done = bring(
        both(
            of("users", person("p2", FRIDAY, "tobedeleted"), person("p3", FRIDAY)),
            of("enrollments", enrollment("e2", "p2", FRIDAY, "tobedeleted"), enrollment("e9", "p3", FRIDAY)),
        )
    )
    assert counts(done) == {"sections": (0, 1, 0), "students": (1, 0, 1), "enrollments": (1, 0, 1)}
    assert (bring.members(), bring.notes) == ({"student": ["p1", "p3"], "teacher": ["t1"]}, [])
    after = bring.ids(roster.USERS)
    assert {it: after[it] for it in ("p1", "t1")} == {it: before[it] for it in ("p1", "t1")}


@pytest.mark.parametrize("files", [ONEROSTER_11, ONEROSTER_12], ids=["1.1", "1.2"])
def test_a_delta_without_rows_changes_nothing(bring: Importer, files: Mapping[str, Table]) -> None:
    bring(files)
    before = kept(bring.database)
    version = "1.2" if "roles.csv" in files else "1.1"
    names = [name.removesuffix(".csv") for name in files if name != "manifest.csv"]
    empty = {f"{name}.csv": files[f"{name}.csv"][:1] for name in names}
    again = bring({**empty, "manifest.csv": manifest(version, **dict.fromkeys(names, "delta"))})
    assert (counts(again), kept(bring.database) == before, bring.notes) == ({}, True, [])


@pytest.mark.parametrize("word", ["tobedeleted", "inactive", "ToBeDeleted"])
def test_a_repeated_delta_is_harmless(bring: Importer, word: str) -> None:
    bring(ONEROSTER_11)
    wanted = of("enrollments", enrollment("e2", "p2", FRIDAY, word))
    bring(wanted)
    before = kept(bring.database)
    again = bring(wanted)
    assert (counts(again), students(bring), kept(bring.database) == before) == ({}, ["p1"], True)


DELTAS = (
    of("enrollments", enrollment("e2", "p2", FRIDAY, "tobedeleted"), enrollment("e8", "a1", FRIDAY)),
    of("enrollments", enrollment("e2", "p2", SATURDAY)),
    of(
        "enrollments",
        enrollment("e1", "p1", SUNDAY, "tobedeleted"),
        enrollment("e8", "a1", SUNDAY, "inactive"),
    ),
)


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_deltas_may_come_in_any_order(bring: Importer, order: Sequence[int]) -> None:
    bring(ONEROSTER_11)
    for place in (*order, *order[:2]):
        bring(DELTAS[place])
    assert students(bring) == ["p2"]


def test_rows_that_are_older_are_ignored_and_counted(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(of("enrollments", enrollment("e1", "p1", SATURDAY, "tobedeleted")))
    bring(of("enrollments", enrollment("e1", "p1", FRIDAY)))
    assert (students(bring), bring.notes) == (
        ["p2"], ["enrollments.csv: ignored 1 row older than what has been imported before"],
    )  # fmt: skip


def test_of_several_rows_with_one_id_the_newest_counts(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(
        of(
            "enrollments",
            enrollment("e1", "p1", SATURDAY, "tobedeleted"), enrollment("e1", "p1", FRIDAY),
            enrollment("e2", "p2", FRIDAY, "tobedeleted"), enrollment("e2", "p2", FRIDAY),
        )
    )  # fmt: skip
    assert students(bring) == ["p2"]


def test_a_row_without_a_date_counts(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(of("enrollments", enrollment("e1", "p1", SATURDAY, "tobedeleted")))
    bring(of("enrollments", enrollment("e1", "p1", "")))
    assert students(bring) == ["p1", "p2"]


def test_complete_files_win_over_deltas_that_came_before(bring: Importer) -> None:
    bring(ONEROSTER_11)
    late = of("enrollments", enrollment("e2", "p2", FRIDAY, "tobedeleted"), enrollment("e8", "p2", FRIDAY))
    bring(late)
    bring(ONEROSTER_11)
    again = bring(late)
    assert (counts(again), students(bring)) == ({}, ["p1", "p2"])
    bring(of("enrollments", enrollment("e2", "p2", SATURDAY, "tobedeleted")))
    assert students(bring) == ["p1"]


def test_the_dates_of_complete_files_count(bring: Importer) -> None:
    bring(changed(ONEROSTER_11, "enrollments.csv", 2, "dateLastModified", SATURDAY))
    bring(of("enrollments", enrollment("e1", "p1", FRIDAY, "tobedeleted")))
    assert students(bring) == ["p1", "p2"]
    bring(of("enrollments", enrollment("e1", "p1", SUNDAY, "tobedeleted")))
    assert students(bring) == ["p2"]


def test_a_removal_of_what_is_not_there_is_said(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(of("enrollments", enrollment("e77", "p1", FRIDAY, "tobedeleted")))
    [note] = bring.notes
    assert "what 1 row of the file should remove is not there" in note


def test_a_gap_between_deltas_is_said(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(of("users", person("p1", FRIDAY, last="A")))
    bring(of("users", person("p1", SUNDAY, last="B")))
    assert bring.notes == []
    bring(of("users", person("p1", "2026-11-25T08:00:00.000Z", last="C")))
    [note] = bring.notes
    assert "between 2026-11-22T08:00:00.000Z and 2026-11-25T08:00:00.000Z" in note


def test_complete_and_delta_files_may_be_mixed(bring: Importer) -> None:
    bring(ONEROSTER_11)
    users = ONEROSTER_11["users.csv"]
    mixed = {
        **of("enrollments", enrollment("e9", "p3", FRIDAY)),
        "users.csv": [*users, [{**person("p3", "")}.get(column, "") for column in users[0]]],
        "manifest.csv": manifest(users="bulk", enrollments="delta"),
    }
    assert counts(bring(mixed)) == {"sections": (0, 1, 0), "students": (1, 0, 0), "enrollments": (1, 0, 0)}
    assert students(bring) == ["p1", "p2", "p3"]
    assert [it.name for it in bring.all(roster.TERMS)] == ["2026-27"]


def test_what_is_gone_takes_its_section_and_term_along(bring: Importer) -> None:
    bring(ONEROSTER_11)
    gone = {"sourcedId": "c1", "status": "tobedeleted", "dateLastModified": FRIDAY}
    ended = [enrollment(f"e{number}", "", FRIDAY, "tobedeleted") for number in range(1, 5)]
    done = bring(both(of("classes", gone), of("enrollments", *ended)))
    assert counts(done) == {"sections": (0, 0, 1), "enrollments": (0, 0, 3)}


def test_days_are_looked_at_with_every_delta(bring: Importer) -> None:
    """An enrollment that was still to begin when it was imported begins later, without a row of its own."""
    bring.now = read_instant("2026-08-01") or 0
    bring(changed(ONEROSTER_11, "enrollments.csv", 2, "beginDate", "2026-08-20"))
    assert students(bring) == ["p2"]
    nothing = of("enrollments")
    bring(nothing, calendar=Calendar(early=19))
    assert students(bring) == ["p1", "p2"]
    bring(nothing)
    assert students(bring) == ["p2"]
    bring.now = read_instant("2026-08-20") or 0
    bring(nothing)
    assert students(bring) == ["p1", "p2"]


def test_roles_of_1_2_are_merged_too(bring: Importer) -> None:
    bring(ONEROSTER_12)
    role = {
        "sourcedId": "r1", "status": "tobedeleted", "dateLastModified": FRIDAY, "userSourcedId": "p1",
        "roleType": "primary", "role": "student", "orgSourcedId": "s1",
    }  # fmt: skip
    bring({
        **of("roles", role, files=ONEROSTER_12),
        "enrollments.csv": of("enrollments", enrollment("e1", "p1", FRIDAY, "tobedeleted"))["enrollments.csv"],
        "manifest.csv": manifest("1.2", roles="delta", enrollments="delta"),
    })  # fmt: skip
    assert sorted(bring.ids(roster.USERS)) == ["p2", "t1"]


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ([], "the district has no complete enrollments.csv from an earlier import"),
        ([ONEROSTER_12], "in OneRoster 1.1, but the last complete one was in 1.2"),
        ([ONEROSTER_11, CLEVER], "the district has no complete enrollments.csv"),
    ],
    ids=["nothing", "another version", "another source"],
)
def test_a_delta_without_complete_files_is_refused(
    bring: Importer, first: Sequence[Mapping[str, Table]], why: str
) -> None:
    bring(ONEROSTER_11, district=OTHER)
    for files in first:
        bring(files)
    before = bring.ids(roster.USERS)
    with pytest.raises(UnusableFile, match=why):
        bring(DELTAS[0])
    assert bring.ids(roster.USERS) == before


def test_a_delta_whose_file_is_missing_is_refused(bring: Importer) -> None:
    bring(ONEROSTER_11)
    with pytest.raises(UnusableFile, match="but the file is missing"):
        bring({"manifest.csv": manifest(users="delta")})


def test_a_problem_in_a_delta_is_reported_with_its_line(bring: Importer) -> None:
    bring(ONEROSTER_11)
    rows = [
        person("p1", FRIDAY, last="Two\nlines"), person("p8", FRIDAY, last=""), person("", FRIDAY),
        person("p9", FRIDAY, role=""),
    ]  # fmt: skip
    checked = bring(of("users", *rows))
    assert [(it.file, it.line, it.column) for it in checked.problems] == [
        ("users.csv", 4, "familyName"), ("users.csv", 5, "sourcedId"), ("users.csv", 6, "role"),
    ]  # fmt: skip


def test_the_bound_on_wrong_rows_is_the_deltas_own(bring: Importer) -> None:
    header, row, *rest = ONEROSTER_11["users.csv"]
    bring({**ONEROSTER_11, "users.csv": [header, row, *rest, *((f"x{it}", *row[1:]) for it in range(2_000))]})
    checked = bring(of("users", *(person(f"y{number}", FRIDAY, last="") for number in range(11))))
    assert (checked.plan, checked.rows_left_out, checked.most_left_out) == (None, 11, 10)


def test_what_is_wrong_since_earlier_keeps_no_delta_out(bring: Importer) -> None:
    header, *rows = ONEROSTER_11["enrollments.csv"]
    wrong = [(f"x{it}", "", "", "c1", "s1", f"q{it}", "student", "", "", "") for it in range(11)]
    bring({**ONEROSTER_11, "enrollments.csv": [header, *rows, *wrong]}, tolerance=Tolerance(rows=11))
    checked = bring(of("users", person("p9", FRIDAY), person("p10", FRIDAY, last="")))
    assert (counts(checked), checked.rows_left_out, checked.earlier_rows_left_out) == (
        {"students": (1, 0, 0)}, 12, 11,
    )  # fmt: skip
    assert [str(it) for it in checked.problems[:2]] == [
        "users.csv, line 3, familyName: the value is empty: every row needs one",
        "enrollments.csv, from an earlier import, userSourcedId: there is no user 'q0': add it, or correct the id",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sourcedId,role\r\np1,student\r\n", "the column is missing"),
        ('sourcedId,"open', "a quote is never closed"),
        ("sourcedId,sourcedId\r\np1,p1\r\n", "the column appears twice"),
        ("", "the file is empty"),
    ],
)
def test_a_delta_that_cannot_be_read_says_why(bring: Importer, text: str, why: str) -> None:
    bring(ONEROSTER_11)
    checked = bring({"manifest.csv": manifest(users="delta"), "users.csv": text})
    assert why in str(checked.problems[0])


def test_removals_of_a_delta_wait_too(bring: Importer) -> None:
    header, row, *rest = ONEROSTER_11["users.csv"]
    many = [(f"x{number}", *row[1:]) for number in range(20)]
    bring({**ONEROSTER_11, "users.csv": [header, row, *many, *rest]})
    gone = of("users", *(person(f"x{number}", FRIDAY, "tobedeleted") for number in range(20)))
    held = bring(gone, allow_removals=False)
    assert held.plan is not None
    assert (held.plan.held_back, len(bring.all(roster.USERS))) == ({"students": 20}, 23)
    still = bring(of("users"), allow_removals=False)
    assert still.plan is not None
    assert still.plan.held_back == {"students": 20}
    bring(gone)
    assert len(bring.all(roster.USERS)) == 3


def test_neither_passwords_nor_parents_are_kept(bring: Importer) -> None:
    header, *rows = ONEROSTER_11["users.csv"]
    users = [(*header, "password", "sms"), *((*row, "secret", "555") for row in rows)]
    users.append((*[person("m1", "", role="parent").get(column, "") for column in header], "secret", "555"))
    bring({**ONEROSTER_11, "users.csv": users})
    stored = kept(bring.database)
    assert ("secret" in str(stored), "555" in str(stored), "m1" in str(stored)) == (False, False, False)
    assert len(stored) == 2 + 1 + 1 + 1 + 4 + 4


def test_two_deltas_at_once_do_not_undo_each_other(bring: Importer) -> None:
    """The second was merged with what was stored before the first, though neither changes who is enrolled today."""
    bring(ONEROSTER_11)
    first = of("enrollments", {**enrollment("e8", "p1", FRIDAY), "beginDate": "2999-01-01"})
    second = of("enrollments", {**enrollment("e9", "p1", FRIDAY), "beginDate": "2999-01-01"})
    with pytest.raises(RosterChanged):
        bring(second, at={"checking": lambda: _other(bring)(first)})
    bring(second)
    assert {"e8", "e9"} <= {row[1] for row in kept(bring.database)}


def _other(bring: Importer) -> Importer:
    folder = bring.folder / "other"
    folder.mkdir()
    return Importer(bring.database, folder)


def test_a_roster_that_follows_an_lms_has_no_source(bring: Importer) -> None:
    bring(ONEROSTER_11)
    bring(CLEVER)
    assert kept(bring.database) == []
    assert bring.database.read_now(lambda conn: source_rows.facts(conn, DISTRICT)) == {}
    assert not bring.database.read_now(lambda conn: districts.follows_lms(conn, DISTRICT))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-20T08:00:00.000Z", 1_795_161_600_000), ("2026-11-20T09:00:00+01:00", 1_795_161_600_000),
        ("2026-11-20 08:00:00", 1_795_161_600_000), ("2026-11-20", 1_795_219_200_000),
        ("11/20/2026", 1_795_219_200_000), ("", None), ("yesterday", None), ("9999-99-99T00:00:00Z", None),
    ],
)  # fmt: skip
def test_a_time_of_change_is_read(text: str, found: int | None) -> None:
    assert read_instant(text) == found
