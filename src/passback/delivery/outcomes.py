"""What an error means for the delivery that met it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from passback.delivery import lms_errors
from passback.delivery.assignments import MadeElsewhere, NotMade
from passback.delivery.lookup import NotMadeYet, NotMatched, NotReached
from passback.domain.delivery import Failed
from passback.domain.submission import SubmissionFields
from passback.lms.interface import Gone, LmsError
from passback.store.engine.database import StoreUnavailable
from passback.wire import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from passback.context import Gateway
    from passback.domain.delivery import Delivery, Operation, Refused
    from passback.store.engine.database import Connection

log = logging.getLogger(__name__)

DOING: dict[Operation, str] = {
    "create_assignment": "creating assignment",
    "update_assignment": "updating assignment",
    "delete_assignment": "deleting assignment",
    "update_submission": "updating submission",
    "update_submissions": "updating submissions",
}
"""What is being done, as in ``Error creating assignment``."""


def outcome_of(delivery: Delivery, error: Exception, *, whole: bool = False) -> Refused | Failed:
    """The outcome of a delivery that met `error`; `whole` if the error concerns all that was sent with it."""
    match error:
        case NotReached():
            return Failed(error.status, error.message, error.cause, down=True, whole=whole)
        case NotMatched():
            return Failed(error.status, error.message, error.cause, whole=whole)
        case errors.Refusal():
            return lms_errors.refused(error, whole=whole)
        case LmsError():
            grader_id = None
            if isinstance(error, Gone) and error.thing == "grader":
                grader_id = delivery.fields(SubmissionFields).grader_id
            doing = DOING["update_submissions" if whole else delivery.operation]
            return lms_errors.outcome_of(error, doing, grader_id=grader_id, whole=whole)
        case StoreUnavailable():
            log.error("the store is not available: %s", error)
            failed = errors.store_unavailable()
            return Failed(
                failed.status,
                failed.message,
                str(error),
                doubt=True,
                retry_after=failed.retry_after,
                whole=True,
            )
        case NotMadeYet():
            failed = errors.lms_failed(DOING[delivery.operation])
            return Failed(failed.status, failed.message, str(error), whole=whole)
        case MadeElsewhere():
            return Failed(500, "Error creating assignment", str(error), doubt=True)
        case NotMade():
            return Failed(500, "Error creating assignment", str(error), doubt=True, final=True)
        case _:
            log.error("an internal error while delivering %s", delivery.id, exc_info=error)
            failed = errors.internal_error()
            return Failed(failed.status, failed.message, type(error).__name__, doubt=True)


def consequence_of(
    gateway: Gateway, delivery: Delivery, error: Exception
) -> Callable[[Connection], None] | None:
    """What is to be recorded of an error beyond the delivery (`passback.delivery.lms_errors.consequence_of`)."""
    if not isinstance(error, LmsError):
        return None
    about = None
    if delivery.section_id is not None and delivery.operation != "create_assignment":
        about = delivery.section_id, delivery.assignment_id or ""
    return lms_errors.consequence_of(gateway, delivery.district_id, error, about)
