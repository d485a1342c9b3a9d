"""Trying a connection with a real grade, on each LMS of the sandbox."""

from __future__ import annotations

import json

import pytest

from passback_simulators.identities import ALGEBRA, DISTRICTS, SandboxDistrict
from support.console import Visitor
from support.sandbox import Sandbox

ON_AN_LMS = [it for it in DISTRICTS if it.lms_type != "builtin"]


@pytest.mark.parametrize("district", ON_AN_LMS, ids=lambda it: it.lms_type)
def test_a_grade_is_given_read_and_removed(
    district: SandboxDistrict, sandbox: Sandbox, visitor: Visitor
) -> None:
    page = f"/console/districts/{district.district_id}/connection"
    section = district.id(ALGEBRA.digits)
    assert section in visitor.get(page).body.decode()
    text = visitor.follow(page, {"do": "probe", "section": section})
    for what in (
        "an assignment was created",
        "a grade was given, and read back",
        "the assignment was deleted",
    ):
        assert what in text
    assert _left(sandbox) == []
    assert "connection.probed" in visitor.get("/console/audit").body.decode()


def _left(sandbox: Sandbox) -> list[dict[str, object]]:
    """Probes that an LMS still shows: Canvas and Classroom only mark what is deleted."""
    rows = sandbox.client(None).get("/sandbox/state").json["tables"]["simulator_records"]
    probes = [json.loads(row["record"]) for row in rows if "Passback probe" in row["record"]]
    return [it for it in probes if "deleted" not in json.dumps(it).lower()]


def test_a_section_of_another_district_is_not_probed(sandbox: Sandbox, visitor: Visitor) -> None:
    [canvas] = [it for it in ON_AN_LMS if it.lms_type == "canvas"]
    page = f"/console/districts/{canvas.district_id}/connection"
    visitor.get(page)
    assert visitor.post(page, {"do": "probe", "section": "nothing"}).status == 404
    elsewhere = next(it for it in ON_AN_LMS if it.lms_type == "schoology").id(ALGEBRA.digits)
    assert visitor.post(page, {"do": "probe", "section": elsewhere}).status == 404
