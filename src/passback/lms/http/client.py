"""HTTP to an LMS, as every connector needs it: bounded, paced, retried only where that is safe, and discreet.

What is retried, within the patience of the client: what the LMS has certainly not done (no connection, a throttled
request), and reading. A write that may have happened raises `Unavailable` with `in_doubt`: whoever sent it looks
whether it did. What an LMS says of a request (a status from 200 to 499) is returned; what it means is the connector's
business. A refusal that is not the LMS's own word, such as a firewall's, counts as no answer, and so does one of a read
that is about neither rights nor what there is: a read has no values that a client could correct. Nothing that is logged
or raised holds a query, a header or a body: those may hold secrets and students.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from passback.lms.http import exchanges, within
from passback.lms.http.gate import LONGEST_WAIT, Gate, Resting, Result, SharedGate, usable
from passback.lms.http.hosts import Hosts, Params
from passback.lms.http.pace import Limit
from passback.lms.http.reply import Reply, retry_after, throttled_for
from passback.lms.interface import LmsConnection, NotAllowed, Unavailable
from passback.network.addresses import Unreachable
from passback.observe import tracing

if TYPE_CHECKING:
    from collections.abc import Collection

    from passback.network.client import Response
    from passback.observe.lms import Outcome

LARGEST_REPLY = 10 * 1024 * 1024
"""The most bytes that are read of an answer."""

_MOST_REDIRECTS = 3
_LEAST_TIME = 1.0
"""The seconds that a request gets even when its turn came late."""
_FIRST_BACKOFF = 0.5
_LONGEST_BACKOFF = 8.0
_USUAL_WAIT = 5.0
"""How many seconds to wait if an LMS throttles requests without saying for how long."""
_ABOUT_A_READ = (401, 403, 404)
"""The refusals that say something of what is read: may we, and is it there?"""


log = logging.getLogger(__name__)


class Manners(Protocol):
    """What is particular about one LMS."""

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:
        """The headers that authorize a request to `url`, query included.

        `acting` says whose credentials, where a connector has several (empty: the connection's own); `renew` that
        the LMS has just refused those given before. Raises `Unavailable`, also where there are none.
        """
        ...

    def refused_credentials(self, reply: Reply) -> bool:
        """Whether renewed credentials may help.

        What may be repeated is then sent again with them. To another write the reply is returned, because whoever
        refuses it may have done it all the same; only the next request has renewed credentials.
        """
        ...

    def throttled(self, reply: Reply) -> float | None:
        """How many seconds to wait if the LMS throttles us; None if it does not."""
        ...

    def room(self, reply: Reply) -> float | None:
        """How many more requests the LMS takes at once, besides those that are under way, if it says so."""
        ...

    def own_refusal(self, reply: Reply) -> bool:
        """Whether a refusal (a status from 400 to 499) is the LMS's own word.

        One of something before it (an outage page, a firewall, a balancer) says nothing of the request.
        """
        ...


class PlainManners:
    """An LMS authorized with fixed headers, if any, that throttles as HTTP says. See `Manners`.

    Its refusals are JSON objects with the member `refusal`; None if they are of no certain form.
    """

    def __init__(self, headers: Mapping[str, str], refusal: str | None = "error") -> None:
        self._headers = headers
        self._refusal = refusal

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:  # noqa: ARG002
        return self._headers

    def refused_credentials(self, reply: Reply) -> bool:  # noqa: ARG002 - there is nothing to renew
        return False

    def throttled(self, reply: Reply) -> float | None:
        return throttled_for(reply, default=_USUAL_WAIT)

    def room(self, reply: Reply) -> float | None:  # noqa: ARG002
        return None

    def own_refusal(self, reply: Reply) -> bool:
        if self._refusal is None:
            return not reply.is_page
        content = reply.content()
        return isinstance(content, dict) and self._refusal in content


class LmsClient:
    """Sends requests to one LMS, paced for each of its credentials."""

    def __init__(
        self,
        connection: LmsConnection,
        manners: Manners,
        *,
        most_at_once: int = 6,
        at_first: int | None = None,
        timeout: float = 15.0,
        failures: int = 5,
        rest: float = 8.0,
        limit: Limit | None = None,
        also: Collection[str] = (),
    ) -> None:
        """`timeout` bounds each phase of a try, in seconds; the connection's patience a call with its retries.

        `at_first` says how many requests of a credential may be under way while the LMS has not said how many more it
        takes; unless given, `most_at_once`. `limit` is for an LMS that counts the requests of each credential, and does
        not tell how many remain. `also` are hosts of the LMS's besides that of its address.
        """
        self._headers = connection.headers
        self._manners = manners
        self._patience = connection.patience
        self._timer = connection.timer
        self._rest = rest
        own = Gate(
            most_at_once=most_at_once,
            at_first=at_first,
            limit=limit,
            failures=failures,
            rest=rest,
            timer=connection.timer,
        )
        self._gate = own if connection.shared is None else SharedGate(connection.shared, own)
        self._watch = connection.watch
        self._watch.rests_with(own.resting)
        self._to_renew = set[str]()
        """Whose credentials were refused, and have not been renewed since."""
        self._hosts = Hosts(connection.address, min(timeout, max(_LEAST_TIME, connection.patience)), also)

    async def close(self) -> None:
        """Close the connections."""
        await self._hosts.close()

    async def get(self, path: str, params: Params | None = None, **how: Any) -> Reply:
        """Read something; retried where it fails. `how` as for `send`.

        Returns what is there, or a refusal of our rights (401, 403), or that it does not exist (404). Raises
        `Unavailable`.
        """
        return await self.send("GET", path, params=params, safe=True, **how)

    async def get_further(self, path: str, params: Params | None = None, **how: Any) -> Reply:
        """Read a page of a list after its first, which no refusal is about. Otherwise as `get`."""
        reply = await self.send("GET", path, params=params, safe=True, **how)
        if reply.status >= 400:
            what = f"GET {urlsplit(path).path}"
            raise Unavailable(f"{what}: status {reply.status} for a further page")
        return reply

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        acting: str = "",
        safe: bool = False,
        reads: bool = False,
        refuses: Callable[[Reply], bool] | None = None,
        named: Collection[str] = (),
    ) -> Reply:
        """Send a request, with `content` as JSON (bytes as they are); `safe` if the request is idempotent.

        `reads` says that it only reads, although its method is another than GET; it is safe then, too. A path that is
        an address must be on the LMS's host, one that the client knows `also`, or that of one of the `named` addresses.
        `acting` says whose credentials are used. `refuses` says whether a status
        from 500 on is no failure but a refusal, as some LMSs answer; it is returned then. Raises `Unavailable`, with
        `in_doubt` where it may have happened.
        """
        url = self._hosts.joined(method, path, params, named)
        if isinstance(content, bytes):
            body, sent = content, dict(headers or {})
        elif content is None:
            body, sent = b"", dict(headers or {})
        else:
            body = json.dumps(content).encode()
            sent = {"Content-Type": "application/json", **(headers or {})}
        request = _Request(
            method,
            url,
            body,
            {"Accept": "application/json", **self._headers, **sent},
            acting,
            safe=safe or reads,
            reads=reads or method == "GET",
            refuses=refuses,
        )
        try:
            reply = await self._send(request)
        except Unavailable as error:
            error.down = error.down or self._gate.resting()
            raise
        if request.reads and reply.status >= 400 and reply.status not in _ABOUT_A_READ:
            raise Unavailable(f"{request.what}: status {reply.status}")
        return reply

    async def _send(self, request: _Request) -> Reply:
        safe = request.safe
        give_up = self._timer.seconds() + self._patience
        renewed, renew = False, request.acting in self._to_renew
        self._to_renew.discard(request.acting)
        tries = 0
        failed: Unavailable | None = None
        while True:
            tries += 1
            backoff = random.uniform(0, min(_LONGEST_BACKOFF, _FIRST_BACKOFF * 2**tries))  # noqa: S311 - jitter
            try:
                reply = await self._try(request, give_up, backoff, renew=renew)
            except Resting as resting:
                raise failed or resting from None
            except _Failed as failure:
                if not (safe or failure.not_sent):
                    raise Unavailable(f"{request.what}: {failure}", in_doubt=True) from None
                failed = Unavailable(f"{request.what}: {failure}")
                if failure.lasting or self._timer.seconds() + backoff > give_up:
                    raise failed from None
                await self._timer.sleep(backoff)
                continue
            if reply is None:
                continue
            if not self._answered(request, reply):
                wait = max(1, math.ceil(asked)) if (asked := self._asked_to_wait(reply)) is not None else 30
                if not safe:
                    raise Unavailable(
                        f"{request.what}: status {reply.status}", in_doubt=True, retry_after=wait
                    )
                failed = Unavailable(f"{request.what}: status {reply.status}", retry_after=wait)
                if self._timer.seconds() + backoff > give_up:
                    raise failed
                await self._timer.sleep(backoff)
                continue
            renew = not renewed and self._manners.refused_credentials(reply)
            if not renew:
                return reply
            if not safe:
                self._to_renew.add(request.acting)
                return reply
            renewed = True

    async def _try(self, request: _Request, give_up: float, backoff: float, *, renew: bool) -> Reply | None:
        """One try, in its turn and in time; None if the LMS throttles us. Raises `_Failed` and `Unavailable`.

        Reports the result to the gate; after throttling nothing is sent for `backoff` more seconds than the LMS asks
        for.
        """
        try:
            turn = await self._gate.enter(request.acting, max(0.0, give_up - self._timer.seconds()))
        except TimeoutError:
            wait = round(self._gate.held_back(request.acting)) + 1
            raise Unavailable(f"{request.what}: it throttles requests", retry_after=wait) from None
        # A background read may fail for a reason of its own, such as one section that the LMS cannot list.
        failed = Result.NOT_SENT if within.SPARES_BREAKER.get() else Result.FAILED
        went, hold_back, room = Result.NOT_SENT, 0.0, None
        began = time.monotonic()
        try:
            async with asyncio.timeout(max(_LEAST_TIME, give_up - self._timer.seconds())):
                reply = await self._once(request, renew=renew)
        except _Failed as failure:
            exchanges.note(request.what, str(failure))
            if not failure.not_sent:
                _note_write(request)
            went, nothing_done = failed, request.safe or failure.not_sent
            self._watch.tried("failed" if nothing_done else "in_doubt", time.monotonic() - began)
            raise
        except TimeoutError:
            exchanges.note(request.what, "it took too long")
            _note_write(request)
            went = failed
            self._watch.tried("failed" if request.safe else "in_doubt", time.monotonic() - began)
            raise Unavailable(f"{request.what}: it took too long", in_doubt=not request.safe) from None
        else:
            exchanges.note(request.what, f"status {reply.status}")
            wait_for, answered = self._throttled(reply), self._answered(request, reply)
            if wait_for is None and (reply.status < 400 or not answered):
                _note_write(request)
            outcome = _outcome(reply, throttled=wait_for is not None, answered=answered)
            self._watch.tried(outcome, time.monotonic() - began)
            if wait_for is not None:
                went, hold_back = Result.OK, wait_for + backoff
            elif answered:
                went, room = Result.OK, self._room(reply)
            else:
                went, hold_back = failed, self._asked_to_wait(reply) or 0.0
            return reply if wait_for is None else None
        finally:
            await self._gate.leave(turn, went, hold_back=hold_back, room=room)

    def _throttled(self, reply: Reply) -> float | None:
        """For how many seconds the LMS throttles us, if it does, however odd the headers are that say so."""
        try:
            wait = self._manners.throttled(reply)
        except Exception as error:  # noqa: BLE001 - a slip of a connector costs the pace, never the answer
            log.warning("cannot tell whether the LMS throttles requests: %s", type(error).__name__)
            return _USUAL_WAIT if reply.status == 429 else None
        if wait is None:
            return None
        sound = usable(wait, LONGEST_WAIT)
        return _USUAL_WAIT if sound is None else sound

    def _room(self, reply: Reply) -> float | None:
        try:
            return self._manners.room(reply)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("cannot tell what is left of the LMS's limit: %s", type(error).__name__)
            return None

    def _asked_to_wait(self, reply: Reply) -> float | None:
        """For how many seconds an LMS that fails wants to be left alone, if it says so.

        It is asked again after a usual rest at the latest: outage pages name hours, and are over sooner.
        """
        asked = retry_after(reply, default=math.nan)
        return None if math.isnan(asked) else min(asked, self._rest)

    def _answered(self, request: _Request, reply: Reply) -> bool:
        """Whether the LMS itself has answered, be it with a refusal."""
        if reply.status < 500:
            return reply.status < 400 or self._manners.own_refusal(reply)
        return request.refuses is not None and request.refuses(reply)

    async def _once(self, request: _Request, *, renew: bool) -> Reply:
        """One try, with the redirects that stay on the LMS's host. Raises `_Failed`."""
        for _ in range(_MOST_REDIRECTS + 1):
            reply = await self._exchange(request, renew=renew)
            location = reply.headers.get("location")
            if reply.status not in (301, 302, 303, 307, 308) or location is None:
                return reply
            try:
                url = self._hosts.redirected(request.url, location)
            except ValueError:
                raise _Failed("it redirects to an invalid address") from None
            if url is None:
                raise _Failed("it redirects to another host")
            if request.method != "GET":
                raise _Failed("it redirects a write")
            request = replace(request, url=url)
        raise _Failed("it redirects too often")

    async def _exchange(self, request: _Request, *, renew: bool) -> Reply:
        from passback.network.client import Failed, Unsendable

        credentials = await self._manners.credentials(
            request.method, request.url, request.acting, renew=renew
        )
        may_act = within.MAY_ACT.get()
        if not request.safe and may_act is not None and not may_act():
            raise Unavailable("this process was taken for dead, and leaves it to others", retry_after=5)
        try:
            with tracing.client_span(request.method, request.url) as span:
                sent = {**request.headers, **credentials, **span.headers}
                client = self._hosts.client(request.url)
                async with client.asking(request.method, request.url, sent, request.body) as response:
                    span.answered(response.status)
                    body = await _bounded(request, response)
                    return Reply(response.status, response.headers, body, doubtful=not request.safe)
        except Unsendable:
            raise NotAllowed(
                "the credentials hold characters that cannot be sent", credentials=True
            ) from None
        except Unreachable as error:
            raise _Failed(str(error), not_sent=True) from None
        except Failed as error:
            raise _Failed(str(error), not_sent=error.not_sent, lasting=error.lasting) from None


def _note_write(request: _Request) -> None:
    writes = within.WRITES.get()
    if writes is not None and not request.reads:
        writes.any = True


def _outcome(reply: Reply, *, throttled: bool, answered: bool) -> Outcome:
    if throttled:
        return "throttled"
    if not answered:
        return "in_doubt" if reply.doubtful else "failed"
    return "refused" if reply.status >= 400 else "ok"


class _Request(Struct, frozen=True):
    """The parts of a request that all tries share."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    acting: str
    safe: bool
    reads: bool
    refuses: Callable[[Reply], bool] | None = None

    @property
    def what(self) -> str:
        """What it asks for, without a query, for the log."""
        return f"{self.method} {urlsplit(self.url).path}"


class TooLarge(Unavailable):
    """The LMS answers with more than is read of an answer, and would again."""


class _Failed(Exception):
    """A try failed; `not_sent` if it never reached the LMS, `lasting` if another would fail as well."""

    def __init__(self, reason: str, *, not_sent: bool = False, lasting: bool = False) -> None:
        super().__init__(reason)
        self.not_sent = not_sent
        self.lasting = lasting


async def _bounded(request: _Request, response: Response) -> bytes:
    """The whole body. Raises `TooLarge`."""
    parts = []
    size = 0
    async for part in response.parts():
        size += len(part)
        if size > LARGEST_REPLY:
            _note_write(request)
            raise TooLarge(f"{request.what}: its answer is too large", in_doubt=not request.safe)
        parts.append(part)
    return b"".join(parts)
