"""Reads the roster, in the shape of the published Data API, with the LMS fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from passback.domain.roster import Course, District, Role, School, Section, Term, User, known_sis_id
from passback.lms.registry import Unusable
from passback.store import enrollments, held_back, lms_roster, roster, syncs
from passback.wire import errors
from passback.wire import roster as shapes
from passback.wire.dates import show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from passback.context import Gateway
    from passback.lms.interface import Ability, Capabilities
    from passback.store.engine.database import Connection

TABLES: dict[str, roster.Table[Any]] = {
    "districts": roster.DISTRICTS,
    "schools": roster.SCHOOLS,
    "terms": roster.TERMS,
    "courses": roster.COURSES,
    "sections": roster.SECTIONS,
    "users": roster.USERS,
}
"""The tables of roster objects, by their names in paths."""

FILTERS: dict[str, dict[str, Callable[[str], roster.Filter]]] = {
    "sections": {"sis_id": roster.section_with_sis_id},
    "users": {
        "role": roster.with_role,
        "sis_id": roster.user_with_sis_id,
        "email": roster.with_email,
        "student_number": roster.with_student_number,
    },
}
"""What a kind of objects can be filtered by."""


class RosterPage(Struct, frozen=True):
    """A page of the roster: its objects, and the ids from which the pages before and after it continue."""

    items: list[Any]
    previous: str | None
    """The id that the previous page ends before, if there is one."""
    next: str | None
    """The id that the next page starts after, if there is one."""


async def read(gateway: Gateway, district_id: str, kind: str, object_id: str) -> Any:
    """One object of the caller's district. Raises `Refusal`: 404 if there is none."""

    def look_up(conn: Connection) -> Any:
        found = roster.find(conn, TABLES[kind], district_id, object_id)
        if found is None:
            raise errors.resource_not_found()
        return present_all(conn, [found])[0]

    [shown] = await _with_capabilities(gateway, [await gateway.database.snapshot(look_up)])
    return shown


class Place(Struct, frozen=True):
    """Which page of a list is asked for: its length, and the id that it starts after or ends before."""

    limit: int
    starting_after: str | None = None
    ending_before: str | None = None


async def page(
    gateway: Gateway, district_id: str, kind: str, place: Place, filters: Mapping[str, str]
) -> RosterPage:
    """A page of objects of the caller's district, ordered by id.

    `filters` are the values that they must have, by their names in `FILTERS`.
    """
    wanted = [FILTERS[kind][name](value) for name, value in filters.items()]
    found = await gateway.database.snapshot(lambda conn: _page(conn, district_id, kind, place, wanted))
    return replace(found, items=await _with_capabilities(gateway, found.items))


async def page_of_members(
    gateway: Gateway, district_id: str, section_id: str, role: Role, place: Place
) -> RosterPage:
    """A page of a section's students or teachers. Raises `Refusal`: 404 if there is no such section."""

    def look_up(conn: Connection) -> RosterPage:
        if roster.find(conn, roster.SECTIONS, district_id, section_id) is None:
            raise errors.resource_not_found()
        return _page(conn, district_id, "users", place, [roster.in_section(section_id, role)])

    return await gateway.database.snapshot(look_up)


async def page_of_sections(gateway: Gateway, district_id: str, user_id: str, place: Place) -> RosterPage:
    """A page of the sections that a user is in. Raises `Refusal`: 404 if there is no such user."""

    def look_up(conn: Connection) -> RosterPage:
        if roster.find(conn, roster.USERS, district_id, user_id) is None:
            raise errors.resource_not_found()
        return _page(conn, district_id, "sections", place, [roster.with_member(user_id)])

    return await gateway.database.snapshot(look_up)


def _page(
    conn: Connection, district_id: str, kind: str, place: Place, filters: Sequence[roster.Filter]
) -> RosterPage:
    found = roster.page(
        conn,
        TABLES[kind],
        district_id,
        limit=place.limit,
        starting_after=place.starting_after,
        ending_before=place.ending_before,
        filters=filters,
    )
    items = found.items
    return RosterPage(
        present_all(conn, items),
        previous=items[0].id if found.before and items else None,
        next=items[-1].id if found.after and items else None,
    )


def present_all(conn: Connection, items: Sequence[Any]) -> list[Any]:
    """Roster objects in the published shape."""
    sections = [item.id for item in items if isinstance(item, Section)]
    members = enrollments.section_members(conn, sections) if sections else {}
    return [
        _present_district(conn, item) if isinstance(item, District) else _present(item, members)
        for item in items
    ]


def _present_district(conn: Connection, item: District) -> shapes.District:
    held = held_back.find(conn, item.id)
    return shapes.District(
        held_back=None
        if held is None
        else shapes.HeldBack(since=show(held.since), removals=held.removals, unmatched=held.unmatching),
        id=item.id,
        last_lms_sync=None if item.last_lms_sync is None else show(item.last_lms_sync),
        lms_matched_percentage=item.lms_matched_percentage,
        lms_state=item.lms_state,
        lms_sync=_present_sync(conn, item.id),
        lms_type=item.lms_type,
        name=item.name,
    )


async def _with_capabilities(gateway: Gateway, shown: Sequence[Any]) -> list[Any]:
    """The same objects; the districts among them with what their LMSs can do."""

    async def completed(item: Any) -> Any:
        if not isinstance(item, shapes.District):
            return item
        # Not in the snapshot: opening a connection may write.
        connector = await gateway.database.read(
            lambda conn: gateway.connectors.find(conn, item.id, item.lms_type)
        )
        if connector is None or isinstance(connector, Unusable):
            return item
        return replace(item, lms_capabilities=_present_capabilities(connector.capabilities))

    return [await completed(item) for item in shown]


def _present_capabilities(of: Capabilities) -> shapes.LmsCapabilities:
    def can(what: Ability) -> str:
        return "no" if what in of.cannot else "sometimes" if what in of.sometimes else "yes"

    return shapes.LmsCapabilities(
        comments="none" if not of.comments else "added" if of.adds_comments else "replaced",
        create_assignments=can("create_assignments"),
        excused=can("excused"),
        extra_attempts=can("extra_attempts"),
        grading_types=sorted(of.grading_types),
        hand_in=sorted(of.hand_in),
        ignored=sorted(of.ignored_assignment),
        individual_assignees=can("individual_assignees"),
        kept_by_passback=sorted(of.not_stored_assignment),
        name=of.name,
        not_stored_flags=sorted(of.not_stored_flags),
        override_due_date=can("override_due_date"),
        points_above_maximum=can("points_above_maximum"),
    )


def _present_sync(conn: Connection, district_id: str) -> shapes.LmsSync | None:
    sync = syncs.find(conn, district_id)
    if sync is None or sync.worker is None or sync.phase == "idle":
        return None
    found = lms_roster.count(conn, district_id)
    return shapes.LmsSync(
        began=None if sync.began is None else show(sync.began),
        courses=found.courses,
        courses_read=found.courses_read,
        phase=sync.phase,
        sections=found.sections,
        sections_read=found.sections_read,
    )


def _present(item: Any, members: dict[tuple[str, str], list[str]]) -> Any:
    match item:
        case School():
            return shapes.School(
                created=show(item.created),
                district=item.district_id,
                id=item.id,
                last_modified=show(item.last_modified),
                name=item.name,
                school_number=item.school_number,
                sis_id=known_sis_id(item.sis_id),
            )
        case Term():
            return shapes.Term(
                district=item.district_id,
                end_date=item.end_date,
                id=item.id,
                name=item.name,
                start_date=item.start_date,
            )
        case Course():
            return shapes.Course(district=item.district_id, id=item.id, name=item.name, number=item.number)
        case Section():
            teachers = members.get((item.id, "teacher"), [])
            return shapes.Section(
                course=item.course_id,
                created=show(item.created),
                district=item.district_id,
                grade=item.grade,
                id=item.id,
                last_modified=show(item.last_modified),
                lms_status=shapes.LmsStatus(synced_in_lms=item.lms_id is not None),
                name=item.name,
                period=item.period,
                school=item.school_id,
                section_number=item.section_number,
                sis_id=known_sis_id(item.sis_id),
                students=members.get((item.id, "student"), []),
                subject=item.subject,
                teacher=teachers[0] if teachers else None,
                teachers=teachers,
                term_id=item.term_id,
            )
        case User():
            return shapes.User(
                created=show(item.created),
                district=item.district_id,
                email=item.email,
                id=item.id,
                last_modified=show(item.last_modified),
                lms_status=shapes.LmsStatus(synced_in_lms=item.lms_id is not None),
                name=shapes.Name(first=item.first_name, last=item.last_name, middle=item.middle_name),
                roles=shapes.Roles(**{item.role: _present_role(item)}),
            )
        case _:
            raise TypeError(item)


def _present_role(item: User) -> shapes.UserRole:
    return shapes.UserRole(
        credentials=None if item.username is None else shapes.Credentials(district_username=item.username),
        grade=item.grade,
        school=item.school_id,
        sis_id=known_sis_id(item.sis_id),
        state_id=item.state_id,
        student_number=item.number if item.role == "student" else None,
        teacher_number=item.number if item.role == "teacher" else None,
    )
