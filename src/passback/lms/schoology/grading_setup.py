"""How a section in Schoology is graded: its grading periods, categories and scales, and the time zone of its dates."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.assignment import ScaleEntry
from passback.domain.clock import SECOND
from passback.lms.interface import NotAllowed, RefusedByLms, Unavailable
from passback.lms.schoology import dates
from passback.lms.schoology.api import one_or_more
from passback.lms.toolkit.json_fields import Json, id_of, integer, number, text
from passback.lms.toolkit.ttl_cache import TtlCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.domain.clock import Instant
    from passback.lms.schoology.api import SchoologyApi

_PERCENT_SCALE = 1
_DAY = 86_400 * SECOND


class Period(Struct, frozen=True):
    """A grading period of a section."""

    id: str
    start: Instant
    end: Instant


class Scale(Struct, frozen=True):
    """A section's grading scale by percent."""

    id: str
    levels: tuple[ScaleEntry, ...]
    """Best first."""

    @property
    def is_pass_fail(self) -> bool:
        """Whether its only grades are pass and fail."""
        return {level.name.lower() for level in self.levels} == {"pass", "fail"}


class Setup(Struct, frozen=True):
    """How a section is graded."""

    categories: tuple[tuple[str, str], ...]
    """Ids and titles."""
    periods: tuple[Period, ...]
    scales: tuple[Scale, ...]

    def period_at(self, due: Instant | None) -> str | None:
        """Return the id of the period that a due date lies in, or else of the first."""
        for period in self.periods:
            if due is not None and period.start <= due < period.end:
                return period.id
        return self.periods[0].id if self.periods else None

    def scale(self, id_: str | None) -> Scale | None:
        """Return the percent scale with this id."""
        return next((scale for scale in self.scales if scale.id == id_), None)


class GradingSetups:
    """The grading setups of sections and the time zone of due dates, remembered for a few minutes."""

    def __init__(self, api: SchoologyApi, category: str, zone: str) -> None:
        """`category` is the title of new assignments' category; `zone` (IANA), if valid, overrides the user's."""
        self._api = api
        self._category = category
        self._zone = zone
        self._setups = TtlCache()
        self._zones = TtlCache()

    async def zone(self) -> str:
        """Return the time zone of due dates."""
        return self._zone if dates.is_zone(self._zone) else await self.users_zone()

    async def users_zone(self) -> str:
        """Return the time zone of the key's user, in which Schoology reads and shows due dates."""
        return await self._zones.get("", self._read_zone)

    def forget(self, section: str) -> None:
        """Have a section's setup read again: Schoology contradicts what is remembered."""
        self._setups.forget(section)

    async def read(self, section: str) -> Setup:
        """Return how a section is graded. Raises `Gone`."""
        return await self._setups.get(section, lambda: self._read_setup(section))

    async def category_for_new(self, section: str) -> str | None:
        """Return the id of a new assignment's category, creating one if there is none; None if that is not possible.

        Without a category Schoology calls an assignment ungraded, and leaves it out of the course's grade.
        """
        categories = (await self.read(section)).categories
        if not categories and self._setups.forget(section):
            categories = (await self.read(section)).categories  # one may have been made meanwhile
        wanted = [id_ for id_, title in categories if self._category and title == self._category]
        if wanted or categories:
            return wanted[0] if wanted else categories[0][0]
        title = self._category or "Assignments"
        content = {"grading_categories": {"grading_category": [{"title": title, "weight": 100}]}}
        path = f"sections/{section}/grading_categories"
        for _ in range(
            2
        ):  # in some districts only teachers can create one; but one refusal may be a stray one
            refused = False
            try:
                await self._api.send("POST", path, content, safe=False)
            except (NotAllowed, RefusedByLms):
                refused = True
            except Unavailable as error:
                if not error.in_doubt:
                    raise
            self._setups.forget(section)
            made = [id_ for id_, name in (await self.read(section)).categories if name == title]
            if made or not refused:
                return made[0] if made else None
        return None

    async def _read_zone(self) -> str:
        user = await self._api.get("users/me")
        if "tz_name" not in user:
            raise Unavailable("it does not say which time zone its user has")
        name = text(user, "tz_name") or ""
        return name if dates.is_zone(name) else "UTC"

    async def _read_setup(self, section: str) -> Setup:
        place, zone = f"sections/{section}", await self.zone()
        categories = await self._api.unpaged(f"{place}/grading_categories", "grading_category")
        periods = await self._api.unpaged(f"{place}/grading_periods", "grading_period")
        scales = await self._api.unpaged(f"{place}/grading_scales", "grading_scale")
        return Setup(
            tuple((id_of(it), text(it, "title") or "") for it in categories),
            tuple(period for it in periods if (period := _period(it, zone)) is not None),
            tuple(scale for it in scales if (scale := _scale(it)) is not None),
        )


def _period(item: Json, zone: str) -> Period | None:
    start, end = (dates.from_lms(text(item, name) or "", zone) for name in ("start", "end"))
    if start is None or end is None:
        return None
    # The period includes its last day.
    return Period(id_of(item), start, end + _DAY)


def _scale(item: Json) -> Scale | None:
    if integer(item, "type") != _PERCENT_SCALE:
        return None
    found = []
    for level in one_or_more(_levels(item)):
        name, least = text(level, "grade"), number(level, "cutoff")
        if name and least is not None:
            found.append(ScaleEntry(name, least))
    return Scale(id_of(item), tuple(sorted(found, key=lambda level: -level.value))) if found else None


def _levels(item: Json) -> Any:
    scale = item.get("scale")
    return scale.get("level") if isinstance(scale, dict) else scale


def letter_of(share: Decimal, levels: Sequence[ScaleEntry]) -> str | None:
    """Return the grade that a percentage earns on a scale, best first."""
    return next((level.name for level in levels if share >= level.value), levels[-1].name if levels else None)
