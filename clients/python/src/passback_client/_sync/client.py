"""The client: what it asks, and how often it tries."""

# Made by make_sync.py from _async/client.py.

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from passback_client import _calls
from passback_client._calls import Call, Reply
from passback_client.errors import Error, NotFound, Pending, Unavailable
from passback_client.models import (
    Accepted,
    Assignment,
    AssignmentChange,
    Course,
    Delivery,
    DeliveryState,
    District,
    FetchedMessage,
    NewAssignment,
    RecordType,
    RosterEvent,
    School,
    Section,
    Submission,
    SubmissionChange,
    SubmissionOutcome,
    Term,
    User,
    Webhook,
    WebhookMessage,
    WebhookResend,
    WebhookTest,
)

T = TypeVar("T")

log = logging.getLogger("passback_client")

OnWarnings = Callable[[str, tuple[str, ...]], None]
"""Called with the method and path of a request and the codes of what was not used as it was sent."""


class Passback:
    """A client of one gateway, for the district and application of a token.

    Whatever may be tried again is, up to `retries` times, with growing waits that follow ``Retry-After``: each change
    takes effect once. Methods raise `Refused` (and its kinds) and `Unavailable` of `passback_client.errors`.
    """

    def __init__(
        self,
        token: str,
        base_url: str = "http://127.0.0.1:8080",
        *,
        retries: int = 4,
        timeout: float = 60.0,
        http: httpx2.Client | None = None,
        on_warnings: OnWarnings | None = None,
    ) -> None:
        """Raises `ValueError` if the token or the address cannot be one.

        `timeout` is the longest wait for an answer, in seconds: an LMS may take half a minute.

        `http` is a client of yours, with its own timeouts, proxies and certificates; whoever made it closes it.
        Unless `on_warnings` takes them, warnings are logged.
        """
        self._token = _calls.in_header(token, "a token")
        self._base = _calls.base_of(base_url)
        self._retries = retries
        self._own = http is None
        self._http = http or httpx2.Client(timeout=timeout, mounts=_calls.DIRECT)
        self._on_warnings = on_warnings or _log_warnings
        self.assignments = Assignments(self)
        self.submissions = Submissions(self)
        self.deliveries = Deliveries(self)
        self.roster = Roster(self)
        self.webhooks = Webhooks(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._own:
            self._http.close()

    def send(self, call: Call[T]) -> T:
        """Send a request; returns what its answer holds."""
        try:
            found: T = _calls.answer(call, self.reply(call))
        except Error as error:
            error.idempotency_key = call.headers.get(_calls.KEY)
            raise
        return found

    def change(self, call: Call[T]) -> T:
        """Send a change that is waited for. Raises `Pending` as well."""
        found = self.send(call)
        if isinstance(found, Accepted):
            raise Pending(found)
        return found

    def accept(self, call: Call[Any]) -> Accepted:
        """Send a change that is delivered in the background."""
        found: Accepted = self.send(call)
        return found

    def pages(self, call: Call[T]) -> Iterator[T]:
        """The items of a list, page by page as they are needed."""
        following: Call[T] | None = call
        while following is not None:
            items, uri = _calls.page(call, self.reply(following))
            for item in items:
                yield item
            following = None if uri is None else _calls.next_call(following, uri)

    def reply(self, call: Call[Any]) -> Reply:
        """The answer, after as many tries as it takes and are allowed; whether it is an error is not looked at."""
        tries, doubtful = 0, False
        while True:
            tries += 1
            reply: Reply | None = None
            sent = True
            try:
                reply = self._once(call)
                failed = f"status {reply.status}"
            except httpx2.RequestError as error:
                failed = str(error) or type(error).__name__
                sent = not isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
            wait = _calls.again(call, reply, tries, self._retries, sent=sent)
            if wait is None:
                if reply is None:
                    raise Unavailable(f"{call.method} {call.path}: {failed}")
                if call.method == "DELETE" and reply.status == 404 and doubtful:
                    return Reply(200, reply.headers, b"")  # an earlier try has done it
                return reply
            log.info("%s %s: %s, tried again in %.1f s", call.method, call.path, failed, wait)
            doubtful = doubtful or _calls.may_have_happened(reply, sent=sent)
            time.sleep(wait)

    def _once(self, call: Call[Any]) -> Reply:
        answer = self._http.request(
            call.method,
            self._base + call.path,
            params=dict(call.query) or None,
            content=call.content,
            headers=_calls.headers_of(call, self._token),
        )
        reply = Reply(
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            answer.content,
        )
        if reply.status < 400 and (codes := _calls.warnings_of(reply)):
            self._on_warnings(f"{call.method} {call.path}", codes)
        return reply


def _log_warnings(what: str, codes: tuple[str, ...]) -> None:
    log.warning("%s: %s", what, ", ".join(codes))


class Assignments:
    """Assignments of a section, in the LMS."""

    def __init__(self, client: Passback) -> None:
        self._client = client

    def create(
        self, section_id: str, *, idempotency_key: str | None = None, **fields: Unpack[NewAssignment]
    ) -> Assignment:
        """Create an assignment: once for each `idempotency_key`, which is made up unless given.

        Give a key of your own to be able to repeat the call after your program has crashed.
        """
        return self._client.change(_create(section_id, fields, idempotency_key, background=False))

    def create_in_background(
        self, section_id: str, *, idempotency_key: str | None = None, **fields: Unpack[NewAssignment]
    ) -> Accepted:
        """As `create`, without waiting for the LMS: the id that the assignment will have can be used at once."""
        return self._client.accept(_create(section_id, fields, idempotency_key, background=True))

    def get(self, section_id: str, assignment_id: str) -> Assignment:
        """Read an assignment from the LMS, as it is there now."""
        return self._client.send(
            Call(method="GET", path=_assignment(section_id, assignment_id), kind=Assignment)
        )

    def list(self, section_id: str, *, page_size: int = 100) -> Iterator[Assignment]:
        """The section's assignments, oldest first."""
        where = _calls.path("sections", section_id, "assignments")
        return self._client.pages(Call(method="GET", path=where, kind=Assignment, query={"limit": page_size}))

    def update(self, section_id: str, assignment_id: str, **fields: Unpack[AssignmentChange]) -> Assignment:
        """Change the fields that are given."""
        where, body = _assignment(section_id, assignment_id), _calls.given(fields)
        return self._client.change(Call(method="PATCH", path=where, kind=Assignment, body=body))

    def delete(self, section_id: str, assignment_id: str) -> None:
        """Delete an assignment in the LMS."""
        self._client.send(Call(method="DELETE", path=_assignment(section_id, assignment_id)))


def _assignment(section_id: str, assignment_id: str, *more: str) -> str:
    return _calls.path("sections", section_id, "assignments", assignment_id, *more)


def _create(
    section_id: str, fields: NewAssignment, idempotency_key: str | None, *, background: bool
) -> Call[Assignment]:
    return Call(
        method="POST",
        path=_calls.path("sections", section_id, "assignments"),
        kind=Assignment,
        body=_calls.given(fields),
        headers=_calls.create_headers(idempotency_key, background=background),
    )


class Submissions:
    """Grades, comments and work of students."""

    def __init__(self, client: Passback) -> None:
        self._client = client

    def get(self, section_id: str, assignment_id: str, user_id: str) -> Submission:
        """Read one student's submission."""
        where = _assignment(section_id, assignment_id, "submissions", user_id)
        return self._client.send(Call(method="GET", path=where, kind=Submission))

    def list(self, section_id: str, assignment_id: str, *, page_size: int = 100) -> Iterator[Submission]:
        """All submissions of an assignment: one for each student who has it."""
        where = _assignment(section_id, assignment_id, "submissions")
        return self._client.pages(Call(method="GET", path=where, kind=Submission, query={"limit": page_size}))

    def update(
        self, section_id: str, assignment_id: str, user_id: str, **fields: Unpack[SubmissionChange]
    ) -> Submission:
        """Change one student's submission."""
        return self._client.change(_submission(section_id, assignment_id, user_id, fields, background=False))

    def update_in_background(
        self, section_id: str, assignment_id: str, user_id: str, **fields: Unpack[SubmissionChange]
    ) -> Accepted:
        """As `update`, without waiting for the LMS: what was accepted is delivered, for days if it must be."""
        return self._client.accept(_submission(section_id, assignment_id, user_id, fields, background=True))

    def update_many(
        self, section_id: str, assignment_id: str, changes: Mapping[str, SubmissionChange]
    ) -> tuple[SubmissionOutcome, ...]:
        """Change up to 500 students' submissions in one call: the fields to set, by the student's id.

        Each is judged as if it were sent alone; the outcomes are in the same order.
        """
        return self._client.change(_many(section_id, assignment_id, changes, background=False))

    def update_many_in_background(
        self, section_id: str, assignment_id: str, changes: Mapping[str, SubmissionChange]
    ) -> Accepted:
        """As `update_many`, without waiting for the LMS."""
        return self._client.accept(_many(section_id, assignment_id, changes, background=True))


def _submission(
    section_id: str, assignment_id: str, user_id: str, fields: SubmissionChange, *, background: bool
) -> Call[Submission]:
    return Call(
        method="PATCH",
        path=_assignment(section_id, assignment_id, "submissions", user_id),
        kind=Submission,
        body=_calls.given(fields),
        headers=_calls.change_headers(background=background),
    )


def _many(
    section_id: str, assignment_id: str, changes: Mapping[str, SubmissionChange], *, background: bool
) -> Call[tuple[SubmissionOutcome, ...]]:
    items = [{"user_id": user_id, **_calls.given(fields)} for user_id, fields in changes.items()]
    return Call(
        method="PATCH",
        path=_assignment(section_id, assignment_id, "submissions"),
        kind=tuple[SubmissionOutcome, ...],
        body={"submissions": items},
        headers=_calls.change_headers(background=background),
    )


class Deliveries:
    """What became of changes in the background."""

    def __init__(self, client: Passback) -> None:
        self._client = client

    def get(self, delivery_id: str) -> Delivery:
        """Read a delivery."""
        return self._client.send(
            Call(method="GET", path=_calls.path("deliveries", delivery_id), kind=Delivery)
        )

    def list(self, *, state: Sequence[DeliveryState] = (), page_size: int = 100) -> Iterator[Delivery]:
        """The application's deliveries, the newest first; only those in a `state`, if any is given."""
        query = {"limit": page_size, **({"state": ",".join(state)} if state else {})}
        return self._client.pages(
            Call(method="GET", path=_calls.path("deliveries"), kind=Delivery, query=query)
        )

    def wait(self, delivery_id: str, *, every: float = 1.0, timeout: float = 60.0) -> Delivery:
        """The delivery once it has ended; asked for `every` so many seconds. Raises `TimeoutError`.

        What takes longer is delivered all the same: better receive webhooks, or ask again later.
        """
        give_up = monotonic() + timeout
        while not (found := self.get(delivery_id)).ended:
            if monotonic() >= give_up:
                raise TimeoutError(f"the delivery is still {found.state}")
            time.sleep(every)
        return found


class Roster:
    """Who is in the district: objects by id, and lists of them."""

    def __init__(self, client: Passback) -> None:
        self._client = client

    def district(self) -> District:
        """The district of the token. Raises `NotFound` if it has none."""
        for found in self._list("districts", District):
            return found
        raise NotFound("there is no district", status=404)

    def section(self, section_id: str) -> Section:
        """A section, with the ids of its people."""
        return self._get("sections", section_id, Section)

    def user(self, user_id: str) -> User:
        """A student or teacher."""
        return self._get("users", user_id, User)

    def school(self, school_id: str) -> School:
        """A school."""
        return self._get("schools", school_id, School)

    def course(self, course_id: str) -> Course:
        """A course."""
        return self._get("courses", course_id, Course)

    def term(self, term_id: str) -> Term:
        """A term."""
        return self._get("terms", term_id, Term)

    def sections(self, *, sis_id: str | None = None) -> Iterator[Section]:
        """All sections, or the one with an id of the SIS."""
        return self._list("sections", Section, sis_id=sis_id)

    def users(
        self,
        *,
        role: str | None = None,
        sis_id: str | None = None,
        email: str | None = None,
        student_number: str | None = None,
    ) -> Iterator[User]:
        """All users, or those who have all that is given; `role` is ``student`` or ``teacher``."""
        return self._list("users", User, role=role, sis_id=sis_id, email=email, student_number=student_number)

    def students(self, section_id: str) -> Iterator[User]:
        """The students of a section."""
        return self._list(("sections", section_id, "students"), User)

    def teachers(self, section_id: str) -> Iterator[User]:
        """The teachers of a section."""
        return self._list(("sections", section_id, "teachers"), User)

    def sections_of(self, user_id: str) -> Iterator[Section]:
        """The sections of a user."""
        return self._list(("users", user_id, "sections"), Section)

    def schools(self) -> Iterator[School]:
        """All schools."""
        return self._list("schools", School)

    def courses(self) -> Iterator[Course]:
        """All courses."""
        return self._list("courses", Course)

    def terms(self) -> Iterator[Term]:
        """All terms."""
        return self._list("terms", Term)

    def events(
        self, *, after: str | None = None, record_types: Sequence[RecordType] = ()
    ) -> Iterator[RosterEvent]:
        """What has changed since the event with the id `after`, the oldest first; only of some `record_types`."""
        types = {"record_type": [*record_types]} if record_types else {}
        return self._list("events", RosterEvent, starting_after=after, **types)

    def _get(self, name: str, id_: str, kind: type[T]) -> T:
        call: Call[T] = Call(method="GET", path=_calls.path(name, id_), kind=kind)
        return self._client.send(call)

    def _list(self, where: str | tuple[str, ...], kind: type[T], **query: Any) -> Iterator[T]:
        parts = (where,) if isinstance(where, str) else where
        asked = {"limit": 1000, **{key: value for key, value in query.items() if value is not None}}
        call: Call[T] = Call(method="GET", path=_calls.path(*parts), kind=kind, query=asked)
        return self._client.pages(call)


class Webhooks:
    """The application's endpoints for messages. `passback_client.webhooks.verify` is for what arrives there."""

    def __init__(self, client: Passback) -> None:
        self._client = client

    def create(
        self,
        url: str | None = None,
        *,
        events: Sequence[str] | None = None,
        disabled: bool = False,
        fetch: bool | None = None,
    ) -> Webhook:
        """Register an endpoint: for all events that exist now, unless some are given. The answer has the secret.

        With `fetch` in place of a `url`, the messages wait until `fetch` asks for them.
        """
        body = _calls.given({"url": url, "events": events, "disabled": disabled, "fetch": fetch})
        return self._client.send(
            Call(method="POST", path=_calls.path("webhooks"), kind=Webhook, body=body, safe=False)
        )

    def get(self, webhook_id: str) -> Webhook:
        """Read an endpoint."""
        return self._client.send(Call(method="GET", path=_calls.path("webhooks", webhook_id), kind=Webhook))

    def list(self) -> Iterator[Webhook]:
        """The application's endpoints, oldest first."""
        return self._client.pages(Call(method="GET", path=_calls.path("webhooks"), kind=Webhook))

    def update(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        disabled: bool | None = None,
    ) -> Webhook:
        """Change what is given."""
        body = _calls.given({"url": url, "events": events, "disabled": disabled})
        return self._client.send(
            Call(method="PATCH", path=_calls.path("webhooks", webhook_id), kind=Webhook, body=body)
        )

    def delete(self, webhook_id: str) -> None:
        """Delete an endpoint."""
        self._client.send(Call(method="DELETE", path=_calls.path("webhooks", webhook_id)))

    def rotate(self, webhook_id: str) -> Webhook:
        """Make a new secret, which the answer has; the old one signs as well for a day."""
        where = _calls.path("webhooks", webhook_id, "rotate")
        return self._client.send(Call(method="POST", path=where, kind=Webhook, safe=False))

    def test(self, webhook_id: str) -> WebhookTest:
        """Have a ``webhook.test`` message sent now; returns what became of it."""
        where = _calls.path("webhooks", webhook_id, "test")
        return self._client.send(Call(method="POST", path=where, kind=WebhookTest, safe=False))

    def messages(self, webhook_id: str, *, state: Sequence[DeliveryState] = ()) -> Iterator[WebhookMessage]:
        """The messages to an endpoint, the newest first; only those in a `state`, if any is given."""
        where = _calls.path("webhooks", webhook_id, "messages")
        query = {"state": ",".join(state)} if state else {}
        return self._client.pages(Call(method="GET", path=where, kind=WebhookMessage, query=query))

    def message(self, webhook_id: str, message_id: str) -> WebhookMessage:
        """Read a message."""
        where = _calls.path("webhooks", webhook_id, "messages", message_id)
        return self._client.send(Call(method="GET", path=where, kind=WebhookMessage))

    def resend(self, webhook_id: str, message_id: str) -> WebhookMessage:
        """Have a message sent again, delivered or not; an endpoint knows by its id that it had it."""
        where = _calls.path("webhooks", webhook_id, "messages", message_id, "resend")
        return self._client.send(Call(method="POST", path=where, kind=WebhookMessage))

    def resend_all(self, webhook_id: str, *, since: datetime) -> WebhookResend:
        """Have every message sent again that the endpoint has not taken of the events since then."""
        where, query = _calls.path("webhooks", webhook_id, "resend"), _calls.given({"since": since})
        return self._client.send(Call(method="POST", path=where, kind=WebhookResend, query=query))

    def fetch(self, webhook_id: str, *, done: Sequence[str] = (), wait: int = 20) -> Sequence[FetchedMessage]:
        """The messages of a webhook without an address; if there are none, those that come within `wait` seconds.

        A message is handed out until a later call names its id in `done`.
        """
        query = {"wait": wait, **({"done": ",".join(done)} if done else {})}
        where = _calls.path("webhooks", webhook_id, "fetch")
        return self._client.send(
            Call(method="POST", path=where, kind=tuple[FetchedMessage, ...], query=query)
        )
