"""Matches a district's roster to what was read of its LMS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.matching import match_people, match_sections
from passback.domain.roster import ROLES
from passback.rosters.removals import most_removed
from passback.store import held_back, lms_roster, matching
from passback.store.staging import compare, matches

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.domain.clock import Clock
    from passback.rosters.lease import Renew
    from passback.store.engine.database import Session


def match_roster(
    session: Session,
    district_id: str,
    clock: Clock,
    renew: Renew,
    progress: Callable[[int, int], None],
    *,
    allow_losses: bool,
) -> int:
    """Match all sections, students and teachers of a district, and save the result in one transaction.

    Returns how many became matched or unmatched; `progress` receives how many of our sections are done, of how many.
    If more would be unmatched than may be, nothing is unless `allow_losses`: it waits for a person.
    Raises `passback.rosters.lease.LeaseLost`, and `passback.store.staging.compare.RosterChanged` if the roster changed
    in the meantime.
    """
    matches.prepare(session)
    version = compare.version(session, district_id)
    ours = matching.sections(session, district_id)
    by_hand = matching.by_hand(session, district_id)
    found = match_sections(ours, lms_roster.sections(session, district_id), by_hand["section"])
    matches.load(session, "section", found)
    matches.pair(session, found)
    done, total = 0, sum(it.lms_id is not None for it in found)
    for pairs in matches.pairs(session, district_id):
        for role in ROLES:
            matches.load(
                session,
                role,
                [
                    one
                    for pair in pairs
                    for one in match_people(pair.ours[role], pair.theirs.get(role, []), by_hand[role])
                ],
            )
        done += len(pairs)
        progress(done, total)
    matches.decide(session, district_id)
    losses = matches.losses(session, district_id)
    keep = not allow_losses and any(lost > most_removed(matched) for lost, matched in losses.values())
    waiting = {kind: lost for kind, (lost, _) in losses.items() if keep and lost}
    if keep:
        matches.keep_existing(session)
    with session.transaction():
        session.lock(f"roster/{district_id}")
        if compare.version(session, district_id) != version:
            raise compare.RosterChanged
        changed = matches.apply(session, district_id, clock())
        held_back.replace(session, district_id, "unmatching", waiting, clock())
        renew(session)  # only now: the work above may have outlasted the lease
    return changed
