"""Guides whose code and figures are computed again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from support.sandbox import Sandbox

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to"


def code_of(page: str) -> dict[str, Any]:
    """What a page's Python defines."""
    text = (HOW_TO / page).read_text("utf-8")
    indent, code = re.findall(r"^( *)```python\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)[0]
    found: dict[str, Any] = {}
    exec(re.sub(rf"(?m)^{indent}", "", code), found)
    return found


def rows_of(page: str, first: str) -> list[list[str]]:
    """The rows of the table whose first column has that head, below the head."""
    text = (HOW_TO / page).read_text("utf-8").partition(f"\n| {first} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


PLAN = "plan-capacity.md"


def test_the_plan_is_what_its_formula_gives() -> None:
    plan = code_of(PLAN)["plan"]
    rows = rows_of(PLAN, "students")
    assert len(rows) == 4
    for students, *figures in rows:
        count = int(students.replace(",", ""))
        week = plan(count, days_kept=7)["disk in GB"]
        assert [int(it) for it in figures] == [*plan(count).values(), week], students


def test_the_country_is_ten_times_its_groups() -> None:
    group = code_of(PLAN)["plan"](5_000_000, days_kept=7)
    for what, each, together in rows_of(PLAN, "for 50 M students in ten groups"):
        expected = group[what.removesuffix(", kept 7 days")]
        assert (int(each), int(together)) == (expected, 10 * expected)


def test_what_an_lms_takes_follows_from_its_calls() -> None:
    seconds_a_call = 0.25
    students_of = code_of(PLAN)["students_of_one_lms"]
    for lms, at_once, calls, rate, students in rows_of(PLAN, "LMS"):
        first = int(re.findall(r"\d+", at_once)[0])
        room = first / 5 if lms == "Schoology" else first / seconds_a_call
        grades = float(re.findall(r"[\d.]+", rate)[0])
        if "measured" not in rate:
            assert grades == round(room / float(calls)), lms
        assert int(students) == students_of(grades), lms


def test_the_plans_figures_are_those_that_were_measured() -> None:
    measured = (HOW_TO.parent / "explanation" / "speed.md").read_text("utf-8")
    plan = " ".join((HOW_TO / PLAN).read_text("utf-8").split())
    [million] = re.findall(r"(?m)^\| 1,000,000 students, now \| (.*) \|$", measured)
    first, compared, _, matching, _, memory = million.split(" | ")
    assert (
        f"takes {first} of CPU time, a later one that is compared {compared}, matching {matching} (" in plan
    )
    assert (
        f"up to {memory.rpartition('most ')[2]} in the one that imports or matches a million students" in plan
    )
    through = dict(
        re.findall(r"(?m)^\| ([A-Z][\w ]+) \| [^|]* \| [^|]* \| [\d.]+ \(([\d.]+)\) \|$", measured)
    )
    through["Canvas"] = re.findall(r"\| [\d.]+ s; ([\d.]+) calls \|", measured)[
        0
    ]  # of the grades in the background
    assert {row[0]: row[2] for row in rows_of(PLAN, "LMS")} == through


def test_every_guide_that_connects_an_lms_has_a_picture() -> None:
    guides = set(HOW_TO.glob("connect-*.md")) - {HOW_TO / "connect-a-district.md"}
    assert len(guides) >= 5
    assert [it.name for it in guides if "](console/" not in it.read_text("utf-8")] == []


def test_ids_are_translated_by_sis_ids(sandbox: Sandbox) -> None:
    new_ids = code_of("come-from-clever.md")["new_ids"]
    ours = sandbox.get("/v3.1/users?limit=1000").data + sandbox.get("/v3.1/sections").data
    clevers = [{"data": {**it["data"], "id": f"clever-{it['data']['id']}"}} for it in ours]
    nobody = {"data": {"id": "clever-other", "roles": {"student": {"sis_id": "none of ours"}}}}
    translated = new_ids([*clevers, nobody, {"data": {"id": "x", "roles": {"staff": {}}}}], ours)
    assert len(ours) > 40
    assert translated == {f"clever-{it['data']['id']}": it["data"]["id"] for it in ours}
