"""Whether others can reach the gateway, and the gateway others."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import http.client
import socket
import ssl
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.lms import registry
from passback.network.addresses import is_loopback
from passback.network.trust import trusted, untrusted
from passback.operations import lti
from passback.operations.checks import Check
from passback.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.settings import Settings

_PATIENCE_SECONDS = 3.0
_DAY = 24 * 3600
_RENEW_DAYS = 14


async def examine(settings: Settings) -> list[Check]:
    """Look at ports, addresses, certificates and connectors."""
    public = await asyncio.to_thread(lambda: [*_public_url(settings)])
    return [
        *await asyncio.to_thread(lambda: [*_listening(settings)]),
        *public,
        _lti(settings),
        _authorities(settings),
        _webhooks(settings),
        *_connectors(),
    ]


def _listening(settings: Settings) -> Iterator[Check]:
    host, port = settings.host, settings.port
    where = f"{host} port {port}"
    if not (host == "localhost" or is_loopback(host)) and not settings.public_url.startswith("https://"):
        yield Check(
            "warning",
            "listening",
            f"it listens on {where} without TLS: tokens and students' data go over the network as they are",
            "let a proxy with TLS stand before it, and listen on 127.0.0.1 or a private network",
        )
    if port == 0:
        yield Check("ok", "port", "a free one is picked")
        return
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with contextlib.closing(socket.socket(family, kind)) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind(address)  # nobody can connect to it: it does not listen
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            yield (
                Check("ok", "port", f"Passback serves on {where} now")
                if _is_ours(host, port)
                else Check(
                    "problem", "port", f"another program listens on {where}", f"stop it, or set {PREFIX}PORT"
                )
            )
            return
        todo = "ports below 1024 need rights: take one above" if error.errno == errno.EACCES else None
        yield Check(
            "problem",
            "port",
            f"cannot listen on {where}: {error.strerror or error}",
            todo or f"set {PREFIX}HOST",
        )
        return
    yield Check("ok", "port", f"{where} is free")


def _is_ours(host: str, port: int) -> bool:
    """Whether Passback answers on a port of this machine."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - what is asked, not listened on
    connection = http.client.HTTPConnection(here, port, timeout=_PATIENCE_SECONDS)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().read(100) == b'{"status":"live"}'
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _public_url(settings: Settings) -> Iterator[Check]:
    url = settings.public_url
    if not url:
        yield Check(
            "warning",
            "public URL",
            f"it is not set: LMSs and browsers are given {settings.base_url}",
            f"set {PREFIX}PUBLIC_URL to where they reach the gateway, such as https://passback.example",
        )
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        own = host == "localhost" or is_loopback(host)
        yield Check(
            "ok" if own else "warning",
            "public URL",
            f"{url} has no TLS" + (", and needs none on this machine" if own else ""),
            None
            if own
            else "let a proxy with TLS stand before the gateway: LMSs and OpenID Connect require it",
        )
        return
    yield _certificate(url, host, parts.port or 443)


def _certificate(url: str, host: str, port: int) -> Check:
    try:
        with (
            socket.create_connection((host, port), _PATIENCE_SECONDS) as raw,
            trusted().wrap_socket(raw, server_hostname=host) as connection,
        ):
            certificate = connection.getpeercert() or {}
    except ssl.SSLError as error:
        return Check(
            "problem",
            "public URL",
            f"{url}: {untrusted(error) or error.reason or 'no TLS there'}",
            "give its server a certificate for this name of an authority that LMSs trust",
        )
    except OSError as error:
        return Check(
            "warning",
            "public URL",
            f"{url} cannot be reached from here: {error.strerror or error}",
            "if that is so from elsewhere, too: see to the name, the firewall and the proxy",
        )
    ends = certificate.get("notAfter")
    days = (ssl.cert_time_to_seconds(str(ends)) - time.time()) / _DAY if ends else None
    if days is not None and days < _RENEW_DAYS:
        return Check("warning", "public URL", f"the certificate of {url} ends in {days:.0f} days", "renew it")
    return Check("ok", "public URL", f"{url} answers with a certificate that is trusted")


def _lti(settings: Settings) -> Check:
    launch = lti.addresses(settings.base_url).launch
    if launch.startswith("https://"):
        return Check("ok", "LTI", f"LMSs start applications at {launch}")
    return Check("ok", "LTI", "not possible: LMSs need a public URL with https://")


def _authorities(settings: Settings) -> Check:
    paths = ssl.get_default_verify_paths()
    # Where none is found, Python names no file; other systems than Linux have a store of their own.
    if (
        paths.cafile is None
        and paths.capath is None
        and ssl.create_default_context().cert_store_stats()["x509"] == 0
    ):
        return Check(
            "problem",
            "trust store",
            "the system knows no authorities: no LMS's certificate can be trusted",
            "install them (the package ca-certificates)",
        )
    also = f", and those of {settings.ca_file}" if settings.ca_file else ""
    return Check("ok", "trust store", f"the system's authorities{also}")


def _webhooks(settings: Settings) -> Check:
    if settings.allow_private_webhooks:
        return Check(
            "warning",
            "webhooks",
            "applications may let the gateway call any server of its own network",
            f"unset {PREFIX}ALLOW_PRIVATE_WEBHOOKS unless all applications are your own",
        )
    return Check("ok", "webhooks", "they reach the public network only")


def _connectors() -> Iterator[Check]:
    loaded = []
    for name in registry.kinds():
        try:
            loaded.append(registry.kind(name).capabilities.kind)
        except registry.UnknownKind as error:
            yield Check("problem", "connectors", str(error), "install the package again, or remove it")
    yield Check("ok", "connectors", ", ".join(loaded))
