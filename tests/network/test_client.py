"""The HTTP client, against servers on loopback that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from passback.network.addresses import Network, Unreachable
from passback.network.client import Client, Failed, Unsendable

Answer = Callable[[int, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Answers the request of that number, from 1."""


class Server:
    """Answers requests, and remembers them."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.requests: list[str] = []
        self.connections = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while True:
                self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await self._answer(len(self.requests), reader, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in server.tasks:
            task.cancel()
        await asyncio.gather(*server.tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for the connections to be closed


def saying(*answers: bytes) -> Answer:
    """The next of the answers to each request; the last stands for all that follow."""

    async def answer(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answers[min(number, len(answers)) - 1])

    return answer


async def hang_up(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    raise ConnectionError


def reply(body: bytes = b"{}", *headers: str, status: int = 200) -> bytes:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def ask(
    client: Client, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, Mapping[str, str], bytes]:
    async with client.asking(method, url, headers or {}, body) as response:
        return response.status, response.headers, b"".join([part async for part in response.parts()])


def asked(
    answer: Answer, method: str = "GET", *, seconds: float = 20.0, **how: object
) -> tuple[Server, tuple[int, Mapping[str, str], bytes] | Failed]:
    """What came of one request."""

    async def scenario() -> tuple[Server, tuple[int, Mapping[str, str], bytes] | Failed]:
        async with serving(answer) as server:
            client = Client(seconds)
            try:
                return server, await ask(client, server.url, method, **how)  # type: ignore[arg-type]
            except Failed as failure:
                return server, failure
            finally:
                await client.close()

    return asyncio.run(scenario())


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("used_before", [True, False])
def test_nothing_is_sent_twice_when_the_answer_is_lost(method: str, used_before: bool) -> None:
    async def answer(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if number > used_before:
            raise ConnectionError
        writer.write(reply())

    async def scenario() -> list[str]:
        async with serving(answer) as server:
            client = Client(20.0)
            if used_before:
                await ask(client, server.url)
            with pytest.raises(Failed, match="hung up") as caught:
                await ask(client, server.url, method)
            await client.close()
            assert not caught.value.not_sent
            return server.requests

    assert len(asyncio.run(scenario())) == 1 + used_before


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    server, answer = asked(saying(reply(b"", "Location: /elsewhere", status=status), reply()))
    assert (answer[0], len(server.requests)) == (status, 1)  # type: ignore[index]


def test_no_cookie_is_kept_and_the_machine_s_proxy_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")

    async def scenario() -> list[str]:
        async with serving(saying(reply(b"{}", "Set-Cookie: session=1"))) as server:
            client = Client(20.0)
            for _ in range(2):
                await ask(client, server.url)
            await client.close()
            return server.requests

    assert not any("cookie" in request.lower() for request in asyncio.run(scenario()))


def test_connections_are_kept_unless_addresses_are_checked() -> None:
    async def scenario(reach: Network | None) -> int:
        async with serving(saying(reply())) as server:
            client = Client(20.0, reach=reach)
            for _ in range(3):
                await ask(client, server.url)
            await client.close()
            return server.connections

    assert (asyncio.run(scenario(None)), asyncio.run(scenario("loopback"))) == (1, 3)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0)),
        ("gzip", gzip.compress(b'{"a"', mtime=0) + gzip.compress(b":1}", mtime=0)),
        ("deflate", zlib.compress(b'{"a":1}')),
        ("identity", b'{"a":1}'),
    ],
)
def test_what_is_compressed_is_read(encoding: str, body: bytes) -> None:
    _, answer = asked(saying(reply(body, f"Content-Encoding: {encoding}")))
    assert answer[2] == b'{"a":1}'  # type: ignore[index]


def test_a_small_answer_that_becomes_a_huge_one_comes_in_small_parts() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)

    async def scenario() -> int:
        async with serving(saying(reply(bomb, "Content-Encoding: gzip"))) as server:
            client = Client(20.0)
            async with client.asking("GET", server.url, {}) as response:
                size = len(await anext(response.parts()))
            await client.close()
            return size

    assert len(bomb) < 100_000
    assert asyncio.run(scenario()) < 2_000_000


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
        reply(b"no gzip", "Content-Encoding: gzip"),
    ],
)
def test_an_answer_that_is_none_is_a_failure_that_may_have_been_sent(answer: bytes) -> None:
    _, failure = asked(saying(answer))
    assert isinstance(failure, Failed)
    assert not failure.not_sent
    assert "cannot be read" in str(failure)


@pytest.mark.parametrize("cut", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n12"])
def test_silence_is_given_up(cut: bytes) -> None:
    _, failure = asked(saying(cut), seconds=0.3)
    assert isinstance(failure, Failed)
    assert (failure.too_late, failure.not_sent) == (True, False)


def test_a_large_body_arrives_whole() -> None:
    body = b"x" * 3_000_000

    async def answer(number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received = await reader.readexactly(len(body))
        writer.write(reply(b"%d" % len(received)))

    server, result = asked(answer, "POST", body=body)
    assert result[2] == b"3000000"  # type: ignore[index]
    assert "content-length: 3000000" in server.requests[0].lower()


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\n", "\0", "ü", "\ud800"])
def test_a_header_that_cannot_be_sent_is_not(value: str) -> None:
    server, failure = asked(saying(reply()), headers={"Authorization": value})
    assert isinstance(failure, Unsendable)
    assert server.requests == []


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("a%2Fb?x=%20y&z=%7E", "/a%2Fb?x=%20y&z=%7E"),
        ("a b\r\nX: y", "/a%20b%0D%0AX:%20y"),
        ("ü?ß#part", "/%C3%BC?%C3%9F"),
    ],
)
def test_an_address_is_sent_as_it_is_with_nothing_that_could_end_it(given: str, sent: str) -> None:
    async def scenario() -> str:
        async with serving(saying(reply())) as server:
            client = Client(20.0)
            await ask(client, server.url + given)
            await client.close()
            return server.requests[0].split("\r\n")[0]

    assert asyncio.run(scenario()) == f"GET {sent} HTTP/1.1"


@pytest.mark.parametrize(
    "url", ["ftp://example.org/", "http://", "http://[::1/", "http://a:99999/", "//a/", "", "http://a:b/"]
)
def test_an_address_of_no_web_server_is_not_asked(url: str) -> None:
    async def scenario() -> None:
        await ask(Client(1.0), url)

    with pytest.raises(Unreachable):
        asyncio.run(scenario())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "rebound.example"])
def test_a_client_that_may_reach_the_public_network_reaches_nothing_else(host: str) -> None:
    async def resolve(_: str) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    async def scenario() -> list[str]:
        async with serving(saying(reply())) as server:
            with pytest.raises(Unreachable):
                await ask(Client(1.0, reach="public", resolve=resolve), f"http://{host}:{server.port}/")
            return server.requests

    assert asyncio.run(scenario()) == []


def test_the_next_address_is_tried_and_the_name_is_sent() -> None:
    async def resolve(_: str) -> list[str]:
        return ["127.0.0.9", "127.0.0.1"]

    async def scenario() -> str:
        async with serving(saying(reply())) as server:
            client = Client(20.0, reach="loopback", resolve=resolve)
            await ask(client, f"http://app.example:{server.port}/")
            return server.requests[0]

    assert "\r\nHost: app.example:" in asyncio.run(scenario())


def test_nobody_there_means_that_nothing_was_sent() -> None:
    async def scenario() -> Failed:
        client = Client(1.0)
        with pytest.raises(Failed) as caught:
            await ask(client, "http://127.0.0.1:1/?secret")
        await client.close()
        return caught.value

    failure = asyncio.run(scenario())
    assert (failure.not_sent, str(failure)) == (True, "it cannot be connected to")


def test_a_client_that_is_closed_opens_nothing_any_more() -> None:
    async def scenario() -> None:
        async with serving(saying(reply())) as server:
            client = Client(5)
            await ask(client, server.url)
            await client.close()
            with pytest.raises(Failed) as failed:
                await ask(client, server.url)
            assert failed.value.not_sent

    asyncio.run(scenario())
