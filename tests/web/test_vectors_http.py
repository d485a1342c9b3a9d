"""Requests with the published service's own answers: routing, parameters and the order of checks."""

from __future__ import annotations

import base64
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from support.sandbox import Sandbox

VECTORS = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "wire" / "vectors-http.jsonl").read_text("utf-8").splitlines()
]

# What our rules and look-ups may say of a request that got past input and validation.
LATER = {
    "Resource not found",
    "missing required field(s): title, description, due_date",
}


def send(sandbox: Sandbox, vector: dict[str, Any]) -> tuple[int, bytes]:
    """Send the request as it stands: a client library would tidy its target up."""
    body = base64.b64decode(vector["body_b64"])
    head = (
        f"{vector['method']} {vector['target']} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Bearer DEMO_TOKEN\r\nAccept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=20) as connection:
        connection.sendall(head.encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    start, _, content = answer.partition(b"\r\n\r\n")
    return int(start.split()[1]), content


def expected(vector: dict[str, Any]) -> tuple[int, bytes]:
    """The answer where input and validation decide it, with the contract's differences."""
    status = vector["status"]
    if status in (301, 404):
        return 404, b'{"message":"Resource not found"}'
    return status, vector["response_body"].removesuffix("\n").encode()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{vector['tag']} {vector['method']}")
def test_vector(sandbox: Sandbox, vector: dict[str, Any]) -> None:
    status, content = send(sandbox, vector)
    if vector["status"] == 200:
        assert json.loads(content)["message"] in LATER
    else:
        assert (status, content) == expected(vector)
