"""Decisions about matches, and how they are verified in the LMS."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from passback.context import Gateway
from passback.rosters import decide
from passback.rosters.decide import CannotVerify, NotInLms
from passback.store import match_candidates, matching
from passback.store.match_candidates import Decision, Known
from passback.store.matching import AlreadyMatched
from support.sandbox import NOW
from support.syncs import DISTRICT, Synced


def test_a_decision_shows_ours_and_the_free_candidates(known: Synced) -> None:
    known.user("t1", "Ann Lee", "a1", role="teacher")
    known.user("u2", "student-1", "a1", "a2", email="u2@x", sis_id="7")
    known.at_slate("s1", "student-1", "student-1 ")
    known.slate.simulator.records.put("sections", "s3", {"id": "s3", "name": "s2", "people": []})
    known.change("UPDATE sections SET sis_id = NULL WHERE id = 'a2'")
    known.sync()
    waiting = known.database.read_now(lambda conn: match_candidates.undecided(conn, DISTRICT))
    assert [it.id for it in waiting] == ["a2", "u1", "u2"]
    known.write(lambda conn: matching.choose(conn, waiting[1], "student-1 ", NOW))
    asked = [
        known.database.read_now(lambda conn, it=it: match_candidates.decision(conn, it))  # type: ignore[misc]
        for it in waiting
    ]
    assert asked == [
        Decision(
            Known("a2", "s2", None, students=2),
            [
                Known("s2", "s2", None, None, "s2", "teacher-2", 1, reason="several sections have this name"),
                Known("s3", "s2", None, None, "s2", None, 0, reason="several sections have this name"),
            ],
        ),
        None,
        Decision(
            Known("u2", "student-1", "7", "u2@x", sections="s1, s2"),
            [Known("student-1", "student-1", None, reason="the name agrees, but several have it")],
        ),
    ]


def test_if_two_decide_at_once_the_first_wins(known: Synced) -> None:
    known.user("u2", "student-1", "a1")
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    one, other = known.database.read_now(lambda conn: match_candidates.undecided(conn, DISTRICT))
    assert known.write(lambda conn: matching.choose(conn, one, "student-1", NOW))
    assert not known.write(lambda conn: matching.choose(conn, one, "student-1 ", NOW))
    with pytest.raises(AlreadyMatched, match="u1"):
        known.write(lambda conn: matching.choose(conn, other, "student-1", NOW))
    assert not known.write(lambda conn: matching.choose(conn, other, "student-2", NOW))
    assert (known.matched()["u1"], known.matched()["u2"]) == ("student-1", None)


def test_two_concurrent_decisions_never_pick_the_same_one(known: Synced) -> None:
    known.user("u2", "student-1", "a1")
    known.at_slate("s1", "student-1", "student-1 ")
    known.sync()
    waiting = known.database.read_now(lambda conn: match_candidates.undecided(conn, DISTRICT))

    async def do(gateway: Gateway) -> list[bool | BaseException]:
        choices = [
            gateway.database.write(lambda conn, it=it: matching.choose(conn, it, "student-1", NOW))  # type: ignore[misc]
            for it in waiting
        ]
        return await asyncio.gather(*choices, return_exceptions=True)

    assert sorted(str(type(it).__name__) for it in known.run(do)) == ["AlreadyMatched", "bool"]


@pytest.mark.parametrize(
    ("id_", "lms_id", "told"),
    [
        ("a1", "s2", None),
        ("a1", "s9", "the LMS has no section s9"),
        ("u1", "student-2", None),
        ("u1", "student-6", "the LMS has no student student-6 in the sections of u1"),
        ("u1", "teacher-1", "the LMS has no student teacher-1 in the sections of u1"),
    ],
)
def test_what_a_person_decides_is_verified(known: Synced, id_: str, lms_id: str, told: str | None) -> None:
    known.sync()
    ours = next(it for it in known.all() if it.id == id_)
    expected = contextlib.nullcontext() if told is None else pytest.raises(NotInLms, match=told)
    with expected:
        name = known.run(lambda gateway: decide.verify(gateway, ours, lms_id))
        assert name == (lms_id if id_ == "u1" else None), "whom the person accepts"


def test_what_cannot_be_verified_is_reported(known: Synced) -> None:
    section, student = (it for it in known.all() if it.id in ("a1", "u1"))
    with pytest.raises(CannotVerify, match="none of the sections of u1 is matched"):
        known.run(lambda gateway: decide.verify(gateway, student, "student-1"))
    known.slate.fail("error-before", times=100)
    with pytest.raises(CannotVerify, match="the LMS cannot be read"):
        known.run(lambda gateway: decide.verify(gateway, section, "s1"))
