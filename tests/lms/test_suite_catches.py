"""The suite catches connectors that break a promise: each here is Slate's, the example's, with one thing wrong."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
from msgspec.structs import replace

from passback.domain.assignment import Assignment, AssignmentFields, Attachment
from passback.domain.clock import DAY
from passback.domain.matching import Person
from passback.domain.submission import Submission, SubmissionFields
from passback.lms import interface as lms
from passback.lms.http.reply import Reply
from passback.lms.toolkit.json_fields import as_object
from passback.testing import suite
from passback.testing.clock import SetClock
from passback.testing.lms import Lms, People, simulated
from passback.testing.slate import connector as slate
from passback.testing.slate.simulator import PEOPLE, SlateSimulator
from passback.testing.suite.operations import OPERATIONS
from passback_simulators.reply import Reply as Answer
from passback_simulators.reply import json_reply
from passback_simulators.request import Request

Connector = slate.SlateConnector


class Lies(Connector):
    """It says that a grade is there, and sends nothing."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        return Submission(
            student, "created", (), str(fields.grade_points), fields.grade_points, None, fields.grader_id
        )


class Echoes(Connector):
    """It shows what it sent instead of what the LMS has."""

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        made = await super().create_assignment(section, fields, mark)
        return replace(made, title=str(fields.title))


class Loses(Connector):
    """It does not find what was created if the answer was lost."""

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: lms.LostCreate
    ) -> Assignment | None:
        return None


class Takes(Connector):
    """It takes any assignment with the same title for the lost one."""

    async def find_assignment(
        self, section: str, fields: AssignmentFields, lost: lms.LostCreate
    ) -> Assignment | None:
        alike = [item for item in await self._listed(section) if item.title == fields.title]
        return await self._assignment(alike[0], fields) if alike else None


class Repeats(Connector):
    """It sends a create again whose answer was lost."""

    async def _call(self, method: str, path: str, sent: Any = None, gone: lms.Thing = "assignment") -> Reply:
        return (await self._client.send(method, path, content=sent, safe=True)).good(gone)


class ListsHalf(Connector):
    """It reads the first page of a list."""

    async def read_people(self, section: str) -> Sequence[Person]:
        return (await super().read_people(section))[:4]


class NamesNobody(Connector):
    """It reads people without their names."""

    async def read_people(self, section: str) -> Sequence[Person]:
        return [replace(it, name="") for it in await super().read_people(section)]


class Remembers(Connector):
    """It reads the people of a section once."""

    people: Sequence[Person] = ()

    async def read_people(self, section: str) -> Sequence[Person]:
        self.people = self.people or await super().read_people(section)
        return self.people


class ReadsAll(Connector):
    """It reads all assignments, whichever are asked for."""

    async def read_assignments(self, section: str, assignments: Sequence[str]) -> Mapping[str, Assignment]:
        return {it.id: await self._assignment(it) for it in await self._listed(section)}


class Rounds(Connector):
    """It sends the day of a due date."""

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        day = (fields.due_date or 0) // DAY * DAY
        return await super().create_assignment(section, replace(fields, due_date=day), mark)


class SeesNobody(Connector):
    """It takes a section that is not there for an empty one."""

    async def read_people(self, section: str) -> Sequence[Person]:
        with contextlib.suppress(lms.Gone):
            return await super().read_people(section)
        return []


class Wipes(Connector):
    """It sends every field, empty if it was not given."""

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        return await super().update_assignment(
            section, assignment, replace(fields, due_date=fields.due_date or 1)
        )


class Forgets(Connector):
    """It forgets with each change what it keeps in its notes."""

    async def update_assignment(self, section: str, assignment: str, fields: AssignmentFields) -> Assignment:
        await self._notes.write(dict.fromkeys(await self._notes.find("")))
        return await super().update_assignment(section, assignment, fields)


class GradesFirst(Connector):
    """It writes before it has judged everything."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        await super().update_submission(section, assignment, student, replace(fields, grader_id=None))
        return await super().update_submission(section, assignment, student, fields)


class GradesAnybody(Connector):
    """It grades students who do not have the assignment."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        sent = {"score": str(fields.grade_points)}
        await self._call("PUT", f"assignments/{assignment}/scores/{student}", sent, "student")
        return Submission(student, "created", (), None, fields.grade_points)


class IgnoresStates(Connector):
    """It says nothing of a state that it cannot set."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        return await super().update_submission(section, assignment, student, replace(fields, state=None))


class IgnoresFiles(Connector):
    """It says nothing of a file that it cannot hand in."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        if fields.attachments and fields.attachments[0].type == "file":
            fields = replace(fields, attachments=None, state=None)
        return await super().update_submission(section, assignment, student, fields)


class Reorders(Connector):
    """It makes the changes of one student in any order."""

    async def update_submissions(
        self, section: str, assignment: str, changes: Sequence[tuple[str, SubmissionFields]]
    ) -> Sequence[Submission | lms.LmsError]:
        return (await super().update_submissions(section, assignment, changes[::-1]))[::-1]


class Mixes(Connector):
    """It keeps in itself what it is about to send."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        self._fields = fields
        await asyncio.sleep(0)
        return await super().update_submission(section, assignment, student, self._fields)


class Undoubting(Connector):
    """It does not say that something may have been written."""

    async def create_assignment(self, section: str, fields: AssignmentFields, mark: str) -> Assignment:
        try:
            return await super().create_assignment(section, fields, mark)
        except lms.Unavailable as error:
            raise lms.Unavailable(str(error)) from None


class TriesOut(Connector):
    """Its check writes."""

    async def check(self) -> Sequence[lms.Finding]:
        await self._call("POST", "sections/s1/assignments", {"title": "Just a test"}, "section")
        return await super().check()


class Raises(Connector):
    """Its check fails if the LMS does."""

    async def check(self) -> Sequence[lms.Finding]:
        return [lms.Finding(True, f"Slate shows {len(await self.read_courses())} sections")]


class Tells(Connector):
    """Its errors show the key."""

    def __init__(self, connection: lms.LmsConnection, *more: Any) -> None:
        super().__init__(connection, *more)
        self._key = connection.credentials["api_key"]

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        try:
            return await super().read_assignment(section, assignment)
        except lms.Unavailable as error:
            raise lms.Unavailable(f"{error} (with {self._key})") from None


class Waits(Connector):
    """It waits for the LMS without a limit."""

    async def read_assignment(self, section: str, assignment: str) -> Assignment:
        with contextlib.suppress(lms.Unavailable):
            return await super().read_assignment(section, assignment)
        await asyncio.Event().wait()
        raise AssertionError


class RicherSimulator(SlateSimulator):
    """A Slate that adds comments, and work, to those before."""

    def score(self, request: Request, id: str, student: str) -> Answer:  # noqa: A002
        given = msgspec.json.decode(request.body)
        status = super().score(request, id, student).status
        held = self.one("assignments", id)["scores"][student]
        for name, added in (("comment", "comments"), ("work", "works")):
            if given.get(name) is not None:
                held[added] = [*held.get(added, []), given[name]]
        return json_reply(status, held)


class Comments(Connector):
    """It leaves a comment each time that it is asked to."""

    capabilities = replace(slate.CAPABILITIES, comments=True, adds_comments=True)

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        held = await super().update_submission(
            section, assignment, student, replace(fields, grade_comment=None)
        )
        if fields.grade_comment is not None:
            sent = {"score": str(held.grade_points), "comment": fields.grade_comment}
            await self._call("PUT", f"assignments/{assignment}/scores/{student}", sent, "student")
        return replace(held, grade_comment=fields.grade_comment)

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        found = await super().read_submissions(section, assignment, students)
        scores = as_object((await self._call("GET", f"assignments/{assignment}/scores")).content())
        said = {it: (as_object(scores.get(it, {})).get("comments") or [None])[-1] for it in found}
        return {it: replace(one, grade_comment=said[it]) for it, one in found.items()}


class Overwrites(Comments):
    """It sends a comment with an empty grade."""

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        if fields.grade_comment is not None and fields.grade_points is None:
            fields = replace(fields, grade="")
        return await super().update_submission(section, assignment, student, fields)


class HandsInByRetries(Connector):
    """It looks whether the work is there, and then has it sent until it is answered."""

    capabilities = replace(slate.CAPABILITIES, hand_in=frozenset({"text"}))
    looks = retries = True

    async def update_submission(
        self, section: str, assignment: str, student: str, fields: SubmissionFields
    ) -> Submission:
        if not fields.attachments:
            return await super().update_submission(section, assignment, student, fields)
        before = await self._of(section, assignment, student)
        if not self.looks or before.attachments != fields.attachments:
            path, sent = f"assignments/{assignment}/scores/{student}", {"work": fields.attachments[0].text}
            (await self._client.send("PUT", path, content=sent, safe=self.retries)).good("student")
        return await self._of(section, assignment, student)

    async def _of(self, section: str, assignment: str, student: str) -> Submission:
        if (found := (await self.read_submissions(section, assignment, [student])).get(student)) is None:
            raise lms.Unavailable("it does not show the student", in_doubt=True)
        return found

    async def read_submissions(
        self, section: str, assignment: str, students: Sequence[str]
    ) -> Mapping[str, Submission]:
        found = await super().read_submissions(section, assignment, students)
        scores = as_object((await self._call("GET", f"assignments/{assignment}/scores")).content())
        works: dict[str, Any] = {it: as_object(scores.get(it, {})).get("works") for it in found}
        return {
            it: replace(one, state="submitted", attachments=(Attachment(type="text", text=works[it][-1]),))
            if works[it]
            else one
            for it, one in found.items()
        }


class HandsInAgain(HandsInByRetries):
    """It hands in each time that it is asked to."""

    looks = retries = False


class Broken(NamedTuple):
    """A connector that breaks a promise, and the test that must fail."""

    connector: Callable[..., Any]
    test: Callable[..., None]
    given: Mapping[str, Any] = MappingProxyType({})


[COMMENT] = [it for it in OPERATIONS if it.name == "comment"]
[HAND_IN] = [it for it in OPERATIONS if it.name == "hand in"]
BROKEN = [
    Broken(Lies, suite.Basics.test_a_grade_is_kept),
    Broken(Echoes, suite.KeptOtherwise.test_a_title_that_is_kept_otherwise_is_shown_as_it_is_kept, {"way": "create"}),
    Broken(Loses, suite.LostAnswers.test_an_assignment_whose_answer_was_lost_is_found, {"fault": "error-after"}),
    Broken(Takes, suite.LostAnswers.test_an_assignment_that_was_not_created_is_not_found, {"fault": "dropped"}),
    Broken(Repeats, suite.LostAnswers.test_an_assignment_whose_answer_was_lost_is_found, {"fault": "error-after"}),
    Broken(ListsHalf, suite.Rosters.test_the_sections_and_people_are_read_for_matching),
    Broken(NamesNobody, suite.Rosters.test_the_sections_and_people_are_read_for_matching),
    Broken(Remembers, suite.Rosters.test_who_has_left_is_read_no_more),
    Broken(ReadsAll, suite.Basics.test_several_are_read_at_once_without_others_and_those_that_are_gone),
    Broken(Rounds, suite.Basics.test_what_was_asked_for_is_kept),
    Broken(SeesNobody, suite.Rosters.test_nobody_is_read_of_a_section_that_is_not_there),
    Broken(Wipes, suite.Basics.test_a_change_touches_only_what_is_given, {"name": "title"}),
    Broken(Forgets, suite.Basics.test_a_change_touches_only_what_is_given, {"name": "due_date"}),
    Broken(GradesFirst, suite.Basics.test_a_grader_of_another_section_is_unknown),
    Broken(GradesAnybody, suite.Basics.test_only_the_assigned_have_one),
    Broken(IgnoresStates, suite.Basics.test_a_state_is_reached_or_refused, {"state": "returned"}),
    Broken(IgnoresFiles, suite.Basics.test_a_file_is_refused_if_it_cannot_be_handed_in),
    Broken(Reorders, suite.Basics.test_of_several_changes_of_one_student_the_last_counts),
    Broken(Mixes, suite.Basics.test_calls_at_the_same_time_do_not_mix),
    Broken(Undoubting, suite.LostAnswers.test_an_assignment_whose_answer_was_lost_is_found, {"fault": "error-after"}),
    Broken(TriesOut, suite.LostAnswers.test_a_check_changes_nothing),
    Broken(Raises, suite.LostAnswers.test_a_connection_that_does_not_work_is_found_bad, {"fault": "error-before"}),
    Broken(Tells, suite.LostAnswers.test_an_lms_that_keeps_failing_is_unavailable, {"fault": "error-before"}),
    Broken(Waits, suite.LostAnswers.test_an_lms_that_keeps_failing_is_unavailable, {"fault": "error-before"}),
    Broken(
        Comments, suite.SpoiltAnswers.test_what_is_said_of_a_change_is_true_whatever_answer_is_spoilt,
        {"operation": COMMENT},
    ),
    Broken(
        HandsInAgain, suite.SpoiltAnswers.test_what_is_said_of_a_change_is_true_whatever_answer_is_spoilt,
        {"operation": HAND_IN},
    ),
    Broken(
        HandsInByRetries, suite.SpoiltAnswers.test_what_is_said_of_a_change_is_true_whatever_answer_is_spoilt,
        {"operation": HAND_IN},
    ),
    Broken(Overwrites, suite.Basics.test_a_change_of_one_field_keeps_the_others),
]  # fmt: skip


@contextlib.contextmanager
def opened(connector: Callable[..., Any]) -> Iterator[Lms]:
    """Slate with a connector in place of the example's."""
    simulator, people = RicherSimulator(SetClock()), dict[str, Any](PEOPLE)

    def added(name: str) -> Callable[[str, str], list[str]]:
        return lambda assignment, student: simulator.one("assignments", assignment)["scores"][student].get(
            name, []
        )

    with simulated(
        simulator, replace(slate.KIND, open=connector), People(**people), delete=simulator.ui_delete,
        unenroll=simulator.ui_unenroll, comments=added("comments"), work=added("works"),
    ) as lms:  # fmt: skip
        yield lms


def outcome(broken: Broken, connector: Callable[..., Any]) -> BaseException | None:
    """What a test of the suite says of a connector."""
    [class_] = [it for it in vars(suite).values() if inspect.isclass(it) and broken.test in vars(it).values()]
    with opened(connector) as served:
        try:
            broken.test(class_(), served, **broken.given)
        except (AssertionError, pytest.fail.Exception, lms.LmsError) as failure:
            return failure
    return None


@pytest.mark.parametrize("broken", BROKEN, ids=lambda it: it.connector.__name__)
def test_a_broken_promise_is_caught(broken: Broken, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(broken, Connector) is None
    if broken.connector is Waits:
        monkeypatch.setattr("passback.testing.lms._LONGEST", 0.5)
    assert outcome(broken, broken.connector) is not None
