"""Lists that something before the LMS cuts or empties for good: nobody is unmatched or removed by them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lms.conftest import LMSS
from passback.app import open_database
from passback.domain.clock import DAY
from passback.domain.roster import District
from passback.lms.interface import ListsDecide, LmsError
from passback.settings import Settings
from passback.store import districts, notes, roster, syncs
from passback.testing.lms import Lms
from support.lists import changed_lists, cut, emptied
from support.postgres import database_of
from support.sandbox import NOW
from support.syncs import DISTRICT, Synced


@pytest.fixture(params=["canvas", "schoology", "google", "lti", "moodle"])
def lms(request: pytest.FixtureRequest) -> Iterator[Lms]:
    with LMSS[request.param]() as served:
        yield served


@pytest.fixture
def district(lms: Lms) -> Iterator[Synced]:
    """A district whose roster was read from the LMS."""
    with (
        database_of("sqlite", "production") as url,
        contextlib.closing(
            open_database(Settings(data=":memory:", database_url=url), "production")
        ) as database,
    ):
        found = Synced(lms.served, database, lms.clock)
        assert lms.kind is not None
        kind = lms.kind.capabilities.kind
        made = District(DISTRICT, "A", kind, "initial_sync_processing", None, 0, 0, {})
        found.write(lambda conn: roster.insert(conn, roster.DISTRICTS, [made]))
        found.write(lambda conn: syncs.begin(conn, DISTRICT, DAY, NOW))
        found.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=True))
        # What launches have told, for an LMS that lists no courses.
        found.write(lambda conn: notes.save(conn, DISTRICT, lms.notes.kept))
        found.sync(lms.connection)
        assert held(found)[1]
        yield found


def held(district: Synced) -> Any:
    enrollments = district.execute("SELECT * FROM enrollments ORDER BY 1, 2, 3")
    return district.matched(), [tuple(it) for it in enrollments]


def sync(district: Synced, lms: Lms) -> None:
    district.ask()
    with contextlib.suppress(LmsError):
        district.sync(lms.connection)


@pytest.mark.parametrize(("change", "follows"), [(cut, True), (cut, False), (emptied, True)])
def test_nobody_is_unmatched_or_removed(
    district: Synced, lms: Lms, change: Callable[[Any], Any], *, follows: bool
) -> None:
    if change is cut and isinstance(lms.connector, ListsDecide):
        pytest.skip("nothing tells a list that is cut from one that is whole")
    district.write(lambda conn: districts.follow_lms(conn, DISTRICT, follows=follows))
    before = held(district)
    with changed_lists(lms.served, change):
        for _ in range(3):
            sync(district, lms)
            assert held(district) == before
    sync(district, lms)
    assert (held(district), district.state.error) == (before, None)


def test_who_has_left_is_asked_for_and_nobody_else(district: Synced, lms: Lms) -> None:
    lms.calls()
    sync(district, lms)
    usual = lms.calls()
    before = held(district)[1]
    lms.unenroll(lms.students[0])
    sync(district, lms)
    more = lms.calls()
    assert (len(held(district)[1]), 0 < len(more) - len(usual) <= 2) == (len(before) - 1, True)
