"""Traffic to each LMS, if several processes count it together: breakers, paces and turns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from passback.domain.clock import MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection


_LONGEST_HELD_BACK = 15 * MINUTE
"""Longer than any LMS can hold requests back."""


class Rules(Struct, frozen=True):
    """Limits on the traffic to an LMS. Times are in milliseconds."""

    at_first: int
    """How many may be under way while the LMS has not said how many more it takes."""
    requests: int | None
    """How many requests of a credential the LMS takes within `span`; None if it reports what is left."""
    span: int
    failures: int
    """How many failures in a row open the breaker."""
    rest: int
    longest: int
    """How long until a turn that nobody gave back is free again."""


class Entry(Struct, frozen=True):
    """Whether a request may be sent now."""

    entered: bool
    wait: int = 0
    """How many milliseconds to wait before trying again."""
    resting: bool = False
    """Whether the breaker is open, so that there is no point in waiting."""
    tries: bool = False
    """Whether it is the first after a rest, for which the others wait."""


class _Credential(Struct, frozen=True):
    not_before: int = 0
    allowed: int | None = None
    begun: tuple[int, ...] = ()


def enter(
    conn: Connection, lms: str, acting: str, turn: str, *, worker: str, rules: Rules, now: Instant
) -> Entry:
    """Take a turn for a credential (`acting`), if one is free."""
    key = f"{lms}/{acting}"
    conn.lock(f"traffic/{lms}")
    failures, closed_until = _breaker(conn, lms)
    rested = failures >= rules.failures
    # A time further ahead than any rest or wait is from before the clock was set back.
    if rested and now < closed_until <= now + rules.rest:
        return Entry(False, closed_until - now, resting=True)
    credential = _credential(conn, key)
    if now < credential.not_before <= now + _LONGEST_HELD_BACK:
        return Entry(False, credential.not_before - now)
    begun = tuple(when for when in credential.begun if now - rules.span < when <= now)
    if rules.requests is not None and len(begun) >= rules.requests:
        return Entry(False, begun[0] + rules.span - now)
    conn.execute(
        "DELETE FROM lms_turns WHERE key = :key AND (expires <= :now OR expires > :latest)",
        {"key": key, "now": now, "latest": now + rules.longest},
    )
    taken = conn.execute("SELECT COUNT(*) FROM lms_turns WHERE key = :key", {"key": key}).fetchone()[0]
    if taken >= (rules.at_first if credential.allowed is None else credential.allowed):
        return Entry(False)
    conn.execute(
        "INSERT INTO lms_turns (id, key, worker, expires) VALUES (:id, :key, :worker, :expires)",
        {"id": turn, "key": key, "worker": worker, "expires": now + rules.longest},
    )
    if rested:
        _save_breaker(conn, lms, failures, now + rules.rest)  # the others wait for the outcome of this one
    if rules.requests is not None:
        _save_credential(conn, key, _Credential(credential.not_before, credential.allowed, (*begun, now)))
    return Entry(True, tries=rested)


def leave(
    conn: Connection,
    lms: str,
    acting: str,
    turn: str,
    *,
    rules: Rules,
    now: Instant,
    went: bool | None,
    hold_back: int,
    room: Callable[[int], int] | None,
    tries: bool,
) -> bool:
    """Give a turn back, and record how the request `went` (None if it was not sent). Whether the breaker is open then.

    `room` returns how many requests the LMS takes at once, given how many others are under way, if it says so.
    If one that `tries` after a rest was not sent, the next may. A rest counts as `passback.lms.http.pace` has it.
    """
    key = f"{lms}/{acting}"
    conn.lock(f"traffic/{lms}")
    taken = conn.execute("DELETE FROM lms_turns WHERE id = :id", {"id": turn}).rowcount
    if hold_back or room is not None:
        known = _credential(conn, key)
        allowed = known.allowed
        if room is not None:
            others = conn.execute("SELECT COUNT(*) FROM lms_turns WHERE key = :key", {"key": key}).fetchone()[
                0
            ]
            allowed = room(others)
        held = _Credential(max(known.not_before, now + hold_back if hold_back else 0), allowed, known.begun)
        if held != known:
            _save_credential(conn, key, held)
    failures, closed_until = _breaker(conn, lms)
    if went:
        if failures:
            _save_breaker(conn, lms, 0, 0)
        return False
    if went is None:
        if tries and taken:
            _save_breaker(conn, lms, failures, now)
        return failures >= rules.failures
    lengthens = not tries and failures < rules.failures
    _save_breaker(conn, lms, failures + 1, now + rules.rest if lengthens else closed_until)
    return failures + 1 >= rules.failures


def _breaker(conn: Connection, lms: str) -> tuple[int, int]:
    row = conn.execute(
        "SELECT failures, closed_until FROM lms_breakers WHERE lms = :lms", {"lms": lms}
    ).fetchone()
    return (0, 0) if row is None else (row[0], row[1])


def _save_breaker(conn: Connection, lms: str, failures: int, closed_until: int) -> None:
    conn.execute(
        "INSERT INTO lms_breakers (lms, failures, closed_until) VALUES (:lms, :failures, :closed_until)"
        " ON CONFLICT (lms) DO UPDATE SET failures = excluded.failures, closed_until = excluded.closed_until",
        {"lms": lms, "failures": failures, "closed_until": closed_until},
    )


def _credential(conn: Connection, key: str) -> _Credential:
    row = conn.execute(
        "SELECT not_before, allowed, begun FROM lms_paces WHERE key = :key", {"key": key}
    ).fetchone()
    return _Credential() if row is None else _Credential(row[0], row[1], tuple(json.loads(row[2])))


def _save_credential(conn: Connection, key: str, credential: _Credential) -> None:
    values: dict[str, Any] = {
        "key": key,
        "not_before": credential.not_before,
        "allowed": credential.allowed,
        "begun": json.dumps(credential.begun),
    }
    conn.execute(
        "INSERT INTO lms_paces (key, not_before, allowed, begun) VALUES (:key, :not_before, :allowed, :begun)"
        " ON CONFLICT (key) DO UPDATE SET not_before = excluded.not_before, allowed = excluded.allowed,"
        " begun = excluded.begun",
        values,
    )
