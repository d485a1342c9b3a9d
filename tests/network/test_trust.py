"""Private authorities: named by a setting, and an untrusted certificate is called that wherever it is met."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from passback.delivery.webhook_send import Message, Sent, Transport, new_secret
from passback.delivery.webhook_send import send as send_webhook
from passback.lms.http.client import LmsClient, PlainManners
from passback.lms.interface import LmsConnection, Unavailable
from passback.network.trust import trust_also
from passback.settings import Settings, SettingsError, trust_authorities
from passback.store.engine.database import NotYet, StoreError
from passback.store.engine.postgres import PostgresDatabase
from passback.testing.jumping import JumpingTime
from support.pg_proxy import PgProxy
from support.postgres import own_server
from support.webhooks import Authority, Endpoint, authority, endpoint


@pytest.fixture
def app() -> Iterator[Endpoint]:
    with endpoint(name="127.0.0.1") as app:
        yield app


@pytest.fixture
def private(tmp_path: Path) -> Iterator[None]:
    """The tests' authority is one that the settings name."""
    (tmp_path / "ca.pem").write_text(authority().pem)
    trust_authorities(Settings(ca_file=str(tmp_path / "ca.pem")))
    yield
    trust_also("")


def webhook(app: Endpoint) -> Sent:
    message = Message("msg_1", b"{}")
    url = f"https://127.0.0.1:{app.port}/"
    return asyncio.run(send_webhook(url, [new_secret()], message, 1, Transport("private", 5.0)))


def ask_lms(app: Endpoint, time: JumpingTime | None = None) -> int:
    async def ask() -> int:
        timer = (time or JumpingTime()).timer
        connection = LmsConnection(f"https://127.0.0.1:{app.port}/", {}, patience=1.0, timer=timer)
        client = LmsClient(connection, PlainManners({}))
        try:
            return (await client.get("users")).status
        finally:
            await client.close()

    return asyncio.run(ask())


def test_an_untrusted_certificate_of_an_endpoint_is_called_that(app: Endpoint) -> None:
    sent = webhook(app)
    assert (sent.outcome, str(sent.reason)[:32]) == ("failed", "its certificate is not trusted (")


def test_an_untrusted_certificate_of_an_lms_is_called_that(app: Endpoint) -> None:
    time = JumpingTime()
    with pytest.raises(Unavailable, match=r"its certificate is not trusted \(.*certificate") as caught:
        ask_lms(app, time)
    assert (time.seconds(), caught.value.in_doubt) == (JumpingTime().seconds(), False)  # at once


@pytest.mark.usefixtures("private")
def test_a_private_authority_is_trusted_for_webhooks_and_lmss(app: Endpoint) -> None:
    assert webhook(app) == Sent("delivered", 204)
    assert ask_lms(app) == 204


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_without_certificates_is_no_authority(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "ca.pem").write_text(text)
    with pytest.raises(SettingsError, match=r"setting 'ca_file': .*ca.pem holds no certificates"):
        trust_authorities(Settings(ca_file=str(tmp_path / "ca.pem")))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """A server with a certificate of the tests' authority."""
    with own_server() as (url, _), PgProxy(url, tls=authority().server("127.0.0.1")).running() as proxy:
        yield proxy.url


def test_an_untrusted_certificate_of_postgresql_is_called_that(postgres: str, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_text(Authority().pem)
    for root in (str(other), str(tmp_path / "none.pem")):
        with pytest.raises(StoreError, match="Its certificate is not trusted: name its authority") as caught:
            PostgresDatabase(f"{postgres}?sslmode=verify-ca&sslrootcert={root}")
        assert not isinstance(caught.value, NotYet)  # to wait would not help


@pytest.mark.usefixtures("private")
def test_a_private_authority_is_trusted_for_postgresql(postgres: str) -> None:
    with contextlib.closing(PostgresDatabase(f"{postgres}?sslmode=verify-full")) as database:
        assert database.read_now(lambda conn: conn.execute("SELECT 1").fetchone()) == (1,)
