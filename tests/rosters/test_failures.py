"""What a failed sync means for the state of the connection."""

from __future__ import annotations

import pytest

from passback.lms.interface import LmsError
from passback.rosters.progress import Quiet
from passback.store import districts
from support.syncs import DISTRICT, Synced


def test_refused_credentials_are_an_error_until_a_sync_succeeds(known: Synced) -> None:
    known.slate.fail("expired-credentials", times=100)
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "error"
    known.ask()
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "error"  # it stays, so that it is reported once
    known.slate.simulator.faults.rules.clear()
    known.ask()
    known.sync()
    assert known.district.lms_state == "success"


def test_a_removed_connection_is_not_marked_as_broken(known: Synced) -> None:
    known.slate.fail("expired-credentials", times=100)

    class Removing(Quiet):
        def step(self, what: str) -> None:
            known.write(lambda conn: districts.set_lms_state(conn, DISTRICT, "disconnected"))

    with pytest.raises(LmsError):
        known.sync(progress=Removing())
    assert known.district.lms_state == "disconnected"


def test_a_failure_of_the_lms_is_not_an_error_of_the_connection(known: Synced) -> None:
    known.sync()
    known.slate.fail("error-before", times=100)
    known.ask()
    with pytest.raises(LmsError):
        known.sync()
    assert known.district.lms_state == "success"
