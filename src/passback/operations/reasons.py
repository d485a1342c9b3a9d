"""Why a delivery has not arrived, and what to do about it, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from passback.domain.delivery import Delivery


class Reason(Struct, frozen=True):
    """Why a delivery has not arrived, and what a person can do."""

    why: str
    advice: str


_REFUSALS = (
    (
        "Assignment does not exist",
        "The assignment no longer exists in the LMS.",
        "Ask the teacher whether it was deleted on purpose. If not, the app can create it again.",
    ),
    (
        "User not found",
        "The student is not in this section, or the assignment is not given to them.",
        "Check the student's enrollment, in the roster and in the LMS, and then retry.",
    ),
    (
        "NOT_FOUND: Person with id",
        "The grader is not a teacher of this section, or not in the LMS.",
        "Match the teacher, or have the app send another grader.",
    ),
    (
        "Resource not found",
        "The section is not known, not matched to one in the LMS, or its district is not connected.",
        "Look at the district's matches and connection, and then retry.",
    ),
)
"""By how the refusal's message begins: why, and what to do."""

_NO_LONGER = Reason("Somebody cancelled it.", "Retry it if it is wanted after all.")


def reason_of(delivery: Delivery) -> Reason:
    """Why a delivery has not arrived. Its `cause` holds no secret and no student data."""
    cause = sentence(delivery.cause or "")
    match delivery.state:
        case "delivering":
            return Reason("It is on its way now.", "Nothing: look again in a moment.")
        case "waiting" if delivery.awaits_create:
            return Reason(
                "It waits until its assignment is created.",
                "See why the assignment has not been created yet.",
            )
        case "waiting" if cause:
            return Reason(
                cause, "It is tried again by itself. Retry it once the cause is gone, to have it sooner."
            )
        case "waiting":
            return Reason("It waits for its turn.", "Nothing: it is sent by itself.")
        case "expired":
            return Reason(
                f"It could not be delivered in time. {cause}".strip(),
                "Mend the cause, and then retry it.",
            )
        case "failed":
            return Reason(
                f"The app waited for the answer and got an error. {cause}".strip(),
                "The app has been told, and may send it again. Retry it if it does not.",
            )
        case "cancelled":
            return _NO_LONGER
        case "delivered":
            return Reason("It has arrived.", "")
        case _:
            return why_refused(delivery.message or "", cause)


def why_refused(message: str, cause: str = "") -> Reason:
    """Why something was refused, by the words of the refusal."""
    for begin, why, advice in _REFUSALS:
        if message.startswith(begin):
            return Reason(f"{why} {cause}".strip(), advice)
    return Reason(
        f"It was refused: {sentence(message)} {cause}".strip(),
        "The app has to send something else, or the LMS has to allow it. Retrying alone seldom helps.",
    )


def sentence(text: str) -> str:
    """Text as a sentence; empty if there is none."""
    text = text.strip()
    return text and text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
