"""What people do in Moodle's own web pages, which the API does not offer.

These are methods of `MoodleSimulator` (``ui_...``), for tests and for the sandbox. Ids are those of the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.moodle import gradebook
from passback_simulators.moodle.handlers.editing import remove
from passback_simulators.moodle.handlers.grading import new_submission
from passback_simulators.moodle.seed import add_assignment

if TYPE_CHECKING:
    from passback_simulators.moodle.state import MoodleState
    from passback_simulators.records import Record


def create_assignment(lms: MoodleState, course: int, name: str, **settings: Any) -> int:
    """A teacher makes an assignment; returns its id."""
    return int(add_assignment(lms.records, course, name, lms.seconds, **settings)["id"])


def change_assignment(lms: MoodleState, assign: int, **settings: Any) -> None:
    """A teacher changes settings of an assignment; `visible` is that of its course module."""
    found = _assign(lms, assign)
    if "visible" in settings:
        cm = lms.records.get("cms", found["cmid"])
        assert cm is not None
        lms.records.put("cms", cm["id"], cm | {"visible": settings.pop("visible")})
    lms.records.put("assigns", assign, found | settings | {"timemodified": lms.seconds})


def delete_assignment(lms: MoodleState, assign: int) -> None:
    """A teacher deletes an assignment."""
    cm = lms.records.get("cms", _assign(lms, assign)["cmid"])
    assert cm is not None
    remove(lms, cm)


def unenroll(lms: MoodleState, course: int, user: int) -> None:
    """An enrolment is removed."""
    lms.records.remove("enrolments", f"{course}/{user}")


def suspend(lms: MoodleState, course: int, user: int) -> None:
    """An enrolment is suspended."""
    row = lms.enrolment(course, user)
    assert row is not None
    lms.records.put("enrolments", f"{course}/{user}", row | {"status": 1})


def delete_user(lms: MoodleState, user: int) -> None:
    """A user is deleted: the record stays, under a name and an address that are nobody's."""
    found = lms.records.get("users", user)
    assert found is not None
    gone = {"deleted": True, "username": f"{found['email']}.{lms.seconds}", "email": "0" * 32, "idnumber": ""}
    lms.records.put("users", user, found | gone)


def submit(lms: MoodleState, assign: int, user: int, text: str = "", files: tuple[str, ...] = ()) -> None:
    """A student hands in."""
    row = lms.latest("submissions", assign, user) or new_submission(lms, assign, user, 0, "new")
    changed = row | {"status": "submitted", "text": text, "files": [*files], "timemodified": lms.seconds}
    lms.records.put("submissions", f"{assign}/{user}/{row['attemptnumber']}", changed)


def override(lms: MoodleState, assign: int, user: int, grade: float | None) -> None:
    """A teacher overrides a grade in the gradebook; None takes the override back."""
    row = _entry(lms, assign, user)
    given = {"overridden": grade is not None, **({"grade": grade} if grade is not None else {})}
    gradebook.put(lms, row | given)


def lock_grade(lms: MoodleState, assign: int, user: int | None = None, *, locked: bool = True) -> None:
    """A teacher locks a grade in the gradebook, or the whole column."""
    if user is not None:
        gradebook.put(lms, _entry(lms, assign, user) | {"locked": locked})
        return
    item = lms.item_of(assign)
    assert item is not None
    lms.records.put("items", item["id"], item | {"locked": locked})


def gradebook_entry(lms: MoodleState, assign: int, user: int) -> Record:
    """What the gradebook has of a student in an assignment's column."""
    return _entry(lms, assign, user)


def _entry(lms: MoodleState, assign: int, user: int) -> Record:
    item = lms.item_of(assign)
    assert item is not None
    return gradebook.entry(lms, item["id"], user)


def _assign(lms: MoodleState, assign: int) -> Record:
    found = lms.records.get("assigns", assign)
    assert found is not None
    return found
