"""HTTP at its edges: what a client library would not send."""

from __future__ import annotations

import json
import socket

import pytest

from support.sandbox import ASSIGNMENTS, ESSAY, Sandbox


def send(sandbox: Sandbox, *parts: str | bytes) -> bytes:
    """Send the parts one by one, and read until the server closes."""
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for part in parts:
            connection.sendall(part.encode() if isinstance(part, str) else part)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def head(method: str, target: str, *headers: str, close: bool = True) -> str:
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Authorization: Bearer DEMO_TOKEN", *headers]
    return "\r\n".join([*lines, *(["Connection: close"] if close else []), "", ""])


def statuses(answer: bytes) -> list[int]:
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_a_chunked_body_is_read(sandbox: Sandbox) -> None:
    answer = send(
        sandbox, head("POST", ASSIGNMENTS, "Transfer-Encoding: chunked"), "1\r\n{\r\n", "1\r\n}\r\n0\r\n\r\n"
    )
    assert b"missing required field(s)" in answer


def test_a_chunked_body_that_never_ends_in_time_is_too_large(sandbox: Sandbox) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = send(
        sandbox, head("POST", ASSIGNMENTS, "Transfer-Encoding: chunked"), *[chunk] * 17, b"0\r\n\r\n"
    )
    assert (statuses(answer), b"request body too large" in answer) == ([413], True)


def test_a_client_that_waits_to_be_told_to_go_on_is_told(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(head("POST", ASSIGNMENTS, "Expect: 100-continue", "Content-Length: 2").encode())
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert statuses(connection.recv(65536)) == [400]


def test_a_request_that_breaks_off_does_nothing(sandbox: Sandbox) -> None:
    body = json.dumps(dict(ESSAY)).encode()
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(head("POST", ASSIGNMENTS, f"Content-Length: {len(body) + 1}").encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    later = sandbox.create()  # written after whatever the other might have written
    assert answer == b""
    assert [f"{ASSIGNMENTS}/{assignment['id']}" for assignment in sandbox.get(ASSIGNMENTS).data] == [later]


def test_requests_sent_together_are_answered_in_order(sandbox: Sandbox) -> None:
    together = (
        head("GET", ASSIGNMENTS, close=False)
        + head("PUT", ASSIGNMENTS, close=False)
        + head("GET", "/v3.1/no")
    )
    assert statuses(send(sandbox, together)) == [200, 405, 404]


def test_a_method_that_comes_in_pieces_is_waited_for(sandbox: Sandbox) -> None:
    request = head("GET", ASSIGNMENTS)
    assert statuses(send(sandbox, request[:2], request[2:7], request[7:])) == [200]


def test_an_unusual_method_leaves_the_connection_usable(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        answers = []
        for method in ("GET", "BREW", "GET"):
            connection.sendall(head(method, ASSIGNMENTS, close=False).encode())
            answers += statuses(connection.recv(65536))
    assert answers == [200, 405, 200]


@pytest.mark.parametrize(
    "start",
    [
        "\x00\x01\x02 / HTTP/1.1\r\n\r\n",
        "GET\r\n\r\n",
        "G ET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "\x16\x03\x01\x02",
    ],
)
def test_what_is_no_http_is_refused(sandbox: Sandbox, start: str) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(start.encode("latin-1"))
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert statuses(answer) in ([400], [])


@pytest.mark.parametrize("target", ["/v3.1/sections/%zz/assignments", "/%", "/v3.1/%e"])
def test_a_broken_escape_in_the_path_is_a_bad_request(sandbox: Sandbox, target: str) -> None:
    answer = send(sandbox, head("GET", target))
    assert (statuses(answer), answer.endswith(b"\r\n\r\n400 Bad Request")) == ([400], True)


def test_bytes_in_the_path_that_are_not_utf_8_are_shown_as_bytes(sandbox: Sandbox) -> None:
    answer = send(sandbox, head("GET", "/v3.1/sections/%ff/assignments"))
    assert rb'mongo-id: \"\\xff\""}' in answer


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v3.1/users/%ff", 404), ("/v3.1/users/%00", 404), ("/v3.1/users?starting_after=%ff", 200),
        ("/v3.1/users?ending_before=%ed%a0%80", 200), (f"{ASSIGNMENTS}/%ff", 400), (f"{ASSIGNMENTS}/%00", 400),
        (f"{ASSIGNMENTS}?cursor=%ff", 400), ("/%ff", 404),
    ],
)  # fmt: skip
def test_bytes_that_are_no_text_are_no_fault_of_ours(sandbox: Sandbox, path: str, status: int) -> None:
    assert statuses(send(sandbox, head("GET", path))) == [status]


def test_the_first_of_several_tokens_counts(sandbox: Sandbox) -> None:
    assert statuses(send(sandbox, head("GET", ASSIGNMENTS, "Authorization: Bearer WRONG"))) == [200]


def test_the_content_type_is_not_looked_at(sandbox: Sandbox) -> None:
    reply = sandbox.call("POST", ASSIGNMENTS, dict(ESSAY), {"Content-Type": "text/html; charset=utf-16"})
    assert reply.status == 200


def test_a_delete_ignores_its_body(sandbox: Sandbox) -> None:
    assert sandbox.call("DELETE", sandbox.create(), "not json").status == 200


def test_odd_text_is_kept_as_it_is(sandbox: Sandbox) -> None:
    title = "\x01\x7f\u2028\ufffe<script>\U0001f600 ‮"
    assert sandbox.get(sandbox.create(title=title)).data["title"] == title
