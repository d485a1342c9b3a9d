"""Who is not matched? What waits for a person, the candidates side by side, and deciding with a click or a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from passback.console.render import page
from passback.console.routing import Shown
from passback.console.visit import NotHere, redirect
from passback.operations import districts, matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from passback.console.visit import Visit
    from passback.operations.matches import Known, Ours

_A_PAGE = 50


class Sign(Struct, frozen=True):
    """Something that tells a section or person from others: here, and in each candidate."""

    name: str
    ours: str
    theirs: Sequence[tuple[str, str]]
    """What the LMS has, and whether it is the ``same`` or ``differs``; neither if one of them is not known."""


async def show(visit: Visit) -> Response:
    """What waits for a person in a district."""
    after = visit.asked("after")
    found = await matches.waiting(visit.gateway.database, visit.district_id, after=after, limit=_A_PAGE)
    return page(
        visit,
        "matches.html",
        found=found,
        district=found.district,
        after=after,
        done=visit.done,
        decided=await _decided(visit),
    )


async def show_one(visit: Visit) -> Response:
    """One of ours, with its candidates side by side."""
    return await _one(visit, await _ours(visit))


async def choose(visit: Visit) -> Response:
    """Match it to a candidate, or to an id of the LMS's that somebody has looked up; on to the next that waits."""
    ours = await _ours(visit)
    candidate, typed = visit.sent("candidate"), visit.sent("lms_id")
    gateway = visit.gateway
    try:
        if candidate:
            if not await matches.choose(gateway.database, ours, candidate, gateway.clock, actor=visit.actor):
                return await _one(
                    visit, ours, "It has been decided meanwhile, by somebody else or a sync.", 409
                )
            if ours.kind == "section":
                await matches.request_sync(gateway.database, ours.district_id, gateway.clock)
        else:
            await matches.decide(gateway, ours.id, typed, actor=visit.actor)
    except matches.MatchedToAnother as error:
        return await _one(
            visit, ours, "Another one is matched to it already. Take that match back first.", 409, error.other
        )
    return await _onward(visit, ours, f"{ours.name} is matched.")


async def clear(visit: Visit) -> Response:
    """Take a match back."""
    ours = await _ours(visit)
    await matches.clear(visit.gateway.database, ours.id, visit.gateway.clock, actor=visit.actor)
    return redirect(f"/districts/{visit.district_id}/matches/{ours.id}")


async def _onward(visit: Visit, ours: Ours, done: str) -> Response:
    """To the next that waits, where the decision can be undone."""
    waiting = await matches.waiting(visit.gateway.database, visit.district_id, after=ours.id, limit=1)
    base = f"/districts/{visit.district_id}/matches"
    if waiting.queue.items:
        return redirect(f"{base}/{waiting.queue.items[0][0].id}", before=ours.id)
    return redirect(base, done=done, before=ours.id)


async def _one(visit: Visit, ours: Ours, problem: str = "", status: int = 200, other: str = "") -> Response:
    database = visit.gateway.database
    decision = await matches.decision(database, ours)
    following = await matches.waiting(database, visit.district_id, after=ours.id, limit=1)
    return page(
        visit,
        "match.html",
        status=status,
        district=await districts.find(database, visit.district_id),
        ours=ours,
        decision=decision,
        signs=[] if decision is None else _signs(decision.ours, decision.candidates),
        following=following.queue.items[0][0].id if following.queue.items else None,
        decided=await _decided(visit),
        problem=problem,
        other=other,
    )


async def _decided(visit: Visit) -> Ours | None:
    """What was decided just before, which can be undone."""
    found = await matches.find(visit.gateway.database, visit.asked("before"))
    return found if found is not None and found.district_id == visit.district_id and found.lms_id else None


def _signs(ours: Known, candidates: Sequence[Known]) -> list[Sign]:
    """What is known of ours or of a candidate, sign by sign."""
    found = []
    for name, field in (
        ("Name", "name"),
        ("SIS id", "sis_id"),
        ("E-mail", "email"),
        ("Course", "course"),
        ("Teachers", "teachers"),
        ("Students", "students"),
        ("School", "school"),
        ("Term", "term"),
        ("Period", "period"),
        ("Sections", "sections"),
    ):
        mine = _text(getattr(ours, field))
        theirs = [_text(getattr(it, field)) for it in candidates]
        if mine or any(theirs):
            found.append(Sign(name, mine, [(it, _compared(mine, it)) for it in theirs]))
    return found


def _text(value: str | int | None) -> str:
    return "" if value is None else str(value)


def _compared(mine: str, theirs: str) -> str:
    if not (mine and theirs):
        return ""
    return "same" if mine.casefold() == theirs.casefold() else "differs"


async def _ours(visit: Visit) -> Ours:
    """The section or user of the address, which must be the district's. Raises `NotHere`."""
    found = await matches.find(visit.gateway.database, visit.of_path("our_id"))
    if found is None or found.district_id != visit.district_id:
        raise NotHere
    return found


_ALL = "/districts/{district_id}/matches"
PAGES = (
    Shown(_ALL, "match", show),
    Shown(_ALL + "/{our_id}", "match", show_one),
    Shown(_ALL + "/{our_id}", "match", choose, "POST"),
    Shown(_ALL + "/{our_id}/clear", "match", clear, "POST"),
)
