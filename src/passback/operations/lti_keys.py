"""The keys that the gateway signs with as an LTI tool: making them, and replacing the one that signs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from passback.lms.stored_keys import make_first, new_key
from passback.operations import audit, keys
from passback.operations.dates import show
from passback.operations.errors import OperationError
from passback.operations.open import vault_of
from passback.store import lti_keys

if TYPE_CHECKING:
    from passback.domain.clock import Clock, Instant
    from passback.settings import Settings
    from passback.store.engine.database import Connection, Database

__all__ = ["make_first", "rotate"]


async def rotate(database: Database, settings: Settings, clock: Clock, *, leaked: bool = False) -> str:
    """Let the next key sign, and publish one more; returns the ``kid`` of the one that signs.

    The key that has signed stays published for a day. If the keys have `leaked`, new ones replace all of them at once,
    and an LMS may refuse what they sign until it reads them. Raises `OperationError` if the next key has not been
    published for long enough to be known everywhere or the secret key is missing, and `VaultError`.
    """
    await keys.require_at_hand(database, settings)
    vault = vault_of(settings)
    await make_first(database, vault, clock)
    fresh = await new_key()
    at_once = await new_key() if leaked else None

    def change(conn: Connection) -> str:
        lti_keys.lock(conn)
        now = clock()
        if at_once is not None:
            lti_keys.remove_all(conn)
            lti_keys.add(conn, vault, at_once, now, signs_since=now)
            signs = at_once.id
        else:
            signs = _take_turns(conn, now)
        lti_keys.add(conn, vault, fresh, now)
        audit.record(conn, "lti_key.rotated", signs, detail="leaked" if leaked else "")
        return signs

    return await database.write(change)


def _take_turns(conn: Connection, now: Instant) -> str:
    """Let the next key sign; returns its ``kid``. Raises `OperationError`."""
    following = next(it for it in lti_keys.find_all(conn) if it.signs_since is None)
    known = following.published + lti_keys.PUBLISHED_BEFORE
    if now < known:
        raise OperationError(
            "LMSs may not have read the next key yet, and would refuse what it signs: try again after"
            f" {show(known)}, or give --leaked if somebody else may have the keys"
        )
    lti_keys.take_turns(conn, now)
    lti_keys.remove_retired(conn, now - lti_keys.PUBLISHED_AFTER)
    return following.id
