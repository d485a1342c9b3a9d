"""From what went wrong at an LMS to what becomes of the delivery, and to what the client gets: one table."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from passback.delivery import webhook_notify
from passback.domain.delivery import Failed, Refused
from passback.lms.http.gate import Resting
from passback.lms.interface import Gone, LmsError, NotAllowed, Unavailable, Unsupported
from passback.lms.interface import RefusedByLms as RefusedByLms
from passback.store import looks
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.context import Gateway
    from passback.delivery.lookup import SectionAtLms
    from passback.store.engine.database import Connection

log = logging.getLogger(__name__)


def outcome_of(
    error: LmsError, doing: str, *, grader_id: str | None = None, whole: bool = False
) -> Refused | Failed:
    """The outcome that the contract has for what an LMS answered (contract: When the LMS fails).

    `doing` is what was tried, as in ``creating assignment``; `grader_id` is the client's, for row 9; `whole` if it
    concerns everything it was sent with. The cause goes to the log and never to the client.
    """
    match error:
        case Gone():
            return refused(_gone(error, doing, grader_id), whole=whole)
        case RefusedByLms() | Unsupported():
            return Refused(400, str(error), whole)
        case Unavailable():
            log.warning("error %s: %s", doing, error)
            failed = errors.lms_failed(doing)
            untried, outage = isinstance(error, Resting), is_outage(error)
            return Failed(
                failed.status,
                failed.message,
                str(error),
                doubt=error.in_doubt,
                retry_after=error.retry_after,
                down=outage or (isinstance(error, NotAllowed) and error.credentials),
                outage=outage,
                untried=untried,
                wait=error.retry_after if untried else None,
                whole=whole,
            )
        case _:
            log.error("error %s", doing, exc_info=error)
            failed = errors.lms_failed(doing)
            return Failed(failed.status, failed.message, type(error).__name__, whole=whole)


def is_outage(error: LmsError) -> bool:
    """Whether the LMS is down, as far as can be told: it has failed so often that it is left alone for now."""
    if not isinstance(error, Unavailable) or isinstance(error, NotAllowed):
        return False
    return error.down or isinstance(error, Resting)


def _gone(error: Gone, doing: str, grader_id: str | None) -> errors.Refusal:
    match error.thing:
        case "section":
            return errors.resource_not_found()
        case "student":
            return errors.user_not_found()
        case "grader":
            return errors.grader_not_found(grader_id or "")
        case "assignment":
            # A section that is gone while its assignment is created has no row of its own.
            return errors.resource_not_found() if doing == "creating assignment" else errors.assignment_gone()


def refused(refusal: errors.Refusal, *, whole: bool = False) -> Refused:
    """The outcome that is a refusal of ours."""
    return Refused(refusal.status, refusal.message, whole)


def as_refusal(outcome: Refused | Failed) -> errors.Refusal:
    """The error that a client gets for an outcome."""
    retry_after = outcome.retry_after if isinstance(outcome, Failed) else None
    return errors.Refusal(outcome.status, outcome.message, retry_after=retry_after)


class lms_errors_as_refusals:  # noqa: N801 - reads as a statement: async with lms_errors_as_refusals(...)
    """Turns an `LmsError` raised inside the ``with`` into the `Refusal` that the contract has for it.

    What it says of the connection to the LMS of `section`, and of the assignment with the id `about` there, is
    reported, too; so is that a connection works again.
    """

    __slots__ = ("_about", "_district_id", "_doing", "_gateway", "_section")

    def __init__(
        self, gateway: Gateway, district_id: str, doing: str, section: SectionAtLms, about: str | None = None
    ) -> None:
        self._gateway = gateway
        self._district_id = district_id
        self._doing = doing
        self._section = section
        self._about = None if about is None else (section.id, about)

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        if error is None:
            await report_success(self._gateway, self._district_id, self._section)
        if isinstance(error, LmsError):
            await report_lms_error(self._gateway, self._district_id, error, self._about)
            raise as_refusal(outcome_of(error, self._doing)) from error


async def report_success(gateway: Gateway, district_id: str, section: SectionAtLms) -> None:
    """Record that the LMS of `section` can be used, if it was marked as one that cannot."""
    if section.in_error:
        now = gateway.clock()
        await gateway.database.write(lambda conn: webhook_notify.connection_works(conn, district_id, now))


async def report_lms_error(
    gateway: Gateway, district_id: str, error: LmsError, about: tuple[str, str] | None = None
) -> None:
    """Record what an error says beyond the request: refused credentials, or an assignment that may be gone.

    The district's connection is marked (``lms_state``), and webhooks report it; the assignment's section is looked at.
    """
    consequence = consequence_of(gateway, district_id, error, about)
    if consequence is not None:
        await gateway.database.write(consequence)


def consequence_of(
    gateway: Gateway, district_id: str, error: LmsError, about: tuple[str, str] | None
) -> Callable[[Connection], None] | None:
    """The part of a transaction that records what `report_lms_error` reports; None if that is nothing."""
    pretended = gateway.connectors.pretending
    now = gateway.clock()
    if isinstance(error, NotAllowed) and error.credentials:
        return lambda conn: webhook_notify.connection_broken(conn, district_id, now, pretended=pretended)
    # Whoever is refused while the LMS is left alone need not record it again.
    if is_outage(error) and not isinstance(error, Resting):
        return lambda conn: webhook_notify.connection_down(conn, district_id, now, pretended=pretended)
    if not isinstance(error, Gone) or error.thing != "assignment" or about is None:
        return None
    if pretended:
        return lambda conn: webhook_notify.assignment_gone(conn, district_id, *about, now, pretended=True)
    # An LMS says the same of an assignment whose section is hidden: a look at the section tells them apart.
    section_id, assignment_id = about

    def look(conn: Connection) -> None:
        if looks.any_expected(conn, [assignment_id]):
            looks.request(conn, section_id, now)

    return look
