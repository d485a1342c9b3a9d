"""``passback match``: which of the LMS's sections and people the roster's are."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter
from msgspec.structs import asdict

from passback.cli import Data, UsageError, group
from passback.cli.data import existing, on_database, with_gateway
from passback.cli.output import show_json
from passback.cli.text import one_line
from passback.domain.clock import system_clock
from passback.operations import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.operations.matches import Known, MatchedToAnother, Matches, NumberFit, Ours
    from passback.operations.open import Opened

app = group("match")

All = Annotated[bool, Parameter(name="--all")]

_NEXT_LINE = "\n     "


class _Later(Exception):
    """Whoever decides has had enough for now."""


@app.command
def status(*, district: str, all_: All = False, json: bool = False, data: Data = None) -> None:
    """Show how much is matched, what is not, and the candidates that a person must choose from.

    Above these it says which number of the roster's people the last sync took the LMS's SIS ids for, how many people
    have an account by it (with the same name, too), and how many by other numbers.

    Args:
        district: The district's id.
        all_: Show what is matched, too, and how.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: matches.status(it, district.lower()))
    shown = [it for it in found.ours if all_ or it.lms_id is None]
    if json:
        show_json(_fields(found, shown))
        return
    shares = ", ".join(f"{name} {share:g} %" for name, share in found.district.lms_matched_percentage.items())
    print(one_line(f"{found.district.name} ({found.district.lms_state or 'not connected'}): {shares}"))
    for role in ("student", "teacher"):
        _show_number([it for it in found.number_fits if it.role == role])
    if found.ours and not shown:
        print("Everything is matched: --all shows how")
    for item in shown:
        by = f"{one_line(item.lms_id)} (by {item.matched_by or 'start'})" if item.lms_id is not None else None
        print(f"{item.id}  {item.kind:<8}  {one_line(item.name):<30}  {by or 'not matched'}")
        for candidate in found.candidates.get(item.id, ()):
            print(f"{'':<26}or {_described(candidate)}{_why(candidate, '; ')}")


def _fields(found: Matches, shown: Sequence[Ours]) -> dict[str, Any]:
    """A district's matches, for JSON."""
    return {
        "district_id": found.district.id,
        "district_name": found.district.name,
        "lms_state": found.district.lms_state or None,
        "matched_percentage": found.district.lms_matched_percentage,
        "numbers": [
            {
                "role": it.role,
                "number": it.kind,
                "people": it.people,
                "fit": it.fits,
                "fit_by_name": it.named_alike,
                "chosen": it.chosen,
            }
            for it in found.number_fits
        ],
        "matches": [
            {
                "id": it.id,
                "kind": it.kind,
                "name": it.name,
                "lms_id": it.lms_id,
                "matched_by": it.matched_by,
                "candidates": [asdict(known) for known in found.candidates.get(it.id, ())],
            }
            for it in shown
        ],
    }


def _show_number(fits: Sequence[NumberFit]) -> None:
    """Show which number the LMS has as SIS id, and why: the first of one role's."""
    if not fits or not fits[0].people:
        return
    best, *others = fits
    if not (best.fits or best.chosen == "named"):
        print(f"The LMS's SIS ids are none of the {best.role}s' numbers")
        return
    named = " as match by says" if best.chosen == "named" else ""
    print(
        f"SIS ids of {best.role}s are taken for their {best.kind}{named}: {_fit(best)} of {best.people:,} fit"
    )
    for other in others:
        if other.fits:
            print(f"{'':<4}{other.kind}: {_fit(other)}")


def _fit(fit: NumberFit) -> str:
    return f"{fit.fits:,} ({fit.named_alike:,} by name, too)"


@app.command
def review(*, district: str, data: Data = None) -> int:
    """Go through what a person must decide, one by one: which of the LMS's a section or user is.

    You can stop at any time: what was decided is kept. Several people may do it at once.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    if sys.stdin is None or sys.stdout is None:
        raise UsageError("match review asks at the terminal, and there is none: use passback match set")
    district = district.lower()
    with existing(data) as database:
        waiting = asyncio.run(matches.undecided(database, district))
        if not waiting:
            print("There is nothing to decide.")
        sections = False
        try:
            for number, item in enumerate(waiting, 1):
                decided = _review(database, item, f"{number} of {len(waiting)}")
                sections = sections or (decided and item.kind == "section")
        except _Later:
            print("The rest is left for later.")
        except KeyboardInterrupt:
            print("\nThe rest is left for later.")
        finally:
            if sections and asyncio.run(matches.request_sync(database, district, system_clock)):
                _say_that_a_sync_follows(district)
    return 0


def _review(database: Opened, item: Ours, place: str) -> bool:
    """Let a person decide which of the LMS's one of ours is. Whether it is decided. Raises `_Later`."""
    # Candidates are read only now, because somebody else may have decided meanwhile.
    question = asyncio.run(matches.decision(database, item))
    if question is None:
        print(f"{place}: {item.kind} {one_line(item.name)} ({item.id}) no longer needs a decision.")
        return False
    print(f"{place}: {item.kind} {_described(question.ours)}")
    for position, candidate in enumerate(question.candidates, 1):
        print(f"  {position}  {_described(candidate)}{_why(candidate, _NEXT_LINE)}")
    chosen = _chosen(len(question.candidates))
    if not chosen:
        return False
    lms_id = question.candidates[chosen - 1].id
    try:
        decided = asyncio.run(matches.choose(database, item, lms_id, system_clock))
    except matches.MatchedToAnother as error:
        print(f"Not matched: {_conflict(error)}")
        return False
    print(
        f"{item.id} is {one_line(lms_id)}."
        if decided
        else f"{item.id} has been decided meanwhile, by another person or a sync: it stays as it is."
    )
    return decided


def _chosen(most: int) -> int:
    """Which one a person chooses, from 1; 0 for none of them now. Raises `_Later`."""
    while True:
        try:
            answer = input(f"Which is it? [{'1' if most == 1 else f'1-{most}'}, s to skip, q to stop] ")
        except EOFError:
            print()
            raise _Later from None
        except UnicodeDecodeError:
            continue
        answer = answer.strip().lower()
        if answer == "q":
            raise _Later
        if answer == "s":
            return 0
        if answer.isascii() and answer.isdecimal() and 1 <= int(answer) <= most:
            return int(answer)


def _described(known: Known) -> str:
    """Name, id and whatever else tells a section or person from another."""
    about = [
        form.format(value)
        for form, value in (
            ("course {}", known.course),
            ("at {}", known.school),
            ("term {}", known.term),
            ("period {}", known.period),
            ("taught by {}", known.teachers),
            ("{} students" if known.students != 1 else "{} student", known.students),
            ("in {}", known.sections),
            ("{}", known.email),
            ("SIS id {}", known.sis_id),
        )
        if value not in (None, "")
    ]
    return one_line(f"{known.name} ({known.id})" + (f": {'; '.join(about)}" if about else ""))


def _why(candidate: Known, before: str) -> str:
    """Why a candidate was not matched without asking, after `before`."""
    return f"{before}{one_line(candidate.reason)}" if candidate.reason else ""


@app.command
def by(
    kind: Literal["auto", "sis_id", "number", "state_id", "username"], *, district: str, data: Data = None
) -> None:
    """Set which number of the roster's people the LMS has as its SIS id, if the matching does not find out by itself.

    By itself it takes the one that fits most of the district's students, and of its teachers. A sync is requested.

    Args:
        kind: auto: the one that fits most; sis_id: the roster's own id (OneRoster's sourcedId, Clever's Student_id);
            number: the student's or teacher's number (identifier, Student_number, Teacher_number); state_id
            (userMasterIdentifier, State_id); or username.
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()
    named = None if kind == "auto" else kind
    if on_database(data, lambda it: matches.match_by(it, district, named, system_clock)):
        print(
            "A sync has been requested, which matches the people again: a running server carries it out, or passback"
            f" sync run --district {district}"
        )


@app.command(name="set")
def decide(our_id: str, lms_id: str, *, data: Data = None) -> None:
    """Decide by hand which of the LMS's a section or user is. The decision stands until it is cleared.

    The command asks the LMS whether it has the section, or the person in one of their matched sections. If it does
    not, nothing changes; if the LMS cannot be asked now, the match is set all the same, with a warning.

    Args:
        our_id: The section's or user's id here.
        lms_id: Its id in the LMS. A section: in Canvas 101/202, as in the address /courses/101/sections/202; in
            Schoology 5001, as in /course/5001; in Google Classroom the course's number in its API, which the address
            has in base64; in Moodle 101, as in /course/view.php?id=101. A person: the number of the user.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        try:
            decided = with_gateway(database, data, lambda it: matches.decide(it, our_id.lower(), lms_id))
        except matches.MatchedToAnother as error:
            raise UsageError(_conflict(error)) from None
    if decided.doubt:
        print(
            f"passback: it is set, but could not be looked up in the LMS: {one_line(decided.doubt)}",
            file=sys.stderr,
        )
    if decided.sync_requested:
        _say_that_a_sync_follows(decided.district_id)


@app.command
def clear(our_id: str, *, data: Data = None) -> None:
    """Forget which of the LMS's a section or user is, and let a sync match it again if it can.

    Until then, no grades reach it. A match that was made automatically comes back with the sync, as long as the roster
    and the LMS stay as they are: to have another one, use match set.

    Args:
        our_id: The section's or user's id here.
        data: The folder of the data file [data].
    """
    cleared = on_database(data, lambda it: matches.clear(it, our_id.lower(), system_clock))
    was = cleared.was
    if was.lms_id is None:
        print(f"{was.id} is not matched: nothing has changed.")
        return
    by_hand = was.matched_by == "hand"
    how = "by hand" if by_hand else f"automatically, by {was.matched_by or 'start'}"
    print(f"{was.id} is no longer matched to {one_line(was.lms_id)} ({how}): no grades reach it.")
    if not by_hand:
        print(
            "A sync matches it in the same way again, unless the roster or the LMS has changed: passback match set"
            f" {was.id} LMS_ID decides for good."
        )
    if cleared.sync_requested:
        _say_that_a_sync_follows(was.district_id, "it again if it can")


def _conflict(error: MatchedToAnother) -> str:
    return f"{one_line(str(error))}: passback match clear {error.other}, if that is wrong"


def _say_that_a_sync_follows(district_id: str, what: str = "the people of the decided sections") -> None:
    print(
        f"A sync has been requested, which matches {what}: a running server carries it out, or passback sync run"
        f" --district {district_id}"
    )
