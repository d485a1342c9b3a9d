"""What a section in Schoology consists of: people, grading periods, categories and scales."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.assignment import ScaleEntry
from passback.domain.matching import LmsCourse, Person, Place
from passback.lms.interface import Gone, NotAllowed, Refused, Unavailable
from passback.lms.schoology import dates
from passback.lms.schoology.api import several
from passback.lms.toolkit.json_fields import Json, as_integer, as_object, as_objects, id_of, number, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from passback.domain.clock import Instant
    from passback.lms.schoology.api import SchoologyApi

_PERCENT_SCALE = 1
_ACTIVE = "1"
_AT_ONCE = 50
"""How many people Schoology tells of in one call."""


class Period(Struct, frozen=True):
    """A grading period of a section."""

    id: str
    start: Instant
    end: Instant


class Scale(Struct, frozen=True):
    """A grading scale by percent of a section."""

    id: str
    levels: tuple[ScaleEntry, ...]
    """Best first."""

    @property
    def is_pass_fail(self) -> bool:
        """Whether all that it tells is pass or fail."""
        return {level.name.lower() for level in self.levels} == {"pass", "fail"}


class Setup(Struct, frozen=True):
    """How a section is graded."""

    categories: tuple[tuple[str, str], ...]
    """Ids and titles."""
    periods: tuple[Period, ...]
    scales: tuple[Scale, ...]

    def period_at(self, due: Instant | None) -> str | None:
        """The id of the period that a due date lies in, or else of the first."""
        for period in self.periods:
            if due is not None and period.start <= due < period.end:
                return period.id
        return self.periods[0].id if self.periods else None

    def scale(self, id_: str | None) -> Scale | None:
        """The scale by percent of this id."""
        return next((scale for scale in self.scales if scale.id == id_), None)


class Enrolled(Struct, frozen=True):
    """The active people of a section: their uids, with the ids of their enrollments."""

    students: dict[str, str]
    teachers: dict[str, str]


class Sections:
    """The structure of sections, remembered for a few minutes."""

    def __init__(self, api: SchoologyApi, category: str, zone: str) -> None:
        """`category` is the title of that of new assignments; `zone` (IANA) is that of dates, if not the user's."""
        self._api = api
        self._category = category
        self._zone = zone
        self._people = TtlCache()
        self._setups = TtlCache()
        self._zones = TtlCache()

    async def zone(self) -> str:
        """The time zone of due dates."""
        return self._zone if dates.is_zone(self._zone) else await self._zones.get("", self._read_zone)

    async def enrolled(self, section: str) -> Enrolled:
        """Everyone in a section. Raises `Gone`."""
        return await self._people.get(section, lambda: self._read_enrolled(section))

    async def enrollments(
        self, section: str, students: Collection[str], *, now: bool = False
    ) -> dict[str, str]:
        """The enrollment ids of `students`; those who are not enrolled (any more, with `now`) are left out."""
        if now:
            self._people.forget(section)
        known = (await self.enrolled(section)).students
        if not now and not set(students) <= known.keys():
            self._people.forget(section)
            known = (await self.enrolled(section)).students
        return {student: known[student] for student in students if student in known}

    async def teaches(self, section: str, teacher: str) -> bool:
        """Whether someone teaches a section."""
        if teacher in (await self.enrolled(section)).teachers:
            return True
        self._people.forget(section)
        return teacher in (await self.enrolled(section)).teachers

    def forget(self, section: str) -> None:
        """Schoology contradicts what is remembered of a section: read it again."""
        self._people.forget(section)
        self._setups.forget(section)

    async def setup(self, section: str) -> Setup:
        """How a section is graded. Raises `Gone`."""
        return await self._setups.get(section, lambda: self._read_setup(section))

    async def category_for_new(self, section: str) -> str | None:
        """The id of the category of a new assignment; None where there is none and none can be made.

        Without a category Schoology calls an assignment ungraded, and leaves it out of the course's grade.
        """
        categories = (await self.setup(section)).categories
        wanted = [id_ for id_, title in categories if self._category and title == self._category]
        if wanted or categories:
            return wanted[0] if wanted else categories[0][0]
        title = self._category or "Assignments"
        content = {"grading_categories": {"grading_category": [{"title": title, "weight": 100}]}}
        path = f"sections/{section}/grading_categories"
        try:
            answer = await self._api.send("POST", path, content, safe=False)
        except (NotAllowed, Refused):
            return None  # in some districts only teachers can make one
        except Unavailable as error:
            if not error.in_doubt:
                raise
            answer = None  # perhaps it is there
        self._setups.forget(section)
        made = several(as_object(answer or {}).get("grading_category"))
        if made and text(made[0], "id"):
            return id_of(made[0])
        return next((id_ for id_, name in (await self.setup(section)).categories if name == title), None)

    async def _read_zone(self) -> str:
        name = text(await self._api.get("users/me"), "tz_name") or ""
        return name if dates.is_zone(name) else "UTC"

    async def _read_enrolled(self, section: str) -> Enrolled:
        students: dict[str, str] = {}
        teachers: dict[str, str] = {}
        path = f"sections/{section}/enrollments"
        for enrollment in await self._api.pages(path, "enrollment", gone="section"):
            if text(enrollment, "status") in (_ACTIVE, None):
                of_role = teachers if as_integer(enrollment, "admin") else students
                of_role[id_of(enrollment, "uid")] = id_of(enrollment)
        return Enrolled(students, teachers)

    async def _read_setup(self, section: str) -> Setup:
        place, zone = f"sections/{section}", await self.zone()
        categories = await self._api.whole(f"{place}/grading_categories", "grading_category")
        periods = await self._api.whole(f"{place}/grading_periods", "grading_period")
        scales = await self._api.whole(f"{place}/grading_scales", "grading_scale")
        return Setup(
            tuple((id_of(it), text(it, "title") or "") for it in categories),
            tuple(period for it in periods if (period := _period(it, zone)) is not None),
            tuple(scale for it in scales if (scale := _scale(it)) is not None),
        )


def _period(item: Json, zone: str) -> Period | None:
    start, end = (dates.instant(text(item, name) or "", zone) for name in ("start", "end"))
    if start is None or end is None:
        return None
    # Its last day belongs to it.
    return Period(id_of(item), start, end + 86_400_000)


def _scale(item: Json) -> Scale | None:
    if as_integer(item, "type") != _PERCENT_SCALE:
        return None
    found = []
    for level in several(_levels(item)):
        name, least = text(level, "grade"), number(level, "cutoff")
        if name and least is not None:
            found.append(ScaleEntry(name, least))
    return Scale(id_of(item), tuple(sorted(found, key=lambda level: -level.value))) if found else None


def _levels(item: Json) -> Any:
    scale = item.get("scale")
    return scale.get("level") if isinstance(scale, dict) else scale


def letter_of(share: Decimal, levels: Sequence[ScaleEntry]) -> str | None:
    """The grade on a scale, best first, that a percentage earns."""
    return next((level.name for level in levels if share >= level.value), levels[-1].name if levels else None)


# For matching.


async def read_courses(api: SchoologyApi) -> list[LmsCourse]:
    """The courses that the key reaches."""
    return [
        LmsCourse(id_of(it), text(it, "title") or "", number=text(it, "course_code") or None)
        for it in await api.pages("courses", "course", gone="section")
    ]


async def read_sections(api: SchoologyApi, course: LmsCourse) -> list[Place]:
    """The sections of a course: named as the course where there is but one."""
    places = []
    sections = await api.pages(f"courses/{course.id}/sections", "section", gone="section")
    for section in sections:
        name = course.name or text(section, "course_title") or ""
        if len(sections) > 1:
            name = f"{name}: {text(section, 'section_title') or ''}"
        places.append(Place(id_of(section), name, text(section, "section_school_code") or None))
    return places


async def read_people(api: SchoologyApi, section: str) -> list[Person]:
    """The active students and teachers of a section."""
    enrollments = [
        it
        for it in await api.pages(f"sections/{section}/enrollments", "enrollment", gone="section")
        if text(it, "status") in (_ACTIVE, None)
    ]
    emails = await _emails(api, enrollments)
    return [
        Person(
            id=id_of(it, "uid"),
            role="teacher" if as_integer(it, "admin") else "student",
            name=text(it, "name_display") or "",
            email=emails.get(id_of(it, "uid")),
            sis_id=text(it, "school_uid") or None,
        )
        for it in enrollments
    ]


async def _emails(api: SchoologyApi, enrollments: Sequence[Json]) -> dict[str, str]:
    """E-mail addresses by uid, as few calls as it takes; those that cannot be read are left out."""
    codes = [code for it in enrollments if (code := text(it, "school_uid"))]
    users: list[Json] = []
    try:
        for start in range(0, len(codes), _AT_ONCE):
            batch = ",".join(codes[start : start + _AT_ONCE])
            users += await api.pages("users", "user", {"school_uids": batch}, gone="student")
        for it in enrollments:
            if not text(it, "school_uid"):
                users.append(await api.get(f"users/{id_of(it, 'uid')}", gone="student"))
    except Gone:
        pass
    return {
        id_of(it, "uid"): text(it, "primary_email") or text(it, "username") or "" for it in as_objects(users)
    }
