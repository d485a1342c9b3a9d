"""Webhooks in the data file: who is told of what, and how the secrets are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from passback.sandbox.seed import seed
from passback.store import tokens, webhooks
from passback.store.engine import migrate
from passback.store.engine.database import Connection, Database
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault, VaultError
from passback.store.webhooks import Webhook
from passback.wire.events import CONNECTION_BROKEN, DELIVERED, EVENTS, REFUSED
from support.sandbox import DISTRICT, NOW

ELSEWHERE = "4fee004cca2e43cf28000000"
VAULT = Vault(lambda: [b"k" * 32])


@pytest.fixture
def database() -> Iterator[Database]:
    with contextlib.closing(connect("", None)) as database:
        migrate.prepare(database, "sandbox")
        database.write_now(lambda conn: seed(conn, NOW))
        yield database


def webhook(
    webhook_id: str,
    *,
    district: str = DISTRICT,
    application: str = "Maths",
    events: tuple[str, ...] = EVENTS,
    before: str | None = None,
    until: int | None = None,
    disabled: int | None = None,
) -> Webhook:
    return Webhook(
        id=webhook_id, district_id=district, application=application, url="https://app.example/", events=events,
        secret=webhooks.seal(VAULT, webhook_id, "whsec_new"),
        secret_before=None if before is None else webhooks.seal(VAULT, webhook_id, before),
        secret_before_until=until, disabled=disabled, created=NOW, last_modified=NOW,
    )  # fmt: skip


def test_an_event_goes_to_those_who_want_it(database: Database) -> None:
    kept = [
        webhook("1"),
        webhook("2", events=(REFUSED,)),
        webhook("3", application="Reading"),
        webhook("4", district=ELSEWHERE),
        webhook("5", disabled=NOW),
        webhook("6", events=(DELIVERED, CONNECTION_BROKEN)),
    ]

    def told(event: str, application: str | None) -> list[str]:
        found = database.read_now(lambda conn: webhooks.subscribed(conn, event, DISTRICT, NOW, application))
        return [webhook.id for webhook in found]

    def keep(conn: Connection) -> None:
        for each in kept:
            webhooks.insert(conn, each)
        token(conn, "Maths")
        token(conn, "Reading")

    database.write_now(keep)
    assert told(DELIVERED, "Maths") == ["1", "6"]
    assert told(REFUSED, "Maths") == ["1", "2"]
    assert told(CONNECTION_BROKEN, None) == ["1", "3", "6"]
    assert told(DELIVERED, "Nobody") == []


def test_an_application_that_may_no_longer_act_is_told_nothing(database: Database) -> None:
    def told(now: int) -> int:
        return len(
            database.read_now(lambda conn: webhooks.subscribed(conn, DELIVERED, DISTRICT, now, "Maths"))
        )

    database.write_now(lambda conn: webhooks.insert(conn, webhook("1")))
    assert told(NOW) == 0
    database.write_now(lambda conn: token(conn, "Maths", expires=NOW + 10))
    assert (told(NOW + 9), told(NOW + 10)) == (1, 0)
    second = database.write_now(lambda conn: token(conn, "Maths"))
    assert told(NOW + 10) == 1
    database.write_now(lambda conn: tokens.revoke(conn, second, NOW))
    assert (told(NOW + 9), told(NOW + 10)) == (1, 0)


def test_what_is_kept_is_what_was_given(database: Database) -> None:
    given = webhook("1", before="whsec_old", until=NOW + 5, disabled=NOW)
    database.write_now(lambda conn: webhooks.insert(conn, given))
    assert database.read_now(lambda conn: webhooks.find(conn, "1")) == given
    assert database.read_now(lambda conn: webhooks.find_all(conn, ELSEWHERE)) == []


def test_disabling_and_enabling_say_whether_anything_changed(database: Database) -> None:
    database.write_now(lambda conn: webhooks.insert(conn, webhook("1")))
    assert database.write_now(lambda conn: webhooks.disable(conn, "1", NOW + 1))
    assert not database.write_now(lambda conn: webhooks.disable(conn, "1", NOW + 2))
    found = database.read_now(lambda conn: webhooks.find(conn, "1"))
    assert found is not None
    assert (found.disabled, found.last_modified) == (NOW + 1, NOW + 1)
    assert database.write_now(lambda conn: webhooks.enable(conn, "1", NOW + 3))
    assert not database.write_now(lambda conn: webhooks.enable(conn, "2", NOW + 3))
    assert database.write_now(lambda conn: webhooks.remove(conn, "1"))
    assert not database.write_now(lambda conn: webhooks.remove(conn, "1"))


def test_the_secret_before_signs_until_its_time() -> None:
    rotated = webhook("1", before="whsec_old", until=NOW + 5)
    assert webhooks.secrets(VAULT, rotated, NOW + 4) == ["whsec_new", "whsec_old"]
    assert webhooks.secrets(VAULT, rotated, NOW + 5) == ["whsec_new"]
    assert webhooks.secrets(VAULT, webhook("1"), NOW) == ["whsec_new"]


def test_a_secret_is_good_for_its_own_webhook_only() -> None:
    stolen = webhook("1")
    with pytest.raises(VaultError):
        webhooks.secrets(VAULT, replace(stolen, id="2"), NOW)


def test_secrets_can_be_encrypted_anew() -> None:
    both = Vault(lambda: [b"n" * 32, b"k" * 32])
    anew = webhooks.reseal(both, webhook("1", before="whsec_old", until=NOW + 5))
    only = Vault(lambda: [b"n" * 32])
    assert webhooks.secrets(only, anew, NOW) == ["whsec_new", "whsec_old"]


def test_a_secret_that_cannot_be_read_does_not_outlive_a_rotation() -> None:
    other = Vault(lambda: [b"o" * 32])
    rotated = webhooks.rotated(other, webhook("1"), "whsec_newer", now=NOW, until=NOW + 5)
    assert webhooks.secrets(other, rotated, NOW) == ["whsec_newer"]


def token(conn: Connection, application: str, *, expires: int | None = None) -> str:
    """A token of the application in the district; its id."""
    made = tokens.create(
        conn,
        district_id=DISTRICT,
        application=application,
        secret=tokens.new_secret(),
        now=NOW,
        expires=expires,
    )
    return made.id
