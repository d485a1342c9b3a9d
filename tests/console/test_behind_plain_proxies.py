"""A sandbox behind proxies as they are set up in a minute: they connect from this machine, whoever has asked them."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.programs import program
from support.sandbox import Client, Sandbox, free_port, serving, wait_until


def status(port: int, **headers: str) -> int:
    """What somebody gets who asks for a page of the console without a session."""
    with contextlib.closing(Client(port, None)) as client:
        return client.get("/console/districts", **headers).status


def nginx(folder: Path, sandbox: int, port: int) -> list[str]:
    kept = "\n".join(
        f"{it}_temp_path {folder}/{it};" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; events {{}}\n"
        f"http {{ access_log off; {kept} server {{ listen 127.0.0.1:{port};"
        f" location / {{ proxy_pass http://127.0.0.1:{sandbox}; }} }} }}\n"
    )
    return [program("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def caddy(folder: Path, sandbox: int, port: int) -> list[str]:
    (folder / "Caddyfile").write_text(
        f"{{\n\tadmin off\n}}\nhttp://:{port} {{\n\treverse_proxy 127.0.0.1:{sandbox}\n}}\n"
    )
    return [program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with serving() as served:
        yield served


@contextlib.contextmanager
def running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env={"HOME": str(folder)}) as process:

        def answers() -> bool:
            assert process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        try:
            wait_until(answers, within=30)
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("make", [nginx, caddy], ids=lambda it: it.__name__)
def test_whoever_comes_by_a_proxy_that_nobody_named_has_to_sign_in(
    make: Callable[[Path, int, int], list[str]], sandbox: Sandbox, tmp_path: Path
) -> None:
    port = free_port()
    with running(make(tmp_path, sandbox.port, port), tmp_path, port):
        for host in ("sandbox.example", "127.0.0.1", "localhost"):
            assert status(port, Host=host) == 303, host
    assert status(sandbox.port) == 200


@pytest.mark.parametrize(
    "header",
    [
        {"Forwarded": "for=203.0.113.7"},
        {"Via": "1.1 proxy.example"},
        {"X-Forwarded-For": "203.0.113.7"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Host": "sandbox.example"},
        {"X-Forwarded-Proto": "https"},
        {"X-Real-IP": "203.0.113.7"},
        {"Connection": "Close"},
    ],
    ids=str,
)
def test_a_request_that_shows_signs_of_a_proxy_signs_nobody_in(
    header: dict[str, str], sandbox: Sandbox
) -> None:
    assert status(sandbox.port, **header) == 303


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"public_url": "http://localhost:8080"}, 200),
        ({"public_url": "https://sandbox.example"}, 303),
        ({"trusted_proxies": "127.0.0.1"}, 303),
    ],
    ids=str,
)
def test_settings_of_a_sandbox_for_others_sign_nobody_in(settings: dict[str, Any], expected: int) -> None:
    with serving(**settings) as served:
        assert status(served.port) == expected
