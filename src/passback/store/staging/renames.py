"""The matches that do not outlast a change of name, because an id or an account may have become somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.domain.renames import RosterName, renamed_in_lms, renamed_in_roster
from passback.store.withdrawals import Withdrawal

if TYPE_CHECKING:
    from passback.store.engine.database import Session


def by_import(session: Session) -> list[Withdrawal]:
    """The matches of those whose given names the staged roster changes, to others than their accounts'.

    Also of those who come back to the roster. Whoever is read from the LMS has their own account's name.
    """
    rows = session.execute(
        "SELECT was.id, was.lms_id, COALESCE(matched_by, ''), was.removed IS NOT NULL, account.name,"
        " was.first_name, was.middle_name, was.last_name, now.first_name, now.middle_name, now.last_name"
        " FROM changes JOIN users AS was ON was.id = changes.id JOIN new_users AS now ON now.id = was.id"
        " LEFT JOIN lms_accounts AS account ON account.district_id = was.district_id AND account.role = was.role"
        " AND account.id = was.lms_id"
        " WHERE changes.kind = 'users' AND changes.what <> 'deleted' AND was.lms_id IS NOT NULL"
        " AND COALESCE(now.lms_id, '') <> was.lms_id AND (COALESCE(was.first_name, '') <> COALESCE(now.first_name, '')"
        " OR COALESCE(was.middle_name, '') <> COALESCE(now.middle_name, '')) ORDER BY was.id"
    ).fetchall()
    found = []
    for id_, lms_id, by, removed, account, *both in rows:
        was, now = _name(*both[:3]), _name(*both[3:])
        if renamed_in_roster(was, now, account):
            reason = f"it was matched{_how(by)} until the roster's name changed from {was} to {now}"
            found.append(Withdrawal(id_, lms_id, account or "", reason, bool(removed)))
    return found


def by_lms(session: Session, district_id: str) -> list[Withdrawal]:
    """The matches made by hand to accounts whose given names have changed in the LMS, to others than the person's.

    The accounts must have been staged by `passback.store.staging.identities`, which judges all other matches itself.
    """
    rows = session.execute(
        "SELECT users.id, users.lms_id, account.name, now.name, now.email, now.sis_id, first_name, middle_name,"
        " last_name FROM users JOIN accounts AS now ON now.role = users.role AND now.id = users.lms_id"
        " JOIN lms_accounts AS account ON account.district_id = users.district_id AND account.role = users.role"
        " AND account.id = users.lms_id WHERE users.district_id = :district_id AND users.removed IS NULL"
        " AND users.matched_by = 'hand' AND now.name <> account.name ORDER BY users.id",
        {"district_id": district_id},
    ).fetchall()
    return [
        Withdrawal(
            id_, lms_id, now, f"it was matched by hand until its name changed from {was} to {now}",
            email=email, sis_id=sis_id,
        )
        for id_, lms_id, was, now, email, sis_id, *ours in rows
        if renamed_in_lms(_name(*ours), was, now)
    ]  # fmt: skip


def _name(first: str | None, middle: str | None, last: str | None) -> RosterName:
    return RosterName(first or "", middle, last or "")


def _how(by: str) -> str:
    return " by hand" if by == "hand" else ""
