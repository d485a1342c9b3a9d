"""HTTPS before a server of the tests: browsers keep some cookies over HTTPS only."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Front:
    """Takes connections by HTTPS, and hands on what comes to a port of this machine."""

    url: str
    port: int = 0


@contextlib.contextmanager
def https(name: str) -> Iterator[Front]:
    """A front at a name below ``.test``, which the browser of the tests looks for on this machine."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    front = Front(f"https://{name}:{listener.getsockname()[1]}")
    loop = asyncio.new_event_loop()
    ends = asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, listener, front, ends), daemon=True)
    thread.start()
    try:
        yield front
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join(10)


def _run(loop: asyncio.AbstractEventLoop, listener: socket.socket, front: Front, ends: asyncio.Event) -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_serve(listener, front, ends))


async def _serve(listener: socket.socket, front: Front, ends: asyncio.Event) -> None:
    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):  # the browser hangs up, or the server is gone
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", front.port)
            await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))

    async with await asyncio.start_server(hand_on, sock=listener, ssl=_tls()):
        await ends.wait()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        path = Path(folder, "pem")
        path.write_bytes(certificate_and_key())
        context.load_cert_chain(path)
    return context


def certificate_and_key() -> bytes:
    """A certificate that nobody has signed, with its key (PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "passback.test")])
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + certificate.public_bytes(serialization.Encoding.PEM)
