"""What may stand between a gateway and PostgreSQL at its start: a server that is not up yet, and a pooler."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from typing import Any

from psycopg.conninfo import conninfo_to_dict

_SSL_REQUEST, _GSS_REQUEST = 80877103, 80877104


class PgProxy:
    """A server in front of a PostgreSQL server that trusts everybody on its socket.

    The first `starting` connections are told that the database is starting up. With `pooled`, all connections share
    one session of the server, as with PgBouncer in transaction mode: each transaction may follow another's. With
    `tls`, it speaks TLS if it is asked to.
    """

    def __init__(
        self, url: str, *, starting: int = 0, pooled: bool = False, tls: ssl.SSLContext | None = None
    ) -> None:
        found = conninfo_to_dict(url)
        self._target = f"{found['host']}/.s.PGSQL.{found.get('port') or 5432}"
        self._starting = starting
        self._pooled = pooled
        self._tls = tls
        self._shared: socket.socket | None = None
        self._greeting = b""
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = f"postgresql://{found['user']}@127.0.0.1:{port}/{found['dbname']}"
        self.seen = 0
        """How many connections have asked to begin."""

    @contextlib.contextmanager
    def running(self) -> Iterator[PgProxy]:
        threading.Thread(target=self._accept, daemon=True).start()
        try:
            yield self
        finally:
            self._listener.close()
            if self._shared is not None:
                self._shared.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, EOFError):
            client, startup = self._startup(stack.enter_context(client))
            stack.enter_context(client)
            self.seen += 1
            if self.seen <= self._starting:
                fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
                client.sendall(b"E" + struct.pack("!i", len(fields) + 4) + fields)
            elif self._pooled:
                self._share(client, startup)
            else:
                with self._connect(startup) as server:
                    threading.Thread(target=_copy, args=(server, client), daemon=True).start()
                    _copy(client, server)

    def _startup(self, client: socket.socket) -> tuple[socket.socket, bytes]:
        """The client, with TLS from here on if it may have it, and what it begins with."""
        while True:
            head = _exactly(client, 4)
            rest = _exactly(client, struct.unpack("!i", head)[0] - 4)
            asked = struct.unpack("!i", rest[:4])[0]
            if asked not in (_SSL_REQUEST, _GSS_REQUEST):
                return client, head + rest
            encrypts = self._tls is not None and asked == _SSL_REQUEST
            client.sendall(b"S" if encrypts else b"N")
            if encrypts:
                assert self._tls is not None
                client = self._tls.wrap_socket(client, server_side=True)

    def _connect(self, startup: bytes) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._target)
        server.sendall(startup)
        return server

    def _share(self, client: socket.socket, startup: bytes) -> None:
        with self._lock:
            if self._shared is None:
                self._shared = self._connect(startup)
                self._greeting = b"".join(it for it in _answer(self._shared) if it[:1] != b"K")
            # Every client is given a key of its own, as PgBouncer does.
            key = b"K" + struct.pack("!iii", 12, self.seen, 0)
            client.sendall(self._greeting[:-6] + key + self._greeting[-6:])
        while True:
            message = _message(client)
            if message[:1] == b"X":
                return
            with self._lock:
                while True:
                    self._shared.sendall(message)
                    if message[:1] in b"QS":
                        answer = list(_answer(self._shared))
                        client.sendall(b"".join(answer))
                        if answer[-1][-1:] == b"I":
                            break
                    message = _message(client)


def _answer(server: socket.socket) -> Iterator[bytes]:
    """Messages up to the one that says that the server is ready again."""
    while True:
        message = _message(server)
        yield message
        if message[:1] == b"Z":
            return


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = source.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _copy(source: Any, target: Any) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)
