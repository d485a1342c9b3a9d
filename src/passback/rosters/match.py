"""Matches a district's roster to what was read of its LMS."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from passback.delivery import webhook_notify
from passback.domain.identity import Numbers, judge
from passback.domain.matching import (
    Candidate,
    Common,
    Match,
    is_reliable,
    kinship,
    match_sections,
    section_doubt,
)
from passback.rosters.removals import most_removed
from passback.store import districts, held_back, lms_roster, matching, number_fits
from passback.store.staging import compare, identities, matches, renames
from passback.store.staging.matches import Possible
from passback.store.withdrawals import withdraw

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from passback.domain.clock import Clock
    from passback.domain.roster import Role
    from passback.rosters.lease import Renew
    from passback.store.engine.database import Session
    from passback.store.number_fits import NumberFit
    from passback.store.staging.identities import Counts, Meeting


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
    by_hand = matching.sections_by_hand(session, district_id)
    found = match_sections(ours, lms_roster.sections(session, district_id), by_hand)
    matches.pair(session, found)
    total = sum(it.lms_id is not None for it in found)
    progress(0, total)
    identities.stage(session, district_id)
    _withdraw_renamed(session, district_id, clock, renew)
    fits = _match_people(session, district_id, found)
    progress(total, total)
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
        now = clock()
        changed = matches.apply(session, district_id, now)
        webhook_notify.matches_withdrawn(session, district_id, matches.lost(session), now)
        held_back.replace(session, district_id, "unmatching", waiting, now)
        number_fits.replace(session, district_id, fits)
        renew(session)  # only now: the work above may have outlasted the lease
    return changed


def _match_people(session: Session, district_id: str, sections: Sequence[Match]) -> Sequence[NumberFit]:
    """Find the matches of people, and with them those of the sections that are not sure by themselves.

    First the people who are surely matched, in any section; then the sections, some of which these people show to be
    the same; then the people whose name alone is the same, within these sections. Returns how well numbers fit.
    """
    fits = identities.choose_numbers(session, districts.match_by(session, district_id))
    counts = identities.counts(session)
    identities.meet(session, district_id)
    matches.add_agreed(session)
    for meetings in identities.meetings(session, fits):
        sure = [
            it for meeting in meetings if (it := _judged(meeting, counts)) is not None and it.by and it.sure
        ]
        together = {(it.id, it.lms_id) for it in meetings if it.together}
        matches.add_surely(session, sure)
        matches.load(session, [it for it in sure if (it.id, it.lms_id) in together])
    _settle_sections(session, district_id, sections)
    matches.resolve(session)
    identities.meet_by_name(session, district_id)
    any_weaker = False
    for meetings in identities.meetings(session, fits):
        judged = [it for meeting in meetings if (it := _judged(meeting, counts)) is not None]
        weaker = [it for it in judged if not (it.by and it.sure)]
        matches.load(session, weaker)
        any_weaker = any_weaker or bool(weaker)
    if any_weaker:
        matches.resolve(session)
    return fits


def _withdraw_renamed(session: Session, district_id: str, clock: Clock, renew: Renew) -> None:
    """Withdraw matches made by hand to accounts that may be somebody else's by now. All others are judged anyway."""
    with session.transaction():
        session.lock(f"roster/{district_id}")
        now = clock()
        lost = withdraw(session, district_id, renames.by_lms(session, district_id), now)
        webhook_notify.matches_withdrawn(session, district_id, lost, now)
        renew(session)


def _judged(meeting: Meeting, counts: dict[Role, Counts]) -> Possible | None:
    verdict = judge(meeting.pair, _numbers(meeting, counts))
    if verdict.by is None and verdict.reason is None:
        return None
    return Possible(
        meeting.role, meeting.id, meeting.lms_id, verdict.by, verdict.sure, verdict.reason, verdict.rival
    )


def _numbers(meeting: Meeting, counts: dict[Role, Counts]) -> Numbers:
    """What the others show: two people cannot be the reason why their own numbers say nothing."""
    agreed = meeting.pair.numbers_agree if meeting.tells_of_kinds else None
    return _numbers_without(counts[meeting.role], agreed)


@lru_cache(maxsize=64)
def _numbers_without(count: Counts, agreed: bool | None) -> Numbers:
    """What all show but one, by whether that one's numbers agree; None if it shows nothing."""
    agree, differ = count.agree - (agreed is True), count.differ - (agreed is False)
    return Numbers(kinship(agree, differ, count.in_both), is_reliable(agree, differ))


def _settle_sections(session: Session, district_id: str, sections: Sequence[Match]) -> None:
    unread = matches.unread_as_matched(session, district_id)
    in_doubt = {it.id for it in sections if not _is_sure(it) and it.id not in unread}
    commons = matches.commons(session, district_id, in_doubt) if in_doubt else {}
    settled = [_settled(it, commons.get(it.id, Common())) if it.id in in_doubt else it for it in sections]
    matches.load(session, (one for it in settled for one in _possible(it)))
    matches.unpair(
        session, [was.id for was, now in zip(sections, settled, strict=True) if was.lms_id and not now.lms_id]
    )


def _is_sure(match: Match) -> bool:
    """Whether a section's match, or that it has none, needs no people to confirm it."""
    return (
        match.lms_id is None or match.by in ("hand", "lms_id") or (match.by == "sis_id" and match.named_alike)
    )


def _settled(match: Match, common: Common) -> Match:
    doubt = section_doubt(match.by, common)
    if match.lms_id is None or doubt is None:
        return match
    return Match(match.id, None, None, (Candidate(match.lms_id, doubt),))


def _possible(match: Match) -> Iterator[Possible]:
    if match.lms_id is not None:
        yield Possible("section", match.id, match.lms_id, match.by)
    for candidate in match.candidates:
        yield Possible("section", match.id, candidate.lms_id, None, reason=candidate.reason)
