"""Fills an empty data file with the sandbox's districts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.roster import Course, District, School, Section, Term, User
from passback.store import enrollments, notes, roster, tokens
from passback_simulators import seed_of
from passback_simulators.identities import (
    COURSES,
    DISTRICTS,
    LAUNCH_UNIFIED,
    SCHOOL,
    SECTIONS,
    SIMULATED,
    STUDENTS,
    TEACHERS,
    TERM,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.domain.clock import Instant
    from passback.domain.roster import Role
    from passback.store.engine.database import Connection
    from passback_simulators.identities import SandboxDistrict


def seed(connection: Connection, now: Instant) -> None:
    """Add the sandbox's districts, people, sections and tokens."""
    for district in DISTRICTS:
        _seed_district(connection, district, now)


def _seed_district(connection: Connection, district: SandboxDistrict, now: Instant) -> None:
    identity = district.id
    section_in_lms: Callable[[str], str] = identity
    person_in_lms: Callable[[str], str] = identity
    if district in SIMULATED:
        known = seed_of(district.lms_type)
        section_in_lms, person_in_lms = known.SECTION_LMS_ID.__getitem__, known.person_lms_id
    by = "sis_id" if district in SIMULATED else None
    matched = {"sections": 100.0, "students": 100.0, "teachers": 100.0}
    roster.insert(
        connection,
        roster.DISTRICTS,
        [
            District(
                id=district.district_id,
                name=district.name,
                lms_type=district.lms_type,
                lms_state="success",
                last_lms_sync=now,
                lms_matched_percentage=matched,
                created=now,
                last_modified=now,
            )
        ],
    )
    school = School(identity(SCHOOL), district.district_id, "Sandbox High School", "school-1", "1", now, now)
    roster.insert(connection, roster.SCHOOLS, [school])
    term = Term(identity(TERM), district.district_id, "School year", None, None)
    roster.insert(connection, roster.TERMS, [term])
    roster.insert(
        connection,
        roster.COURSES,
        [
            Course(identity(COURSES[section.digits]), district.district_id, section.name, section.digits[-1])
            for section in SECTIONS
        ],
    )
    roster.insert(
        connection,
        roster.SECTIONS,
        [
            Section(
                id=identity(section.digits),
                district_id=district.district_id,
                name=section.name,
                school_id=school.id,
                course_id=identity(COURSES[section.digits]),
                term_id=term.id,
                sis_id=f"section-{section.digits[-1]}",
                section_number="1",
                subject=section.subject,
                grade="9",
                period=section.digits[-1],
                lms_id=section_in_lms(section.digits),
                created=now,
                last_modified=now,
                matched_by=by,
            )
            for section in SECTIONS
        ],
    )
    people: list[tuple[Role, dict[str, tuple[str, str]]]] = [("teacher", TEACHERS), ("student", STUDENTS)]
    for role, named in people:
        roster.insert(
            connection,
            roster.USERS,
            [
                User(
                    id=identity(digits),
                    district_id=district.district_id,
                    role=role,
                    first_name=first,
                    middle_name=None,
                    last_name=last,
                    email=f"{first}.{last}@district-{district.digits}.example".lower(),
                    sis_id=f"{role}-{digits}",
                    school_id=school.id,
                    grade="9" if role == "student" else None,
                    lms_id=person_in_lms(digits),
                    created=now,
                    last_modified=now,
                    matched_by=by,
                    number=digits,
                )
                for digits, (first, last) in named.items()
            ],
        )
    for section in SECTIONS:
        section_id = identity(section.digits)
        enrollments.enroll(connection, section_id, "teacher", [identity(section.teacher)])
        enrollments.enroll(connection, section_id, "student", map(identity, section.students))
    if district == LAUNCH_UNIFIED:
        # Somebody has opened the app from each course.
        launches = seed_of(district.lms_type).contexts()
        kept = {f"context/{course}": said for course, said in launches.items()}
        notes.save(connection, district.district_id, kept)
    tokens.create(
        connection,
        district_id=district.district_id,
        application="Sandbox application",
        secret=district.token,
        now=now,
    )
