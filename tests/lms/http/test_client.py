"""HTTP to an LMS, against a server on loopback that does what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest

from passback.lms.http import client as client_module
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.http.pace import Limit
from passback.lms.http.reply import Reply
from passback.lms.http.within import watching_writes
from passback.lms.interface import LmsConnection, Unavailable
from passback.testing.jumping import JumpingTime

SECRET = "s3cret-token"


class Manners:
    """An LMS that throttles by 429 with seconds to wait, and takes one kind of token."""

    async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {SECRET}"}

    def refused_credentials(self, reply: Reply) -> bool:
        return reply.status == 401

    def throttled(self, reply: Reply) -> float | None:
        return float(reply.headers["retry-after"]) if reply.status == 429 else None

    def room(self, reply: Reply) -> float | None:
        return float(reply.headers["x-room"]) if "x-room" in reply.headers else None

    def own_refusal(self, reply: Reply) -> bool:
        return reply.headers.get("content-type") != "text/html"


class Server:
    """Answers each request with the next of its answers; the last stands for all that follow."""

    def __init__(self, *answers: str | Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.answers = list(answers)
        self.requests: list[str] = []
        self.at_once = self.most_at_once = 0
        self.url = ""
        self.tasks: set[asyncio.Task[Any]] = set()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = (
                    line[15:] for line in head.lower().split("\r\n") if line.startswith("content-length:")
                )
                await reader.readexactly(int(next(lengths, 0)))
                await self.answer(head, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.tasks.discard(task)

    async def answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        self.requests.append(head)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        try:
            if isinstance(answer, str):
                writer.write(answer.encode())
                await writer.drain()
            else:
                await answer(writer)
        finally:
            self.at_once -= 1


def answer(status: int, body: str = "{}", **headers: str) -> str:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", body])


async def hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    raise ConnectionError


@contextlib.asynccontextmanager
async def serving(server: Server, **settings: Any) -> AsyncIterator[LmsClient]:
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/api/"
    patience, time = settings.pop("patience", 5.0), settings.pop("time", None) or JumpingTime()
    client = LmsClient(
        LmsConnection(server.url, {}, patience=patience, timer=time.timer),
        settings.pop("manners", None) or Manners(),
        **settings,
    )
    try:
        yield client
    finally:
        await client.close()
        listening.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the connections to be closed


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "_FIRST_BACKOFF", 0.001)


def get(server: Server, path: str = "things", **settings: Any) -> Reply:
    async def scenario() -> Reply:
        async with serving(server, **settings) as client:
            return await client.get(path)

    return asyncio.run(scenario())


def post(server: Server, *, safe: bool = False, **settings: Any) -> Reply:
    async def scenario() -> Reply:
        async with serving(server, **settings) as client:
            return await client.send("POST", "things", params={"key": SECRET}, content={"a": 1}, safe=safe)

    return asyncio.run(scenario())


def unavailable(action: Callable[[], Reply]) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        action()
    return caught.value


def test_an_answer_is_returned_with_its_status(caplog: pytest.LogCaptureFixture) -> None:
    reply = post(Server(answer(422, '{"errors":[]}', X_Thing="1")))
    assert (reply.status, reply.json(), reply.headers["x-thing"]) == (422, {"errors": []}, "1")


@pytest.mark.parametrize("fault", [answer(503), answer(500, "<html>"), hang_up])
def test_reading_is_tried_again(fault: Any) -> None:
    server = Server(fault, fault, answer(200))
    assert (get(server).status, len(server.requests)) == (200, 3)


@pytest.mark.parametrize("fault", [answer(503), hang_up])
def test_a_write_that_may_have_happened_is_not_tried_again(fault: Any) -> None:
    server = Server(fault, answer(200))
    error = unavailable(lambda: post(server))
    assert (error.in_doubt, len(server.requests)) == (True, 1)


def test_a_write_that_may_be_repeated_is() -> None:
    server = Server(answer(503), answer(200))
    assert (post(server, safe=True).status, len(server.requests)) == (200, 2)


def test_a_throttled_write_is_sent_again_after_the_wait() -> None:
    server = Server(answer(429, retry_after="0.05"), answer(201))
    assert (post(server).status, len(server.requests)) == (201, 2)


def test_a_limit_past_our_patience_is_told_with_the_time_to_wait() -> None:
    server = Server(answer(429, retry_after="120"))
    error = unavailable(lambda: post(server))
    assert (error.retry_after, error.in_doubt, len(server.requests)) == (121, False, 1)


def test_a_connection_that_cannot_be_made_is_no_doubt() -> None:
    async def scenario() -> None:
        client = LmsClient(LmsConnection("http://127.0.0.1:1/", {}, patience=0.05), Manners())
        try:
            await client.send("POST", "things", content={})
        finally:
            await client.close()

    with pytest.raises(Unavailable) as caught:
        asyncio.run(scenario())
    assert caught.value.in_doubt is False


def test_an_answer_that_drips_in_is_given_up() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    error = unavailable(lambda: post(Server(drip), patience=0.1))
    assert ("too long" in str(error), error.in_doubt) == (True, True)


def test_renewed_credentials_are_tried_once() -> None:
    server = Server(answer(401), answer(401), answer(200))
    assert (get(server).status, len(server.requests)) == (401, 2)


def test_a_write_that_may_have_happened_is_not_sent_again_with_renewed_credentials() -> None:
    server = Server(answer(401), answer(200))
    assert (post(server).status, len(server.requests)) == (401, 1)
    server = Server(answer(401), answer(200))
    assert (post(server, safe=True).status, len(server.requests)) == (200, 2)


def test_credentials_that_such_a_write_was_refused_with_are_renewed_for_the_next() -> None:
    renewed: list[bool] = []

    class Renewing(Manners):
        async def credentials(self, method: str, url: str, acting: str, *, renew: bool) -> Mapping[str, str]:
            renewed.append(renew)
            return {}

    async def scenario() -> None:
        async with serving(Server(answer(401), answer(200)), manners=Renewing()) as client:
            await client.send("POST", "things")
            await client.send("POST", "things")
            await client.get("things")

    asyncio.run(scenario())
    assert renewed == [False, True, False]


def test_a_doubtful_401_says_nothing_of_the_credentials() -> None:
    with pytest.raises(Unavailable) as caught:
        post(Server(answer(401))).good()
    assert (type(caught.value), caught.value.in_doubt) == (Unavailable, True)


@pytest.mark.parametrize("status", [400, 409, 410, 422])
def test_a_read_that_is_refused_as_if_it_had_values_is_a_failure(status: int) -> None:
    error = unavailable(lambda: get(Server(answer(status))))
    assert (error.retry_after, error.in_doubt) == (30, False)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_no_refusal_is_about_a_further_page(status: int) -> None:
    async def scenario() -> Reply:
        async with serving(Server(answer(status))) as client:
            return await client.get_further("things")

    assert unavailable(lambda: asyncio.run(scenario())).retry_after == 30


def test_it_is_told_whether_something_was_written() -> None:
    async def written(server: Server, method: str) -> bool:
        async with serving(server, patience=0.01) as client:
            with watching_writes() as writes, contextlib.suppress(Unavailable):
                await client.send(method, "things", safe=True)
            return writes.any

    cases = [
        (Server(answer(200)), "GET", False), (Server(answer(200)), "PUT", True), (Server(answer(400)), "PUT", False),
        (Server(answer(503)), "PUT", True), (Server(hang_up), "PUT", True),
    ]  # fmt: skip
    for server, method, expected in cases:
        assert asyncio.run(written(server, method)) is expected


def test_a_redirect_on_the_same_host_is_followed() -> None:
    server = Server(answer(302, Location="/elsewhere?page=2"), answer(200))
    assert get(server).status == 200
    assert server.requests[1].startswith("GET /elsewhere?page=2 ")


@pytest.mark.parametrize("location", ["http://localhost/steal", "https://127.0.0.1/x", "//evil.example/x"])
def test_a_redirect_to_another_host_gets_nothing(location: str) -> None:
    error = unavailable(lambda: get(Server(answer(302, Location=location)), patience=0.01))
    assert "another host" in str(error)


def test_an_answer_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "LARGEST_REPLY", 1000)
    assert "too large" in str(unavailable(lambda: get(Server(answer(200, "x" * 1001)), patience=0.01)))


def test_an_answer_that_is_no_json_is_a_fault_of_the_lms() -> None:
    reply = get(Server(answer(200, "<html>")))
    with pytest.raises(Unavailable, match="not JSON"):
        reply.json()


def test_after_several_failures_it_is_left_alone() -> None:
    server = Server(answer(503))

    async def scenario() -> int:
        async with serving(server, failures=3, patience=0.0) as client:
            for _ in range(5):
                with pytest.raises(Unavailable):
                    await client.get("things")
            return len(server.requests)

    assert asyncio.run(scenario()) == 3


def test_after_a_rest_one_request_tries_again() -> None:
    server = Server(answer(503), answer(200))

    async def scenario() -> list[int]:
        time = JumpingTime()
        async with serving(server, failures=1, rest=0.05, patience=0.0, time=time) as client:
            with pytest.raises(Unavailable):
                await client.get("things")
            await time.sleep(0.06)
            return [(await client.get("things")).status for _ in range(2)]

    assert asyncio.run(scenario()) == [200, 200]


def many(server: Server, **settings: Any) -> None:
    async def scenario() -> None:
        async with serving(server, **settings) as client:
            await client.get("things")
            server.most_at_once = 0
            await asyncio.gather(*(client.get("things") for _ in range(30)))

    asyncio.run(scenario())


def slowly(text: str) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def reply(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.005)
        writer.write(text.encode())
        await writer.drain()

    return reply


def test_only_so_many_are_under_way() -> None:
    server = Server(slowly(answer(200)))
    many(server, most_at_once=4)
    assert server.most_at_once == 4


@pytest.mark.parametrize(("all_in_all", "sent"), [(1, 1), (3, 3), (8, 8), (30, 12)])
def test_as_many_are_under_way_as_the_lms_has_room_for(all_in_all: int, sent: int) -> None:
    async def reply(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.005)
        room = max(0, all_in_all - (server.at_once - 1))
        writer.write(answer(200, x_room=str(room)).encode())
        await writer.drain()

    server = Server(reply)
    many(server, most_at_once=12, at_first=4)
    assert server.most_at_once == sent


def test_no_more_are_sent_than_the_lms_takes_within_its_span() -> None:
    async def scenario() -> tuple[int, Unavailable, int]:
        server, time = Server(answer(200)), JumpingTime()
        async with serving(server, limit=Limit(3, 0.2), patience=0.05, time=time) as client:
            for _ in range(3):
                await client.get("things")
            with pytest.raises(Unavailable) as caught:
                await client.send("POST", "things")
            sent = len(server.requests)
            await time.sleep(0.2)
            return sent, caught.value, (await client.get("things")).status

    sent, error, status = asyncio.run(scenario())
    assert (sent, error.in_doubt, error.retry_after, status) == (3, False, 1, 200)


@pytest.mark.parametrize(
    "fault", [answer(500, SECRET), hang_up, answer(302, Location=f"http://evil.example/?{SECRET}")]
)
def test_no_secret_is_told(fault: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="passback"):
        error = unavailable(lambda: post(Server(fault)))
    assert SECRET not in str(error) + caplog.text
    assert error.__cause__ is None


@pytest.mark.parametrize(
    ("headers", "body", "page"),
    [
        ({"content-type": "text/html; charset=utf-8"}, b"Not Found", True),
        ({"content-type": "Text/HTML"}, b"", True),
        ({}, b"\n<!DOCTYPE html><p>Not found", True),
        ({}, b"<HTML>", True),
        ({"content-type": "application/json"}, b'{"message":"<html>"}', False),
        ({"content-type": "application/xml"}, b"<?xml version='1.0'?><error/>", False),
        ({}, b"", False),
    ],
)
def test_a_page_of_html_is_no_word_of_the_lms(headers: dict[str, str], body: bytes, page: bool) -> None:
    reply = Reply(404, headers, body)
    assert reply.is_page is page
    assert PlainManners({}, refusal=None).own_refusal(reply) is not page
