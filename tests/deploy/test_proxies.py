"""The examples for nginx and Caddy, run as they are but for ports and certificate, in front of a gateway."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.https import certificate_and_key
from support.observe import logged
from support.programs import program
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, Sandbox, free_port, serving

DEPLOY = Path(__file__).parents[2] / "deploy"


def changed(text: str, changes: dict[str, str]) -> str:
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


def nginx(folder: Path, gateway: int, port: int) -> list[str]:
    text = (DEPLOY / "nginx" / "passback.conf").read_text("utf-8")
    text = changed(
        text,
        {
            "127.0.0.1:8080": f"127.0.0.1:{gateway}",
            "listen 443": f"listen 127.0.0.1:{port}",
            "listen 80;": f"listen 127.0.0.1:{free_port()};",
            "/etc/ssl/passback/fullchain.pem": f"{folder}/pem",
            "/etc/ssl/passback/privkey.pem": f"{folder}/pem",
        },
    )
    text = re.sub(r"listen \[::\].*;", "", text)
    kept = "\n".join(
        f"{it}_temp_path {folder}/{it};" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {kept}\n{text}\n}}\n"
    )
    command = [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    subprocess.run([*command, "-t"], check=True, capture_output=True)
    return command


def caddy(folder: Path, gateway: int, port: int) -> list[str]:
    text = (DEPLOY / "caddy" / "Caddyfile").read_text("utf-8")
    text = changed(
        text,
        {
            "127.0.0.1:8080": f"127.0.0.1:{gateway}",
            "passback.example {": f"https://passback.example:{port} {{\n\ttls {folder}/pem {folder}/pem",
        },
    )
    (folder / "Caddyfile").write_text("{\n\tadmin off\n\tauto_https off\n}\n" + text)
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


Made = Callable[[Path, int, int], list[str]]


@pytest.fixture(scope="module", params=[nginx, caddy], ids=lambda it: it.__name__)
def proxied(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Sandbox, int]]:
    """A gateway and the port of the proxy in front of it."""
    make: Made = request.param
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    (folder / "pem").write_bytes(certificate_and_key())
    with serving(trusted_proxies="127.0.0.1", public_url="https://passback.example") as sandbox:
        command = make(folder, sandbox.port, port)
        with subprocess.Popen(command, stderr=subprocess.PIPE, env={"HOME": str(folder)}) as process:
            try:
                wait_for(port, process)
                yield sandbox, port
            finally:
                process.terminate()
                process.communicate(timeout=30)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 30
    while True:
        assert process.poll() is None, process.communicate()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < give_up
        time.sleep(0.05)


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    client: str = "127.0.0.2",
    headers: dict[str, str] | None = None,
) -> http.client.HTTPResponse:
    """The answer to a client at an address of its own, who trusts the proxy's certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", port), 30, source_address=(client, 0))
    connection = http.client.HTTPConnection("passback.example")
    connection.sock = context.wrap_socket(plain, server_hostname="passback.example")
    with contextlib.closing(connection):
        connection.request(method, path, body, {"Authorization": "Bearer DEMO_TOKEN", **(headers or {})})
        response = connection.getresponse()
        response.read()
    return response


def test_a_grade_gets_through(proxied: tuple[Sandbox, int]) -> None:
    _, port = proxied
    made = ask(port, "POST", ASSIGNMENTS, json.dumps(dict(ESSAY)).encode())
    assert (made.status, made.headers["Strict-Transport-Security"]) == (200, "max-age=31536000")
    assert ask(port, "GET", f"{ASSIGNMENTS}?limit=1").status == 200


@pytest.mark.parametrize(
    ("client", "headers"),
    [
        ("127.0.0.11", {}),
        ("127.0.0.12", {"X-Forwarded-For": "203.0.113.7"}),
        ("127.0.0.13", {"Forwarded": "for=203.0.113.7", "X-Real-IP": "203.0.113.7"}),
    ],
)
def test_the_gateway_sees_the_client_whatever_it_claims(
    proxied: tuple[Sandbox, int], client: str, headers: dict[str, str]
) -> None:
    _, port = proxied
    with logged(level=logging.WARNING) as log:
        reply = ask(
            port, "GET", ASSIGNMENTS, client=client, headers={"Authorization": "Bearer GUESS", **headers}
        )
    assert reply.status == 403
    assert re.findall(r"no valid token, from (\S+) ", log.getvalue()) == [client]
    assert "203.0.113.7" not in log.getvalue()


def test_what_is_for_prometheus_stays_inside(proxied: tuple[Sandbox, int]) -> None:
    sandbox, port = proxied
    assert ask(port, "GET", "/metrics").status == 404
    assert sandbox.get("/metrics").status == 200


def test_only_a_roster_may_be_long(proxied: tuple[Sandbox, int]) -> None:
    _, port = proxied
    long = bytes(3 * 1024 * 1024)
    assert ask(port, "POST", ASSIGNMENTS, long).status == 413
    assert ask(port, "POST", f"/console/districts/{DISTRICT}/roster", long).status != 413
